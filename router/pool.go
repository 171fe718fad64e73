package router

import (
	"sync"
	"time"
)

// Rules for kept-alive connections to dynos. App servers close idle ones by
// their own clocks (Node after 5 s, Puma after 20 s, gunicorn after 2 s), and a
// request that must not be repeated cannot survive that race: it takes only a
// connection that was in use a moment ago. None is taken that has something to
// read: what a broken app sent late would be taken for the next answer.
const (
	poolMost   = 256              // idle connections to one dyno
	poolIdle   = 90 * time.Second // Heroku's
	poolUnsafe = time.Second      // how idle one may be for a request that cannot be repeated
)

// pool keeps idle connections to one dyno, the last used first.
type pool struct {
	mu     sync.Mutex
	idle   []*wire
	closed bool // the dyno gets no more requests
}

// get returns a connection that has been used before, or nil.
func (p *pool) get(repeatable bool) *wire {
	for {
		p.mu.Lock()
		n := len(p.idle)
		if n == 0 {
			p.mu.Unlock()
			return nil
		}
		w := p.idle[n-1]
		p.idle[n-1] = nil
		p.idle = p.idle[:n-1]
		p.mu.Unlock()
		age := time.Duration(w.clock.now.Load() - w.idleAt)
		if w.reason.Load() == 0 && age < poolIdle && (repeatable || age < poolUnsafe) && w.quiet() {
			return w
		}
		w.close()
	}
}

func (p *pool) put(w *wire) {
	w.idleAt, w.used = w.clock.now.Load(), true
	p.mu.Lock()
	if !p.closed && len(p.idle) < poolMost {
		p.idle = append(p.idle, w)
		w = nil
	}
	p.mu.Unlock()
	if w != nil {
		w.close()
	}
}

// trim closes idle connections that are old or that the dyno has closed.
func (p *pool) trim(now int64) {
	p.mu.Lock()
	idle := p.idle
	p.idle = nil
	p.mu.Unlock()
	var keep []*wire
	for _, w := range idle {
		if time.Duration(now-w.idleAt) < poolIdle {
			keep = append(keep, w)
		} else {
			w.close()
		}
	}
	p.mu.Lock()
	if !p.closed {
		p.idle = append(keep, p.idle...)
		keep = nil
	}
	p.mu.Unlock()
	for _, w := range keep {
		w.close()
	}
}

// close closes the idle connections and keeps no more.
func (p *pool) close() {
	p.mu.Lock()
	idle := p.idle
	p.idle, p.closed = nil, true
	p.mu.Unlock()
	for _, w := range idle {
		w.close()
	}
}

// open undoes close: the dyno is up again.
func (p *pool) open() {
	p.mu.Lock()
	p.closed = false
	p.mu.Unlock()
}
