package dyno

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/store"
)

func TestTheReasonOfAnEndNamesTheSignal(t *testing.T) {
	tests := map[string]kigo.RunStatus{
		"Process exited with status 1":             {ExitCode: 1},
		"Process exited with status 0":             {},
		"Process exited with status 137 (SIGKILL)": {ExitCode: 137},
		"Process exited with status 143 (SIGTERM)": {ExitCode: 143},
		"Process exited with status 139 (SIGSEGV)": {ExitCode: 139},
		"Process exited with status 255":           {ExitCode: 255},
		"Memory quota vastly exceeded":             {ExitCode: 137, OOM: true},
		"The machine ran out of memory":            {ExitCode: 137, OOM: true, Starved: true},
		"Boot timeout":                             {ExitCode: 137, BootTimedOut: true},
		"Lost":                                     {ExitCode: -1, State: kigo.RunLost, Reason: "its shim was killed"},
	}
	for want, run := range tests {
		if got := reason(run); got != want {
			t.Errorf("%+v: %q, want %q", run, got, want)
		}
	}
}

func TestAStopWaitsUntilTheRouterHasLeftTheDyno(t *testing.T) {
	t.Parallel()
	var asked, answered atomic.Int64
	b := newBenchWith(t, func(a *Agent) {
		a.LeaveMost = time.Hour
		a.Settle = func(context.Context, kigo.DynoID) bool { asked.Add(1); return answered.Load() > 0 }
	})
	d := b.create(kigo.Dyno{Type: "web", Number: 1, Command: "./web"})
	b.ready(d.ID)
	b.update(func(tx *store.Tx) error { return tx.StopDyno(d.ID) })
	b.agent.Mark(d.ID)
	b.until("several looks", func() bool { return asked.Load() > 3 })
	if run, err := b.engine.Status(t.Context(), RunID(d)); err != nil || run.State != kigo.RunReady || b.row(d.ID).State != kigo.DynoUp {
		t.Errorf("a dyno that owes answers is %s, its launch %+v %v", b.row(d.ID).State, run, err)
	}
	answered.Store(1)
	b.state(d.ID, kigo.DynoDown)
	b.end(d.ID, func(s *kigo.RunStatus) { s.ExitCode = 143 })
	b.until("the row to go", func() bool { return b.row(d.ID).ID == "" })
	if _, still := b.agent.leaving.Load(d.ID); still {
		t.Error("the agent still thinks that the router leaves it")
	}
}

func TestARouterThatIsGoneOrAnAnswerWithoutEndHoldsNoStopUpForLong(t *testing.T) {
	t.Parallel()
	b := newBenchWith(t, func(a *Agent) {
		a.LeaveMost = 50 * time.Millisecond
		a.Settle = func(context.Context, kigo.DynoID) bool { return false }
	})
	d := b.create(kigo.Dyno{Type: "web", Number: 1, Command: "./web"})
	b.ready(d.ID)
	b.update(func(tx *store.Tx) error { return tx.StopDyno(d.ID) })
	b.agent.Mark(d.ID)
	b.state(d.ID, kigo.DynoDown)
}
