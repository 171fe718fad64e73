package server

import (
	"strings"
	"testing"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/store"
	"github.com/kigo-dev/kigo/store/storetest"
)

func TestSizesThatAppsUseMustBeDefined(t *testing.T) {
	st := storetest.OpenSQLite(t)
	update := func(f func(tx *store.Tx) error) {
		t.Helper()
		if err := st.Update(t.Context(), f); err != nil {
			t.Fatal(err)
		}
	}
	owner := kigo.Account{Email: "a@example.com"}
	one := kigo.App{Name: "one", Stack: "heroku-22", Region: "us", UIDBase: 1 << 20}
	two := kigo.App{Name: "two", Stack: "heroku-22", Region: "us", UIDBase: 2 << 20}
	var release kigo.Release
	update(func(tx *store.Tx) error {
		if err := tx.CreateAccount(&owner); err != nil {
			return err
		}
		one.Owner, two.Owner = owner.ID, owner.ID
		if err := tx.CreateApp(&one); err != nil {
			return err
		}
		if err := tx.CreateApp(&two); err != nil {
			return err
		}
		release = kigo.Release{App: two.ID, User: owner.ID, Status: kigo.ReleaseSucceeded}
		return tx.CreateRelease(&release, nil)
	})
	put := func(app kigo.App, typ, size string) {
		t.Helper()
		update(func(tx *store.Tx) error {
			return tx.PutFormation(&kigo.Formation{App: app.ID, Type: typ, Quantity: 1, Size: size})
		})
	}
	put(one, "web", "eco")
	put(two, "web", "Standard-2X")
	if err := checkSizes(t.Context(), st); err != nil {
		t.Fatalf("with Heroku's sizes alone: %v", err)
	}

	put(one, "web", "gone-size")
	put(one, "worker", "gone-size")
	d := kigo.Dyno{App: two.ID, Release: release.ID, Version: 1, Type: "run", Number: 1234, Size: "gone-size", OneOff: true}
	other := kigo.Dyno{App: two.ID, Release: release.ID, Version: 1, Type: "web", Number: 1, Size: "lost-size"}
	update(func(tx *store.Tx) error {
		if err := tx.CreateDyno(&d); err != nil {
			return err
		}
		return tx.CreateDyno(&other)
	})
	err := checkSizes(t.Context(), st)
	if want := "gone-size (used by one, two); lost-size (used by two);"; err == nil || !strings.Contains(err.Error(), want) {
		t.Fatalf("error is %v, want one with %q", err, want)
	}

	d.State = kigo.DynoComplete
	update(func(tx *store.Tx) error { return tx.UpdateDynoState(&d) })
	err = checkSizes(t.Context(), st)
	if want := "gone-size (used by one); lost-size (used by two);"; err == nil || !strings.Contains(err.Error(), want) {
		t.Fatalf("after the one-off has ended the error is %v, want one with %q", err, want)
	}
}
