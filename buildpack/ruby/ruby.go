// Package ruby is the built-in buildpack for apps with a Gemfile. It follows
// heroku/ruby in what it reads, runs, sets and prints, and differs in where Ruby
// comes from: Debian's packages or the operator's mirror.
//
// Start reading at Buildpack and compile; version.go decides on the Ruby,
// install.go puts it and the gems into the app, assets.go compiles assets.
package ruby

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"slices"

	"github.com/kigo-dev/kigo/buildpack"
	"github.com/kigo-dev/kigo/buildpack/toolchain"
)

// Buildpack is heroku/ruby.
var Buildpack = buildpack.Builtin{Name: "ruby", Language: "Ruby", Detect: detect, Compile: compile, Release: release}

func has(dir, name string) bool {
	st, err := os.Stat(filepath.Join(dir, name))
	return err == nil && st.Mode().IsRegular()
}

func detect(dir string) bool { return has(dir, "Gemfile") }

// gem matches a line of Gemfile.lock that says which version of a gem is used.
var gem = regexp.MustCompile(`(?m)^    ([A-Za-z0-9._-]+) \(([^)]*)\)`)

// gems are the names and versions in an app's Gemfile.lock.
func gems(dir string) map[string]string {
	found := map[string]string{}
	text, err := os.ReadFile(filepath.Join(dir, "Gemfile.lock"))
	if err != nil {
		return found
	}
	for _, m := range gem.FindAllStringSubmatch(string(text), -1) {
		found[m[1]] = m[2]
	}
	return found
}

// databases are gems whose apps get a database from Heroku.
var databases = []string{"pg", "activerecord-jdbcpostgresql-adapter", "jdbc-postgres", "jdbc-postgresql", "jruby-pg", "rjack-jdbc-postgres", "tgbyte-activerecord-jdbcpostgresql-adapter"}

// kind is how far an app is Rails.
func kind(dir string, have map[string]string) string {
	switch {
	case have["railties"] != "":
		return "Rails"
	case have["rack"] != "" || has(dir, "config.ru"):
		return "Rack"
	}
	return "Ruby"
}

// release is what heroku/ruby sets and offers for each kind of app. The secret is
// kept with the cache, and left in our own folder by compile.
func release(dir string) (r buildpack.Release) {
	have := gems(dir)
	if slices.ContainsFunc(databases, func(name string) bool { return have[name] != "" }) {
		r.Addons = []string{"heroku-postgresql"}
	}
	r.ConfigVars = map[string]string{"LANG": "en_US.UTF-8"}
	r.ProcessTypes = map[string]string{"console": "bundle exec irb", "rake": "bundle exec rake"}
	switch kind(dir, have) {
	case "Rails":
		r.ProcessTypes["console"] = "bin/rails console"
		r.ProcessTypes["web"] = "bin/rails server -p ${PORT:-5000} -e $RAILS_ENV"
		r.ConfigVars["RACK_ENV"], r.ConfigVars["RAILS_ENV"] = "production", "production"
		r.ConfigVars["RAILS_SERVE_STATIC_FILES"], r.ConfigVars["RAILS_LOG_TO_STDOUT"] = "enabled", "enabled"
		if text, err := os.ReadFile(secretFile); err == nil {
			r.ConfigVars["SECRET_KEY_BASE"] = string(text)
		}
	case "Rack":
		r.ProcessTypes["web"] = "bundle exec rackup config.ru -p ${PORT:-5000}"
		r.ConfigVars["RACK_ENV"] = "production"
	}
	return r
}

// secretFile lies in the buildpack's own folder, where release is called.
const secretFile = "secret_key_base"

// app is one compile.
type app struct {
	*buildpack.Build
	shelf  toolchain.Shelf
	gems   map[string]string
	kind   string
	ruby   string // BUILD_DIR/vendor/ruby
	env    []string
	secret string
}

func compile(ctx context.Context, b *buildpack.Build) error {
	a := &app{Build: b, shelf: toolchain.Platform(b.Cache), gems: gems(b.Dir), ruby: filepath.Join(b.Dir, "vendor", "ruby")}
	a.kind = kind(b.Dir, a.gems)
	for _, step := range []func(context.Context) error{
		a.check, a.installRuby, a.environment, a.restore, a.bundle, a.save, a.assets, a.profile, a.hints,
	} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// check refuses what cannot be built the same twice.
func (a *app) check(context.Context) error {
	if !has(a.Dir, "Gemfile.lock") {
		return buildpack.Failf("Gemfile.lock required. Please check it in.")
	}
	return nil
}

// hints are what heroku/ruby says at the end.
func (a *app) hints(context.Context) error {
	if !has(a.Dir, "Procfile") && a.kind != "Ruby" {
		a.Out.Plain("")
		a.Out.Warn("No Procfile detected, using the default web server.")
		a.Out.Warn("We recommend explicitly declaring how to boot your server process via a Procfile.")
	}
	return nil
}
