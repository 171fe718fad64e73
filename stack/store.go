package stack

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/kigo-dev/kigo"
)

// Store is a folder of stacks: NAME-VARIANT.erofs and NAME-VARIANT.json.
type Store struct{ Dir string }

// Image gives the image of a stack's variant and the path of its file; a stack
// that was not built is kigo.ErrNotFound.
func (s *Store) Image(name, variant string) (kigo.Image, string, error) {
	info, err := s.info(name, variant)
	if err != nil {
		return kigo.Image{}, "", err
	}
	if !s.whole(info) {
		return kigo.Image{}, "", kigo.NotFound("stack")
	}
	return kigo.Image{Digest: info.Digest}, s.imagePath(info), nil
}

// Size is the size that a stack's variant was made in; empty for one that was not made
// here, and for none.
func (s *Store) Size(name, variant string) string {
	info, err := s.info(name, variant)
	if err != nil {
		return ""
	}
	return info.Size
}

// Path gives the file of a digest, whichever stack it is of.
func (s *Store) Path(digest string) (string, error) {
	all, err := s.List()
	if err != nil {
		return "", err
	}
	for _, info := range all {
		if info.Digest == digest && s.whole(info) {
			return s.imagePath(info), nil
		}
	}
	return s.older(digest)
}

// List describes every image, by name and variant.
func (s *Store) List() ([]Info, error) {
	found, err := filepath.Glob(filepath.Join(s.Dir, "*.json"))
	if err != nil {
		return nil, fmt.Errorf("list stacks: %w", err)
	}
	var all []Info
	for _, path := range found {
		info, err := readInfo(path)
		if err != nil {
			return nil, err
		}
		if filepath.Base(path) == info.Name+"-"+info.Variant+".json" {
			all = append(all, info)
		}
	}
	slices.SortFunc(all, func(a, b Info) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Variant, b.Variant))
	})
	return all, nil
}

// twin finds an image of the same inputs that the store has under another name,
// such as the small stack's other variant.
func (s *Store) twin(o Options) (info Info, from string, ok bool) {
	all, err := s.List()
	if err != nil {
		return Info{}, "", false
	}
	for _, info := range all {
		if info.Inputs == o.inputs() && s.whole(info) {
			from = s.imagePath(info)
			info.Name, info.Variant = o.Name, o.Variant
			return info, from, from != s.imagePath(info)
		}
	}
	return Info{}, "", false
}

// take puts an image from a shelf into the store. The description comes last, so
// that it never tells of another file.
func (s *Store) take(from string, info Info) error {
	if err := os.MkdirAll(s.Dir, 0o755); err != nil {
		return fmt.Errorf("make stack folder: %w", err)
	}
	if err := s.setAside(info); err != nil {
		return err
	}
	if err := os.Remove(s.infoPath(info.Name, info.Variant)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("replace stack: %w", err)
	}
	if err := linkOrCopy(from, s.imagePath(info)); err != nil {
		return err
	}
	return writeJSON(s.infoPath(info.Name, info.Variant), info)
}

func (s *Store) info(name, variant string) (Info, error) {
	if !validName.MatchString(name) || (variant != VariantRun && variant != VariantBuild) {
		return Info{}, kigo.NotFound("stack")
	}
	info, err := readInfo(s.infoPath(name, variant))
	if errors.Is(err, fs.ErrNotExist) {
		return Info{}, kigo.NotFound("stack")
	}
	return info, err
}

// whole reports whether an image's file is there at its full length; its bytes
// were durable before its description was written.
func (s *Store) whole(info Info) bool {
	st, err := os.Stat(s.imagePath(info))
	return err == nil && st.Size() == info.ImageSize
}

func (s *Store) imagePath(i Info) string {
	return filepath.Join(s.Dir, i.Name+"-"+i.Variant+".erofs")
}

func (s *Store) infoPath(name, variant string) string {
	return filepath.Join(s.Dir, name+"-"+variant+".json")
}

func readInfo(path string) (Info, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return Info{}, fmt.Errorf("read stack: %w", err)
	}
	var info Info
	if err := json.Unmarshal(data, &info); err != nil {
		return Info{}, fmt.Errorf("read stack %s: %w", path, err)
	}
	return info, nil
}

// digestOf reads all of f.
func digestOf(f *os.File) (digest string, size int64, err error) {
	sum := sha256.New()
	size, err = io.Copy(sum, io.NewSectionReader(f, 0, 1<<62))
	if err != nil {
		return "", 0, fmt.Errorf("read image: %w", err)
	}
	return "sha256:" + hex.EncodeToString(sum.Sum(nil)), size, nil
}
