package formation

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/secret"
	"github.com/kigo-dev/kigo/store"
)

func openStore(t *testing.T) *store.Store {
	t.Helper()
	box, err := secret.NewBox(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	st, err := store.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "kigo.db"),
		store.Options{Box: box, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	return st
}

// deployed makes an app with a release and a formation.
func deployed(tx *store.Tx, formation map[string]int) (app kigo.App, err error) {
	owner := kigo.Account{Email: "a@example.com"}
	if err := tx.CreateAccount(&owner); err != nil {
		return app, err
	}
	app = kigo.App{Name: "myapp", Owner: owner.ID, Stack: "heroku-22", BuildStack: "heroku-22", Region: "us", UIDBase: kigo.UIDFirst}
	if err := tx.CreateApp(&app); err != nil {
		return app, err
	}
	slug := kigo.Slug{App: app.ID, Digest: "sha256:s", ProcessTypes: map[string]string{"web": "./web", "worker": "./work", "release": "./migrate"}}
	if err := tx.CreateSlug(&slug); err != nil {
		return app, err
	}
	r := kigo.Release{App: app.ID, Slug: slug.ID, User: owner.ID, Status: kigo.ReleaseSucceeded}
	if err := tx.CreateRelease(&r, nil); err != nil {
		return app, err
	}
	for typ, n := range formation {
		if err := tx.PutFormation(&kigo.Formation{App: app.ID, Type: typ, Quantity: n, Size: "Basic"}); err != nil {
			return app, err
		}
	}
	return app, tx.SetCurrentRelease(app.ID, r.ID)
}

func TestTheLoopWritesTheRowsOfThePlanOnce(t *testing.T) {
	st := openStore(t)
	var app kigo.App
	update := func(f func(*store.Tx) error) {
		t.Helper()
		if err := st.Update(t.Context(), f); err != nil {
			t.Fatal(err)
		}
	}
	update(func(tx *store.Tx) (err error) {
		app, err = deployed(tx, map[string]int{"web": 2, "worker": 1, "release": 1, "ghost": 3})
		return err
	})
	var destroyed int
	loop := &Loop{Store: st, Log: slog.New(slog.DiscardHandler), Destroy: func(context.Context, kigo.App) error { destroyed++; return nil }}
	names := func() (names []string) {
		for range 2 { // the second visit must change nothing
			if _, err := loop.Reconcile(t.Context(), string(app.ID)); err != nil {
				t.Fatal(err)
			}
		}
		err := st.View(t.Context(), func(tx *store.Tx) error {
			dynos, err := tx.Dynos(app.ID)
			for _, d := range dynos {
				name := d.Name() + " " + d.Command
				if d.Stop {
					name += " stop"
				}
				names = append(names, name)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return names
	}
	if diff := cmp.Diff([]string{"web.1 ./web", "web.2 ./web", "worker.1 ./work"}, names()); diff != "" {
		t.Errorf("dynos (-want +got):\n%s", diff)
	}
	update(func(tx *store.Tx) error {
		return tx.PutFormation(&kigo.Formation{App: app.ID, Type: "web", Quantity: 1, Size: "Basic"})
	})
	if diff := cmp.Diff([]string{"web.1 ./web", "web.2 ./web stop", "worker.1 ./work"}, names()); diff != "" {
		t.Errorf("after scaling down (-want +got):\n%s", diff)
	}
	update(func(tx *store.Tx) error { app.Destroying = true; return tx.UpdateApp(&app) })
	if diff := cmp.Diff([]string{"web.1 ./web stop", "web.2 ./web stop", "worker.1 ./work stop"}, names()); diff != "" {
		t.Errorf("while destroyed (-want +got):\n%s", diff)
	}
	if destroyed != 0 {
		t.Error("destroyed while dynos were left")
	}
	update(func(tx *store.Tx) error {
		dynos, err := tx.Dynos(app.ID)
		for _, d := range dynos {
			if err := tx.DeleteDyno(d.ID); err != nil {
				return err
			}
		}
		return err
	})
	if left := names(); len(left) != 0 || destroyed == 0 {
		t.Errorf("%v left, destroyed %d times", left, destroyed)
	}
}

// With preboot a web dyno whose day is over serves until its replacement does; without, and
// for any other type, it stops first.
func TestTheLoopCyclesDynosWhoseDayIsOverAndWebDynosBehindTheirReplacementsWithPreboot(t *testing.T) {
	for _, preboot := range []bool{false, true} {
		st := openStore(t)
		var app kigo.App
		visit := func(f func(*store.Tx) error) (got []string) {
			t.Helper()
			if err := st.Update(t.Context(), f); err != nil {
				t.Fatal(err)
			}
			loop := &Loop{Store: st, Log: slog.New(slog.DiscardHandler)}
			for range 2 { // the second visit must change nothing
				if _, err := loop.Reconcile(t.Context(), string(app.ID)); err != nil {
					t.Fatal(err)
				}
			}
			err := st.View(t.Context(), func(tx *store.Tx) error {
				dynos, err := tx.Dynos(app.ID)
				for _, d := range dynos {
					told := "goes on"
					if d.Stop {
						told = "stops: " + d.Why
					} else if d.Retire {
						told = "serves until its replacement does: " + d.Why
					}
					got = append(got, fmt.Sprintf("%s %s %s", d.Name(), d.State, told))
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			slices.Sort(got)
			return got
		}
		up := func(old time.Duration) func(*store.Tx) error {
			return func(tx *store.Tx) error {
				dynos, err := tx.Dynos(app.ID)
				for _, d := range dynos {
					if d.State != kigo.DynoStarting || d.Stop {
						continue
					}
					d.State, d.StartedAt = kigo.DynoUp, time.Now().Add(-old)
					if err := tx.UpdateDynoState(&d); err != nil {
						return err
					}
				}
				return err
			}
		}
		visit(func(tx *store.Tx) (err error) {
			if app, err = deployed(tx, map[string]int{"web": 1, "worker": 1}); err != nil {
				return err
			}
			return tx.SetFeature(app.ID, "preboot", preboot)
		})
		want := []string{"web.1 starting goes on", "web.1 up stops: Cycling", "worker.1 starting goes on", "worker.1 up stops: Cycling"}
		if preboot {
			want[1] = "web.1 up serves until its replacement does: Cycling"
		}
		if diff := cmp.Diff(want, visit(up(kigo.MaxLife+cycleSpread))); diff != "" {
			t.Errorf("preboot %v (-want +got):\n%s", preboot, diff)
		}
		want = []string{"web.1 up goes on", "web.1 up stops: Cycling", "worker.1 up goes on", "worker.1 up stops: Cycling"}
		if diff := cmp.Diff(want, visit(up(0))); diff != "" {
			t.Errorf("preboot %v, once the replacements are up (-want +got):\n%s", preboot, diff)
		}
	}
}

func TestAnUnknownAppIsNoError(t *testing.T) {
	loop := &Loop{Store: openStore(t), Log: slog.New(slog.DiscardHandler)}
	if _, err := loop.Reconcile(t.Context(), "nobody"); err != nil {
		t.Error(err)
	}
}
