package router

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/kigo-dev/kigo"
)

// Feed is control's end of the socket: it knows all routes and tells the router
// what changes, and all of them to a new router.
type Feed struct {
	Path string       // of the router's socket
	Log  *slog.Logger // nil: slog.Default

	mu       sync.Mutex
	known    bool // Send was called
	revision int64
	apps     map[kigo.AppID]*fedApp
	order    int64        // given to the next new app
	changes  []kigo.AppID // what changed, in order
	first    int64        // number of changes[0]
	acked    int64
	kick     chan struct{}
	moved    chan struct{}              // closed when acked changes
	leaving  map[net.Conn][]kigo.DynoID // what each router said of that last
}

type fedApp struct {
	App
	order int64
}

const changesMost = 10_000 // a router that is further behind gets a snapshot

// Send makes s all the routes there are. It returns at once; s must not change later.
func (f *Feed) Send(s *Snapshot) {
	f.mu.Lock()
	there := make(map[kigo.AppID]struct{}, len(s.Apps))
	for i := range s.Apps {
		there[s.Apps[i].ID] = struct{}{}
	}
	var gone []kigo.AppID
	for id := range f.apps {
		if _, ok := there[id]; !ok {
			gone = append(gone, id)
		}
	}
	f.known = true
	f.note(s.Revision, s.Apps, gone)
	f.mu.Unlock()
	signal(f.signal())
}

// Update says what some apps are now, and which are gone, after a Send.
func (f *Feed) Update(revision int64, apps []App, gone []kigo.AppID) {
	f.mu.Lock()
	f.note(revision, apps, gone)
	f.mu.Unlock()
	signal(f.signal())
}

func (f *Feed) note(revision int64, apps []App, gone []kigo.AppID) {
	if f.apps == nil {
		f.apps = make(map[kigo.AppID]*fedApp, len(apps))
	}
	for _, a := range apps {
		old := f.apps[a.ID]
		if old == nil {
			f.order++
			f.apps[a.ID] = &fedApp{a, f.order}
		} else if sameApp(old.App, a) {
			continue
		} else {
			f.apps[a.ID] = &fedApp{a, old.order}
		}
		f.changes = append(f.changes, a.ID)
	}
	for _, id := range gone {
		if f.apps[id] != nil {
			delete(f.apps, id)
			f.changes = append(f.changes, id)
		}
	}
	f.revision = revision
	if n := len(f.changes); n > changesMost {
		f.first += int64(n)
		f.changes = nil
	}
}

func sameApp(a, b App) bool {
	if !slices.Equal(a.Hosts, b.Hosts) {
		return false
	}
	a.Hosts, b.Hosts = nil, nil
	return (&view{App: a}).says(b)
}

// sent is what one router has been told.
type sent struct {
	revision int64
	changes  int64 // number of the first change it was not told; -1: it needs a snapshot
}

// next is what to tell a router now, and what it will know then; the status is
// asked for when there is nothing.
func (f *Feed) next(s sent) (any, sent) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := sent{f.revision, f.first + int64(len(f.changes))}
	switch {
	case !f.known || s == now:
		return map[string]bool{"status": true}, s
	case s.changes < f.first:
		return f.snapshot(), now
	}
	m := message{Change: Change{Base: s.revision, Revision: f.revision}, Partial: true}
	told := map[kigo.AppID]bool{}
	for _, id := range f.changes[s.changes-f.first:] {
		if told[id] {
			continue
		}
		told[id] = true
		if a := f.apps[id]; a != nil {
			m.Apps = append(m.Apps, a.App)
		} else {
			m.Gone = append(m.Gone, id)
		}
	}
	return m, now
}

// snapshot is all routes; which app came first decides who gets a host.
func (f *Feed) snapshot() *Snapshot {
	all := make([]*fedApp, 0, len(f.apps))
	for _, a := range f.apps {
		all = append(all, a)
	}
	slices.SortFunc(all, func(a, b *fedApp) int { return int(a.order - b.order) })
	s := &Snapshot{Revision: f.revision, Apps: make([]App, 0, len(all))}
	for _, a := range all {
		s.Apps = append(s.Apps, a.App)
	}
	return s
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

// Leaving reports whether a router has requests at a dyno that gets no more of them. It
// says what the routers said last, and has them asked again.
func (f *Feed) Leaving(id kigo.DynoID) bool {
	f.mu.Lock()
	kick, is := f.kicked(), false
	for _, ids := range f.leaving {
		is = is || slices.Contains(ids, id)
	}
	f.mu.Unlock()
	if is {
		signal(kick)
	}
	return is
}

func (f *Feed) signal() chan struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.kicked()
}

func (f *Feed) kicked() chan struct{} {
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

// supply sends routes over one connection until it breaks. It closes next when
// another router should be looked for.
func (f *Feed) supply(ctx context.Context, c net.Conn, log *slog.Logger, next chan struct{}) {
	var once sync.Once
	defer once.Do(func() { close(next) })
	stop := context.AfterFunc(ctx, func() { _ = c.Close() })
	defer stop()
	defer c.Close()
	defer f.owed(c, nil)
	in, out := json.NewDecoder(c), json.NewEncoder(c)
	ticker := time.NewTicker(feedPoll)
	defer ticker.Stop()
	told := sent{changes: -1}
	for {
		what, then := f.next(told)
		var s Status
		if out.Encode(what) != nil || in.Decode(&s) != nil {
			return
		}
		told = then
		if s.Error != "" {
			log.Error("router refuses routes", "error", s.Error)
			if _, whole := what.(*Snapshot); !whole {
				told.changes = -1
			}
		}
		if !s.Changes {
			told.changes = -1 // it is of an older release
		}
		f.owed(c, s.Leaving)
		if s.Draining {
			once.Do(func() { close(next) })
		} else {
			f.noted(s.Revision)
		}
		kick := f.signal()
		if s.Draining {
			kick = nil // the signal is for the one that stays
		}
		if what, _ := f.next(told); s.Error == "" && s.Changes {
			if _, idle := what.(map[string]bool); !idle {
				continue
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-kick:
		case <-ticker.C:
		}
	}
}

// owed takes down at which dynos a router has requests that get no more of them.
func (f *Feed) owed(c net.Conn, ids []kigo.DynoID) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(ids) == 0 {
		delete(f.leaving, c)
		return
	}
	if f.leaving == nil {
		f.leaving = map[net.Conn][]kigo.DynoID{}
	}
	f.leaving[c] = ids
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
