package control_test

import (
	"testing"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/control"
	"github.com/kigo-dev/kigo/store"
)

func testFeatures(t *testing.T, x *site) {
	app := x.app("myapp")
	for _, f := range must(x.Features(x.ctx, app.ID))(t) {
		if f.Enabled != (f.Name == "runtime-heroku-exec") || f.Description == "" || f.DocURL == "" && f.Name != "force-https" || f.State == "" {
			t.Errorf("feature %+v", f)
		}
	}
	f := must(x.SetFeature(x.ctx, x.actor, app.ID, "preboot", true))(t)
	x.logged("Feature preboot enabled by user E")
	same(t, "preboot", []any{f.Name, f.Enabled}, []any{"preboot", true})
	same(t, "stored", read(x, func(tx *store.Tx) (bool, error) { return tx.FeatureEnabled(app.ID, "preboot") }), true)
	refused(t, "unknown", errOf(x.SetFeature(x.ctx, x.actor, app.ID, "teleport", true)), kigo.IDNotFound, "Couldn't find that feature.")
}

func testDomains(t *testing.T, x *site) {
	app, second := x.app("myapp"), x.app("second")
	for given, want := range map[string]string{
		"www.Example.com.": "www.example.com", "*.example.com": "*.example.com", "bücher.example": "xn--bcher-kva.example",
	} {
		d := must(x.AddDomain(x.ctx, x.actor, app.ID, given, ""))(t)
		same(t, given, []string{d.Hostname, d.Kind, d.CNAME}, []string{want, "custom", "myapp.localhost"})
	}
	refused(t, "taken", errOf(x.AddDomain(x.ctx, x.actor, second.ID, "www.example.com", "")), kigo.IDInvalidParams, "www.example.com is currently in use by another app.")
	refused(t, "again", errOf(x.AddDomain(x.ctx, x.actor, app.ID, "WWW.example.com", "")), kigo.IDInvalidParams, "Domain already added to this app.")
	for _, bad := range []string{"", "foo", "*.com", "10.0.0.1", "[::1]", "::1", "a..b", "-a.com", "a b.com", "x.localhost", "localhost",
		"xn--example-.com", "xn--www-.com", "xn--99999999.com", "a/b.com", "*.*.com", long(64) + ".com", "a.com:80"} {
		refused(t, bad, errOf(x.AddDomain(x.ctx, x.actor, app.ID, bad, "")), kigo.IDInvalidParams, "is not a valid domain")
	}
	theirs := must(x.CreateApp(x.ctx, x.other(), control.NewApp{Name: "theirs"}))(t)
	must(x.AddDomain(x.ctx, x.actor, second.ID, "a.example.com", ""))(t) // below a wildcard of the same owner's
	must(x.AddDomain(x.ctx, x.actor, theirs.ID, "a.example.net", ""))(t)
	for app, host := range map[kigo.AppID]string{theirs.ID: "b.example.com", app.ID: "*.example.net"} {
		refused(t, "overlap "+host, errOf(x.AddDomain(x.ctx, x.actor, app, host, "")), kigo.IDInvalidParams, "currently in use by another app")
	}
	refused(t, "remove the default one", errOf(x.RemoveDomain(x.ctx, x.actor, app.ID, "myapp.localhost")), kigo.IDInvalidParams, "own domain")
	refused(t, "remove another's", errOf(x.RemoveDomain(x.ctx, x.actor, second.ID, "www.example.com")), kigo.IDNotFound, "domain")
	must(x.RemoveDomain(x.ctx, x.actor, app.ID, "www.example.com"))(t)
	must(x.AddDomain(x.ctx, x.actor, second.ID, "www.example.com", ""))(t)

	x.Domain = "apps.example.net"
	for range 2 {
		if err := x.SyncDomains(x.ctx); err != nil {
			t.Fatal(err)
		}
	}
	d := read(x, func(tx *store.Tx) ([]kigo.Domain, error) { return tx.Domains(second.ID) })
	same(t, "after the platform moved", []string{d[0].Hostname, d[1].Hostname, d[2].Hostname}, []string{"second.apps.example.net", "a.example.com", "www.example.com"})
}

// testEvents pins the kinds that loops follow.
func testEvents(t *testing.T, x *site) {
	var after int64
	since := func() (kinds []string) {
		for _, e := range read(x, func(tx *store.Tx) ([]kigo.Event, error) { return tx.EventsAfter(after, 100) }) {
			kinds = append(kinds, e.Kind)
			after = e.Revision
			if e.Kind != "account.create" && e.Kind != "authorization.create" && (e.App == "" || e.Key == "" || e.Actor != "op@example.com") {
				t.Errorf("event %+v", e)
			}
		}
		return kinds
	}
	same(t, "operator", since(), []string{"account.create", "authorization.create"})
	app := x.app("myapp")
	same(t, "create", since(), []string{"app.create", "domain.create", "release.create", "release.create"})
	x.deploy(app.ID, map[string]string{"web": "w"})
	same(t, "deploy", since(), []string{"build.create", "release.create", "formation.update", "build.update"})
	if _, _, err := x.SetConfig(x.ctx, x.actor, app.ID, map[string]*string{"A": ptr("1")}); err != nil {
		t.Fatal(err)
	}
	same(t, "config", since(), []string{"release.create", "config.update"})
	must(x.Scale(x.ctx, x.actor, app.ID, change("web", 2)))(t)
	same(t, "scale", since(), []string{"formation.update"})
	must(x.RunDyno(x.ctx, x.actor, app.ID, control.NewDyno{Command: "ls"}))(t)
	same(t, "run", since(), []string{"dyno.create"})
	must(x.UpdateApp(x.ctx, x.actor, app.ID, control.AppChange{Maintenance: ptr(true)}))(t)
	same(t, "update", since(), []string{"app.update"})
	must(x.DestroyApp(x.ctx, x.actor, app.ID))(t)
	same(t, "destroy", since(), []string{"domain.delete", "dyno.stop", "app.destroy"})
}
