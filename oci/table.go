package oci

import (
	"context"
	"maps"
	"slices"
	"sync"

	"github.com/kigo-dev/kigo"
)

// table is what the engine knows now, by launch, and who wants to hear of it.
type table struct {
	mu       sync.Mutex
	launches map[kigo.DynoID]*entry
	watchers map[*watcher]bool
}

type entry struct {
	status  kigo.RunStatus
	started chan struct{} // closed when Start is through
	err     error         // of Start
}

// watcher is one caller of Watch; its queue grows no longer than there are changes.
type watcher struct {
	queue []kigo.RunStatus
	wake  chan struct{}
}

func (t *table) init() {
	t.launches, t.watchers = map[kigo.DynoID]*entry{}, map[*watcher]bool{}
}

// begin adds a launch; false when it is there already.
func (t *table) begin(status kigo.RunStatus) (*entry, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if old := t.launches[status.ID]; old != nil {
		return old, false
	}
	e := &entry{status: status, started: make(chan struct{})}
	t.launches[status.ID] = e
	t.tell(status)
	return e, true
}

// set changes what is known of a launch and reports whether that is news.
func (t *table) set(status kigo.RunStatus) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	e := t.launches[status.ID]
	if e == nil || e.status == status || e.status.Ended() {
		return false
	}
	e.status = status
	t.tell(status)
	return true
}

func (t *table) tell(status kigo.RunStatus) {
	for w := range t.watchers {
		w.queue = append(w.queue, status)
		w.nudge()
	}
}

func (t *table) status(id kigo.DynoID) (kigo.RunStatus, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	e := t.launches[id]
	if e == nil {
		return kigo.RunStatus{}, false
	}
	return e.status, true
}

// waitStarted returns once Start of a launch is through, whatever came of it.
func (t *table) waitStarted(ctx context.Context, id kigo.DynoID) error {
	t.mu.Lock()
	e := t.launches[id]
	t.mu.Unlock()
	if e == nil {
		return kigo.NotFound("dyno")
	}
	select {
	case <-e.started:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (t *table) drop(id kigo.DynoID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.launches, id)
}

func (t *table) all() []kigo.RunStatus {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.allLocked()
}

func (t *table) allLocked() []kigo.RunStatus {
	var list []kigo.RunStatus
	for _, id := range slices.Sorted(maps.Keys(t.launches)) {
		list = append(list, t.launches[id].status)
	}
	return list
}

func (t *table) wakeAll() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for w := range t.watchers {
		w.nudge()
	}
}

func (w *watcher) nudge() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// Watch calls f with the present status of every launch and then with each change.
func (e *Engine) Watch(ctx context.Context, f func(kigo.RunStatus)) error {
	t := &e.table
	w := &watcher{wake: make(chan struct{}, 1)}
	t.mu.Lock()
	w.queue = t.allLocked()
	t.watchers[w] = true
	t.mu.Unlock()
	defer func() {
		t.mu.Lock()
		delete(t.watchers, w)
		t.mu.Unlock()
	}()
	for {
		t.mu.Lock()
		queue := w.queue
		w.queue = nil
		t.mu.Unlock()
		for _, s := range queue {
			f(s)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-e.ctx.Done():
			return errClosed
		case <-w.wake:
		}
	}
}

// Status says what is known of one launch.
func (e *Engine) Status(_ context.Context, id kigo.DynoID) (kigo.RunStatus, error) {
	s, ok := e.table.status(id)
	if !ok {
		return s, kigo.NotFound("dyno")
	}
	return s, nil
}

// List is everything in the data folder.
func (e *Engine) List(context.Context) ([]kigo.RunStatus, error) { return e.table.all(), nil }
