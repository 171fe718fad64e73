package control_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/control"
	"github.com/kigo-dev/kigo/store"
)

func testNewApp(t *testing.T, x *site) {
	app := must(x.CreateApp(x.ctx, x.actor, control.NewApp{Name: "myapp", Stack: "heroku-24"}))(t)
	x.logged("Initial release by user E", "Release v1 created by user E", "Enable Logplex by user E", "Release v2 created by user E")
	same(t, "app", []string{app.Name, app.Stack, app.BuildStack, app.Region, string(app.Owner)},
		[]string{"myapp", "heroku-24", "heroku-24", "us", string(x.actor.ID)})
	if !app.ReleasedAt.IsZero() {
		t.Error("released before any code")
	}
	var got []string
	for _, r := range x.releases(app.ID) {
		got = append(got, r.Description+" by "+r.UserEmail)
	}
	same(t, "releases", got, []string{"Enable Logplex by op@example.com", "Initial release by op@example.com"})
	same(t, "current", x.current(app.ID).Version, 2)
	d := read(x, func(tx *store.Tx) ([]kigo.Domain, error) { return tx.Domains(app.ID) })
	same(t, "domain", d[0].Hostname, "myapp.localhost")

	if a := must(x.CreateApp(x.ctx, x.actor, control.NewApp{}))(t); kigo.ValidateAppName(a.Name) != nil {
		t.Errorf("generated name %q", a.Name)
	}
	_, err := x.CreateApp(x.ctx, x.actor, control.NewApp{Stack: "cedar-14"})
	refused(t, "unknown stack", err, kigo.IDNotFound, "cedar-14")
	_, err = x.CreateApp(x.ctx, x.actor, control.NewApp{Region: "mars"})
	refused(t, "unknown region", err, kigo.IDNotFound, "mars")
}

func testAppNames(t *testing.T, x *site) {
	app, second := x.app("myapp"), x.app("second")
	for name, text := range map[string]string{
		"myapp": "Name myapp is already taken", "a;id": "Name must start", "../x": "Name must start", "-rf": "Name must start",
		"A-b": "Name must start", "x\x00y": "Name must start", "my-": "Name must start", "ab": "too short", long(31): "too long", "api": "reserved",
		"é-é-é": "Name must start", "a b": "Name must start",
	} {
		_, err := x.CreateApp(x.ctx, x.actor, control.NewApp{Name: name})
		refused(t, "create "+name, err, kigo.IDInvalidParams, text)
		_, err = x.UpdateApp(x.ctx, x.actor, second.ID, control.AppChange{Name: &name})
		refused(t, "rename to "+name, err, kigo.IDInvalidParams, text)
	}
	same(t, "rename to its own name", must(x.UpdateApp(x.ctx, x.actor, app.ID, control.AppChange{Name: ptr("myapp")}))(t).Name, "myapp")
}

func testNameRace(t *testing.T, x *site) {
	var wg sync.WaitGroup
	errs := make([]error, 6)
	for i := range errs {
		wg.Go(func() { _, errs[i] = x.CreateApp(x.ctx, x.actor, control.NewApp{Name: "myapp"}) })
	}
	wg.Wait()
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
		} else {
			refused(t, "loser", err, kigo.IDInvalidParams, "already taken")
		}
	}
	same(t, "winners", won, 1)
}

func testRename(t *testing.T, x *site) {
	app, other := x.app("oldname"), x.other()
	app = must(x.UpdateApp(x.ctx, x.actor, app.ID, control.AppChange{Name: ptr("newname")}))(t)
	x.logged("Rename oldname to newname by user E")
	d := read(x, func(tx *store.Tx) ([]kigo.Domain, error) { return tx.Domains(app.ID) })
	same(t, "domain", d[0].Hostname, "newname.localhost")
	same(t, "app by its former name", read(x, func(tx *store.Tx) (kigo.AppID, error) { return tx.FindFormerName("oldname") }), app.ID)
	_, err := x.CreateApp(x.ctx, other, control.NewApp{Name: "oldname"})
	refused(t, "the former name for another", err, kigo.IDInvalidParams, "Name oldname is already taken")

	must(x.UpdateApp(x.ctx, x.actor, app.ID, control.AppChange{Name: ptr("oldname")}))(t)
	_, err = x.CreateApp(x.ctx, other, control.NewApp{Name: "newname"})
	refused(t, "the other one after renaming back", err, kigo.IDInvalidParams, "already taken")
	must(x.CreateApp(x.ctx, x.actor, control.NewApp{Name: "newname"}))(t)
	same(t, "former names when the owner uses it again", len(read(x, (*store.Tx).FormerNames)), 0)
}

func testDestroy(t *testing.T, x *site) {
	app, other := x.app("myapp"), x.other()
	x.deploy(app.ID, web)
	d := must(x.RunDyno(x.ctx, x.actor, app.ID, control.NewDyno{Command: "bash"}))(t)
	b := must(x.CreateBuild(x.ctx, x.actor, app.ID, kigo.Source{Blob: "b"}, nil))(t)
	must(x.UpdateApp(x.ctx, x.actor, app.ID, control.AppChange{Name: ptr("renamed")}))(t)
	x.deploy(app.ID, phased)
	lapsed := store.FormerName{Name: "myapp", App: app.ID, Owner: x.actor.ID, At: time.Now().Add(-2 * control.NameHold)}
	if err := x.Store.Update(x.ctx, func(tx *store.Tx) error { return tx.PutFormerName(lapsed) }); err != nil {
		t.Fatal(err)
	}
	was := must(x.DestroyApp(x.ctx, x.actor, app.ID))(t)
	same(t, "answer", was.Name, "renamed")

	for what, err := range map[string]error{
		"destroy again": errOf(x.DestroyApp(x.ctx, x.actor, app.ID)),
		"build":         errOf(x.CreateBuild(x.ctx, x.actor, app.ID, kigo.Source{Blob: "b"}, nil)),
		"complete":      errOf(x.CompleteBuild(x.ctx, b.ID, slug(web))),
		"scale":         errOf(x.Scale(x.ctx, x.actor, app.ID, nil)),
		"run":           errOf(x.RunDyno(x.ctx, x.actor, app.ID, control.NewDyno{Command: "bash"})),
		"restart":       x.RestartDynos(x.ctx, x.actor, app.ID, ""),
	} {
		if !errors.Is(err, kigo.ErrNotFound) && !errors.Is(err, kigo.ErrConflict) {
			t.Errorf("%s: %v", what, err)
		}
	}
	same(t, "dyno is to stop", read(x, func(tx *store.Tx) (kigo.Dyno, error) { return tx.Dyno(d.ID) }).Stop, true)
	same(t, "build", read(x, func(tx *store.Tx) (kigo.Build, error) { return tx.Build(b.ID) }).Status, kigo.BuildFailed)
	same(t, "release", len(read(x, (*store.Tx).PendingReleases)), 0)
	same(t, "domains", len(read(x, (*store.Tx).AllDomains)), 0)
	for _, name := range []string{"myapp", "renamed"} {
		_, err := x.CreateApp(x.ctx, other, control.NewApp{Name: name})
		refused(t, name+" for another", err, kigo.IDInvalidParams, "already taken")
	}
	must(x.CreateApp(x.ctx, x.actor, control.NewApp{Name: "renamed"}))(t)
	for range 2 {
		if err := x.FinishDestroy(x.ctx, app.ID); err != nil {
			t.Fatal(err)
		}
	}
	_, err := x.CreateApp(x.ctx, other, control.NewApp{Name: "myapp"})
	refused(t, "a name that is held", err, kigo.IDInvalidParams, "already taken")
	err = x.Store.Update(x.ctx, func(tx *store.Tx) error {
		return tx.PutFormerName(store.FormerName{Name: "myapp", App: app.ID, Owner: x.actor.ID, At: tx.Now().Add(-control.NameHold - time.Second)})
	})
	if err != nil {
		t.Fatal(err)
	}
	must(x.CreateApp(x.ctx, other, control.NewApp{Name: "myapp"}))(t)

	alive := x.app("alive")
	if x.FinishDestroy(x.ctx, alive.ID) == nil {
		t.Error("an app that nobody destroyed was removed")
	}
}

func testAppChanges(t *testing.T, x *site) {
	app := x.app("myapp")
	app = must(x.UpdateApp(x.ctx, x.actor, app.ID, control.AppChange{Maintenance: ptr(true), BuildStack: ptr("heroku-24")}))(t)
	x.logged("Maintenance mode enabled by user E", "Stack changed from heroku-22 to heroku-24 by user E")
	same(t, "stack of an app without code", []string{app.Stack, app.BuildStack}, []string{"heroku-24", "heroku-24"})
	x.deploy(app.ID, web)
	app = must(x.UpdateApp(x.ctx, x.actor, app.ID, control.AppChange{BuildStack: ptr("heroku-22"), Maintenance: ptr(true)}))(t)
	same(t, "stack until the next build", []string{app.Stack, app.BuildStack}, []string{"heroku-24", "heroku-22"})
	x.deploy(app.ID, web)
	app = read(x, func(tx *store.Tx) (kigo.App, error) { return tx.App(app.ID) })
	same(t, "stack after it", app.Stack, "heroku-22")
}

func errOf[T any](_ T, err error) error { return err }
