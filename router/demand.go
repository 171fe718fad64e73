package router

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/kigo-dev/kigo"
)

// Demand tells control what apps' users want: who puts dynos to sleep needs it.
type Demand struct {
	Waiting  []kigo.AppID             `json:"waiting"`            // apps with requests that wait for a dyno to be up, all of them
	Used     map[kigo.AppID]time.Time `json:"used,omitempty"`     // apps with requests or open ones since the last Demand, and the time of the last
	Draining bool                     `json:"draining,omitempty"` // a new router has taken over, or will
}

const demandEvery = 10 * time.Second // while nothing begins or ends to wait

// demand counts the requests that wait.
type demand struct {
	mu      sync.Mutex
	waiting map[*app]int
	changed chan struct{} // closed when an app enters or leaves waiting; nil: nobody looks
}

func (d *demand) enter(a *app) { d.count(a, 1) }
func (d *demand) leave(a *app) { d.count(a, -1) }

func (d *demand) count(a *app, n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.waiting == nil {
		d.waiting = map[*app]int{}
	}
	before := d.waiting[a]
	if d.waiting[a] = before + n; before+n == 0 {
		delete(d.waiting, a)
	} else if before != 0 {
		return
	}
	d.wake()
}

func (d *demand) wake() {
	if d.changed != nil {
		close(d.changed)
		d.changed = nil
	}
}

// tell has all watchers look anew.
func (d *demand) tell() {
	d.mu.Lock()
	d.wake()
	d.mu.Unlock()
}

// now lists who waits, and returns a channel that is closed at the next change.
func (d *demand) now() ([]kigo.AppID, <-chan struct{}) {
	d.mu.Lock()
	defer d.mu.Unlock()
	ids := []kigo.AppID{}
	for a := range d.waiting {
		ids = append(ids, a.id)
	}
	if d.changed == nil {
		d.changed = make(chan struct{})
	}
	return ids, d.changed
}

// used lists the apps that had requests after since, and their times. Apps with
// requests or tunnels open are in use now.
func (r *Router) used(since int64) (map[kigo.AppID]time.Time, int64) {
	now := r.clock.now.Load()
	used := map[kigo.AppID]time.Time{}
	for _, a := range r.table.all() {
		switch last := a.last.Load(); {
		case a.active.Load() > 0 || a.tunnels.Load() > 0:
			used[a.id] = r.clock.start.Add(time.Duration(now)).UTC()
		case last > since:
			used[a.id] = r.clock.start.Add(time.Duration(last)).UTC()
		}
	}
	return used, now - 1 // the clock may stand at now for a while
}

// sendDemand writes Demands until the connection, or the router, ends.
func (r *Router) sendDemand(c net.Conn) {
	out := json.NewEncoder(c)
	gone := make(chan struct{})
	go func() { defer close(gone); _, _ = io.Copy(io.Discard, c) }()
	defer func() { _ = c.Close(); <-gone }()
	timer := time.NewTicker(demandEvery)
	defer timer.Stop()
	since, due := int64(0), true
	for {
		waiting, changed := r.demand.now()
		d := Demand{Waiting: waiting, Draining: r.draining.Load()}
		if due {
			d.Used, since = r.used(since)
		}
		if out.Encode(d) != nil {
			return
		}
		select {
		case <-gone:
			return
		case <-changed:
			due = false
		case <-timer.C:
			due = true
		}
	}
}

// Watch calls f with each Demand of the router behind the socket at path, and of
// the ones that take over from it, until ctx is done: at once when a request
// begins to wait for a dyno, else every ten seconds.
func Watch(ctx context.Context, path string, f func(Demand)) error {
	for ctx.Err() == nil {
		_ = watchOne(ctx, path, f) // it ends with each router
		select {
		case <-ctx.Done():
		case <-time.After(feedRetry):
		}
	}
	return nil
}

func watchOne(ctx context.Context, path string, f func(Demand)) error {
	c, err := (&net.Dialer{}).DialContext(ctx, "unix", path)
	if err != nil {
		return fmt.Errorf("watch router: %w", err)
	}
	defer c.Close()
	stop := context.AfterFunc(ctx, func() { _ = c.Close() })
	defer stop()
	if _, err := io.WriteString(c, "{\"watch\":true}\n"); err != nil {
		return fmt.Errorf("watch router: %w", err)
	}
	in := json.NewDecoder(c)
	for {
		var d Demand
		if err := in.Decode(&d); err != nil {
			return fmt.Errorf("watch router: %w", err)
		}
		f(d)
		if d.Draining {
			return errors.New("watch router: it is draining")
		}
	}
}
