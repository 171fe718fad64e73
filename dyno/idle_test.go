package dyno

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/store"
)

func TestEcoDynosSleepWithoutTrafficAndWakeOnARequest(t *testing.T) {
	b := newBench(t)
	d := b.createSized(kigo.Dyno{Type: "web", Number: 1, Command: "./web"}, "Eco")
	basic := b.createSized(kigo.Dyno{Type: "web", Number: 2, Command: "./web"}, "Basic")
	for _, id := range []kigo.DynoID{d.ID, basic.ID} {
		b.ready(id)
	}
	first := RunID(b.row(d.ID))
	b.agent.Mark(d.ID)
	b.agent.traffic.mu.Lock()
	b.agent.traffic.began = time.Now().Add(-2 * time.Hour)
	b.agent.traffic.mu.Unlock()
	b.update(func(tx *store.Tx) error { // it has been up for long
		for _, id := range []kigo.DynoID{d.ID, basic.ID} {
			row, err := tx.Dyno(id)
			if err != nil {
				return err
			}
			row.StartedAt = time.Now().Add(-2 * time.Hour)
			if err := tx.UpdateDynoState(&row); err != nil {
				return err
			}
		}
		return nil
	})
	b.agent.Mark(d.ID)
	b.agent.Mark(basic.ID)
	b.state(d.ID, kigo.DynoIdle)
	b.until("SIGTERM", func() bool {
		s, err := b.engine.Status(t.Context(), first)
		return err == nil && s.State == kigo.RunStopping
	})
	b.engine.set(first, func(s *kigo.RunStatus) { s.State, s.ExitCode = kigo.RunExited, 143 })
	b.until("the launch to go", func() bool { _, err := b.engine.Status(t.Context(), first); return err != nil })
	b.agent.Mark(d.ID)
	if s := b.row(basic.ID).State; s != kigo.DynoUp {
		t.Errorf("a Basic dyno is %s", s)
	}
	for range 5 {
		b.agent.Wake(b.app.ID)
	}
	b.ready(d.ID)
	want := []string{
		"heroku[web.1]: Idling",
		"heroku[web.1]: State changed from up to idle",
		"heroku[web.1]: Stopping all processes with SIGTERM",
		"heroku[web.1]: Process exited with status 143",
		"heroku[web.1]: Unidling",
		"heroku[web.1]: State changed from idle to starting",
		"heroku[web.1]: Starting process with command `./web`",
		"heroku[web.1]: State changed from starting to up",
	}
	mine := func() (mine []string) {
		all := b.logs.since(0)
		if i := slices.Index(all, want[0]); i >= 0 {
			for _, l := range all[i:] {
				if l[:13] == "heroku[web.1]" {
					mine = append(mine, l)
				}
			}
		}
		return mine
	}
	b.until("all lines", func() bool { return len(mine()) >= len(want) })
	if !slices.Equal(mine(), want) {
		t.Errorf("log %q", mine())
	}
	if row := b.row(d.ID); row.Crashes != 0 || row.Restarts != 1 {
		t.Errorf("crashes %d restarts %d", row.Crashes, row.Restarts)
	}
}

// A crowd wakes: each dyno is started once, however often it is asked for.
func TestManySleepingAppsWakeAtOnceAndEachIsStartedOnce(t *testing.T) {
	b := newBench(t)
	const apps = 200
	owner := b.app.Owner
	ids := make([]kigo.AppID, apps)
	b.update(func(tx *store.Tx) error {
		for i := range apps {
			app := kigo.App{Name: fmt.Sprint("app-", i), Owner: owner, Stack: "heroku-22", BuildStack: "heroku-22", Region: "us",
				UIDBase: kigo.UIDFirst + uint32(i+1)*kigo.UIDRange}
			if err := tx.CreateApp(&app); err != nil {
				return err
			}
			ids[i] = app.ID
			r := kigo.Release{App: app.ID, Stack: "heroku-22", User: owner, Status: kigo.ReleaseSucceeded}
			if err := tx.CreateRelease(&r, nil); err != nil {
				return err
			}
			d := kigo.Dyno{App: app.ID, Release: r.ID, Type: "web", Number: 1, Size: "Eco", State: kigo.DynoIdle, Command: "./web"}
			if err := tx.CreateDyno(&d); err != nil {
				return err
			}
		}
		return nil
	})
	var crowd sync.WaitGroup
	for range 5 {
		for _, id := range ids {
			crowd.Go(func() { b.agent.Wake(id) })
		}
	}
	crowd.Wait()
	launched := func() (n int) {
		b.engine.mu.Lock()
		defer b.engine.mu.Unlock()
		return len(b.engine.launched)
	}
	b.until("all to be launched", func() bool { return launched() >= apps })
	seen := map[kigo.DynoID]bool{}
	b.engine.mu.Lock()
	defer b.engine.mu.Unlock()
	for _, l := range b.engine.launched {
		if seen[l.ID] {
			t.Errorf("%s twice", l.ID)
		}
		seen[l.ID] = true
	}
}

func TestWorkersWithoutAWebProcessDoNotSleep(t *testing.T) {
	b := newBench(t)
	worker := b.createSized(kigo.Dyno{Type: "worker", Number: 1, Command: "./worker"}, "Eco")
	for _, web := range []bool{false, true} {
		if web {
			b.createSized(kigo.Dyno{Type: "web", Number: 1, Command: "./web"}, "Eco")
		}
		if can, err := b.agent.canWake(t.Context(), worker.App); can != web || err != nil {
			t.Errorf("with web %t: can be woken %t, %v", web, can, err)
		}
	}
}
