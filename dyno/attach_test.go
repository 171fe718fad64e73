package dyno

import (
	"slices"
	"sync/atomic"
	"testing"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/store"
)

// What a one-off said goes with its launch, so its end waits for a client on its way.
func TestAOneOffThatEndsBeforeItsClientIsConnectedIsKeptForIt(t *testing.T) {
	for name, stop := range map[string]bool{"by itself": false, "stopped": true} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.engine.attached = make(chan struct{})
			d := b.create(kigo.Dyno{Type: "run", Number: 1234, Command: "true", OneOff: true, Attach: kigo.Attach{Wanted: true, Secret: "s3cret"}})
			came := make(chan error, 1)
			go func() {
				_, _, err := b.agent.Attach(t.Context(), "s3cret")
				came <- err
			}()
			b.ready(d.ID)
			told := "heroku[run.1234]: State changed from up to complete"
			if stop {
				told = "heroku[run.1234]: Stopping all processes with SIGTERM"
				b.update(func(tx *store.Tx) error { return tx.StopDyno(d.ID) })
				b.agent.Mark(d.ID)
				b.said(told)
			}
			b.end(d.ID, func(s *kigo.RunStatus) {})
			b.said(told)
			for range 2 {
				if _, err := b.agent.Reconcile(t.Context(), string(d.ID)); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := b.engine.Status(t.Context(), RunID(d)); err != nil {
				t.Errorf("its launch is gone: %v", err)
			}
			close(b.engine.attached)
			if err := <-came; err != nil {
				t.Errorf("attach: %v", err)
			}
			b.until("the row to go", func() bool { return b.row(d.ID).ID == "" })
		})
	}
}

func TestAClientOfAOneOffThatCannotStartIsToldAtOnce(t *testing.T) {
	b := newBench(t)
	b.engine.fail = damaged{}
	b.create(kigo.Dyno{Type: "run", Number: 1234, Command: "true", OneOff: true, Attach: kigo.Attach{Wanted: true, Secret: "s3cret"}})
	_, _, err := b.agent.Attach(t.Context(), "s3cret")
	if e, ours := kigo.AsError(err); !ours || e.Message != "Dyno run.1234 has ended before its client was there" {
		t.Errorf("attach: %v", err)
	}
}

func TestAProcessThatGoesOnWithoutItsClientIsR16(t *testing.T) {
	b := newBench(t)
	d := b.create(kigo.Dyno{Type: "run", Number: 1234, Command: "bash", OneOff: true})
	b.ready(d.ID)
	h := hangup{nopCloser{}, b.agent, d, new(atomic.Bool)}
	const line = "heroku[run.1234]: Error R16 (Detached) -> An attached process is not responding to SIGHUP after its external connection was closed."
	h.detached()
	b.said(line)
	n := len(b.logs.since(0))
	b.end(d.ID, func(s *kigo.RunStatus) { s.ExitCode = 129 })
	b.until("the row to go", func() bool { return b.row(d.ID).ID == "" })
	h.detached()
	if slices.Contains(b.logs.since(n), line) {
		t.Error("said of a process that has ended")
	}
}
