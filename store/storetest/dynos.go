package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/store"
)

func testFormations(t *testing.T, f *fixture) {
	web := kigo.Formation{App: f.app.ID, Type: "web", Quantity: 1, Size: "Basic", Command: "bin/web"}
	worker := kigo.Formation{App: f.app.ID, Type: "worker", Size: "Basic", Command: "bin/worker"}
	f.update(t, func(tx *store.Tx) error {
		if err := tx.PutFormation(&worker); err != nil {
			return err
		}
		return tx.PutFormation(&web)
	})
	all := func(tx *store.Tx) ([]kigo.Formation, error) { return tx.Formations(f.app.ID) }
	same(t, "by name", get(t, f, all), []kigo.Formation{web, worker})
	web.Quantity, web.Size, web.Command = 3, "Standard-1X", "bin/web2"
	f.update(t, func(tx *store.Tx) error { return tx.PutFormation(&web) })
	for _, key := range []string{"web", web.ID} {
		same(t, key, get(t, f, func(tx *store.Tx) (kigo.Formation, error) { return tx.Formation(f.app.ID, key) }), web)
	}
	f.update(t, func(tx *store.Tx) error { return tx.DeleteFormation(f.app.ID, "worker") })
	same(t, "after deletion", get(t, f, all), []kigo.Formation{web})
}

func testDynos(t *testing.T, f *fixture) {
	var r kigo.Release
	d := kigo.Dyno{App: f.app.ID, Type: "run", Number: 1234, Command: "bash", Size: "Basic", OneOff: true, TTL: time.Hour, Inside: "other",
		Env: map[string]string{"A": "é"}, Attach: kigo.Attach{Wanted: true, NoTTY: true, Secret: "capability"}}
	f.update(t, func(tx *store.Tx) (err error) {
		if r, err = f.release(tx, nil); err != nil {
			return err
		}
		d.Release, d.Version = r.ID, r.Version
		return tx.CreateDyno(&d)
	})
	d.Attach.Secret = "" // only a hash is kept
	for name, read := range map[string]func(*store.Tx) (kigo.Dyno, error){
		"by id":       func(tx *store.Tx) (kigo.Dyno, error) { return tx.Dyno(d.ID) },
		"by name":     func(tx *store.Tx) (kigo.Dyno, error) { return tx.FindDyno(f.app.ID, "run.1234") },
		"by id found": func(tx *store.Tx) (kigo.Dyno, error) { return tx.FindDyno(f.app.ID, string(d.ID)) },
		"by secret":   func(tx *store.Tx) (kigo.Dyno, error) { return tx.DynoBySecret("capability") },
	} {
		same(t, name, get(t, f, read), d)
	}
	fails(t, "by another secret", f.View(context.Background(), func(tx *store.Tx) error {
		_, err := tx.DynoBySecret("")
		return err
	}), kigo.ErrNotFound)

	same(t, "state of a new one", d.State, kigo.DynoStarting)
	d.State, d.Address, d.StartedAt, d.Restarts, d.Crashes, d.RetryAt, d.ExitCode = kigo.DynoCrashed, "10.0.0.1:5000", moment, 1, 2, moment.Add(time.Hour), 137
	d.Reason = "Boot timeout"
	before := d.UpdatedAt
	f.update(t, func(tx *store.Tx) error { return tx.UpdateDynoState(&d) })
	if !d.UpdatedAt.After(before) {
		t.Errorf("a change of state left updated_at at %v", before)
	}
	since := d.UpdatedAt
	d.Address = "10.0.0.2:5000"
	f.update(t, func(tx *store.Tx) error { return tx.UpdateDynoState(&d) })
	same(t, "updated_at when the state stays", d.UpdatedAt, since)
	f.update(t, func(tx *store.Tx) error { return tx.RetireDyno(d.ID, "Cycling") })
	d.Retire, d.Why = true, "Cycling"
	same(t, "a retired one", get(t, f, (*store.Tx).AllDynos), []kigo.Dyno{d})
	f.update(t, func(tx *store.Tx) error { return tx.StopDynoSaying(d.ID, "Restarting") })
	d.Stop, d.Why = true, "Restarting"
	same(t, "all", get(t, f, (*store.Tx).AllDynos), []kigo.Dyno{d})

	second := kigo.Dyno{App: f.app.ID, Release: r.ID, Type: "run", Number: 1234}
	f.update(t, func(tx *store.Tx) error { return tx.CreateDyno(&second) })
	same(t, "of two with one name", get(t, f, func(tx *store.Tx) (kigo.Dyno, error) { return tx.FindDyno(f.app.ID, "run.1234") }).ID, second.ID)
	f.update(t, func(tx *store.Tx) error { return tx.DeleteDyno(second.ID) })
	same(t, "of app", get(t, f, func(tx *store.Tx) ([]kigo.Dyno, error) { return tx.Dynos(f.app.ID) }), []kigo.Dyno{d})
}

func testNotFound(t *testing.T, f *fixture) {
	for noun, read := range map[string]func(*store.Tx) error{
		"app":           func(tx *store.Tx) error { _, err := tx.FindApp("nope"); return err },
		"account":       func(tx *store.Tx) error { _, err := tx.AccountByEmail("nope"); return err },
		"authorization": func(tx *store.Tx) error { return tx.DeleteAuthorization("nope") },
		"build":         func(tx *store.Tx) error { _, err := tx.Build("nope"); return err },
		"slug":          func(tx *store.Tx) error { _, err := tx.Slug("nope"); return err },
		"release":       func(tx *store.Tx) error { _, err := tx.FindRelease(f.app.ID, "v99999999999999999999"); return err },
		"formation":     func(tx *store.Tx) error { _, err := tx.Formation(f.app.ID, "web"); return err },
		"dyno":          func(tx *store.Tx) error { _, err := tx.FindDyno(f.app.ID, "web.1"); return err },
		"domain":        func(tx *store.Tx) error { _, err := tx.FindDomain(f.app.ID, "x"); return err },
	} {
		err := f.Update(context.Background(), read)
		if e, ok := kigo.AsError(err); !ok || e.ID != kigo.IDNotFound || e.Resource != noun {
			t.Errorf("%s: %v", noun, err)
		}
	}
	fails(t, "update of a dyno that is gone", f.Update(context.Background(), func(tx *store.Tx) error {
		return tx.UpdateDynoState(&kigo.Dyno{ID: "nope"})
	}), kigo.ErrNotFound)
}

func testUsage(t *testing.T, f *fixture) {
	other := kigo.Account{Email: "bob@example.com"}
	const boot = 100 * time.Second
	f.update(t, func(tx *store.Tx) error {
		if err := tx.CreateAccount(&other); err != nil {
			return err
		}
		r, err := f.release(tx, nil)
		if err != nil {
			return err
		}
		d := kigo.Dyno{App: f.app.ID, Release: r.ID, Type: "web", Number: 1, Size: "Basic"}
		if err := tx.CreateDyno(&d); err != nil {
			return err
		}
		d.State, d.StartedAt = kigo.DynoUp, tx.Now().Add(-boot)
		return tx.UpdateDynoState(&d)
	})
	used := func(owner kigo.AccountID) time.Duration {
		t.Helper()
		return get(t, f, func(tx *store.Tx) (sum time.Duration, err error) {
			all, err := tx.Usage(owner, "")
			for _, u := range all {
				sum += u.Used
			}
			return sum, err
		})
	}
	f.update(t, func(tx *store.Tx) error { return tx.SetAppOwner(f.app.ID, other.ID) })
	before := used(f.account.ID)
	if before < boot {
		t.Errorf("the former owner used %v, want %v at least", before, boot)
	}
	f.update(t, (*store.Tx).CheckpointUsage)
	same(t, "the former owner's, once it is written down", used(f.account.ID), before)
	f.update(t, func(tx *store.Tx) error { return tx.DeleteApp(f.app.ID) })
	f.update(t, (*store.Tx).CheckpointUsage)
	same(t, "the former owner's, once the app is destroyed", used(f.account.ID), before)
	if used(other.ID) == 0 {
		t.Error("the new owner used nothing")
	}
}
