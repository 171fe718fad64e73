package router

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// keeper writes the routes to disk, beside serving them: the file is a Snapshot
// and the Changes since. It is written anew when those have become as long as it.
type keeper struct {
	path   string
	failed func(error)
	kick   chan struct{}

	mu      sync.Mutex
	pending []any // *Snapshot or *Change
	retries bool  // pending begins with what failed
	left    bool  // the file is another router's

	file    *os.File // open for changes; nil: a snapshot must come first
	size    int64    // of the snapshot in it
	journal int64    // of the changes
}

const (
	journalLeast = 1 << 20         // changes that are kept before the file is written anew
	keepAgain    = 5 * time.Second // until what failed is tried again
)

func newKeeper(path string, failed func(error)) *keeper {
	return &keeper{path: path, failed: failed, kick: make(chan struct{}, 1)}
}

// keep takes what has been applied. It does not wait for the disk.
func (k *keeper) keep(message any) {
	k.mu.Lock()
	if _, whole := message.(*Snapshot); whole {
		k.pending = nil
	}
	k.pending = append(k.pending, message)
	k.mu.Unlock()
	signal(k.kick)
}

// run writes until stop is closed, and then what is left. What fails is tried again with the
// next change, at the latest after the time that again is.
func (k *keeper) run(again time.Duration, stop <-chan struct{}) {
	timer := time.NewTimer(again)
	timer.Stop()
	defer timer.Stop()
	for ended := false; !ended; {
		select {
		case <-stop:
			ended = true
		case <-k.kick:
		case <-timer.C:
		}
		k.mu.Lock()
		pending := k.pending
		k.pending, k.retries = nil, false
		k.mu.Unlock()
		if err := k.write(pending); err != nil {
			k.failed(err)
			k.again(pending)
			timer.Reset(again)
		}
	}
	k.close()
}

// leave gives the file to the next router: what could not be written is not tried again.
func (k *keeper) leave() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.left = true; k.retries {
		k.pending = nil
	}
}

// again puts back what could not be written, for the next time.
func (k *keeper) again(failed []any) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.left {
		return
	}
	k.retries = true
	if len(k.pending) > 0 {
		if _, whole := k.pending[0].(*Snapshot); whole {
			return
		}
	}
	k.pending = append(failed, k.pending...)
}

func (k *keeper) write(pending []any) (err error) {
	if len(pending) == 0 {
		return nil
	}
	if s, whole := pending[0].(*Snapshot); whole {
		if err := k.replace(s); err != nil {
			return err
		}
		pending = pending[1:]
	}
	if len(pending) == 0 {
		return nil
	}
	if k.file == nil {
		return k.renew(pending)
	}
	out := bufio.NewWriter(k.file)
	w := routesWriter{w: out}
	for _, c := range pending {
		err = w.change(c.(*Change))
	}
	k.journal += w.size
	if err = errors.Join(err, out.Flush(), k.file.Sync()); err != nil {
		k.close() // what it ends with is unknown
		return fmt.Errorf("keep change: %w", err)
	}
	if k.journal < max(journalLeast, k.size) {
		return nil
	}
	return k.renew(nil)
}

// renew writes the file anew from what it says and changes that it does not say.
// Only what changes say is held in memory: the snapshot goes from file to file.
func (k *keeper) renew(changes []any) error {
	old, err := os.Open(k.path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("keep routes anew: %w", err)
	}
	defer old.Close()
	e := newEdits()
	err = reread(old, routesVisitor{
		begin:  func(revision int64, _, _ int) { e.revision = revision },
		record: recordHosts,
		change: func(c *Change) error { e.add(c); return nil },
	})
	if err != nil {
		return err
	}
	for _, c := range changes {
		e.add(c.(*Change))
	}
	return k.replaced(func(w *routesWriter) error {
		err := reread(old, routesVisitor{
			begin:  func(_ int64, apps, hosts int) { w.begin(e.revision, uint64(apps), uint64(hosts)) },
			record: func(record []byte) (int, error) { return e.pass(w, record) },
			change: func(*Change) error { return nil },
		})
		return errors.Join(err, e.finish(w))
	})
}

// reread reads a file of routes from its beginning. Changes after one that was written
// in part are left out: they wait to be written again.
func reread(f *os.File, v routesVisitor) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	_, err = readRoutes(io.NewSectionReader(f, 0, info.Size()), info.Size(), v)
	return err
}

func (k *keeper) close() {
	if k.file != nil {
		_ = k.file.Close()
		k.file = nil
	}
}

// replace makes s all that the file says.
func (k *keeper) replace(s *Snapshot) error {
	return k.replaced(func(w *routesWriter) error { return w.snapshot(s) })
}

// replaced makes what write writes the file, so that a crash at any instant leaves
// the old file or the new one.
func (k *keeper) replaced(write func(*routesWriter) error) error {
	k.close()
	dir := filepath.Dir(k.path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("write routes: %w", err)
	}
	sweepRoutes(dir, time.Now().Add(-time.Hour))
	f, err := os.CreateTemp(dir, ".routes-*")
	if err != nil {
		return fmt.Errorf("write routes: %w", err)
	}
	out := bufio.NewWriterSize(f, 256<<10)
	w := &routesWriter{w: out}
	err = write(w)
	err = errors.Join(err, out.Flush(), f.Sync())
	if err == nil {
		err = os.Rename(f.Name(), k.path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return errors.Join(fmt.Errorf("write routes: %w", err), f.Close())
	}
	k.file, k.size, k.journal = f, w.size, 0
	_ = os.Remove(formerPath(k.path)) // it would say less
	return nil
}

// sweepRoutes removes what crashes left half written before a time: not what the router
// before this one may be writing now.
func sweepRoutes(dir string, before time.Time) {
	for _, pattern := range []string{".routes-*", ".snapshot-*"} {
		left, _ := filepath.Glob(filepath.Join(dir, pattern))
		for _, path := range left {
			if info, err := os.Stat(path); err == nil && info.ModTime().Before(before) {
				_ = os.Remove(path)
			}
		}
	}
}
