package dyno

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/store"
)

func TestADynoThatIsSickLeavesTheRouterBeforeItIsStoppedAndItsOldCrashesAreForgotten(t *testing.T) {
	t.Parallel()
	type seen struct {
		state   kigo.DynoState
		address string
		run     kigo.RunState
	}
	settled := make(chan seen, 10)
	var b *bench
	var id kigo.DynoID
	b = newBenchWith(t, func(a *Agent) {
		a.Settle = func(ctx context.Context, _ kigo.DynoID) bool {
			row := b.row(id)
			run, err := b.engine.Status(ctx, RunID(row))
			if err != nil {
				t.Error(err)
			}
			settled <- seen{row.State, row.Address, run.State}
			return true
		}
	})
	b.update(func(tx *store.Tx) error {
		slug := kigo.Slug{App: b.app.ID, Digest: "sha256:two", ProcessTypes: map[string]string{"web": "./web"},
			AppJSON: `{"healthchecks": {"web": {"liveness": {"path": "/live", "attempts": 2, "interval": 1}}}}`}
		err := tx.CreateSlug(&slug)
		b.rel.Slug = slug.ID
		return err
	})
	var status atomic.Int64
	status.Store(200)
	d := b.checkedApp(&status, nil)
	id = d.ID
	b.listens(d, time.Now().Add(-2*stableAfter))
	b.state(id, kigo.DynoUp)
	b.update(func(tx *store.Tx) error {
		row, err := tx.Dyno(id)
		row.Crashes = 5
		if err != nil {
			return err
		}
		return tx.UpdateDynoState(&row)
	})
	b.engine.mu.Lock()
	b.engine.noStop = 1
	b.engine.mu.Unlock()
	status.Store(500)
	if got, want := <-settled, (seen{kigo.DynoStarting, "", kigo.RunReady}); got != want {
		t.Errorf("when the router was waited for: %+v, want %+v", got, want)
	}
	b.until("a stop", func() bool {
		s, err := b.engine.Status(t.Context(), RunID(d))
		return err == nil && s.State == kigo.RunStopping
	})
	b.end(id, func(s *kigo.RunStatus) { s.ExitCode = 143 })
	reason := "Liveness check GET /live was answered with 500 2 times"
	b.until("the crash", func() bool { return b.row(id).Crashes == 1 && b.row(id).Reason == reason })
	b.said("heroku[web.1]: " + reason)
	b.said("heroku[web.1]: Stopping all processes with SIGTERM")
	if b.count("heroku[web.1]: Stopping all processes with SIGTERM") != 1 {
		t.Errorf("log %q", b.logs.since(0))
	}
}
