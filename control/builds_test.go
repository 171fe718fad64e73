package control_test

import (
	"strings"
	"testing"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/store"
)

func testFirstDeploy(t *testing.T, x *site) {
	app := x.app("myapp")
	b := must(x.CreateBuild(x.ctx, x.actor, app.ID, kigo.Source{Blob: "k", Version: commit, Description: "first"}, []string{"heroku/go"}))(t)
	x.logged("Build started by user E")
	same(t, "build", []string{string(b.Status), b.Stack, strings.Join(b.Buildpacks, ","), b.Output}, []string{"pending", "heroku-22", "heroku/go", "build-" + string(b.ID)})
	r := must(x.CompleteBuild(x.ctx, b.ID, slug(map[string]string{"web": "bin/web", "worker": "bin/worker", "console": "sh"})))(t)
	x.logged("Deploy 0123abcd by user E", "Release v3 created by user E",
		"Scaled to console@0:Basic web@1:Basic worker@0:Basic by user E", "Build succeeded")
	same(t, "release", []any{r.Version, r.Description, r.Current, r.Status, r.UserEmail}, []any{3, "Deploy 0123abcd", true, kigo.ReleaseSucceeded, "op@example.com"})
	same(t, "formation", x.formation(app.ID), "console=0:Basic web=1:Basic worker=0:Basic")
	a := read(x, func(tx *store.Tx) (kigo.App, error) { return tx.App(app.ID) })
	same(t, "slug size", a.SlugSize, 1000)
	same(t, "language", a.BuildpackProvided, "Go")
	if a.ReleasedAt.IsZero() {
		t.Error("the app has no time of release")
	}
	b = read(x, func(tx *store.Tx) (kigo.Build, error) { return tx.Build(b.ID) })
	same(t, "ended build", []string{string(b.Status), string(b.Slug), string(b.Release)}, []string{"succeeded", string(r.Slug), string(r.ID)})
	s := read(x, func(tx *store.Tx) (kigo.Slug, error) { return tx.Slug(r.Slug) })
	same(t, "slug", []string{s.Commit, s.CommitDescription, s.Stack}, []string{commit, "first", "heroku-22"})
}

func testWhatABuildpackWants(t *testing.T, x *site) {
	app := x.app("myapp")
	mine := "mine"
	_, _, err := x.SetConfig(x.ctx, x.actor, app.ID, map[string]*string{"RACK_ENV": &mine})
	same(t, "set", err, error(nil))
	made := kigo.Made{
		Slug: slug(web), Detected: true, Buildpacks: []kigo.Buildpack{{Name: "heroku/ruby", Pin: "built in"}},
		Config: kigo.ConfigVars{"RACK_ENV": "production", "LANG": "C.UTF-8", "not a name": "x", "BAD": "\xff"},
	}
	complete := func(m kigo.Made) kigo.Build {
		b := must(x.CreateBuild(x.ctx, x.actor, app.ID, kigo.Source{Blob: "k"}, nil))(t)
		must(x.CompleteBuildWith(x.ctx, b.ID, m))(t)
		return read(x, func(tx *store.Tx) (kigo.Build, error) { return tx.Build(b.ID) })
	}
	same(t, "kept with the build", complete(made).Resolved, made.Buildpacks)
	vars := func(tx *store.Tx) (kigo.ConfigVars, error) { return tx.ConfigVars(app.ID) }
	packs := func(tx *store.Tx) ([]kigo.BuildpackInstallation, error) { return tx.BuildpackInstallations(app.ID) }
	same(t, "config vars of the first release", read(x, vars), kigo.ConfigVars{"RACK_ENV": "mine", "LANG": "C.UTF-8"})
	remembered := []kigo.BuildpackInstallation{{URL: "urn:buildpack:heroku/ruby", Name: "heroku/ruby"}}
	same(t, "remembered", read(x, packs), remembered)
	made.Config, made.Buildpacks = kigo.ConfigVars{"LATER": "x"}, []kigo.Buildpack{{Name: "heroku/go"}}
	complete(made)
	same(t, "later releases are not asked", read(x, vars), kigo.ConfigVars{"RACK_ENV": "mine", "LANG": "C.UTF-8"})
	same(t, "still remembered", read(x, packs), remembered)
}

func testCompleteTwice(t *testing.T, x *site) {
	app := x.app("myapp")
	b := must(x.CreateBuild(x.ctx, x.actor, app.ID, kigo.Source{Blob: "k"}, nil))(t)
	first := must(x.CompleteBuild(x.ctx, b.ID, slug(web)))(t)
	revision := read(x, (*store.Tx).Revision)
	x.forgetLog()
	second := must(x.CompleteBuild(x.ctx, b.ID, slug(web)))(t)
	x.logged()
	same(t, "release", second.ID, first.ID)
	same(t, "description without a version", first.Description, "Deploy")
	same(t, "releases", len(x.releases(app.ID)), 3)
	same(t, "revision", read(x, (*store.Tx).Revision), revision)
	refused(t, "fail it afterwards", x.FailBuild(x.ctx, b.ID, "why"), kigo.IDConflict, "succeeded already")
}

func testBuildEnds(t *testing.T, x *site) {
	app := x.app("myapp")
	x.URL = "https://api"
	failed := must(x.CreateBuild(x.ctx, x.actor, app.ID, kigo.Source{URL: "https://example.com/a.tgz"}, nil))(t)
	x.forgetLog()
	for range 2 {
		if err := x.FailBuild(x.ctx, failed.ID, "compile failed"); err != nil {
			t.Fatal(err)
		}
	}
	x.logged("Build failed -- check your build output: https://api/apps/" + string(app.ID) + "/builds/" + string(failed.ID))
	_, err := x.CompleteBuild(x.ctx, failed.ID, slug(web))
	refused(t, "complete a failed build", err, kigo.IDConflict, "compile failed")
	_, err = x.CancelBuild(x.ctx, x.actor, failed.ID)
	refused(t, "cancel a failed build", err, kigo.IDInvalidParams, "ended already")

	b := must(x.CreateBuild(x.ctx, x.actor, app.ID, kigo.Source{Blob: "k"}, nil))(t)
	b = must(x.CancelBuild(x.ctx, x.actor, b.ID))(t)
	same(t, "cancelled", []string{string(b.Status), b.Failure}, []string{"failed", "Build cancelled by user op@example.com"})
	same(t, "pending", len(read(x, (*store.Tx).PendingBuilds)), 0)

	b = must(x.CreateBuild(x.ctx, x.actor, app.ID, kigo.Source{Blob: "k"}, nil))(t)
	big := slug(web)
	big.Size = kigo.SlugHardLimit + 1
	_, err = x.CompleteBuild(x.ctx, b.ID, big)
	refused(t, "slug too large", err, kigo.IDInvalidParams, "too large (max is 500M)")
	same(t, "releases", len(x.releases(app.ID)), 2)
}

func testBadBuilds(t *testing.T, x *site) {
	app := x.app("myapp")
	for name, s := range map[string]kigo.Source{
		"nothing":     {},
		"file":        {URL: "file:///etc/passwd"},
		"no host":     {URL: "https:///x"},
		"checksum":    {URL: "https://x/y", Checksum: "md5:1"},
		"NUL version": {URL: "https://x/y", Version: "a\x00"},
		"huge":        {URL: "https://x/" + long(9<<10)},
	} {
		_, err := x.CreateBuild(x.ctx, x.actor, app.ID, s, nil)
		refused(t, name, err, kigo.IDInvalidParams, "source_blob.")
	}
	all := must(x.SetBuildpacks(x.ctx, x.actor, app.ID, []string{"heroku/nodejs", "https://github.com/x/y.git#v1", "urn:buildpack:heroku/go"}))(t)
	same(t, "buildpacks", all, []kigo.BuildpackInstallation{
		{Ordinal: 0, URL: "urn:buildpack:heroku/nodejs", Name: "heroku/nodejs"},
		{Ordinal: 1, URL: "https://github.com/x/y.git#v1", Name: "https://github.com/x/y.git#v1"},
		{Ordinal: 2, URL: "urn:buildpack:heroku/go", Name: "heroku/go"},
	})
	b := must(x.CreateBuild(x.ctx, x.actor, app.ID, kigo.Source{Blob: "k"}, nil))(t)
	same(t, "buildpacks of a build", b.Buildpacks, []string{"heroku/nodejs", "https://github.com/x/y.git#v1", "heroku/go"})
	for _, bad := range []string{"", "--upload-pack=x", "../x", "ssh://x/y", "a b", "file:///x", "x\x00"} {
		_, err := x.SetBuildpacks(x.ctx, x.actor, app.ID, []string{bad})
		refused(t, bad, err, kigo.IDInvalidParams, "uildpack")
	}
	must(x.SetBuildpacks(x.ctx, x.actor, app.ID, nil))(t)
	same(t, "cleared", len(read(x, func(tx *store.Tx) ([]kigo.BuildpackInstallation, error) { return tx.BuildpackInstallations(app.ID) })), 0)
}

func testProcfileChanges(t *testing.T, x *site) {
	app := x.app("myapp")
	scale := func(typ string, n int) {
		t.Helper()
		must(x.Scale(x.ctx, x.actor, app.ID, change(typ, n)))(t)
	}
	steps := []struct {
		types map[string]string
		want  string
	}{
		{map[string]string{"worker": "w"}, "worker=0:Basic"},
		{map[string]string{"worker": "w", "web": "a"}, "web=1:Basic worker=0:Basic"},
		{map[string]string{"web": "b", "clock": "c"}, "clock=0:Basic web=2:Basic"},
		{map[string]string{"web": "b", "worker": "w"}, "web=2:Basic worker=0:Basic"},
		{map[string]string{"worker": "w"}, "worker=0:Basic"},
		{map[string]string{}, ""},
	}
	for i, s := range steps {
		if i == 2 {
			scale("web", 2)
			scale("worker", 1)
		}
		x.deploy(app.ID, s.types)
		same(t, s.want, x.formation(app.ID), s.want)
		for typ, command := range s.types {
			f := read(x, func(tx *store.Tx) (kigo.Formation, error) { return tx.Formation(app.ID, typ) })
			same(t, typ, f.Command, command)
		}
	}
}
