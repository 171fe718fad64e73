package output

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"
	"time"

	"github.com/kigo-dev/kigo"
)

// pollEvery is how soon a reader notices what another process wrote; writers of
// its own process wake it at once.
const pollEvery = 100 * time.Millisecond

// Open returns a reader that follows a stream from its first byte until it ends.
// A Read waits while there is nothing new; ctx's end or Close ends the wait. A
// stream that was never begun is kigo.ErrNotFound.
func (s *Store) Open(ctx context.Context, key string) (io.ReadCloser, error) {
	path, err := s.path(key)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, kigo.NotFound("output stream")
	}
	if err != nil {
		return nil, fmt.Errorf("open output stream: %w", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	return &reader{ctx: ctx, cancel: cancel, f: f, path: path, store: s, key: key, wake: s.listen(key)}, nil
}

type reader struct {
	ctx    context.Context
	cancel context.CancelFunc
	f      *os.File
	path   string
	store  *Store
	key    string
	wake   *wake
	once   sync.Once
}

func (r *reader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for {
		// In this order: what was written before the end mark is read before io.EOF.
		woken := r.wake.next(r.store)
		ended, err := r.ended()
		if err != nil {
			return 0, err
		}
		n, err := r.f.Read(p)
		if n > 0 || (err != nil && !errors.Is(err, io.EOF)) {
			return n, err
		}
		if ended {
			return 0, io.EOF
		}
		if err := r.wait(woken); err != nil {
			return 0, err
		}
	}
}

func (r *reader) ended() (bool, error) {
	info, err := r.f.Stat()
	if err != nil {
		return false, fmt.Errorf("read output stream: %w", err)
	}
	if info.Mode().Perm() == modeEnded {
		return true, nil
	}
	if _, err := os.Stat(r.path); errors.Is(err, fs.ErrNotExist) {
		return false, kigo.NotFound("output stream")
	}
	return false, nil
}

func (r *reader) wait(woken <-chan struct{}) error {
	timer := time.NewTimer(pollEvery)
	defer timer.Stop()
	select {
	case <-r.ctx.Done():
		return context.Cause(r.ctx)
	case <-woken:
	case <-timer.C:
	}
	return nil
}

// Close ends the reading and any Read that waits.
func (r *reader) Close() error {
	r.once.Do(func() { r.store.unlisten(r.key) })
	r.cancel()
	return r.f.Close()
}

// wake tells the readers of one stream that it has changed. ch is closed at the
// next change; mu of the store guards it.
type wake struct {
	ch      chan struct{}
	readers int
}

func (w *wake) next(s *Store) <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return w.ch
}

func (s *Store) listen(key string) *wake {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.wakes == nil {
		s.wakes = make(map[string]*wake)
	}
	w := s.wakes[key]
	if w == nil {
		w = &wake{ch: make(chan struct{})}
		s.wakes[key] = w
	}
	w.readers++
	return w
}

func (s *Store) unlisten(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := s.wakes[key]
	if w == nil {
		return
	}
	if w.readers--; w.readers == 0 {
		delete(s.wakes, key)
	}
}

func (s *Store) wake(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if w := s.wakes[key]; w != nil {
		close(w.ch)
		w.ch = make(chan struct{})
	}
}
