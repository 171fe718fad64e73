package router

import (
	"math/rand/v2"
	"time"
)

// admit finds out whether the app can be asked at all, waiting for a dyno that
// starts; nil means that it can, and counts the request as active.
func (x *exchange) admit() *Code {
	a := x.app
	v := a.view.Load()
	x.view = v
	if c := v.closed(x); c != nil {
		return c
	}
	if x.req.upgrade != nil && a.tunnels.Load() >= x.c.rt.limits.Tunnels {
		return h22
	}
	a.active.Add(1)
	a.last.Store(x.c.rt.clock.now.Load())
	x.active = true
	if a.active.Load() > x.c.rt.limits.Backlog*int64(max(1, len(v.up))) {
		return h11
	}
	if len(v.up) > 0 {
		return nil
	}
	return x.await()
}

// closed is what an app answers without a dyno.
func (v *view) closed(x *exchange) *Code {
	switch {
	case v.Maintenance:
		return h80
	case v.Suspended:
		return h82
	case !v.Released:
		return h81
	case x.req.wsKey && x.req.upgrade == nil && !x.req.upgrades:
		return h23
	case v.WebQuantity == 0 && len(v.up) == 0:
		return h14
	case len(v.up) == 0 && v.starting == 0 && v.crashed():
		return h10
	}
	return nil
}

func (v *view) crashed() bool {
	for _, d := range v.Dynos {
		if d.State == "crashed" {
			return true
		}
	}
	return false
}

// await holds the request until a dyno is up.
func (x *exchange) await() *Code {
	x.c.rt.demand.enter(x.app)
	defer x.c.rt.demand.leave(x.app)
	limit := time.NewTimer(x.c.rt.limits.Boot)
	defer limit.Stop()
	x.c.wire.watch(nil)
	defer x.c.wire.unwatch()
	look := time.NewTicker(tick)
	defer look.Stop()
	for {
		changed := x.app.wait()
		v := x.app.view.Load()
		x.view = v
		if len(v.up) > 0 {
			return nil
		}
		if c := v.closed(x); c != nil {
			return c
		}
		if x.c.wire.reason.Load() != 0 {
			return h27
		}
		select {
		case <-changed:
		case <-look.C:
		case <-x.c.rt.cut:
			return h24
		case <-limit.C:
			return h20
		}
	}
}

// pick chooses between two random dynos the one with fewer outstanding
// requests. Dynos that refused lately are taken only when there are no others,
// those in tried never.
func (v *view) pick(now int64, tried []*dyno) *dyno {
	n := len(v.up)
	if n == 1 && len(tried) == 0 {
		return v.up[0]
	}
	if n == 0 {
		return nil
	}
	first := rand.IntN(n)
	second := first
	if n > 1 {
		if second = rand.IntN(n - 1); second >= first {
			second++
		}
	}
	a, b := v.up[first], v.up[second]
	if len(tried) == 0 && a.aside.Load() <= now && b.aside.Load() <= now {
		if b.active.Load() < a.active.Load() {
			return b
		}
		return a
	}
	return v.search(first, now, tried)
}

// search looks at all dynos, beginning anywhere.
func (v *view) search(from int, now int64, tried []*dyno) *dyno {
	var best *dyno
	for i := range v.up {
		d := v.up[(from+i)%len(v.up)]
		if contains(tried, d) {
			continue
		}
		if best == nil || d.better(best, now) {
			best = d
		}
	}
	return best
}

func (d *dyno) better(than *dyno, now int64) bool {
	mine, its := d.aside.Load(), than.aside.Load()
	if mine <= now && its <= now {
		return d.active.Load() < than.active.Load()
	}
	return mine < its
}

func contains(list []*dyno, d *dyno) bool {
	for _, e := range list {
		if e == d {
			return true
		}
	}
	return false
}
