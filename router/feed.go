package router

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// The feed: JSON values, one per line, over run/router.sock. Control sends a
// Snapshot, or {"status":true}; the router answers each with one Status.

// Status is the router's answer on its socket.
type Status struct {
	Revision    int64  `json:"revision"` // of the snapshot being served
	Error       string `json:"error,omitempty"`
	Apps        int    `json:"apps"`
	Connections int    `json:"connections"`
	Served      int64  `json:"served"`            // connections accepted since the start
	Dropped     int64  `json:"dropped,omitempty"` // access lines that the sink was too slow for
	Draining    bool   `json:"draining,omitempty"`
}

type feedMessage struct {
	Snapshot
	Status bool `json:"status,omitempty"`
}

func (r *Router) listenFeed() (net.Listener, error) {
	path := r.config.Socket
	if path == "" {
		return nil, nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	temp := fmt.Sprintf("%s.%d", path, os.Getpid())
	_ = os.Remove(temp)
	l, err := net.Listen("unix", temp)
	if err != nil {
		return nil, err
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false) // a newer router may own the name by then
	if err := errors.Join(os.Chmod(temp, 0o600), os.Rename(temp, path)); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

// serveFeed takes control's connections until the listener is closed.
func (r *Router) serveFeed(l net.Listener) {
	var open sync.Map
	var running sync.WaitGroup
	for {
		c, err := l.Accept()
		if err != nil {
			break
		}
		open.Store(c, nil)
		running.Go(func() {
			r.readFeed(c)
			open.Delete(c)
			_ = c.Close()
		})
	}
	open.Range(func(c, _ any) bool { _ = c.(net.Conn).Close(); return true })
	running.Wait()
}

func (r *Router) readFeed(c net.Conn) {
	in := json.NewDecoder(bufio.NewReaderSize(c, 64<<10))
	out := json.NewEncoder(c)
	for {
		var m feedMessage
		if err := in.Decode(&m); err != nil {
			return
		}
		s := r.status()
		if !m.Status {
			if err := r.take(&m.Snapshot); err != nil {
				r.log.Error("snapshot refused", "error", err)
				s.Error = err.Error()
			}
			s = r.statusWith(s.Error)
		}
		if out.Encode(s) != nil {
			return
		}
	}
}

// take serves a snapshot and then keeps it on disk.
func (r *Router) take(s *Snapshot) error {
	if err := r.Apply(s); err != nil {
		return err
	}
	if r.config.SnapshotPath == "" {
		return nil
	}
	text, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("keep snapshot: %w", err)
	}
	return writeSnapshot(r.config.SnapshotPath, text)
}

func (r *Router) status() Status { return r.statusWith("") }

func (r *Router) statusWith(fault string) Status {
	s := Status{Revision: r.Revision(), Error: fault, Connections: r.count(), Served: r.served.Load(),
		Dropped: r.access.dropped.Load(), Draining: r.draining.Load()}
	if t := r.table.Load(); t != nil {
		s.Apps = len(t.apps)
	}
	return s
}

// Feed is control's end: it keeps one connection to the router and sends the
// newest snapshot whenever there is a new one or a new router.
type Feed struct {
	Path string       // of the router's socket
	Log  *slog.Logger // nil: slog.Default

	mu     sync.Mutex
	newest *Snapshot
	acked  int64
	kick   chan struct{}
	moved  chan struct{} // closed when acked changes
}

// Send makes s the newest snapshot. It returns at once; s must not change later.
func (f *Feed) Send(s *Snapshot) {
	f.mu.Lock()
	f.newest = s
	f.mu.Unlock()
	signal(f.signal())
}

// Acked is the revision of the last snapshot that a router said it serves.
func (f *Feed) Acked() int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.acked
}

// Wait returns when a router serves revision or a later one.
func (f *Feed) Wait(ctx context.Context, revision int64) error {
	for {
		f.mu.Lock()
		if f.acked >= revision {
			f.mu.Unlock()
			return nil
		}
		if f.moved == nil {
			f.moved = make(chan struct{})
		}
		moved := f.moved
		f.mu.Unlock()
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for router to serve revision %d: %w", revision, ctx.Err())
		case <-moved:
		}
	}
}

func (f *Feed) signal() chan struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.kick == nil {
		f.kick = make(chan struct{}, 1)
	}
	return f.kick
}

const (
	feedRetry = 100 * time.Millisecond
	feedPoll  = 250 * time.Millisecond // finds a router that has gone, or ends
)

// Run keeps the router supplied until ctx is done. A router that hands over to
// a new one is supplied too for as long as it answers what it has.
func (f *Feed) Run(ctx context.Context) error {
	log := f.Log
	if log == nil {
		log = slog.Default()
	}
	var all sync.WaitGroup
	defer all.Wait()
	said := ""
	for ctx.Err() == nil {
		c, err := (&net.Dialer{}).DialContext(ctx, "unix", f.Path)
		if err == nil {
			said = ""
			next := make(chan struct{})
			all.Go(func() { f.supply(ctx, c, log, next) })
			<-next
		} else if err.Error() != said && ctx.Err() == nil {
			said = err.Error()
			log.Debug("router not reached", "error", err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(feedRetry):
		}
	}
	return nil
}

// supply sends snapshots over one connection until it breaks. It closes next
// when another router should be looked for.
func (f *Feed) supply(ctx context.Context, c net.Conn, log *slog.Logger, next chan struct{}) {
	var once sync.Once
	defer once.Do(func() { close(next) })
	stop := context.AfterFunc(ctx, func() { _ = c.Close() })
	defer stop()
	defer c.Close()
	in, out := json.NewDecoder(c), json.NewEncoder(c)
	ticker := time.NewTicker(feedPoll)
	defer ticker.Stop()
	var sent *Snapshot
	for {
		f.mu.Lock()
		newest := f.newest
		f.mu.Unlock()
		var message any = map[string]bool{"status": true}
		if newest != nil && newest != sent {
			message = newest
		}
		var s Status
		if out.Encode(message) != nil || in.Decode(&s) != nil {
			return
		}
		if s.Error != "" {
			log.Error("router refuses snapshot", "error", s.Error)
		}
		sent = newest
		if s.Draining {
			once.Do(func() { close(next) })
		} else {
			f.noted(s.Revision)
		}
		kick := f.signal()
		if s.Draining {
			kick = nil // the signal is for the one that stays
		}
		select {
		case <-ctx.Done():
			return
		case <-kick:
		case <-ticker.C:
		}
	}
}

func (f *Feed) noted(revision int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.acked == revision {
		return
	}
	f.acked = revision
	if f.moved != nil {
		close(f.moved)
		f.moved = nil
	}
}

// ReadStatus asks the router behind the socket at path.
func ReadStatus(ctx context.Context, path string) (Status, error) {
	var s Status
	c, err := (&net.Dialer{}).DialContext(ctx, "unix", path)
	if err != nil {
		return s, fmt.Errorf("ask router: %w", err)
	}
	defer c.Close()
	if d, ok := ctx.Deadline(); ok {
		_ = c.SetDeadline(d)
	}
	if _, err = io.WriteString(c, "{\"status\":true}\n"); err == nil {
		err = json.NewDecoder(c).Decode(&s)
	}
	if err != nil {
		return s, fmt.Errorf("ask router: %w", err)
	}
	return s, nil
}
