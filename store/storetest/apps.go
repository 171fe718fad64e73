package storetest

import (
	"context"
	"testing"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/store"
)

func testApps(t *testing.T, f *fixture) {
	find := func(s string) func(*store.Tx) (kigo.App, error) {
		return func(tx *store.Tx) (kigo.App, error) { return tx.FindApp(s) }
	}
	same(t, "by name", get(t, f, find("quiet-harbor")), f.app)
	same(t, "by id", get(t, f, find(string(f.app.ID))), f.app)

	a := f.app
	a.Name, a.Stack, a.BuildStack, a.Region, a.Maintenance = "loud-harbor", "heroku-24", "heroku-26", "eu", true
	a.BuildpackProvided, a.RepoSize, a.SlugSize, a.ReleasedAt = "Go", 1<<40, 1<<41, moment
	f.update(t, func(tx *store.Tx) error { return tx.UpdateApp(&a) })
	same(t, "changed", get(t, f, func(tx *store.Tx) (kigo.App, error) { return tx.App(a.ID) }), a)
	f.update(t, func(tx *store.Tx) error { return tx.SetRepoSize(a.ID, 77) })
	a.RepoSize = 77

	b := f.newApp("brave-meadow")
	f.update(t, func(tx *store.Tx) error { return tx.CreateApp(&b) })
	same(t, "all by name", get(t, f, (*store.Tx).Apps), []kigo.App{b, a})

	b.Destroying = true
	f.update(t, func(tx *store.Tx) error { return tx.UpdateApp(&b) })
	same(t, "owned", get(t, f, func(tx *store.Tx) ([]kigo.App, error) { return tx.AppsOwnedBy(f.account.ID) }), []kigo.App{a})
	same(t, "all, also destroyed ones", len(get(t, f, (*store.Tx).Apps)), 2)
	fails(t, "find one being destroyed", f.View(context.Background(), func(tx *store.Tx) error {
		_, err := tx.FindApp(b.Name)
		return err
	}), kigo.ErrNotFound)
	fails(t, "rename to a name in use", f.Update(context.Background(), func(tx *store.Tx) error {
		b.Name = a.Name
		return tx.UpdateApp(&b)
	}), store.ErrTaken)
}

func testUIDs(t *testing.T, f *fixture) {
	same(t, "first range", f.app.UIDBase, kigo.UIDFirst)
	f.update(t, func(tx *store.Tx) error { return tx.DeleteApp(f.app.ID) })
	b := f.newApp("brave-meadow")
	f.update(t, func(tx *store.Tx) error { return tx.CreateApp(&b) })
	same(t, "range after the first app is gone", b.UIDBase, kigo.UIDFirst+kigo.UIDRange)
	last := "4294950000"
	f.update(t, func(tx *store.Tx) error { return tx.PutMeta("apps.next_uid", last) })
	err := f.Update(context.Background(), func(tx *store.Tx) error {
		_, err := tx.NextUIDBase()
		return err
	})
	fails(t, "when none is left", err, &kigo.Error{ID: kigo.IDUnavailable})
}

func testFormerNames(t *testing.T, f *fixture) {
	want := store.FormerName{Name: "old-harbor", App: f.app.ID, Owner: f.account.ID, At: moment}
	f.update(t, func(tx *store.Tx) error { return tx.PutFormerName(want) })
	f.update(t, func(tx *store.Tx) error { return tx.PutFormerName(want) })
	same(t, "one", get(t, f, func(tx *store.Tx) (store.FormerName, error) { return tx.FormerName("old-harbor") }), want)
	same(t, "all", get(t, f, (*store.Tx).FormerNames), []store.FormerName{want})
	find := func(tx *store.Tx) (kigo.AppID, error) { return tx.FindFormerName("old-harbor") }
	same(t, "app of it", get(t, f, find), f.app.ID)

	f.update(t, func(tx *store.Tx) error { return tx.DeleteApp(f.app.ID) })
	fails(t, "of an app that is gone", f.View(context.Background(), func(tx *store.Tx) error {
		_, err := find(tx)
		return err
	}), kigo.ErrNotFound)
	same(t, "still held", get(t, f, func(tx *store.Tx) (store.FormerName, error) { return tx.FormerName("old-harbor") }), want)
	f.update(t, func(tx *store.Tx) error { return tx.DeleteFormerName("old-harbor") })
}

func testBuildpacks(t *testing.T, f *fixture) {
	want := []kigo.BuildpackInstallation{{URL: "urn:buildpack:heroku/nodejs", Name: "heroku/nodejs"}, {Ordinal: 1, URL: "https://x/y", Name: "https://x/y"}}
	for range 2 {
		f.update(t, func(tx *store.Tx) error { return tx.SetBuildpackInstallations(f.app.ID, want) })
	}
	same(t, "installed", get(t, f, func(tx *store.Tx) ([]kigo.BuildpackInstallation, error) { return tx.BuildpackInstallations(f.app.ID) }), want)
}

func testFeatures(t *testing.T, f *fixture) {
	for _, on := range []bool{true, false, true} {
		f.update(t, func(tx *store.Tx) error { return tx.SetFeature(f.app.ID, "preboot", on) })
		same(t, "preboot", get(t, f, func(tx *store.Tx) (bool, error) { return tx.FeatureEnabled(f.app.ID, "preboot") }), on)
	}
	same(t, "rows", len(get(t, f, func(tx *store.Tx) ([]store.Feature, error) { return tx.Features(f.app.ID) })), 1)
}

func testDomains(t *testing.T, f *fixture) {
	d := kigo.Domain{App: f.app.ID, Hostname: "www.example.com", Kind: kigo.DomainCustom, CNAME: "x.localhost", Status: "pending"}
	f.update(t, func(tx *store.Tx) error { return tx.CreateDomain(&d) })
	d.Status = "succeeded"
	f.update(t, func(tx *store.Tx) error { return tx.UpdateDomain(&d) })
	for _, key := range []string{d.ID, d.Hostname} {
		same(t, key, get(t, f, func(tx *store.Tx) (kigo.Domain, error) { return tx.FindDomain(f.app.ID, key) }), d)
	}
	same(t, "by host", get(t, f, func(tx *store.Tx) (kigo.Domain, error) { return tx.DomainByHost(d.Hostname) }), d)
	same(t, "of app", get(t, f, func(tx *store.Tx) ([]kigo.Domain, error) { return tx.Domains(f.app.ID) }), []kigo.Domain{d})
	same(t, "all", get(t, f, (*store.Tx).AllDomains), []kigo.Domain{d})
	fails(t, "the same host again", f.Update(context.Background(), func(tx *store.Tx) error {
		return tx.CreateDomain(&kigo.Domain{App: f.app.ID, Hostname: d.Hostname})
	}), store.ErrTaken)
	f.update(t, func(tx *store.Tx) error { return tx.DeleteDomain(d.ID) })
	same(t, "after deletion", get(t, f, (*store.Tx).AllDomains), nil)
}
