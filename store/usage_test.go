package store_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/store"
	"github.com/kigo-dev/kigo/store/storetest"
)

// meterClock is the machine's clocks, moved by hand.
type meterClock struct {
	wall time.Time
	up   store.Uptime
}

func (c *meterClock) pass(d time.Duration) { c.wall, c.up.Since = c.wall.Add(d), c.up.Since+d }

// meterStand is a store with an app whose dynos a test starts and stops, and what it
// thinks that these have used.
type meterStand struct {
	t       *testing.T
	clock   *meterClock
	path    string
	s       *store.Store
	account kigo.Account
	app     kigo.App
	release kigo.Release
	dynos   []*kigo.Dyno
	used    map[string]time.Duration // by type and size
}

func (m *meterStand) open() {
	o := childBox()
	o.Now = func() time.Time { return m.clock.wall }
	o.Uptime = func() store.Uptime { return m.clock.up }
	s, err := store.Open(m.t.Context(), "sqlite:"+m.path, o)
	if err != nil {
		m.t.Fatal(err)
	}
	m.s = s
}

func (m *meterStand) update(f func(tx *store.Tx) error) {
	m.t.Helper()
	if err := m.s.Update(m.t.Context(), f); err != nil {
		m.t.Fatal(err)
	}
}

func newMeterStand(t *testing.T) *meterStand {
	m := &meterStand{t: t, path: storetest.File(t, t.TempDir()), used: map[string]time.Duration{},
		clock: &meterClock{wall: time.Date(2026, 11, 10, 0, 0, 0, 0, time.UTC), up: store.Uptime{Boot: "a", Since: time.Hour}}}
	m.open()
	t.Cleanup(func() { _ = m.s.Close() })
	m.update(func(tx *store.Tx) error {
		m.account = kigo.Account{Email: "a@example.com"}
		if err := tx.CreateAccount(&m.account); err != nil {
			return err
		}
		m.app = kigo.App{Name: "myapp", Owner: m.account.ID, Stack: "heroku-22", Region: "us", UIDBase: 1 << 20}
		if err := tx.CreateApp(&m.app); err != nil {
			return err
		}
		m.release = kigo.Release{App: m.app.ID, User: m.account.ID, Status: kigo.ReleaseSucceeded}
		return tx.CreateRelease(&m.release, nil)
	})
	return m
}

func (m *meterStand) start(typ, size string) *kigo.Dyno {
	d := &kigo.Dyno{App: m.app.ID, Release: m.release.ID, Version: 1, Type: typ, Number: len(m.dynos) + 1, Size: size}
	m.update(func(tx *store.Tx) error { return tx.CreateDyno(d) })
	m.dynos = append(m.dynos, d)
	return d
}

func (m *meterStand) move(d *kigo.Dyno, to kigo.DynoState) {
	d.State = to
	if to == kigo.DynoUp {
		d.StartedAt = m.clock.wall
	}
	m.update(func(tx *store.Tx) error { return tx.UpdateDynoState(d) })
}

// pass lets time go by, in which the dynos that are up use it.
func (m *meterStand) pass(d time.Duration) {
	m.clock.pass(d)
	for _, dyno := range m.dynos {
		if dyno.State == kigo.DynoUp {
			m.used[dyno.Type+" "+dyno.Size] += d
		}
	}
}

func (m *meterStand) read(month string) map[string]time.Duration {
	got := map[string]time.Duration{}
	m.update(func(tx *store.Tx) error {
		if err := tx.CheckpointUsage(); err != nil {
			return err
		}
		all, err := tx.Usage(m.account.ID, month)
		for _, u := range all {
			got[u.Type+" "+u.Size] += u.Used
		}
		return err
	})
	return got
}

func TestUsageIsTheSumOfTheTimesThatDynosWereUp(t *testing.T) {
	for seed := range uint64(8) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			m, r := newMeterStand(t), rand.New(rand.NewPCG(seed, 1))
			states := []kigo.DynoState{kigo.DynoUp, kigo.DynoUp, kigo.DynoCrashed, kigo.DynoIdle, kigo.DynoStarting}
			for range 150 {
				m.pass(time.Duration(r.Int64N(int64(3 * time.Hour))).Truncate(time.Microsecond))
				switch n := r.IntN(10); {
				case n == 0 || len(m.dynos) == 0:
					m.start([]string{"web", "worker"}[r.IntN(2)], []string{"Basic", "Eco"}[r.IntN(2)])
				case n == 1:
					m.clock.wall = m.clock.wall.Add(time.Duration(r.Int64N(int64(48*time.Hour))) - 24*time.Hour).Truncate(time.Microsecond) // somebody sets the clock
				case n == 2:
					_ = m.s.Close() // the program ends and starts again; dynos run on
					m.open()
				case n == 3:
					i := r.IntN(len(m.dynos))
					m.update(func(tx *store.Tx) error { return tx.DeleteDyno(m.dynos[i].ID) })
					m.dynos = append(m.dynos[:i], m.dynos[i+1:]...)
				case n == 4:
					m.update((*store.Tx).CheckpointUsage)
				default:
					m.move(m.dynos[r.IntN(len(m.dynos))], states[r.IntN(len(states))])
				}
			}
			got := m.read("")
			for what, want := range m.used {
				if want > 0 && got[what] != want {
					t.Errorf("%s: %v are recorded, %v were used", what, got[what], want)
				}
			}
			if len(got) > len(m.used) {
				t.Errorf("recorded %v, used %v", got, m.used)
			}
		})
	}
}

func TestUsageIsToldByDayAndWhileADynoRuns(t *testing.T) {
	t.Parallel()
	m := newMeterStand(t)
	m.clock.wall = time.Date(2026, 11, 30, 22, 0, 0, 0, time.UTC)
	m.move(m.start("web", "Basic"), kigo.DynoUp)
	check := func(when string, want map[string]time.Duration) {
		t.Helper()
		got := map[string]time.Duration{}
		if err := m.s.View(t.Context(), func(tx *store.Tx) error {
			all, err := tx.UsageByDay(m.account.ID, "2026-11-30", "2026-12-02")
			for _, u := range all {
				got[u.Period] += u.Used
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if !maps.Equal(got, want) {
			t.Errorf("%s: %v, want %v", when, got, want)
		}
	}
	m.pass(5 * time.Hour)
	check("in between", map[string]time.Duration{"2026-11-30": 2 * time.Hour, "2026-12-01": 3 * time.Hour})
	m.update((*store.Tx).CheckpointUsage)
	check("written down", map[string]time.Duration{"2026-11-30": 2 * time.Hour, "2026-12-01": 3 * time.Hour})
	m.pass(48 * time.Hour)
	check("two days later", map[string]time.Duration{"2026-11-30": 2 * time.Hour, "2026-12-01": 24 * time.Hour, "2026-12-02": 24 * time.Hour})
}

func TestUsageBelongsToWhoOwnedTheAppThen(t *testing.T) {
	t.Parallel()
	m := newMeterStand(t)
	other := kigo.Account{Email: "b@example.com"}
	m.update(func(tx *store.Tx) error { return tx.CreateAccount(&other) })
	check := func(when string, mine, theirs time.Duration) {
		t.Helper()
		m.update(func(tx *store.Tx) error {
			for owner, want := range map[kigo.AccountID]time.Duration{m.account.ID: mine, other.ID: theirs} {
				var month, days time.Duration
				byMonth, err := tx.Usage(owner, "2026-11")
				if err != nil {
					return err
				}
				for _, u := range byMonth {
					month += u.Used
				}
				byDay, err := tx.UsageByDay(owner, "2026-11-01", "2026-11-30")
				if err != nil {
					return err
				}
				for _, u := range byDay {
					days += u.Used
				}
				if month != want || days != want {
					t.Errorf("%s: %s has %v in the month, %v in its days, want %v", when, owner, month, days, want)
				}
			}
			return nil
		})
	}
	d := m.start("web", "Basic")
	m.move(d, kigo.DynoUp)
	m.pass(time.Hour)
	m.update(func(tx *store.Tx) error { return tx.SetAppOwner(m.app.ID, other.ID) })
	check("transferred", time.Hour, 0)
	m.pass(2 * time.Hour)
	check("while the dyno runs on", time.Hour, 2*time.Hour)
	m.update(func(tx *store.Tx) error { // somebody who read the app before the transfer changes its name
		m.app.Name = "renamed"
		return tx.UpdateApp(&m.app)
	})
	m.update((*store.Tx).CheckpointUsage)
	check("written down", time.Hour, 2*time.Hour)
	m.pass(time.Hour)
	m.move(d, kigo.DynoIdle)
	check("ended", time.Hour, 3*time.Hour)
	m.update(func(tx *store.Tx) error { return tx.SetAppOwner(m.app.ID, m.account.ID) })
	m.move(d, kigo.DynoUp)
	m.pass(30 * time.Minute)
	check("given back", 90*time.Minute, 3*time.Hour)
	m.update(func(tx *store.Tx) error {
		if err := tx.DeleteDyno(d.ID); err != nil {
			return err
		}
		return tx.DeleteApp(m.app.ID)
	})
	check("destroyed", 90*time.Minute, 3*time.Hour)
}

func TestUsageFromBeforeItWasCountedByOwnerIsKept(t *testing.T) {
	t.Parallel()
	m := newMeterStand(t)
	m.move(m.start("web", "Basic"), kigo.DynoUp)
	m.pass(time.Hour)
	m.update((*store.Tx).CheckpointUsage)
	m.pass(time.Hour)
	if err := m.s.Close(); err != nil {
		t.Fatal(err)
	}
	for _, old := range []string{ // the tables as they were, which opening brings up to date
		"CREATE TABLE u AS SELECT * FROM usage", "DROP TABLE usage",
		"CREATE TABLE usage (app_id TEXT NOT NULL, month TEXT NOT NULL, type TEXT NOT NULL, size TEXT NOT NULL, app_name TEXT NOT NULL, owner_id TEXT NOT NULL, used BIGINT NOT NULL, PRIMARY KEY (app_id, month, type, size))",
		"INSERT INTO usage SELECT app_id, month, type, size, app_name, owner_id, used FROM u", "DROP TABLE u",
		"CREATE TABLE u AS SELECT * FROM usage_days", "DROP TABLE usage_days",
		"CREATE TABLE usage_days (app_id TEXT NOT NULL, day TEXT NOT NULL, type TEXT NOT NULL, size TEXT NOT NULL, app_name TEXT NOT NULL, owner_id TEXT NOT NULL, used BIGINT NOT NULL, PRIMARY KEY (app_id, day, type, size))",
		"INSERT INTO usage_days SELECT app_id, day, type, size, app_name, owner_id, used FROM u", "DROP TABLE u",
		"DROP INDEX usage_open_owner", "ALTER TABLE usage_open DROP COLUMN owner_id",
		"DELETE FROM schema_version WHERE version = 80",
	} {
		raw(t, m.path, old)
	}
	m.open()
	if got := m.read("2026-11")["web Basic"]; got != 2*time.Hour {
		t.Errorf("%v, want 2h", got)
	}
}

func TestUsageIsPartedAtTheEndOfAMonth(t *testing.T) {
	t.Parallel()
	m := newMeterStand(t)
	m.clock.wall = time.Date(2026, 11, 30, 22, 0, 0, 0, time.UTC)
	m.move(m.start("web", "Basic"), kigo.DynoUp)
	m.pass(5 * time.Hour)
	for month, want := range map[string]time.Duration{"2026-11": 2 * time.Hour, "2026-12": 3 * time.Hour, "": 5 * time.Hour, "2026-10": 0} {
		if got := m.read(month)["web Basic"]; got != want {
			t.Errorf("%q: %v, want %v", month, got, want)
		}
	}
}

func TestUsageAfterTheMachineStartedAgainIsWhatWasCountedBefore(t *testing.T) {
	t.Parallel()
	m := newMeterStand(t)
	d := m.start("web", "Basic")
	m.move(d, kigo.DynoUp)
	m.pass(time.Hour)
	m.update((*store.Tx).CheckpointUsage)
	m.clock.wall, m.clock.up = m.clock.wall.Add(24*time.Hour), store.Uptime{Boot: "b", Since: time.Minute}
	m.update(func(tx *store.Tx) error { return tx.DeleteDyno(d.ID) })
	if got := m.read("")["web Basic"]; got != time.Hour {
		t.Errorf("%v, want an hour: nobody knows when the machine failed", got)
	}
}

func TestUsageCountsTheBootOfADynoThatCameUpAndIsForgottenAfterYears(t *testing.T) {
	t.Parallel()
	m := newMeterStand(t)
	d := m.start("web", "Basic")
	d.State, d.StartedAt = kigo.DynoUp, m.clock.wall
	m.clock.pass(20 * time.Second)
	m.update(func(tx *store.Tx) error { return tx.UpdateDynoState(d) })
	m.clock.pass(time.Minute)
	m.move(d, kigo.DynoCrashed)
	if got := m.read("")["web Basic"]; got != 80*time.Second {
		t.Errorf("%v, want 80 s", got)
	}
	m.clock.wall = m.clock.wall.AddDate(3, 2, 0)
	if got := m.read(""); len(got) != 0 {
		t.Errorf("after three years there is %v", got)
	}
}
