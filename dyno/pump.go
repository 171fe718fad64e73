package dyno

import (
	"context"
	"sync"
	"time"

	"github.com/kigo-dev/kigo"
)

// drainTimeout is how long the end of a dyno waits for the rest of its output.
const drainTimeout = 3 * time.Second

// pumps carry the output of launches into the merged stream, one goroutine each.
// How far each has come is kept with the lines themselves, so that a restart of
// this process neither loses nor repeats output.
type pumps struct {
	mu      sync.Mutex
	running map[kigo.DynoID]chan struct{} // closed when all output has been read
	wg      sync.WaitGroup
}

func (p *pumps) init() { p.running = make(map[kigo.DynoID]chan struct{}) }

func (p *pumps) wait() { p.wg.Wait() }

// pump makes sure that the output of a launch flows.
func (a *Agent) pump(ctx context.Context, d kigo.Dyno, run kigo.RunStatus) {
	p := &a.pumps
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, ok := p.running[run.ID]; ok {
		return
	}
	done := make(chan struct{})
	p.running[run.ID] = done
	p.wg.Go(func() {
		defer close(done)
		a.carry(ctx, d, run.ID)
	})
}

// batchLines is how many lines enter the stream at once at most.
const batchLines = 512

// batches are lent to launches while lines come: most are quiet most of the time.
var batches = sync.Pool{New: func() any { return new(make([]kigo.LogLine, 0, batchLines+1)) }}

// carry writes what is there already in one step, and waits for nothing: the last
// line of a read goes out with those before it.
func (a *Agent) carry(ctx context.Context, d kigo.Dyno, run kigo.DynoID) {
	origin, name, told := string(run), d.Name(), a.Output != nil && awaited(d)
	var batch *[]kigo.LogLine
	err := a.Engine.Logs(ctx, run, a.Logs.Position(d.App, origin), func(l kigo.OutputLine) {
		if batch == nil {
			batch = batches.Get().(*[]kigo.LogLine)
		}
		lines := *batch
		if l.Dropped > 0 {
			lines = append(lines, kigo.LostLine(uint64(l.Dropped), l.Time))
		}
		lines = append(lines, kigo.LogLine{Time: l.Time, Source: "app", Process: name, Message: l.Text})
		if l.More && len(lines) < batchLines && !told {
			*batch = lines
			return
		}
		a.Logs.WriteFrom(d.App, origin, l.Seq, lines...)
		clear(lines)
		*batch = lines[:0]
		batches.Put(batch)
		batch = nil
		if told {
			a.Output(d, l)
		}
	})
	if err != nil && ctx.Err() == nil {
		a.Log.Warn("read output", "dyno", name, "app", d.App, "err", err)
	}
}

// drain waits for the rest of an ended launch's output.
func (p *pumps) drain(ctx context.Context, run kigo.DynoID) {
	p.mu.Lock()
	done, ok := p.running[run]
	p.mu.Unlock()
	if !ok {
		return
	}
	select {
	case <-done:
	case <-time.After(drainTimeout):
	case <-ctx.Done():
	}
}

// forget drops what is remembered of a launch.
func (p *pumps) forget(run kigo.DynoID) {
	p.mu.Lock()
	delete(p.running, run)
	p.mu.Unlock()
}
