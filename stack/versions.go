package stack

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/kigo-dev/kigo"
)

// Older images of stacks are kept by their digest, DIR/versions/HEX.erofs, for the
// apps that still run on them.
func (s *Store) versionPath(digest string) (string, bool) {
	name, ok := strings.CutPrefix(digest, "sha256:")
	raw, err := hex.DecodeString(name)
	return filepath.Join(s.Dir, "versions", name+".erofs"), ok && err == nil && len(raw) == 32
}

// older gives the file of an image that was replaced.
func (s *Store) older(digest string) (string, error) {
	path, ok := s.versionPath(digest)
	if !ok {
		return "", kigo.NotFound("stack")
	}
	if _, err := os.Stat(path); err != nil {
		return "", kigo.NotFound("stack")
	}
	return path, nil
}

// setAside keeps the image that a new one is about to replace.
func (s *Store) setAside(next Info) error {
	old, missing := s.info(next.Name, next.Variant)
	if missing != nil || old.Digest == next.Digest || !s.whole(old) {
		return nil //nolint:nilerr // there is none, or none worth keeping
	}
	path, ok := s.versionPath(old.Digest)
	if !ok {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("keep older stack: %w", err)
	}
	if err := os.Link(s.imagePath(old), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("keep older stack: %w", err)
	}
	return nil
}

// Forget removes the older images that keep does not name, and returns their
// number. One that is mounted stays readable until it is unmounted.
func (s *Store) Forget(keep func(digest string) bool) (removed int, err error) {
	files, err := filepath.Glob(filepath.Join(s.Dir, "versions", "*.erofs"))
	for _, file := range files {
		if keep("sha256:" + strings.TrimSuffix(filepath.Base(file), ".erofs")) {
			continue
		}
		removed++
		err = errors.Join(err, os.Remove(file))
	}
	return removed, err
}

// Install makes file the run image of a stack: one that was made elsewhere, such
// as with more packages. The image before it is kept for the apps that run on it.
func (s *Store) Install(name, file string) (Info, error) {
	old, err := s.info(name, VariantRun)
	if err != nil {
		return Info{}, fmt.Errorf("stack %q has no image yet: make one with kigo stack build", name)
	}
	f, err := os.Open(file)
	if err != nil {
		return Info{}, fmt.Errorf("install stack: %w", err)
	}
	defer f.Close()
	if !isErofs(f) {
		return Info{}, fmt.Errorf("install stack: %s is not an EROFS image", file)
	}
	digest, size, err := digestOf(f)
	if err != nil {
		return Info{}, err
	}
	if digest == old.Digest {
		return old, nil
	}
	info := Info{Name: name, Variant: VariantRun, Size: old.Size, Inputs: "installed", Digest: digest, ImageSize: size, Created: time.Now()}
	return info, s.take(file, info)
}

// isErofs looks at the magic number of the superblock.
func isErofs(f *os.File) bool {
	var magic [4]byte
	_, err := f.ReadAt(magic[:], 1024)
	return err == nil && magic == [4]byte{0xe2, 0xe1, 0xf5, 0xe0}
}
