package router

import (
	"reflect"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/kigo-dev/kigo"
)

// app is one app while the router runs.
type app struct {
	id      kigo.AppID
	number  uint32   // in the index
	hosts   []uint64 // hashes of its names; the table's lock guards them
	view    atomic.Pointer[view]
	active  atomic.Int64 // requests at dynos or waiting for one
	tunnels atomic.Int64 // upgraded connections
	last    atomic.Int64 // coarse time of its last request; 0: none
	meter   atomic.Pointer[meter]

	mu      sync.Mutex
	changed chan struct{} // closed at the next change of view; nil: nobody waits
}

// view is what the last snapshot said of an app, without its hosts; immutable.
type view struct {
	App
	up       []*dyno // may get requests
	starting int     // may soon
	all      map[kigo.DynoID]*dyno
}

// dyno is one web dyno while the router runs.
type dyno struct {
	Dyno
	active atomic.Int64 // outstanding requests, and tunnels
	tunnel atomic.Int64 // of these, upgraded connections
	left   atomic.Bool  // it gets no more requests
	aside  atomic.Int64 // coarse time until which others are preferred
	pool   pool
}

// owes reports whether the dyno has answers to give. A tunnel is none: it ends only
// when one of its sides wants it.
func (d *dyno) owes() bool { return d.active.Load() > d.tunnel.Load() }

// update gives the app a new view and wakes who waits for one.
func (a *app) update(spec App) (gone []*dyno) {
	old := a.view.Load()
	if old != nil && old.says(spec) {
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
			run.left.Store(false)
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

// says reports whether the view is that of spec already.
func (v *view) says(spec App) bool {
	if !slices.Equal(v.Dynos, spec.Dynos) {
		return false
	}
	now := v.App
	now.Dynos, spec.Dynos = nil, nil
	return reflect.DeepEqual(now, spec)
}

func (v *view) dyno(id kigo.DynoID) *dyno {
	if v == nil {
		return nil
	}
	return v.all[id]
}

func (v *view) serves(d *dyno) bool { return slices.Contains(v.up, d) }

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
