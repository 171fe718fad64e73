// Package lanes has work done side by side: one piece at a time for each key, so many
// in all, and so many of one group. Work that hangs holds up its own key, and of its
// group what is beyond the group's share; nobody else's.
package lanes

import (
	"context"
	"sync"
)

// Places and Share are for work that waits for receivers whose addresses users name: it costs
// little while it waits, and a group is all that has one owner, however many apps they have.
// So many owners' receivers may hang, each within its timeout, before anybody else waits:
// Places / Share.
const (
	Places = 256
	Share  = 8
)

// Lanes starts work and hands out places. The zero value is not useful: see New.
type Lanes struct {
	places chan struct{}
	share  int
	after  func()

	mu     sync.Mutex
	busy   map[string]bool
	groups map[string]*group
	under  sync.WaitGroup
}

// group is one of those who want places.
type group struct {
	places chan struct{}
	users  int
}

// New has so many places, of which one group holds at most share at once. After each
// work, when its key is free again, after is called; it may be nil.
func New(places, share int, after func()) *Lanes {
	if after == nil {
		after = func() {}
	}
	return &Lanes{places: make(chan struct{}, places), share: share, after: after, busy: map[string]bool{}, groups: map[string]*group{}}
}

// Go starts work unless the key's last work goes on still; then it returns false.
func (l *Lanes) Go(key string, work func()) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.busy[key] {
		return false
	}
	l.busy[key] = true
	l.under.Go(func() {
		defer l.after()
		defer l.free(key)
		work()
	})
	return true
}

func (l *Lanes) free(key string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.busy, key)
}

// Busy reports whether work of that key goes on.
func (l *Lanes) Busy(key string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.busy[key]
}

// Place does work in a place of that group, once there is one; the error is ctx's.
func (l *Lanes) Place(ctx context.Context, of string, work func() error) error {
	g := l.enter(of)
	defer l.leave(of, g)
	select {
	case <-ctx.Done():
		return ctx.Err()
	case g.places <- struct{}{}:
	}
	defer func() { <-g.places }()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case l.places <- struct{}{}:
	}
	defer func() { <-l.places }()
	return work()
}

// Wait returns when no work goes on.
func (l *Lanes) Wait() { l.under.Wait() }

func (l *Lanes) enter(of string) *group {
	l.mu.Lock()
	defer l.mu.Unlock()
	g := l.groups[of]
	if g == nil {
		g = &group{places: make(chan struct{}, l.share)}
		l.groups[of] = g
	}
	g.users++
	return g
}

func (l *Lanes) leave(of string, g *group) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if g.users--; g.users == 0 {
		delete(l.groups, of)
	}
}
