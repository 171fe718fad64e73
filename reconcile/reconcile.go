// Package reconcile runs level-triggered loops. A hint names a key and says
// nothing else, so a hint that is lost, doubled or late costs time and never
// correctness: the Reconciler reads everything afresh at each call.
//
// Loop promises that a key is never worked on by two goroutines at once, that
// any number of hints during a call cause exactly one more call, that a failing
// key waits longer each time and that hints do not shorten that wait, and that
// every key is visited at each resync. Start reading at Loop.
package reconcile

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"
)

// Reconciler takes one thing a step closer to what it should be. It must be
// idempotent, and safe for a key that no longer exists.
type Reconciler interface {
	Reconcile(ctx context.Context, key string) (Result, error)
}

// Func makes a function a Reconciler.
type Func func(ctx context.Context, key string) (Result, error)

// Reconcile calls f.
func (f Func) Reconcile(ctx context.Context, key string) (Result, error) { return f(ctx, key) }

// Result of a call that did not fail. After asks for another call in a while
// although nobody hints; zero waits for a hint or the next resync.
type Result struct{ After time.Duration }

// Settings of a Loop, set before Run.
type Settings struct {
	Name       string
	Reconciler Reconciler
	Keys       func(context.Context) ([]string, error) // all keys, for the resync
	Resync     time.Duration                           // between resyncs; default 1 minute
	Workers    int                                     // keys worked on at once; default 1
	MinBackoff time.Duration                           // after the first failure; default 100 ms
	MaxBackoff time.Duration                           // default 1 minute
	Log        *slog.Logger
}

// Loop drives one Reconciler. Mark may be called at any time, also before Run and while
// the settings are set.
type Loop struct {
	Settings

	mu    sync.Mutex
	known map[string]*entry
	queue []string
	more  *sync.Cond
	done  bool
}

// entry is what a loop remembers of a key while there is a reason to.
type entry struct {
	queued, running, again bool
	failures               int
	timer                  *time.Timer // pending retry or requested visit
}

// Mark hints that the thing named by key may differ from what it should be.
func (l *Loop) Mark(key string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.mark(key)
}

// Run works until ctx is done, then waits for the calls in flight.
func (l *Loop) Run(ctx context.Context) error {
	l.setDefaults()
	var workers sync.WaitGroup
	for range l.Workers {
		workers.Go(func() { l.work(ctx) })
	}
	tick := time.NewTicker(l.Resync)
	defer tick.Stop()
	for {
		l.resync(ctx)
		select {
		case <-tick.C:
		case <-ctx.Done():
			l.close()
			workers.Wait()
			return nil
		}
	}
}

func (l *Loop) setDefaults() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.Workers = max(1, l.Workers)
	if l.Resync <= 0 {
		l.Resync = time.Minute
	}
	if l.MinBackoff <= 0 {
		l.MinBackoff = 100 * time.Millisecond
	}
	if l.MaxBackoff <= 0 {
		l.MaxBackoff = time.Minute
	}
	l.init()
}

func (l *Loop) init() {
	if l.more == nil {
		l.more = sync.NewCond(&l.mu)
		l.known = make(map[string]*entry)
	}
}

func (l *Loop) resync(ctx context.Context) {
	if l.Keys == nil || ctx.Err() != nil {
		return
	}
	keys, err := l.Keys(ctx)
	if err != nil {
		if ctx.Err() == nil {
			l.Log.ErrorContext(ctx, "resync loop", "loop", l.Name, "err", err)
		}
		return
	}
	for _, key := range keys {
		l.Mark(key)
	}
}

func (l *Loop) work(ctx context.Context) {
	for {
		key, ok := l.take()
		if !ok {
			return
		}
		res, err := l.call(ctx, key)
		if err != nil && ctx.Err() == nil {
			l.Log.ErrorContext(ctx, "reconcile", "loop", l.Name, "key", key, "err", err)
		}
		l.finish(key, res, err)
	}
}

// call keeps one key's panic from ending the loop of all the others.
func (l *Loop) call(ctx context.Context, key string) (res Result, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return l.Reconciler.Reconcile(ctx, key)
}

// take waits for the key that has been queued longest.
func (l *Loop) take() (string, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.queue) == 0 && !l.done {
		l.more.Wait()
	}
	if l.done {
		return "", false
	}
	key := l.queue[0]
	l.queue = l.queue[1:]
	e := l.known[key]
	e.queued, e.running = false, true
	return key, true
}

func (l *Loop) finish(key string, res Result, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.known[key]
	e.running = false
	wait := res.After
	if err != nil {
		wait = min(l.MinBackoff<<min(e.failures, 20), l.MaxBackoff)
		e.failures++
	} else {
		e.failures = 0
	}
	again := e.again
	e.again = false
	switch {
	case again && err == nil:
		l.mark(key)
	case wait > 0 && !l.done:
		e.timer = time.AfterFunc(wait, func() { l.due(key, e) })
	default:
		delete(l.known, key)
	}
}

// due queues a key whose wait is over.
func (l *Loop) due(key string, e *entry) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if e.timer == nil || l.known[key] != e {
		return // a hint came first
	}
	e.timer = nil
	l.mark(key)
}

func (l *Loop) mark(key string) {
	if l.done {
		return
	}
	l.init()
	e := l.known[key]
	if e == nil {
		e = new(entry)
		l.known[key] = e
	}
	switch {
	case e.running:
		e.again = true
	case e.queued:
	case e.timer != nil && e.failures > 0:
		// A dyno that crashes at boot hints at every crash: its backoff stands.
	default:
		if e.timer != nil {
			e.timer.Stop()
			e.timer = nil
		}
		e.queued = true
		l.queue = append(l.queue, key)
		l.more.Signal()
	}
}

func (l *Loop) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.done = true
	for _, e := range l.known {
		if e.timer != nil {
			e.timer.Stop()
		}
	}
	l.more.Broadcast()
}
