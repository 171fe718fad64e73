package router

import (
	"sync"
	"sync/atomic"
	"time"
)

// tick is how exact deadlines are: they end between 0 and one tick late.
const tick = 100 * time.Millisecond

// clock is a coarse time and the deadlines that hang on it. Moving a deadline is
// one atomic store; once a tick the clock looks at all wires and interrupts the
// late ones. So no request touches the runtime's timers.
type clock struct {
	now    atomic.Int64 // nanoseconds since start
	start  time.Time
	step   time.Duration // how often a write's progress is looked at
	shards [16]clockShard
	next   atomic.Uint32
}

type clockShard struct {
	mu    sync.Mutex
	wires []*wire
}

func newClock(step time.Duration) *clock { return &clock{start: time.Now(), step: step} }

// after is the coarse time d from now, never early.
func (k *clock) after(d time.Duration) int64 { return k.now.Load() + int64(d+tick) }

func (k *clock) add(w *wire) {
	s := &k.shards[k.next.Add(1)%uint32(len(k.shards))]
	w.clock, w.shard = k, s
	s.mu.Lock()
	w.place = len(s.wires)
	s.wires = append(s.wires, w)
	s.mu.Unlock()
}

func (k *clock) remove(w *wire) {
	s := w.shard
	s.mu.Lock()
	last := len(s.wires) - 1
	s.wires[w.place] = s.wires[last]
	s.wires[w.place].place = w.place
	s.wires[last] = nil
	s.wires = s.wires[:last]
	s.mu.Unlock()
}

// run moves the clock until stop is closed.
func (k *clock) run(stop <-chan struct{}) {
	t := time.NewTicker(tick)
	defer t.Stop()
	for {
		select {
		case <-stop:
			return
		case <-t.C:
			k.turn(int64(time.Since(k.start)))
		}
	}
}

func (k *clock) turn(now int64) {
	k.now.Store(now)
	for i := range k.shards {
		s := &k.shards[i]
		s.mu.Lock()
		for _, w := range s.wires {
			if at := w.deadline.Load(); at != 0 && at <= now && w.deadline.CompareAndSwap(at, 0) && w.stalled(now) {
				w.interrupt(reasonLate)
			}
			if w.watched.Load() == watchOn {
				w.look()
			}
		}
		s.mu.Unlock()
	}
}
