package control_test

import (
	"fmt"
	"testing"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/control"
	"github.com/kigo-dev/kigo/store"
)

var phased = map[string]string{"web": "bin/web", "release": "bin/migrate"}

func testReleasePhase(t *testing.T, x *site) {
	app := x.app("myapp")
	first := x.deploy(app.ID, web)
	b := must(x.CreateBuild(x.ctx, x.actor, app.ID, kigo.Source{Blob: "k", Version: commit}, nil))(t)
	x.forgetLog()
	r := must(x.CompleteBuild(x.ctx, b.ID, slug(phased)))(t)
	x.logged("Deploy 0123abcd by user E", "Running release v4 commands by user E", "Build succeeded")
	same(t, "pending", []any{r.Status, r.Current, r.Output}, []any{kigo.ReleasePending, false, "release-" + string(r.ID)})
	same(t, "current meanwhile", x.current(app.ID).ID, first.ID)
	same(t, "formation meanwhile", x.formation(app.ID), "release=0:Basic web=1:Basic worker=0:Basic")

	for range 2 {
		r = must(x.FinishRelease(x.ctx, r.ID, true))(t)
	}
	x.logged("Release v4 created by user E")
	same(t, "succeeded", r.Status, kigo.ReleaseSucceeded)
	same(t, "current", x.current(app.ID).ID, r.ID)
	same(t, "formation", x.formation(app.ID), "release=0:Basic web=1:Basic")

	_, config, err := x.SetConfig(x.ctx, x.actor, app.ID, map[string]*string{"A": ptr("1")})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "a config change runs it too", config.Status, kigo.ReleasePending)
	x.forgetLog()
	must(x.FinishRelease(x.ctx, config.ID, false))(t)
	x.logged("Release v5 failed: its release command did not succeed")
	same(t, "current after failure", x.current(app.ID).ID, r.ID)
	same(t, "the config change stays", read(x, func(tx *store.Tx) (kigo.ConfigVars, error) { return tx.ConfigVars(app.ID) }), kigo.ConfigVars{"A": "1"})
	must(x.FinishRelease(x.ctx, config.ID, true))(t)
	same(t, "a failed one stays failed", x.current(app.ID).ID, r.ID)

	_, err = x.Rollback(x.ctx, x.actor, app.ID, "v5")
	refused(t, "roll back to a failed one", err, kigo.IDInvalidParams, "failed")
	_, err = x.Scale(x.ctx, x.actor, app.ID, change("release", 1))
	refused(t, "scale release", err, kigo.IDInvalidParams, "Cannot scale release")
	must(x.Scale(x.ctx, x.actor, app.ID, []control.FormationChange{{Type: "release", Size: ptr("eco")}}))(t)
	back := must(x.Rollback(x.ctx, x.actor, app.ID, "3"))(t)
	same(t, "a rollback to code without the phase", []any{back.Status, back.Current}, []any{kigo.ReleaseSucceeded, true})
}

func testReleaseRetry(t *testing.T, x *site) {
	app := x.app("myapp")
	r := x.deploy(app.ID, phased)
	must(x.FinishRelease(x.ctx, r.ID, false))(t)
	same(t, "formation", x.formation(app.ID), "release=0:Basic")
	again := must(x.CreateRelease(x.ctx, x.actor, app.ID, r.Slug, "Retry of v3: Deploy 0123abcd"))(t)
	same(t, "retry", []any{again.Version, again.Status, again.Slug}, []any{4, kigo.ReleasePending, r.Slug})
	must(x.FinishRelease(x.ctx, again.ID, true))(t)
	same(t, "formation", x.formation(app.ID), "release=0:Basic web=1:Basic")
}

func testOvertaken(t *testing.T, x *site) {
	app := x.app("myapp")
	slow := x.deploy(app.ID, phased)
	newer := x.deploy(app.ID, web)
	r := must(x.FinishRelease(x.ctx, slow.ID, true))(t)
	same(t, "status", r.Status, kigo.ReleaseSucceeded)
	same(t, "current", x.current(app.ID).ID, newer.ID)
}

func testConfigDuringPhase(t *testing.T, x *site) {
	app := x.app("myapp")
	x.deploy(app.ID, web)
	pending := x.deploy(app.ID, phased)
	_, r, err := x.SetConfig(x.ctx, x.actor, app.ID, map[string]*string{"A": ptr("1")})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "slug", r.Slug, pending.Slug)
	must(x.FinishRelease(x.ctx, pending.ID, false))(t)
	must(x.FinishRelease(x.ctx, r.ID, false))(t)
	_, r, err = x.SetConfig(x.ctx, x.actor, app.ID, map[string]*string{"A": ptr("2")})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "slug after both failed", []any{r.Slug, r.Current}, []any{x.current(app.ID).Slug, true})
}

func testRemovedCode(t *testing.T, x *site) {
	app := x.app("myapp")
	first := x.deploy(app.ID, web)
	x.deploy(app.ID, web)
	x.HasSlug = func(string) bool { return false } // as after the collection of old slugs
	_, err := x.Rollback(x.ctx, x.actor, app.ID, "v3")
	refused(t, "roll back to it", err, kigo.IDInvalidParams, "Cannot roll back to v3: its code is too old and has been removed.")
	_, err = x.CreateRelease(x.ctx, x.actor, app.ID, first.Slug, "")
	refused(t, "release it", err, kigo.IDInvalidParams, "is too old and has been removed: build the app again.")
	same(t, "releases", len(x.releases(app.ID)), 4)
}

func testRollback(t *testing.T, x *site) {
	app := x.app("myapp")
	_, _, err := x.SetConfig(x.ctx, x.actor, app.ID, map[string]*string{"A": ptr("old")})
	if err != nil {
		t.Fatal(err)
	}
	old := x.deploy(app.ID, web) // v4
	if _, _, err = x.SetConfig(x.ctx, x.actor, app.ID, map[string]*string{"A": ptr("new"), "B": ptr("1")}); err != nil {
		t.Fatal(err)
	}
	x.deploy(app.ID, web) // v6
	for which, text := range map[string]string{"v6": "Cannot roll back to v6: it is the current release.", "v1": "v1: it has no code", "v3": "v3: it has no code"} {
		_, err := x.Rollback(x.ctx, x.actor, app.ID, which)
		refused(t, which, err, kigo.IDInvalidParams, text)
	}
	for _, which := range []string{"v99", "x", "", "v-1"} {
		_, err := x.Rollback(x.ctx, x.actor, app.ID, which)
		refused(t, which, err, kigo.IDNotFound, "Couldn't find that release.")
	}
	x.forgetLog()
	r := must(x.Rollback(x.ctx, x.actor, app.ID, "v4"))(t)
	x.logged("Rollback to v4 by user E", "Release v7 created by user E")
	same(t, "release", []any{r.Version, r.Slug, r.Description, r.Current}, []any{7, old.Slug, "Rollback to v4", true})
	same(t, "vars", read(x, func(tx *store.Tx) (kigo.ConfigVars, error) { return tx.ConfigVars(app.ID) }), kigo.ConfigVars{"A": "old"})
}

func testSlugs(t *testing.T, x *site) {
	app, second := x.app("myapp"), x.app("second")
	s := must(x.CreateSlug(x.ctx, x.actor, app.ID, control.NewSlug{ProcessTypes: web, Commit: commit}))(t)
	_, err := x.CreateRelease(x.ctx, x.actor, app.ID, s.ID, "")
	refused(t, "before the upload", err, kigo.IDInvalidParams, "holds nothing yet")
	must(x.FinishSlug(x.ctx, s.ID, "sha256:1", 10, 20))(t)
	_, err = x.CreateRelease(x.ctx, x.actor, second.ID, s.ID, "")
	refused(t, "of another app", err, kigo.IDNotFound, "slug")
	r := must(x.CreateRelease(x.ctx, x.actor, app.ID, s.ID, ""))(t)
	same(t, "release", []any{r.Description, r.Slug, r.Current}, []any{"Deploy 0123abcd", s.ID, true})

	many := map[string]string{}
	for i := range 200 {
		many[fmt.Sprint("type", i)] = "x"
	}
	for name, types := range map[string]map[string]string{
		"bad type": {"web;id": "x"}, "no command": {"web": ""}, "NUL": {"web": "a\x00"}, "long": {long(64): "x"}, "200": many,
	} {
		_, err := x.CreateSlug(x.ctx, x.actor, app.ID, control.NewSlug{ProcessTypes: types})
		refused(t, name, err, kigo.IDInvalidParams, "")
	}
	_, err = x.FinishSlug(x.ctx, s.ID, "sha256:1", kigo.SlugHardLimit+1, 20)
	refused(t, "too large", err, kigo.IDInvalidParams, "too large")
}
