package router

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/kigo-dev/kigo/internal/atomicfile"
)

// What the router counts goes to control over the socket, one Usage after the
// other, each until control has said that it keeps it. A router that ends leaves
// the rest as files, which the next one delivers: nothing is lost short of
// kill -9, and what comes twice has the same name.

const (
	usageMost = 60 // Usages that wait for control; then the last one grows
	usageWait = 500 * time.Millisecond
)

// usageBook holds what control has not yet said to keep.
type usageBook struct {
	meters meters
	router string
	dir    string // where the rest is left; empty: nowhere

	mu      sync.Mutex
	waiting []*Usage
	left    []leftUsage // of routers that have ended
	seq     int64
	from    time.Time
	readers int           // of the socket
	changed chan struct{} // closed when something comes or goes
}

// leftUsage is one Usage of an ended router's file.
type leftUsage struct {
	*Usage
	path string
	last bool // of the file
}

func newUsageBook(dir string) *usageBook {
	return &usageBook{router: newRouterName(), dir: dir, from: time.Now(), changed: make(chan struct{})}
}

// close ends the Usage that is being counted.
func (b *usageBook) close() {
	apps := b.meters.take()
	b.mu.Lock()
	defer b.mu.Unlock()
	from, now := b.from, time.Now()
	b.from = now
	if len(apps) == 0 {
		return
	}
	if n := len(b.waiting); n >= usageMost { // only the first one may have been sent
		b.waiting[n-1].grow(apps, now)
		return
	}
	b.seq++
	b.waiting = append(b.waiting, &Usage{Router: b.router, Seq: b.seq, From: from.UTC(), To: now.UTC(), Apps: apps})
	b.tell()
}

func (u *Usage) grow(apps []AppUsage, to time.Time) {
	place := make(map[string]int, len(u.Apps))
	for i, a := range u.Apps {
		place[string(a.App)] = i
	}
	for _, a := range apps {
		if i, ok := place[string(a.App)]; ok {
			u.Apps[i].Merge(a)
		} else {
			u.Apps = append(u.Apps, a)
		}
	}
	u.To = to.UTC()
}

// tell wakes who waits for a change; the lock is held.
func (b *usageBook) tell() {
	close(b.changed)
	b.changed = make(chan struct{})
}

func (b *usageBook) wake() {
	b.mu.Lock()
	b.tell()
	b.mu.Unlock()
}

// run closes a Usage now and then until stop is closed.
func (b *usageBook) run(every time.Duration, stop <-chan struct{}) {
	t := time.NewTicker(every)
	defer t.Stop()
	for {
		b.collect()
		select {
		case <-stop:
			return
		case <-t.C:
			b.close()
		}
	}
}

// collect looks for what ended routers have left.
func (b *usageBook) collect() {
	if b.dir == "" {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.left) > 0 {
		return
	}
	paths, _ := filepath.Glob(filepath.Join(b.dir, "*.json"))
	for _, path := range paths {
		if filepath.Base(path) == b.router+".json" {
			continue
		}
		f, err := os.Open(path)
		if err != nil {
			continue
		}
		in := json.NewDecoder(f)
		for {
			u := new(Usage)
			if err = in.Decode(u); err != nil {
				break
			}
			b.left = append(b.left, leftUsage{Usage: u, path: path})
		}
		_ = f.Close()
		if n := len(b.left); n > 0 && b.left[n-1].path == path {
			b.left[n-1].last = true
		} else if errors.Is(err, io.EOF) {
			_ = os.Remove(path)
		}
	}
	if len(b.left) > 0 {
		b.tell()
	}
}

// next is what control should keep first, or nil, and what is closed when that
// may have changed.
func (b *usageBook) next() (*Usage, <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case len(b.left) > 0:
		return b.left[0].Usage, b.changed
	case len(b.waiting) > 0:
		return b.waiting[0], b.changed
	}
	return nil, b.changed
}

// kept forgets u: control has it.
func (b *usageBook) kept(u *Usage) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case len(b.left) > 0 && b.left[0].Usage == u:
		if b.left[0].last {
			_ = os.Remove(b.left[0].path)
		}
		b.left = b.left[1:]
	case len(b.waiting) > 0 && b.waiting[0] == u:
		b.waiting = b.waiting[1:]
	}
	b.tell()
}

// end closes the last Usage, lets control take what waits for a moment, and
// leaves the rest to the next router.
func (b *usageBook) end() error {
	b.close()
	for patience := time.After(usageWait); ; {
		b.mu.Lock()
		done, changed := len(b.waiting) == 0 || b.readers == 0, b.changed
		b.mu.Unlock()
		if done {
			break
		}
		select {
		case <-changed:
			continue
		case <-patience:
		}
		break
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.waiting) == 0 || b.dir == "" {
		return nil
	}
	var text []byte
	for _, u := range b.waiting {
		line, err := json.Marshal(u)
		if err != nil {
			return fmt.Errorf("leave usage: %w", err)
		}
		text = append(append(text, line...), '\n')
	}
	if err := os.MkdirAll(b.dir, 0o700); err != nil {
		return fmt.Errorf("leave usage: %w", err)
	}
	if err := atomicfile.Write(filepath.Join(b.dir, b.router+".json"), text, 0o600); err != nil {
		return fmt.Errorf("leave usage: %w", err)
	}
	return nil
}

// usageMessage is what the router writes to who asked with {"usage":true}; who
// reads answers each Usage with {"kept":true} when it is stored.
type usageMessage struct {
	Usage    *Usage `json:"usage,omitempty"`
	Draining string `json:"draining,omitempty"` // the router's name: another has taken over, look for it too
}

type usageAnswer struct {
	Kept bool `json:"kept"`
}

// sendUsage writes Usages until the connection, or the router, ends.
func (r *Router) sendUsage(c net.Conn, in *json.Decoder) {
	b, out := r.usage, json.NewEncoder(c)
	b.mu.Lock()
	b.readers++
	b.mu.Unlock()
	defer func() {
		b.mu.Lock()
		b.readers--
		b.tell()
		b.mu.Unlock()
	}()
	answers, gone := make(chan bool), make(chan struct{})
	ended := make(chan struct{})
	defer close(ended)
	go func() {
		defer close(gone)
		for {
			var a usageAnswer
			if in.Decode(&a) != nil {
				return
			}
			select {
			case answers <- a.Kept:
			case <-ended:
				return
			}
		}
	}()
	told := false
	for {
		u, changed := b.next()
		draining := r.draining.Load()
		if draining && !told {
			if told = true; out.Encode(usageMessage{Draining: b.router}) != nil {
				return
			}
		}
		if u == nil {
			select {
			case <-changed:
			case <-gone:
				return
			}
			continue
		}
		if out.Encode(usageMessage{Usage: u}) != nil {
			return
		}
		select {
		case kept := <-answers:
			if !kept {
				return
			}
			b.kept(u)
		case <-gone:
			return
		}
	}
}

// Meter calls keep with each Usage of the router behind the socket at path, of
// those that take over from it and of those that have ended, until ctx is done:
// each every ten seconds, and again and again until keep returns nil. When it
// does, the Usage must be stored: the router forgets it. One that has the Router
// and Seq of a stored one comes twice, and is to be taken as stored. For one
// Router, Seq never goes back. keep is never called twice at once.
func Meter(ctx context.Context, path string, keep func(Usage) error) error {
	m := &metering{path: path, keep: keep, over: map[string]bool{}}
	var all sync.WaitGroup
	defer all.Wait()
	for ctx.Err() == nil {
		over := make(chan struct{}) // it has ended, or ends
		all.Go(func() {
			var once sync.Once
			say := func() { once.Do(func() { close(over) }) }
			defer say()
			_ = m.one(ctx, say)
		})
		select {
		case <-ctx.Done():
		case <-over:
		}
		select {
		case <-ctx.Done():
		case <-time.After(feedRetry):
		}
	}
	return nil
}

// metering is one call of Meter.
type metering struct {
	path string
	keep func(Usage) error
	mu   sync.Mutex // held by who calls keep
	over map[string]bool
}

// one reads from the router that is there. It calls over when that is not the
// last one.
func (g *metering) one(ctx context.Context, over func()) error {
	c, err := (&net.Dialer{}).DialContext(ctx, "unix", g.path)
	if err != nil {
		return fmt.Errorf("meter router: %w", err)
	}
	defer c.Close()
	stop := context.AfterFunc(ctx, func() { _ = c.Close() })
	defer stop()
	if _, err := io.WriteString(c, "{\"usage\":true}\n"); err != nil {
		return fmt.Errorf("meter router: %w", err)
	}
	in, out := json.NewDecoder(c), json.NewEncoder(c)
	for {
		var m usageMessage
		if err := in.Decode(&m); err != nil {
			return fmt.Errorf("meter router: %w", err)
		}
		if m.Draining != "" {
			if g.known(m.Draining) {
				return nil
			}
			over()
		}
		if m.Usage == nil {
			continue
		}
		if err := g.take(*m.Usage); err != nil {
			select { // it will come again
			case <-ctx.Done():
			case <-time.After(feedPoll):
			}
			return fmt.Errorf("meter router: %w", err)
		}
		if err := out.Encode(usageAnswer{Kept: true}); err != nil {
			return fmt.Errorf("meter router: %w", err)
		}
	}
}

// known reports whether a router's end is no news: another connection reads
// what it still has, and the next router is not there yet.
func (g *metering) known(router string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	before := g.over[router]
	g.over[router] = true
	return before
}

func (g *metering) take(u Usage) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.keep(u)
}
