package control_test

import (
	"strings"
	"testing"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/control"
	"github.com/kigo-dev/kigo/store"
)

func (x *site) setup(id string) (s kigo.Setup) {
	x.t.Helper()
	if err := x.Store.View(x.ctx, func(tx *store.Tx) (err error) {
		s, err = tx.Setup(id)
		return err
	}); err != nil {
		x.t.Fatal(err)
	}
	return s
}

func testSetups(t *testing.T, x *site) {
	source := kigo.Source{URL: "https://example.com/x.tgz?signature=secret"}
	made, app, err := x.CreateSetup(x.ctx, x.actor, control.NewSetup{App: control.NewApp{Name: "shop"}, Source: source, Env: kigo.ConfigVars{"GIVEN": "mine", "MORE": "1"}})
	if err != nil {
		t.Fatal(err)
	}
	same := x.setup(made.ID)
	if same.Source != source || same.Env["GIVEN"] != "mine" || same.Status != kigo.SetupPending || same.App != app.ID {
		t.Errorf("%+v", same)
	}
	text := `{"stack": "heroku-24", "env": {"GIVEN": "file", "TOKEN": {"generator": "secret"}, "NO": {"required": false}},
		"formation": {"web": {"quantity": 2}, "gone": {"quantity": 0}}, "buildpacks": [{"url": "heroku/go"}], "scripts": {"postdeploy": "bin/seed"}}`
	for range 2 { // as after a crash between a step and the note that it was taken
		if err := x.BeginSetup(x.ctx, made.ID, text); err != nil {
			t.Fatal(err)
		}
	}
	same = x.setup(made.ID)
	var vars kigo.ConfigVars
	var builds []kigo.Build
	if err := x.Store.View(x.ctx, func(tx *store.Tx) (err error) {
		if vars, err = tx.ConfigVars(app.ID); err != nil {
			return err
		}
		builds, err = tx.Builds(app.ID)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if len(vars) != 3 || vars["GIVEN"] != "mine" || vars["MORE"] != "1" || len(vars["TOKEN"]) < 32 {
		t.Errorf("config vars %v", vars)
	}
	if len(builds) != 1 || builds[0].ID != same.Build || builds[0].Stack != "heroku-24" || builds[0].Buildpacks[0] != "heroku/go" {
		t.Errorf("builds %+v", builds)
	}
	if _, err := x.CompleteBuild(x.ctx, same.Build, kigo.Slug{Digest: "sha256:1", ProcessTypes: map[string]string{"web": "./web"}}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := x.ScaleSetup(x.ctx, made.ID); err != nil {
			t.Fatal(err)
		}
	}
	var dynos []kigo.Dyno
	var web kigo.Formation
	if err := x.Store.View(x.ctx, func(tx *store.Tx) (err error) {
		if web, err = tx.Formation(app.ID, "web"); err != nil {
			return err
		}
		dynos, err = tx.Dynos(app.ID)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if same = x.setup(made.ID); len(dynos) != 1 || dynos[0].ID != same.Postdeploy || dynos[0].Command != "bin/seed" || web.Quantity != 2 {
		t.Errorf("dynos %+v, web %+v", dynos, web)
	}
	exit := 0
	for range 2 {
		if err := x.FinishSetup(x.ctx, made.ID, "", &exit); err != nil {
			t.Fatal(err)
		}
	}
	if same = x.setup(made.ID); same.Status != kigo.SetupSucceeded || *same.ExitCode != 0 {
		t.Errorf("%+v", same)
	}
	if _, err := x.RunDyno(x.ctx, x.actor, app.ID, control.NewDyno{Command: "true", Type: "postdeploy"}); err == nil || !strings.Contains(err.Error(), "kept for the scripts") {
		t.Errorf("a one-off of a script's type: %v", err)
	}
}

func testBadSetups(t *testing.T, x *site) {
	for _, c := range []struct{ text, failure, problem string }{
		{`{"env": {"A": {}, "B": {}}}`, "invalid app.json", "config var A is required: give it a value with the set-up\nconfig var B is required: give it a value with the set-up"},
		{`{"env": 5}`, "invalid app.json", `app.json: env is "5": write an object, { … }`},
		{`{"addons": ["heroku-redis"]}`, "invalid app.json", `add-on heroku-redis cannot be had: add-ons are not provided yet. Set the config vars that it would set, and write "optional": true beside its plan`},
		{`{"buildpacks": ["a b"]}`, "invalid app.json", `The buildpack "a b" is neither a name such as heroku/nodejs nor an https URL`},
		{`{"formation": {"nosuch": {"quantity": 1}}}`, "invalid app.json", "app.json: formation.nosuch: the app has no such process type"},
		{`{"formation": {"web": {"quantity": 1, "size": "basic"}, "worker": {"quantity": 1, "size": "standard-1x"}}}`, "invalid app.json", "app.json: formation: Cannot mix"},
	} {
		made, _, err := x.CreateSetup(x.ctx, x.actor, control.NewSetup{Source: kigo.Source{URL: "https://example.com/x.tgz"}})
		if err != nil {
			t.Fatal(err)
		}
		if err := x.BeginSetup(x.ctx, made.ID, c.text); err != nil {
			t.Fatal(err)
		}
		if s := x.setup(made.ID); s.Build != "" {
			if _, err := x.CompleteBuild(x.ctx, s.Build, kigo.Slug{Digest: "sha256:1", ProcessTypes: map[string]string{"web": "./web", "worker": "./w"}}); err != nil {
				t.Fatal(err)
			}
			if err := x.ScaleSetup(x.ctx, made.ID); err != nil {
				t.Fatal(err)
			}
		}
		if s := x.setup(made.ID); s.Status != kigo.SetupFailed || s.Failure != c.failure || !strings.HasPrefix(strings.Join(s.Errors, "\n"), c.problem) {
			t.Errorf("%s\n %s %q %q", c.text, s.Status, s.Failure, s.Errors)
		}
	}
	made, app, err := x.CreateSetup(x.ctx, x.actor, control.NewSetup{Source: kigo.Source{URL: "https://example.com/x.tgz"}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := x.DestroyApp(x.ctx, x.actor, app.ID); err != nil {
		t.Fatal(err)
	}
	if err := x.BeginSetup(x.ctx, made.ID, "{}"); err != nil {
		t.Fatal(err)
	}
	if s := x.setup(made.ID); s.Status != kigo.SetupFailed || s.Failure != "the app was destroyed" {
		t.Errorf("%+v", s)
	}
}
