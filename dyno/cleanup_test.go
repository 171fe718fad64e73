package dyno

import (
	"errors"
	"testing"
	"time"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/store"
)

// gone waits until the engine knows no launch of a dyno.
func (b *bench) gone(id kigo.DynoID) {
	b.Helper()
	b.until("no launch of "+string(id), func() bool {
		runs, _ := b.engine.List(b.Context())
		for _, r := range runs {
			if dynoOf(r.ID) == id {
				return false
			}
		}
		return true
	})
}

// failing has so many of the next calls fail.
func (e *scripted) failing(stops, removes int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.noStop, e.noRemove = stops, removes
}

func (e *scripted) failed() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.noStop == 0 && e.noRemove == 0
}

func (b *bench) count(line string) (n int) {
	for _, l := range b.logs.since(0) {
		if l == line {
			n++
		}
	}
	return n
}

func TestWhatEndedIsCleanedUpAlthoughItsRemovalFailed(t *testing.T) {
	for name, d := range map[string]kigo.Dyno{
		"a one-off":       {Type: "run", Number: 1234, Command: "true", OneOff: true},
		"a release phase": {Type: releaseType, Number: 1234, Command: "true", OneOff: true},
		"a crashed dyno":  {Type: "web", Number: 1, Command: "./web"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			d := b.create(d)
			b.ready(d.ID)
			b.engine.failing(0, 2)
			b.end(d.ID, func(s *kigo.RunStatus) { s.ExitCode = 3 })
			b.until("two attempts", func() bool { return b.engine.failed() })
			switch {
			case d.OneOff:
				b.gone(d.ID)
				if d.Type == releaseType { // somebody reads it
					b.state(d.ID, kigo.DynoComplete)
				} else {
					b.until("no row", func() bool { return b.row(d.ID).ID == "" })
				}
			default: // it starts again, and nothing of the former launch is left
				first := RunID(d)
				b.until("the former is gone", func() bool { _, err := b.engine.Status(b.Context(), first); return errors.Is(err, kigo.ErrNotFound) })
				b.until("a launch", func() bool { _, err := b.engine.Status(b.Context(), RunID(b.row(d.ID))); return err == nil })
			}
			b.said("heroku[" + d.Name() + "]: Process exited with status 3")
			if n := b.count("heroku[" + d.Name() + "]: Process exited with status 3"); n != 1 {
				t.Errorf("its end was told %d times: %q", n, b.logs.since(0))
			}
		})
	}
}

// As after a kill between the two steps.
func TestAOneOffThatIsCompleteIsForgottenAfterARestart(t *testing.T) {
	b := newBench(t)
	d := kigo.Dyno{Type: "run", Number: 1234, Command: "true", OneOff: true, App: b.app.ID, Release: b.rel.ID, Version: 1, Size: "Basic"}
	b.update(func(tx *store.Tx) error {
		if err := tx.CreateDyno(&d); err != nil {
			return err
		}
		d.State = kigo.DynoComplete
		return tx.UpdateDynoState(&d)
	})
	b.engine.set(RunID(d), func(s *kigo.RunStatus) { s.State = kigo.RunExited })
	b.gone(d.ID)
	b.until("no row", func() bool { return b.row(d.ID).ID == "" })
}

func TestAStopThatFailsIsTriedAgain(t *testing.T) {
	b := newBench(t)
	d := b.create(kigo.Dyno{Type: "web", Number: 1, Command: "./web"})
	b.ready(d.ID)
	b.engine.failing(1, 0)
	b.update(func(tx *store.Tx) error { return tx.StopDyno(d.ID) })
	b.agent.Mark(d.ID)
	b.until("a stop", func() bool {
		s, err := b.engine.Status(t.Context(), RunID(d))
		return err == nil && s.State == kigo.RunStopping
	})
}

func TestAClockThatIsSetBackMakesNoWaitLonger(t *testing.T) {
	for ago, want := range map[time.Duration]time.Duration{
		-24 * time.Hour: time.Minute, time.Hour: -59 * time.Minute,
	} {
		if got := remaining(time.Minute, time.Now().Add(-ago)).Round(time.Minute); got != want {
			t.Errorf("of a minute that began %s ago %s are left, want %s", ago, got, want)
		}
	}
}
