package slug

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/internal/atomicfile"
)

const (
	digestPrefix = "sha256:"
	suffix       = ".erofs"

	// gcGrace protects an image that was just made, whose row is not yet written.
	gcGrace = time.Hour
)

// ErrCorrupt is the error for an image whose bytes are not those of its name.
var ErrCorrupt = errors.New("slug image is damaged")

// CorruptError is ErrCorrupt with both digests.
type CorruptError struct{ Want, Have string }

// Error names both digests.
func (e *CorruptError) Error() string {
	return fmt.Sprintf("%v: want %s, have %s", ErrCorrupt, e.Want, e.Have)
}

// Is makes it an ErrCorrupt.
func (e *CorruptError) Is(target error) bool { return target == ErrCorrupt }

// Checksums are the digest that an image should have and the one that it has.
func (e *CorruptError) Checksums() (want, have string) { return e.Want, e.Have }

// Store keeps images as HEX.erofs in Dir, which it makes when needed.
type Store struct {
	Dir string

	verifying sync.Mutex // one caller of Path reads an image, and those behind it see that it did

	mu       sync.Mutex
	verified map[string]bool // digests whose bytes were checked since the boot; nil: not loaded

	placing sync.Mutex           // nothing is removed while an image gets its name, or is found to have it
	placed  map[string]time.Time // images that got it within gcGrace, whatever the machine's clock says
}

// Pack makes a slug of dir and keeps it. What is in dir must not change meanwhile.
// A slug above the hard limit is a *TooLarge and leaves nothing.
func (s *Store) Pack(ctx context.Context, dir string, o Options) (Result, error) {
	return s.keep(func(tmp string) (Result, error) { return Pack(ctx, dir, tmp, o) })
}

// PackTar makes a slug of an archive, plain or gzip, and keeps it.
func (s *Store) PackTar(ctx context.Context, archive *os.File, o Options) (Result, error) {
	return s.keep(func(tmp string) (Result, error) { return PackTar(ctx, archive, tmp, o) })
}

func (s *Store) keep(pack func(tmp string) (Result, error)) (Result, error) {
	if err := os.MkdirAll(s.Dir, 0o700); err != nil {
		return Result{}, fmt.Errorf("make slug folder: %w", err)
	}
	tmp, err := atomicfile.Create(s.Dir, 0o600)
	if err != nil {
		return Result{}, fmt.Errorf("pack slug: %w", err)
	}
	defer tmp.Abort()
	res, err := pack(tmp.Name())
	if err != nil {
		return res, err
	}
	return res, s.place(tmp.Name(), res.Digest)
}

// Adopt takes over an image file that lies on the store's file system, after
// checking that its bytes are those of digest.
func (s *Store) Adopt(tmp, digest string) error {
	if _, err := s.file(digest); err != nil {
		return err
	}
	f, err := os.Open(tmp)
	if err != nil {
		return fmt.Errorf("adopt slug: %w", err)
	}
	defer f.Close()
	got, _, err := digestOf(f)
	if err != nil {
		return err
	}
	if got != digest {
		return fmt.Errorf("adopt slug: %w", &CorruptError{Want: digest, Have: got})
	}
	if err := f.Sync(); err != nil {
		return fmt.Errorf("adopt slug: %w", err)
	}
	if err := os.MkdirAll(s.Dir, 0o700); err != nil {
		return fmt.Errorf("make slug folder: %w", err)
	}
	return s.place(tmp, digest)
}

// place names a durable, checked image file, or leaves it where it is when the
// store has those bytes already.
func (s *Store) place(tmp, digest string) error {
	path, err := s.file(digest)
	if err != nil {
		return err
	}
	s.placing.Lock()
	defer s.placing.Unlock()
	if s.placed == nil {
		s.placed = map[string]time.Time{}
	}
	maps.DeleteFunc(s.placed, func(_ string, at time.Time) bool { return time.Since(at) >= gcGrace })
	s.placed[digest] = time.Now()
	if s.remembered(digest) && s.Has(digest) {
		// The file that dynos have mounted stays, and is new again for GC.
		now := time.Now()
		return os.Chtimes(path, now, now)
	}
	if err := os.Chmod(tmp, 0o400); err != nil {
		return fmt.Errorf("keep slug: %w", err)
	}
	if err := atomicfile.Rename(tmp, path); err != nil {
		return fmt.Errorf("keep slug: %w", err)
	}
	s.remember(digest)
	return nil
}

// Path returns the image file of a digest. At its first use since the machine's
// boot the bytes are checked; a damaged one is ErrCorrupt, a missing one
// kigo.ErrNotFound.
func (s *Store) Path(digest string) (string, error) {
	path, err := s.file(digest)
	if err != nil {
		return "", err
	}
	if !s.Has(digest) {
		return "", kigo.NotFound("slug image")
	}
	s.verifying.Lock()
	defer s.verifying.Unlock()
	if s.remembered(digest) {
		return path, nil
	}
	return path, s.Verify(digest)
}

// Has reports whether there is an image of that digest.
func (s *Store) Has(digest string) bool {
	path, err := s.file(digest)
	if err != nil {
		return false
	}
	_, err = os.Stat(path)
	return err == nil
}

// Verify reads an image and checks its bytes against its digest.
func (s *Store) Verify(digest string) error {
	f, err := s.open(digest)
	if err != nil {
		return err
	}
	defer f.Close()
	got, _, err := digestOf(f)
	if err != nil {
		return err
	}
	if got != digest {
		return fmt.Errorf("verify slug: %w", &CorruptError{Want: digest, Have: got})
	}
	s.remember(digest)
	return nil
}

// WriteTar writes an image as a gzip-compressed tar archive rooted at ./app, while
// it reads it. The image is checked as by Path.
func (s *Store) WriteTar(ctx context.Context, digest string, w io.Writer) error {
	if _, err := s.Path(digest); err != nil {
		return err
	}
	f, err := s.open(digest)
	if err != nil {
		return err
	}
	defer f.Close()
	return Export(ctx, f, w)
}

func (s *Store) open(digest string) (*os.File, error) {
	path, err := s.file(digest)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, kigo.NotFound("slug image")
	}
	if err != nil {
		return nil, fmt.Errorf("open slug: %w", err)
	}
	return f, nil
}

// GC removes every image that keep does not want, but for those made within the
// last hour, and returns how many bytes that freed. Dynos that have one mounted
// keep it until they end.
func (s *Store) GC(keep func(digest string) bool) (freed int64, err error) {
	err = s.each(func(digest string, info fs.FileInfo) error {
		if keep(digest) || time.Since(info.ModTime()) < gcGrace {
			return nil
		}
		s.placing.Lock()
		defer s.placing.Unlock()
		if at, found := s.placed[digest]; found && time.Since(at) < gcGrace {
			return nil // somebody is about to need what nobody did
		}
		if err := os.Remove(filepath.Join(s.Dir, info.Name())); err != nil {
			return fmt.Errorf("remove slug: %w", err)
		}
		freed += info.Size()
		return nil
	})
	return freed, err
}

// TotalSize is the size of all images in bytes.
func (s *Store) TotalSize() (total int64, err error) {
	err = s.each(func(_ string, info fs.FileInfo) error {
		total += info.Size()
		return nil
	})
	return total, err
}

func (s *Store) each(f func(digest string, info fs.FileInfo) error) error {
	entries, err := os.ReadDir(s.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("list slugs: %w", err)
	}
	for _, e := range entries {
		digest := digestPrefix + strings.TrimSuffix(e.Name(), suffix)
		if path, err := s.file(digest); err != nil || filepath.Base(path) != e.Name() {
			continue
		}
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return fmt.Errorf("list slugs: %w", err)
		}
		if err := f(digest, info); err != nil {
			return err
		}
	}
	return nil
}

// file is where a digest's image is, or an error for what is no digest.
func (s *Store) file(digest string) (string, error) {
	name, ok := strings.CutPrefix(digest, digestPrefix)
	raw, err := hex.DecodeString(name)
	if !ok || err != nil || len(raw) != sha256.Size || strings.ToLower(name) != name {
		return "", fmt.Errorf("slug: %q is not a digest", digest)
	}
	return filepath.Join(s.Dir, name+suffix), nil
}

// digestOf reads all of f, which is left at its end.
func digestOf(f *os.File) (digest string, size int64, err error) {
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return "", 0, fmt.Errorf("read image: %w", err)
	}
	sum := sha256.New()
	size, err = io.CopyBuffer(sum, onlyReader{f}, make([]byte, 1<<20))
	if err != nil {
		return "", 0, fmt.Errorf("read image: %w", err)
	}
	return digestPrefix + hex.EncodeToString(sum.Sum(nil)), size, nil
}

// onlyReader hides WriteTo, which would not use the large buffer.
type onlyReader struct{ io.Reader }
