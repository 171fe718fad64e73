package control_test

import (
	"strings"
	"testing"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/control"
)

// testLines has each change of an app write the line that Heroku's log has for it, word
// for word. Heroku's lines about add-ons ("Attach DATABASE (@ref:…) by user E") are
// missing: there are none here.
func testLines(t *testing.T, x *site) {
	x.URL = "https://api"
	var app kigo.App
	var build kigo.Build
	newBuild := func() {
		build = must(x.CreateBuild(x.ctx, x.actor, app.ID, kigo.Source{Blob: "blob", Version: commit}, nil))(t)
	}
	set := func(vars map[string]*string) func() {
		return func() { must2(x.SetConfig(x.ctx, x.actor, app.ID, vars))(t) }
	}
	defer func() { x.t = t }()
	for _, row := range []struct {
		row  string // of the table
		do   func()
		want []string
	}{
		{"new app", func() { app = must(x.CreateApp(x.ctx, x.actor, control.NewApp{Name: "myapp"}))(t) },
			[]string{"Initial release by user E", "Release v1 created by user E", "Enable Logplex by user E", "Release v2 created by user E"}},
		{"set one var", set(map[string]*string{"A": ptr("1")}), []string{"Set A config vars by user E", "Release v3 created by user E"}},
		{"set vars", set(map[string]*string{"B": ptr("1"), "A": ptr("2")}), []string{"Set A, B config vars by user E", "Release v4 created by user E"}},
		{"remove a var", set(map[string]*string{"A": nil}), []string{"Remove A config vars by user E", "Release v5 created by user E"}},
		{"a build begins", newBuild, []string{"Build started by user E"}},
		{"a build fails", func() {
			if err := x.FailBuild(x.ctx, build.ID, "compile failed"); err != nil {
				t.Fatal(err)
			}
		}, []string{"Build failed -- check your build output: https://api/apps/APP/builds/BUILD"}},
		{"the next build begins", newBuild, []string{"Build started by user E"}},
		{"a first deploy", func() { must(x.CompleteBuild(x.ctx, build.ID, slug(web)))(t) },
			[]string{"Deploy 0123abcd by user E", "Release v6 created by user E", "Scaled to web@1:Basic worker@0:Basic by user E", "Build succeeded"}},
		{"scale", func() {
			must(x.Scale(x.ctx, x.actor, app.ID, []control.FormationChange{{Type: "web", Quantity: ptr(2), Size: ptr("Standard-1X")}, {Type: "worker", Quantity: ptr(1), Size: ptr("Standard-1X")}}))(t)
		}, []string{"Scaled to web@2:Standard-1X worker@1:Standard-1X by user E"}},
		{"a run", func() { must(x.RunDyno(x.ctx, x.actor, app.ID, control.NewDyno{Command: "rake db:migrate"}))(t) },
			[]string{"Starting process with command `rake db:migrate` by user E"}},
		{"another config change", set(map[string]*string{"C": ptr("1")}), []string{"Set C config vars by user E", "Release v7 created by user E"}},
		{"a rollback", func() { must(x.Rollback(x.ctx, x.actor, app.ID, "v6"))(t) }, []string{"Rollback to v6 by user E", "Release v8 created by user E"}},
		{"a stack", func() {
			must(x.UpdateApp(x.ctx, x.actor, app.ID, control.AppChange{BuildStack: ptr("heroku-24")}))(t)
		}, []string{"Stack changed from heroku-22 to heroku-24 by user E"}},
		{"maintenance", func() {
			must(x.UpdateApp(x.ctx, x.actor, app.ID, control.AppChange{Maintenance: ptr(true)}))(t)
		}, []string{"Maintenance mode enabled by user E"}},
	} {
		x.forgetLog()
		row.do()
		for i := range row.want {
			row.want[i] = strings.NewReplacer("APP", string(app.ID), "BUILD", string(build.ID)).Replace(row.want[i])
		}
		if t.Run(row.row, func(t *testing.T) { x.t = t; x.logged(row.want...) }); t.Failed() {
			return
		}
	}
}

func must2[A, B any](_ A, _ B, err error) func(testing.TB) {
	return func(t testing.TB) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
}
