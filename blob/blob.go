// Package blob keeps immutable byte strings by key: source tarballs and uploads.
//
// It owns the files of one folder. It promises that a key that can be opened
// holds everything that was put, also after a crash, and that no key reaches
// outside the folder. Start with Store.Put; blobtest holds what every
// implementation must do.
package blob

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"time"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/internal/atomicfile"
)

// MaxSize bounds one blob when Store.Max is 0: Heroku's limit of a checkout with
// its submodules is 1 GB.
const MaxSize int64 = 1 << 30

// ErrKey is the error for a key that cannot be the name of a blob.
var ErrKey = errors.New("bad blob key")

var validKey = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$`)

// ValidKey reports whether key may name a blob: letters, digits, dots, dashes
// and underscores, starting with a letter or digit.
func ValidKey(key string) bool { return validKey.MatchString(key) }

// Store keeps blobs as files in Dir, which it makes when needed.
type Store struct {
	Dir string
	Max int64 // bytes of one blob; 0: MaxSize

	Room func() error // asked before anything is stored; nil: there is always room
}

// Info describes a stored blob.
type Info struct {
	Key     string
	Size    int64
	Created time.Time
}

// Put stores what r gives under its content key, the hex SHA-256.
func (s *Store) Put(ctx context.Context, r io.Reader) (key string, size int64, err error) {
	return s.put(ctx, "", r)
}

// PutKey stores what r gives under key, replacing what was there.
func (s *Store) PutKey(ctx context.Context, key string, r io.Reader) (size int64, err error) {
	if !ValidKey(key) {
		return 0, fmt.Errorf("put blob %q: %w", key, ErrKey)
	}
	_, size, err = s.put(ctx, key, r)
	return size, err
}

func (s *Store) put(ctx context.Context, key string, r io.Reader) (string, int64, error) {
	if s.Room != nil {
		if err := s.Room(); err != nil {
			return "", 0, err
		}
	}
	if err := os.MkdirAll(s.Dir, 0o700); err != nil {
		return "", 0, fmt.Errorf("make blob folder: %w", err)
	}
	f, err := atomicfile.Create(s.Dir, 0o600)
	if err != nil {
		return "", 0, fmt.Errorf("put blob: %w", err)
	}
	defer f.Abort()
	sum := sha256.New()
	limit := s.limit()
	size, err := io.Copy(io.MultiWriter(f, sum), io.LimitReader(contextReader{ctx, r}, limit+1))
	if err != nil {
		return "", 0, fmt.Errorf("put blob: %w", err)
	}
	if size > limit {
		return "", 0, kigo.Invalid("The upload is larger than %d MB, the most that is accepted.", limit>>20)
	}
	if key == "" {
		key = hex.EncodeToString(sum.Sum(nil))
	}
	if err := f.Commit(filepath.Join(s.Dir, key)); err != nil {
		return "", 0, fmt.Errorf("put blob: %w", err)
	}
	return key, size, nil
}

func (s *Store) limit() int64 {
	if s.Max > 0 {
		return s.Max
	}
	return MaxSize
}

// Open returns a blob's content; a missing one is kigo.ErrNotFound.
func (s *Store) Open(_ context.Context, key string) (*os.File, error) {
	path, err := s.path(key)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, kigo.NotFound("blob")
	}
	if err != nil {
		return nil, fmt.Errorf("open blob: %w", err)
	}
	return f, nil
}

// Stat describes a blob; a missing one is kigo.ErrNotFound.
func (s *Store) Stat(_ context.Context, key string) (Info, error) {
	path, err := s.path(key)
	if err != nil {
		return Info{}, err
	}
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Info{}, kigo.NotFound("blob")
	}
	if err != nil {
		return Info{}, fmt.Errorf("stat blob: %w", err)
	}
	return Info{Key: key, Size: info.Size(), Created: info.ModTime()}, nil
}

// Delete forgets a blob; one that is not there is no error.
func (s *Store) Delete(_ context.Context, key string) error {
	path, err := s.path(key)
	if err != nil {
		return err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("delete blob: %w", err)
	}
	return nil
}

// List describes every blob, in order of key; what a crash left is not shown.
func (s *Store) List(_ context.Context) ([]Info, error) {
	entries, err := os.ReadDir(s.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list blobs: %w", err)
	}
	var all []Info
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || !ValidKey(e.Name()) {
			continue
		}
		all = append(all, Info{Key: e.Name(), Size: info.Size(), Created: info.ModTime()})
	}
	return all, nil
}

func (s *Store) path(key string) (string, error) {
	if !ValidKey(key) {
		return "", fmt.Errorf("blob %q: %w", key, ErrKey)
	}
	return filepath.Join(s.Dir, key), nil
}

// contextReader ends a copy when ctx ends.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c contextReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}
