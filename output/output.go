// Package output keeps the text that builds and release phases print, as streams
// that can be read while they grow.
//
// It owns the files of one folder. It promises that a reader sees every byte in
// order from the first, waits where the stream has not ended, and gets io.EOF
// once it has, whichever process writes. A stream whose writer died stays open
// until Finish. Start with Store.Create and Store.Open.
//
// The mark of an ended stream is its file's mode: writable while it grows,
// read-only from then on. So content and mark are one inode, and no crash can
// leave one without the other.
package output

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"sync"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/internal/atomicfile"
)

// MaxSize is how much of one stream is kept; what follows is dropped, and the
// last line says so.
const MaxSize int64 = 300 << 20

// Truncated is the last line of a stream that was longer than its limit.
const Truncated = "\n !     Output is longer than %d MB. The rest is not kept.\n"

const (
	modeOpen  fs.FileMode = 0o600
	modeEnded fs.FileMode = 0o400
)

var validKey = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,127}$`)

// Store keeps streams as files in Dir, which it makes when needed.
type Store struct {
	Dir string
	Max int64 // bytes of one stream; 0: MaxSize

	mu    sync.Mutex
	wakes map[string]*wake // streams that somebody in this process reads
}

// Create begins the stream of that key; there must be none yet.
func (s *Store) Create(key string) (*Writer, error) { return s.write(key, os.O_EXCL) }

// Append goes on with a stream whose writer died, or begins it. One that has
// ended is open again until the Writer's Close.
func (s *Store) Append(key string) (*Writer, error) { return s.write(key, 0) }

func (s *Store) write(key string, flag int) (*Writer, error) {
	path, err := s.path(key)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(s.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("make output folder: %w", err)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND|flag, modeOpen)
	if err != nil {
		return nil, fmt.Errorf("create output stream: %w", err)
	}
	if err := atomicfile.SyncDir(s.Dir); err != nil {
		f.Close()
		return nil, err
	}
	w, err := s.writer(key, f)
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("create output stream: %w", err)
	}
	return w, nil
}

// writer goes on at the end of f with what is left of the limit.
func (s *Store) writer(key string, f *os.File) (*Writer, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if err := f.Chmod(modeOpen); err != nil {
		return nil, err
	}
	limit := s.Max
	if limit <= 0 {
		limit = MaxSize
	}
	left := max(0, limit-info.Size())
	return &Writer{store: s, key: key, f: f, limit: limit, left: left, full: info.Size() > limit}, nil
}

// Exists reports whether there is a stream of that key, ended or not.
func (s *Store) Exists(key string) bool {
	path, err := s.path(key)
	if err != nil {
		return false
	}
	_, err = os.Stat(path)
	return err == nil
}

// Finish ends a stream whose writer is gone. A stream that has ended, or that
// was never begun, stays as it is.
func (s *Store) Finish(key string) error {
	path, err := s.path(key)
	if err != nil {
		return err
	}
	err = os.Chmod(path, modeEnded)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("end output stream: %w", err)
	}
	s.wake(key)
	return nil
}

// Delete forgets a stream. Readers of it read on to what was its end if it had
// ended, and get an error otherwise.
func (s *Store) Delete(key string) error {
	path, err := s.path(key)
	if err != nil {
		return err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("delete output stream: %w", err)
	}
	s.wake(key)
	return nil
}

func (s *Store) path(key string) (string, error) {
	if !validKey.MatchString(key) {
		return "", kigo.NotFound("output stream")
	}
	return filepath.Join(s.Dir, key), nil
}

// Writer appends to one stream. Several goroutines may write; each Write stays
// in one piece.
type Writer struct {
	store *Store
	key   string
	limit int64

	mu     sync.Mutex
	f      *os.File
	left   int64 // bytes that still fit
	full   bool
	closed bool
}

// Write appends p. Beyond the stream's limit it drops p and still reports
// success: a build must not fail because it prints too much.
func (w *Writer) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return 0, fs.ErrClosed
	}
	if w.full {
		return len(p), nil
	}
	keep := p
	if int64(len(p)) > w.left {
		keep = append(p[:w.left:w.left], fmt.Sprintf(Truncated, w.limit>>20)...)
		w.full = true
	}
	if _, err := w.f.Write(keep); err != nil {
		return 0, fmt.Errorf("write output: %w", err)
	}
	w.left -= int64(len(p))
	w.store.wake(w.key)
	return len(p), nil
}

// Close makes the content durable and marks the stream as ended.
func (w *Writer) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return nil
	}
	w.closed = true
	// Readers must not wait for ever for an end that could not be made durable:
	// mark it first, then report what went wrong.
	err := errors.Join(w.f.Chmod(modeEnded), w.f.Sync(), w.f.Close())
	w.store.wake(w.key)
	if err != nil {
		return fmt.Errorf("end output stream: %w", err)
	}
	return nil
}
