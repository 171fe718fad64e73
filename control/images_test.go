package control_test

import (
	"strings"
	"testing"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/control"
	"github.com/kigo-dev/kigo/store"
)

// A release command runs before a rollback and before a promotion too, and each that
// fails leaves what was current.
func testPhaseElsewhere(t *testing.T, x *site) {
	app := x.app("staging")
	for range 2 {
		b := must(x.CreateBuild(x.ctx, x.actor, app.ID, kigo.Source{Blob: "k", Version: commit}, nil))(t)
		r := must(x.CompleteBuild(x.ctx, b.ID, slug(phased)))(t)
		must(x.FinishRelease(x.ctx, r.ID, true))(t)
	}
	current := x.current(app.ID)
	back := must(x.Rollback(x.ctx, x.actor, app.ID, "v3"))(t)
	same(t, "a rollback", back.Status, kigo.ReleasePending)
	must(x.FinishRelease(x.ctx, back.ID, false))(t)
	same(t, "current after a failed rollback", x.current(app.ID).ID, current.ID)

	production := x.app("production")
	p := must(x.CreatePipeline(x.ctx, x.actor, "line", ""))(t)
	must(x.Couple(x.ctx, x.actor, app.ID, p.ID, "staging"))(t)
	must(x.Couple(x.ctx, x.actor, production.ID, p.ID, "production"))(t)
	made := must(x.Promote(x.ctx, x.actor, p.ID, app.ID, "", []kigo.AppID{production.ID}, func(kigo.App) error { return nil }))(t)
	r := read(x, func(tx *store.Tx) (kigo.Release, error) { return tx.Release(made.Targets[0].Release) })
	same(t, "a promotion", r.Status, kigo.ReleasePending)
	before := x.current(production.ID).ID
	must(x.FinishRelease(x.ctx, r.ID, false))(t)
	same(t, "current after a failed promotion", x.current(production.ID).ID, before)
}

// A patch of the stack makes a release of the same code, without a release phase; what
// follows stays on its image, and a build takes the newest.
func testPatch(t *testing.T, x *site) {
	newest := "sha256:" + strings.Repeat("1", 64)
	x.Control.Base = func(string) string { return newest }
	app := x.app("myapp")
	build := func() kigo.Release {
		b := must(x.CreateBuild(x.ctx, x.actor, app.ID, kigo.Source{Blob: "k", Version: commit}, nil))(t)
		r := must(x.CompleteBuild(x.ctx, b.ID, slug(phased)))(t)
		return must(x.FinishRelease(x.ctx, r.ID, true))(t)
	}
	first := build()
	same(t, "the base of a build", first.Base, newest)
	old := newest
	newest = "sha256:" + strings.Repeat("2", 64)
	_, config, err := x.SetConfig(x.ctx, x.actor, app.ID, map[string]*string{"A": ptr("1")})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "the base of a config change", config.Base, old)
	same(t, "while a release phase runs", must(x.PatchApp(x.ctx, app.ID, "heroku-22", newest))(t), false)
	must(x.FinishRelease(x.ctx, config.ID, true))(t)
	for i, want := range []bool{true, false} {
		if done := must(x.PatchApp(x.ctx, app.ID, "heroku-22", newest))(t); done != want {
			t.Errorf("patch %d: %t", i, done)
		}
	}
	current := x.current(app.ID)
	same(t, "the patch", []any{current.Base, current.Slug, current.Status, current.Description, current.Output},
		[]any{newest, first.Slug, kigo.ReleaseSucceeded, "Patch heroku-22 to 222222222222", ""})
	same(t, "its config vars", read(x, func(tx *store.Tx) (kigo.ConfigVars, error) { return tx.ReleaseConfig(current.ID) }), kigo.ConfigVars{"A": "1"})
	if err := x.RejectRelease(x.ctx, current.ID, "web.1: x", config.ID); err != nil {
		t.Fatal(err)
	}
	same(t, "the base after a return", x.current(app.ID).Base, old)
	back := must(x.Rollback(x.ctx, x.actor, app.ID, "v3"))(t)
	same(t, "the base of a rollback after a return", back.Base, old)
	must(x.FinishRelease(x.ctx, back.ID, true))(t)
	same(t, "the base of the next build", build().Base, newest)
}

func testImages(t *testing.T, x *site) {
	app := x.app("boxed")
	image := func(id string) *kigo.ContainerImage {
		return &kigo.ContainerImage{ID: "sha256:" + id, Root: "sha256:root" + id, App: "sha256:app" + id, Cmd: []string{"serve", "it's on"}}
	}
	release := func(images map[string]*kigo.ContainerImage) (kigo.Release, error) {
		return x.ReleaseImages(x.ctx, x.actor, app.ID, images)
	}
	if _, err := release(map[string]*kigo.ContainerImage{"web": image("1")}); err == nil || !strings.Contains(err.Error(), "heroku stack:set container") {
		t.Errorf("on another stack: %v", err)
	}
	must(x.UpdateApp(x.ctx, x.actor, app.ID, control.AppChange{BuildStack: ptr(kigo.StackContainer)}))(t)
	if _, err := release(map[string]*kigo.ContainerImage{"web": nil}); err == nil {
		t.Error("a type that is not there was removed")
	}
	first := must(release(map[string]*kigo.ContainerImage{"web": image("1"), "worker": image("2")}))(t)
	same(t, "description", first.Description, "Deployed web (1), worker (2)")
	second := must(release(map[string]*kigo.ContainerImage{"web": image("3"), "worker": nil}))(t)
	s := read(x, func(tx *store.Tx) (kigo.Slug, error) { return tx.Slug(second.Slug) })
	same(t, "images", s.Images, map[string]kigo.ContainerImage{"web": *image("3")})
	same(t, "command", s.ProcessTypes, map[string]string{"web": `serve 'it'\''s on'`})
	if _, err := release(map[string]*kigo.ContainerImage{"web": nil}); err == nil || !strings.Contains(err.Error(), "ps:scale web=0") {
		t.Errorf("the last type: %v", err)
	}
	pending := must(release(map[string]*kigo.ContainerImage{"release": image("4")}))(t)
	same(t, "an image for the release phase", pending.Status, kigo.ReleasePending)
}
