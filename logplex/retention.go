package logplex

import (
	"slices"
	"time"

	"github.com/kigo-dev/kigo"
)

// expireEvery is how often apps whose lines have an age are looked at; readers
// never see a line that is too old, whenever they come.
const expireEvery = 5 * time.Minute

// Keep says how much of an app's log is kept from now on. It must be said again
// after each start; who is not named keeps kigo.DefaultRetention.
func (h *Hub) Keep(app kigo.AppID, r kigo.LogRetention) {
	h.mu.Lock()
	if h.dropped[app] {
		h.mu.Unlock()
		return
	}
	if h.keep == nil {
		h.keep = map[kigo.AppID]kigo.LogRetention{}
	}
	h.keep[app] = r
	h.mu.Unlock()
	s := h.lock(app)
	if s == nil {
		return
	}
	s.keep = r
	s.trim(0, 0)
	s.expire(time.Now())
	s.forgotten = true // the file may hold what is no longer kept
	h.unlockDirty(s)
}

func (h *Hub) retention(app kigo.AppID) kigo.LogRetention {
	h.mu.RLock()
	defer h.mu.RUnlock()
	if r, set := h.keep[app]; set {
		return r
	}
	return kigo.DefaultRetention
}

// expire removes lines that are too old from memory and, by a rewrite, from disk,
// also those of apps that nobody reads or writes.
func (h *Hub) expire(now time.Time) {
	h.mu.RLock()
	var aged []kigo.AppID
	for app, r := range h.keep {
		if r.Age > 0 {
			aged = append(aged, app)
		}
	}
	h.mu.RUnlock()
	slices.Sort(aged)
	for _, app := range aged {
		s := h.lock(app)
		if s == nil {
			continue
		}
		if s.expire(now) {
			s.forgotten = true
			h.unlockDirty(s)
			continue
		}
		s.mu.Unlock()
	}
}
