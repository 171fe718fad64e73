package dyno

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/store"
)

func (b *bench) end(id kigo.DynoID, change func(*kigo.RunStatus)) {
	b.engine.set(RunID(b.row(id)), func(s *kigo.RunStatus) {
		s.State = kigo.RunExited
		change(s)
	})
}

func (b *bench) ready(id kigo.DynoID) {
	b.Helper()
	b.until("a launch of "+string(RunID(b.row(id))), func() bool {
		_, err := b.engine.Status(context.Background(), RunID(b.row(id)))
		return err == nil
	})
	b.engine.set(RunID(b.row(id)), func(s *kigo.RunStatus) {
		s.State, s.Address, s.StartedAt = kigo.RunReady, "10.0.0.7", time.Now()
	})
	b.state(id, kigo.DynoUp)
}

func TestADynoComesUpAndStopsWithHerokusLines(t *testing.T) {
	b := newBench(t)
	d := b.create(kigo.Dyno{Type: "web", Number: 1, Command: "./web"})
	b.ready(d.ID)
	if addr := b.row(d.ID).Address; addr == "" || addr[:9] != "10.0.0.7:" {
		t.Errorf("address %q", addr)
	}
	b.update(func(tx *store.Tx) error { return tx.StopDyno(d.ID) })
	b.agent.Mark(d.ID)
	b.state(d.ID, kigo.DynoDown)
	b.end(d.ID, func(s *kigo.RunStatus) { s.ExitCode = 143 })
	b.until("the row to go", func() bool { return b.row(d.ID).ID == "" })
	want := []string{
		"heroku[web.1]: Starting process with command `./web`",
		"heroku[web.1]: State changed from starting to up",
		"heroku[web.1]: State changed from up to down",
		"heroku[web.1]: Stopping all processes with SIGTERM",
		"heroku[web.1]: Process exited with status 143",
	}
	b.said(want[len(want)-1])
	if diff := cmp.Diff(want, b.logs.since(0)); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
	if runs, _ := b.engine.List(t.Context()); len(runs) != 0 {
		t.Errorf("the engine still has %v", runs)
	}
}

func TestTheFirstCrashRestartsAtOnceTheSecondWaits(t *testing.T) {
	b := newBench(t)
	d := b.create(kigo.Dyno{Type: "web", Number: 1, Command: "./web"})
	b.ready(d.ID)
	b.end(d.ID, func(s *kigo.RunStatus) { s.ExitCode = 1 })
	b.until("a second launch", func() bool { return b.row(d.ID).Restarts == 1 })
	b.ready(d.ID)
	b.end(d.ID, func(s *kigo.RunStatus) { s.ExitCode = 2 })
	b.until("the second crash", func() bool { return b.row(d.ID).Crashes == 2 })
	row := b.row(d.ID)
	if wait := time.Until(row.RetryAt); row.State != kigo.DynoCrashed || wait < 9*time.Minute || wait > 10*time.Minute {
		t.Errorf("state %s, starts again in %s", row.State, wait)
	}
	if row.Address != "" || row.ExitCode != 2 {
		t.Errorf("address %q exit %d", row.Address, row.ExitCode)
	}
}

func TestABootTimeoutIsR10(t *testing.T) {
	b := newBench(t)
	d := b.create(kigo.Dyno{Type: "web", Number: 1, Command: "./web"})
	b.until("a launch", func() bool { _, err := b.engine.Status(t.Context(), RunID(d)); return err == nil })
	b.end(d.ID, func(s *kigo.RunStatus) { s.ExitCode, s.BootTimedOut = 137, true })
	b.until("a crash", func() bool { return b.row(d.ID).Crashes == 1 })
	want := []string{
		"heroku[web.1]: Error R10 (Boot timeout) -> Web process failed to bind to $PORT within 60 seconds of launch",
		"heroku[web.1]: Stopping process with SIGKILL",
		"heroku[web.1]: Process exited with status 137",
		"heroku[web.1]: State changed from starting to crashed",
	}
	b.until("all lines", func() bool { return len(b.logs.since(1)) >= len(want) })
	if diff := cmp.Diff(want, b.logs.since(1)[:len(want)]); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
}

func TestALostDynoIsReplacedWithoutAPenalty(t *testing.T) {
	b := newBench(t)
	d := b.create(kigo.Dyno{Type: "worker", Number: 1, Command: "./work"})
	b.ready(d.ID)
	b.engine.set(RunID(d), func(s *kigo.RunStatus) { s.State = kigo.RunLost })
	b.until("a new launch", func() bool { return b.row(d.ID).Restarts == 1 })
	b.ready(d.ID)
	if row := b.row(d.ID); row.Crashes != 0 || row.Address != "" {
		t.Errorf("crashes %d, address %q of a worker", row.Crashes, row.Address)
	}
}

func TestALostOneOffIsNotStartedAgainAndSaysSo(t *testing.T) {
	b := newBench(t)
	d := b.create(kigo.Dyno{Type: "run", Number: 1234, Command: "./once", OneOff: true})
	b.ready(d.ID)
	b.engine.set(RunID(d), func(s *kigo.RunStatus) { s.State = kigo.RunLost })
	want := []string{"heroku[run.1234]: The dyno was lost with its host process. One-off dynos are not started again", "heroku[run.1234]: State changed from up to complete"}
	b.until("its end", func() bool { got := b.logs.since(0); return len(got) > 1 && slices.Equal(got[len(got)-2:], want) })
	b.until("its launch to go", func() bool { _, err := b.engine.Status(t.Context(), RunID(d)); return errors.Is(err, kigo.ErrNotFound) })
}

func TestAFailedLaunchIsTriedAgain(t *testing.T) {
	b := newBench(t)
	b.engine.mu.Lock()
	b.engine.fail = errors.New("no room")
	b.engine.mu.Unlock()
	d := b.create(kigo.Dyno{Type: "web", Number: 1, Command: "./web"})
	b.ready(d.ID)
}

func TestAnAttachedOneOffStartsWhenItsClientComesAndOnlyOnce(t *testing.T) {
	b := newBench(t)
	d := b.create(kigo.Dyno{Type: "run", Number: 1234, Command: "bash", OneOff: true,
		Attach: kigo.Attach{Wanted: true, Secret: "s3cret"}})
	b.until("a line", func() bool { return len(b.logs.since(0)) == 1 })
	if got := b.logs.since(0)[0]; got != "heroku[run.1234]: Awaiting client" {
		t.Errorf("log %q", got)
	}
	if _, _, err := b.agent.Attach(t.Context(), "wrong"); !errors.Is(err, kigo.ErrNotFound) {
		t.Errorf("a wrong secret: %v", err)
	}
	got, conn, err := b.agent.Attach(t.Context(), "s3cret")
	if err != nil || got.ID != d.ID {
		t.Fatalf("attach: %v", err)
	}
	defer func() { _ = conn.Close() }()
	if _, _, err := b.agent.Attach(t.Context(), "s3cret"); !errors.Is(err, kigo.ErrConflict) {
		t.Errorf("a second client: %v", err)
	}
	b.ready(d.ID)
	b.end(d.ID, func(s *kigo.RunStatus) { s.ExitCode = 3 })
	b.until("the row to go", func() bool { return b.row(d.ID).ID == "" })
}

func TestALaunchWithoutARowIsEnded(t *testing.T) {
	b := newBench(t)
	stray, build := kigo.DynoID("1-2-3-0"), kigo.DynoID("build-7")
	b.engine.set(build, func(s *kigo.RunStatus) { s.State = kigo.RunReady })
	b.engine.set(stray, func(s *kigo.RunStatus) { s.State = kigo.RunReady })
	b.until("the stray to go", func() bool { _, err := b.engine.Status(t.Context(), stray); return err != nil })
	if s, err := b.engine.Status(t.Context(), build); err != nil || s.State != kigo.RunReady {
		t.Errorf("a build was touched: %v %v", s, err)
	}
}
