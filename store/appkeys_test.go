package store_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/secret"
	"github.com/kigo-dev/kigo/store"
	"github.com/kigo-dev/kigo/store/storetest"
)

// appSecret is a value that belongs to an app.
type appSecret struct{ table, column, field string }

var appSecrets = []appSecret{
	{"alerts", "target", "target"}, {"builds", "source_url", "source_url"}, {"sni_endpoints", "private_key", "private_key"},
	{"log_drains", "url", "url"}, {"dynos", "env", "env"}, {"releases", "config", "config"}, {"app_setups", "given", "given"},
	{"telemetry_drains", "exporter", "exporter"}, {"webhooks", "url", "url"}, {"webhooks", "secret", "secret"},
	{"webhooks", "authorization_header", "authorization"},
}

// secretApp is an app that has one of each.
type secretApp struct {
	kigo.App
	ids map[string]string // by table
}

func newOwner(tx *store.Tx) (kigo.Account, error) {
	a := kigo.Account{Email: "a@example.com"}
	return a, tx.CreateAccount(&a)
}

func newSecretApp(tx *store.Tx, owner kigo.AccountID, name string) (a secretApp, err error) {
	a.App = kigo.App{Name: name, Owner: owner}
	if err := tx.CreateApp(&a.App); err != nil {
		return a, err
	}
	r := kigo.Release{App: a.ID}
	if err := tx.CreateRelease(&r, kigo.ConfigVars{"A": name}); err != nil {
		return a, err
	}
	alert := kigo.Alert{App: a.ID, Name: "slow", Target: kigo.AlertTarget{Webhook: "https://x/" + name}}
	build := kigo.Build{App: a.ID, Source: kigo.Source{URL: "https://x/" + name}}
	endpoint := kigo.SNIEndpoint{App: a.ID, Name: "one", PrivateKey: name}
	drain := kigo.Drain{App: a.ID, URL: "https://x/" + name}
	dyno := kigo.Dyno{App: a.ID, Release: r.ID, Type: "run", Number: 1, Env: map[string]string{"A": name}}
	setup := kigo.Setup{App: a.ID, Env: kigo.ConfigVars{"A": name}}
	exporter := kigo.TelemetryDrain{App: a.ID, Exporter: kigo.Exporter{Endpoint: "https://x/" + name}}
	hook := kigo.Webhook{App: a.ID, URL: "https://x/" + name, Secret: name, Authorization: "Bearer " + name}
	err = errors.Join(tx.CreateAlert(&alert), tx.CreateBuild(&build), tx.CreateSNIEndpoint(&endpoint), tx.CreateDrain(&drain),
		tx.CreateDyno(&dyno), tx.CreateSetup(&setup), tx.CreateTelemetryDrain(&exporter), tx.PutWebhook(&hook))
	a.ids = map[string]string{"alerts": alert.ID, "builds": string(build.ID), "sni_endpoints": endpoint.ID, "log_drains": drain.ID, "dynos": string(dyno.ID),
		"releases": string(r.ID), "app_setups": setup.ID, "telemetry_drains": exporter.ID, "webhooks": hook.ID}
	return a, err
}

// reading returns every secret of an app as it is read, or why it cannot be.
func (a secretApp) reading(tx *store.Tx) map[string]string {
	got := map[string]string{}
	put := func(column, value string, err error) {
		if err != nil {
			value = err.Error()
		}
		got[column] = value
	}
	alert, err := tx.Alert(a.ids["alerts"])
	put("alerts.target", alert.Target.Webhook, err)
	build, err := tx.Build(kigo.BuildID(a.ids["builds"]))
	put("builds.source_url", build.Source.URL, err)
	endpoint, err := tx.FindSNIEndpoint(a.ID, "one")
	put("sni_endpoints.private_key", endpoint.PrivateKey, err)
	drain, err := tx.FindDrain(a.ID, a.ids["log_drains"])
	put("log_drains.url", drain.URL, err)
	dyno, err := tx.Dyno(kigo.DynoID(a.ids["dynos"]))
	put("dynos.env", dyno.Env["A"], err)
	vars, err := tx.ReleaseConfig(kigo.ReleaseID(a.ids["releases"]))
	put("releases.config", vars["A"], err)
	setup, err := tx.Setup(a.ids["app_setups"])
	put("app_setups.given", setup.Env["A"], err)
	exporter, err := tx.TelemetryDrain(a.ids["telemetry_drains"])
	put("telemetry_drains.exporter", exporter.Exporter.Endpoint, err)
	hook, err := tx.Webhook(a.ids["webhooks"])
	put("webhooks.url", hook.URL, err)
	put("webhooks.secret", hook.Secret, err)
	put("webhooks.authorization_header", hook.Authorization, err)
	return got
}

func (a secretApp) check(t *testing.T, s *store.Store, when string) {
	t.Helper()
	want := map[string]string{"alerts.target": "https://x/" + a.Name, "builds.source_url": "https://x/" + a.Name, "sni_endpoints.private_key": a.Name,
		"log_drains.url": "https://x/" + a.Name, "dynos.env": a.Name, "releases.config": a.Name, "app_setups.given": a.Name,
		"telemetry_drains.exporter": "https://x/" + a.Name, "webhooks.url": "https://x/" + a.Name, "webhooks.secret": a.Name, "webhooks.authorization_header": "Bearer " + a.Name}
	var got map[string]string
	update(t, s.View, func(tx *store.Tx) error {
		got = a.reading(tx)
		return nil
	})
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s, %s (-want +got):\n%s", when, a.Name, diff)
	}
}

func update(t *testing.T, do func(context.Context, func(*store.Tx) error) error, f func(*store.Tx) error) {
	t.Helper()
	if err := do(t.Context(), f); err != nil {
		t.Fatal(err)
	}
}

// byAppsKey fails the test unless so many of the secrets of all apps in each column are sealed
// with the app's own key.
func byAppsKey(t *testing.T, s *store.Store, want int) {
	t.Helper()
	update(t, s.View, func(tx *store.Tx) error {
		for _, c := range appSecrets {
			sealed, all, err := store.ByAppsKey(tx, c.table, c.column)
			if err != nil || sealed != want || all < want {
				t.Errorf("%s.%s: %d of %d are sealed with keys of apps, want %d; %v", c.table, c.column, sealed, all, want, err)
			}
		}
		return nil
	})
}

func keys(t *testing.T, s *store.Store) (n int) {
	t.Helper()
	update(t, s.View, func(tx *store.Tx) (err error) {
		_, n, err = store.ByAppsKey(tx, "app_keys", "sealed")
		return err
	})
	return n
}

func TestEachAppHasAKeyOfItsOwn(t *testing.T) {
	storetest.Both(t, func(t *testing.T, open func(testing.TB) *store.Store) {
		s := open(t)
		var one, two secretApp
		update(t, s.Update, func(tx *store.Tx) error {
			owner, err := newOwner(tx)
			if err != nil {
				return err
			}
			if one, err = newSecretApp(tx, owner.ID, "one"); err != nil {
				return err
			}
			two, err = newSecretApp(tx, owner.ID, "two")
			return err
		})
		byAppsKey(t, s, 2)
		one.check(t, s, "with its key")
		two.check(t, s, "with its key")
		if n := keys(t, s); n != 2 {
			t.Errorf("%d keys of 2 apps", n)
		}
		refused := errors.New("refused")
		if err := s.Update(t.Context(), func(tx *store.Tx) error {
			if err := store.Exec(tx, "UPDATE app_keys SET sealed = (SELECT sealed FROM app_keys WHERE app_id = $1) WHERE app_id = $2", string(two.ID), string(one.ID)); err != nil {
				return err
			}
			if _, err := tx.ReleaseConfig(kigo.ReleaseID(one.ids["releases"])); !errors.Is(err, secret.ErrDamaged) {
				t.Errorf("with another app's key: %v", err)
			}
			return refused
		}); !errors.Is(err, refused) {
			t.Fatal(err)
		}
		update(t, s.Update, func(tx *store.Tx) error { return tx.DeleteApp(one.ID) })
		if n := keys(t, s); n != 2 {
			t.Errorf("%d keys: an app's webhooks stay, but not what they are sealed with", n)
		}
		update(t, s.Update, func(tx *store.Tx) error { return tx.TrimWebhooks(tx.Now(), 1<<62) })
		if n := keys(t, s); n != 1 {
			t.Errorf("%d keys are left of one app", n)
		}
		two.check(t, s, "after the other one was destroyed")
	})
}

func TestAKeyIsMadeOnceWithTheFirstSecret(t *testing.T) {
	storetest.Both(t, func(t *testing.T, open func(testing.TB) *store.Store) {
		s := open(t)
		app := kigo.App{Name: "myapp"}
		update(t, s.Update, func(tx *store.Tx) error {
			owner, err := newOwner(tx)
			app.Owner = owner.ID
			return errors.Join(err, tx.CreateApp(&app))
		})
		refused := errors.New("refused")
		if err := s.Update(t.Context(), func(tx *store.Tx) error {
			return errors.Join(tx.CreateDrain(&kigo.Drain{App: app.ID, URL: "https://gone"}), refused)
		}); !errors.Is(err, refused) {
			t.Fatal(err)
		}
		if n := keys(t, s); n != 0 {
			t.Errorf("a change that failed has left %d keys", n)
		}
		var writers sync.WaitGroup
		for i := range 8 {
			writers.Go(func() {
				if err := s.Update(t.Context(), func(tx *store.Tx) error {
					return tx.CreateDrain(&kigo.Drain{App: app.ID, URL: fmt.Sprint("https://drain/", i)})
				}); err != nil {
					t.Error(err)
				}
			})
		}
		writers.Wait()
		if n := keys(t, s); n != 1 {
			t.Errorf("%d keys of one app", n)
		}
		update(t, s.View, func(tx *store.Tx) error {
			drains, err := tx.Drains(app.ID)
			if len(drains) != 8 {
				t.Errorf("%d drains are read", len(drains))
			}
			return err
		})
	})
}

func TestSecretsFromBeforeAppsHadKeysAreOpened(t *testing.T) {
	t.Parallel()
	path := dbPath(t)
	s := mustOpen(t, path)
	var one secretApp
	update(t, s.Update, func(tx *store.Tx) error {
		owner, err := newOwner(tx)
		if err != nil {
			return err
		}
		if one, err = newSecretApp(tx, owner.ID, "one"); err != nil {
			return err
		}
		for _, c := range appSecrets {
			if err := store.SealAsBefore(tx, one.ID, c.table, c.column, one.ids[c.table], c.field); err != nil {
				return fmt.Errorf("%s.%s: %w", c.table, c.column, err)
			}
		}
		return nil
	})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	raw(t, path, "DROP TABLE app_keys") // as a database of the last version is
	raw(t, path, "DELETE FROM schema_version WHERE version = 81")
	s = mustOpen(t, path)
	defer s.Close()
	byAppsKey(t, s, 0)
	one.check(t, s, "after the upgrade")
	var two secretApp
	update(t, s.Update, func(tx *store.Tx) (err error) {
		hook, err := tx.Webhook(one.ids["webhooks"])
		if err != nil {
			return err
		}
		two, err = newSecretApp(tx, one.Owner, "two")
		return errors.Join(err, tx.PutWebhook(&hook))
	})
	if n := keys(t, s); n != 2 {
		t.Errorf("%d keys: the app that was there before has none", n)
	}
	one.check(t, s, "after a secret was written again")
	two.check(t, s, "beside an older app")
}
