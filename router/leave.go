package router

import (
	"slices"
	"sync"

	"github.com/kigo-dev/kigo"
)

// leaving are dynos that get no more requests and have not answered all that they got.
type leaving struct {
	mu    sync.Mutex
	dynos []*dyno
}

// add takes up dynos that requests no longer go to.
func (l *leaving) add(dynos []*dyno) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, d := range dynos {
		d.pool.close()
		d.left.Store(true)
		if !slices.Contains(l.dynos, d) {
			l.dynos = append(l.dynos, d)
		}
	}
}

// ids are those that still have something to answer; the others are forgotten.
func (l *leaving) ids() (ids []kigo.DynoID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.dynos = slices.DeleteFunc(l.dynos, func(d *dyno) bool { return !d.left.Load() || !d.owes() })
	for _, d := range l.dynos {
		ids = append(ids, d.ID)
	}
	return ids
}
