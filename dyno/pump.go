package dyno

import (
	"context"
	"strconv"
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

func (a *Agent) carry(ctx context.Context, d kigo.Dyno, run kigo.DynoID) {
	origin := string(run)
	err := a.Engine.Logs(ctx, run, a.Logs.Position(d.App, origin), func(l kigo.OutputLine) {
		lines := make([]kigo.LogLine, 0, 2)
		if l.Dropped > 0 {
			lines = append(lines, kigo.LogLine{Time: l.Time, Source: "heroku", Process: "logplex", Message: lostLines(l.Dropped, l.Time)})
		}
		lines = append(lines, kigo.LogLine{Time: l.Time, Source: "app", Process: d.Name(), Message: string(l.Text)})
		a.Logs.WriteFrom(d.App, origin, l.Seq, lines...)
		if a.Output != nil && awaited(d) {
			a.Output(d, l)
		}
	})
	if err != nil && ctx.Err() == nil {
		a.Log.Warn("read output", "dyno", d.Name(), "app", d.App, "err", err)
	}
}

func lostLines(n int, since time.Time) string {
	return "Error L12 (Local buffer overflow): " + strconv.Itoa(n) + " messages dropped since " + since.UTC().Format(kigo.LogTime) + "."
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
