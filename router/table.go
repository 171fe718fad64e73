package router

import (
	"bytes"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/kigo-dev/kigo"
)

// table leads from a host to an app. It is immutable; apps and dynos in it are
// the running ones, which outlive tables and carry the counts.
type table struct {
	revision int64
	hosts    map[string]*app
	apps     map[kigo.AppID]*app
}

// app is one app while the router runs.
type app struct {
	id      kigo.AppID
	view    atomic.Pointer[view]
	active  atomic.Int64 // requests at dynos or waiting for one
	tunnels atomic.Int64 // upgraded connections

	mu      sync.Mutex
	changed chan struct{} // closed at the next change of view; nil: nobody waits
}

// view is what the last snapshot said of an app; immutable.
type view struct {
	App
	up       []*dyno // may get requests
	starting int     // may soon
	all      map[kigo.DynoID]*dyno
}

// dyno is one web dyno while the router runs.
type dyno struct {
	Dyno
	active atomic.Int64 // outstanding requests
	aside  atomic.Int64 // coarse time until which others are preferred
	pool   pool
}

// find returns the app of a host as the client sent it, or nil. The longest
// matching name wins: an exact one, else the wildcard of its parent.
func (t *table) find(host, scratch []byte) *app {
	name := canonicalHost(scratch, host)
	if a := t.hosts[string(name)]; a != nil {
		return a
	}
	dot := bytes.IndexByte(name, '.')
	if dot < 1 {
		return nil
	}
	name[dot-1] = '*'
	return t.hosts[string(name[dot-1:])]
}

// next builds the table of a snapshot, taking over the apps and dynos of t that
// are still there, and says which dynos are not.
func (t *table) next(s *Snapshot) (*table, []*dyno) {
	n := &table{revision: s.Revision, hosts: make(map[string]*app, 2*len(s.Apps)), apps: make(map[kigo.AppID]*app, len(s.Apps))}
	var gone []*dyno
	for _, spec := range s.Apps {
		a := t.apps[spec.ID]
		if a == nil {
			a = &app{id: spec.ID}
		}
		gone = append(gone, a.update(spec)...)
		n.apps[a.id] = a
		for _, h := range spec.Hosts {
			if other := n.hosts[h]; other == nil || strings.HasPrefix(h, spec.Name+".") {
				n.hosts[h] = a // of two apps the one that has the name now, not the one that had it
			}
		}
	}
	for id, a := range t.apps {
		if n.apps[id] == nil {
			gone = append(gone, a.update(App{ID: id, Name: a.view.Load().Name})...)
		}
	}
	return n, gone
}

// update gives the app a new view and wakes who waits for one.
func (a *app) update(spec App) (gone []*dyno) {
	old := a.view.Load()
	if old != nil && reflect.DeepEqual(old.App, spec) {
		return nil
	}
	v := &view{App: spec, all: make(map[kigo.DynoID]*dyno, len(spec.Dynos))}
	for _, d := range spec.Dynos {
		run := old.dyno(d.ID)
		if run == nil || run.Addr != d.Addr {
			run = &dyno{Dyno: d}
		}
		v.all[d.ID] = run
		switch d.State {
		case kigo.DynoUp:
			run.pool.open() // it may have been down under the same id
			v.up = append(v.up, run)
		case kigo.DynoStarting, kigo.DynoIdle:
			v.starting++
		}
	}
	a.view.Store(v)
	if old != nil {
		for id, d := range old.all {
			if now := v.all[id]; now != d || !v.serves(d) {
				gone = append(gone, d)
			}
		}
	}
	a.wake()
	return gone
}

func (v *view) dyno(id kigo.DynoID) *dyno {
	if v == nil {
		return nil
	}
	return v.all[id]
}

func (v *view) serves(d *dyno) bool {
	for _, u := range v.up {
		if u == d {
			return true
		}
	}
	return false
}

func (a *app) wake() {
	a.mu.Lock()
	if a.changed != nil {
		close(a.changed)
		a.changed = nil
	}
	a.mu.Unlock()
}

// wait returns a channel that is closed at the next change of view.
func (a *app) wait() <-chan struct{} {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.changed == nil {
		a.changed = make(chan struct{})
	}
	return a.changed
}
