package dyno

import (
	"slices"
	"testing"
	"time"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/store"
)

// nextMonth sets the store's clock to a moment of the month after.
func (b *bench) nextMonth() {
	now := time.Now().UTC()
	b.ahead.Store(int64(time.Date(now.Year(), now.Month()+1, 2, 0, 0, 0, 0, time.UTC).Sub(now)))
}

func (b *bench) spentBy(owner kigo.AccountID) (spent bool) {
	b.Helper()
	err := b.agent.Store.View(b.Context(), func(tx *store.Tx) (err error) {
		spent, err = b.agent.Spent(tx, owner)
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	return spent
}

func (b *bench) events(after int64, kind string) (n int) {
	b.Helper()
	err := b.agent.Store.View(b.Context(), func(tx *store.Tx) error {
		all, err := tx.EventsAfter(after, 1000)
		for _, e := range all {
			if e.Kind == kind {
				n++
			}
		}
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	return n
}

func TestAnEmptyPoolPutsEcoDynosDownUntilTheNextMonth(t *testing.T) {
	b := newBenchWith(t, func(a *Agent) { a.Pool = 5 * time.Minute })
	eco := b.createSized(kigo.Dyno{Type: "web", Number: 1, Command: "./web"}, "Eco")
	basic := b.create(kigo.Dyno{Type: "worker", Number: 1, Command: "./worker"})
	for _, d := range []kigo.Dyno{eco, basic} {
		b.ready(d.ID)
	}
	if b.spentBy(b.app.Owner) {
		t.Fatal("five minutes are used up in none")
	}
	for range 3 { // as if it had come up three times, two minutes ago each
		b.update(func(tx *store.Tx) error {
			d, err := tx.Dyno(eco.ID)
			if err != nil {
				return err
			}
			d.State = kigo.DynoStarting
			if err := tx.UpdateDynoState(&d); err != nil {
				return err
			}
			d.State, d.StartedAt = kigo.DynoUp, tx.Now().Add(-2*time.Minute)
			return tx.UpdateDynoState(&d)
		})
	}
	b.agent.Mark(eco.ID)
	b.state(eco.ID, kigo.DynoIdle)
	if r := b.row(eco.ID); r.Address != "" || r.Reason != poolReason {
		t.Errorf("it is left with the address %q and the reason %q", r.Address, r.Reason)
	}
	now := time.Now().UTC().Format("January 2006")
	b.said("heroku[web.1]: The account has used up its 0.083 dyno hours of " + now)
	b.said("heroku[web.1]: State changed from up to idle")
	if s := b.row(basic.ID).State; s != kigo.DynoUp {
		t.Errorf("the other dyno is %s", s)
	}
	b.until("word for the routes", func() bool { return b.events(0, "pool.update") > 0 })

	b.agent.Wake(b.app.ID) // a request changes nothing, nor does a new release
	later := b.createSized(kigo.Dyno{Type: "web", Number: 2, Command: "./web"}, "Eco")
	b.state(later.ID, kigo.DynoIdle)
	if b.row(eco.ID).State != kigo.DynoIdle || slices.ContainsFunc(b.launches(), func(id kigo.DynoID) bool { return dynoOf(id) == later.ID }) {
		t.Error("a dyno started without dyno hours")
	}

	told := b.events(0, "pool.update")
	b.engine.set(RunID(eco), func(s *kigo.RunStatus) { s.State, s.ExitCode = kigo.RunExited, 143 })
	b.nextMonth()
	b.ready(later.ID)
	b.ready(eco.ID)
	b.until("word for the routes", func() bool { return b.events(0, "pool.update") > told })
	if b.spentBy(b.app.Owner) {
		t.Error("the new month's pool is empty")
	}
}

func TestWithoutAPoolNothingIsUsedUp(t *testing.T) {
	b := newBench(t)
	if b.spentBy(b.app.Owner) || b.agent.pooled(kigo.Dyno{Type: "web", Size: "Eco"}) {
		t.Error("hours of no pool are used up")
	}
	a := &Agent{Pool: time.Hour}
	for _, d := range []kigo.Dyno{{Type: "web", Size: "Basic"}, {Type: "run", Size: "Eco", OneOff: true}, {Type: "web", Size: "Gone"}} {
		if a.pooled(d) {
			t.Errorf("%+v is put down", d)
		}
	}
}
