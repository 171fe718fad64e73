package ruby

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/kigo-dev/kigo/buildpack"
)

// installRuby puts Ruby into the app, as vendor/ruby.
func (a *app) installRuby(ctx context.Context) error {
	a.Out.Title("Compiling Ruby/%s", a.kind)
	tool, err := a.choose(ctx)
	if err != nil {
		return err
	}
	dir, err := a.shelf.Need(ctx, tool, func() { a.Out.Title("Installing Ruby %s", tool.Version) })
	if err != nil {
		return buildpack.Failf("Ruby %s could not be fetched: %s", tool.Version, err)
	}
	version := cmp.Or(versionOf(dir), tool.Version)
	if err := a.verify(version); err != nil {
		return err
	}
	a.Out.Title("Using Ruby version: ruby-%s", version)
	if err := os.RemoveAll(a.ruby); err != nil {
		return err
	}
	if err := buildpack.CopyTree(dir, a.ruby, "usr/share/ri", "usr/share/doc", "usr/games"); err != nil {
		return err
	}
	if has(a.ruby, "bin/ruby") { // of the mirror: as it is installed anywhere else
		return nil
	}
	return a.wrap()
}

// wrapper finds Debian's Ruby in its new place. Whatever Ruby itself starts inherits
// the same, so nothing of it has to be in a dyno's own environment.
const wrapper = `#!/bin/sh
self=$(readlink -f "$0")
root=${self%%/bin/*}
lib=$root/usr/lib
arch=$lib/%[1]s
case $RUBYLIB in
*"$arch/ruby/%[2]s.0"*) ;;
*)
  export RUBYLIB="${RUBYLIB:+$RUBYLIB:}$lib/ruby/vendor_ruby/%[2]s.0:$arch/ruby/vendor_ruby/%[2]s.0:$lib/ruby/vendor_ruby:$lib/ruby/%[2]s.0:$arch/ruby/%[2]s.0"
  export LD_LIBRARY_PATH="$arch:$root/lib/%[1]s${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
  ;;
esac
exec "$root/usr/bin/ruby%[2]s" %[3]s"$@"
`

// wrap makes vendor/ruby/bin.
func (a *app) wrap() error {
	programs, err := filepath.Glob(filepath.Join(a.ruby, "usr/bin/ruby[0-9]*"))
	if err != nil || len(programs) == 0 {
		return fmt.Errorf("the toolchain has no usr/bin/ruby")
	}
	minor := strings.TrimPrefix(filepath.Base(programs[0]), "ruby")
	arch, err := filepath.Glob(filepath.Join(a.ruby, "usr/lib/*-linux-gnu"))
	if err != nil || len(arch) == 0 {
		return fmt.Errorf("the toolchain has no libraries")
	}
	if err := os.MkdirAll(filepath.Join(a.ruby, "bin"), 0o755); err != nil {
		return err
	}
	for name, program := range map[string]string{
		"ruby": "", "ruby" + minor: "", "gem": "gem", "bundle": "bundle", "bundler": "bundle", "irb": "irb", "erb": "erb", "rake": "rake",
	} {
		script := ""
		if program != "" {
			script = `"$root/usr/bin/` + program + minor + `" `
		}
		text := fmt.Sprintf(wrapper, filepath.Base(arch[0]), minor, script)
		if err := os.WriteFile(filepath.Join(a.ruby, "bin", name), []byte(text), 0o755); err != nil {
			return err
		}
	}
	return nil
}

// environment is that of all programs which follow.
func (a *app) environment(context.Context) error {
	a.env = append(os.Environ(), buildpack.ConfigEnv(a.EnvDir)...)
	set := func(name, value string) {
		if buildpack.GetEnv(a.env, name) == "" {
			a.env = append(a.env, name+"="+value)
		}
	}
	a.env = append(a.env,
		"PATH="+strings.Join([]string{filepath.Join(a.Dir, "bin"), filepath.Join(a.Dir, "vendor/bundle/bin"), filepath.Join(a.ruby, "bin"), buildpack.GetEnv(a.env, "PATH")}, ":"),
		"BUNDLE_PATH="+filepath.Join(a.Dir, "vendor/bundle"), "BUNDLE_BIN="+filepath.Join(a.Dir, "vendor/bundle/bin"), "BUNDLE_DEPLOYMENT=1",
		"BUNDLE_APP_CONFIG="+filepath.Join(a.Dir, ".bundle"), "BUNDLE_USER_HOME=/tmp/bundler", "BUNDLE_TIMEOUT=15", "BUNDLE_RETRY=2", "BUNDLE_SILENCE_ROOT_WARNING=1",
		"BUNDLE_DISABLE_VERSION_CHECK=1", "NOKOGIRI_USE_SYSTEM_LIBRARIES=true",
	)
	set("BUNDLE_WITHOUT", "development:test")
	set("RACK_ENV", "production")
	if a.kind == "Rails" {
		set("RAILS_ENV", "production")
		if err := a.keepSecret(); err != nil {
			return err
		}
		set("SECRET_KEY_BASE", a.secret)
	}
	return nil
}

func (a *app) restore(context.Context) error {
	kept := filepath.Join(a.Cache, "vendor", "bundle")
	if _, err := os.Stat(kept); err != nil {
		return nil //nolint:nilerr // this is the first build
	}
	if text, err := os.ReadFile(a.mark()); err != nil || string(text) != a.cacheKey() {
		a.Out.Title("Discarding the gems of earlier builds since Ruby or the stack has changed")
		return os.RemoveAll(kept)
	}
	return buildpack.CopyTree(kept, filepath.Join(a.Dir, "vendor", "bundle"))
}

func (a *app) mark() string     { return filepath.Join(a.Cache, "vendor", "ruby-version") }
func (a *app) cacheKey() string { return os.Getenv("STACK") + " " + versionOf(a.ruby) }

// registry is where gems come from.
func (a *app) registry() string {
	return cmp.Or(buildpack.GetEnv(a.env, "BUNDLE_MIRROR__ALL"), "https://rubygems.org/")
}

// bundle installs the gems of Gemfile.lock.
func (a *app) bundle(ctx context.Context) error {
	version, err := buildpack.Command{Args: []string{"bundle", "--version"}, Dir: a.Dir, Env: a.env}.Output(ctx)
	if err != nil {
		return fmt.Errorf("start Bundler: %w: %s", err, version)
	}
	version = strings.TrimPrefix(version, "Bundler version ")
	a.env = append(a.env, "BUNDLER_VERSION="+version) // not the one that made the lock: it would be fetched
	a.Out.Title("Installing dependencies using bundler %s", version)
	began := time.Now()
	if err := (buildpack.Command{Args: []string{"bundle", "check"}, Dir: a.Dir, Env: a.env}).Run(ctx); err != nil && !a.cached() {
		if err := buildpack.Reach(ctx, "The registry of gems", a.registry()); err != nil {
			return err
		}
	}
	a.Out.Line("Running: BUNDLE_WITHOUT='%s' BUNDLE_PATH=vendor/bundle BUNDLE_BIN=vendor/bundle/bin BUNDLE_DEPLOYMENT=1 bundle install -j4", buildpack.GetEnv(a.env, "BUNDLE_WITHOUT"))
	if err := a.run(ctx, "bundle", "install", "-j4"); err != nil {
		return buildpack.Failf("Failed to install gems via Bundler: the messages above say why.")
	}
	a.Out.Line("Bundle completed (%.2fs)", time.Since(began).Seconds())
	a.Out.Line("Cleaning up the bundler cache.")
	return a.run(ctx, "bundle", "clean", "--force")
}

// cached reports whether the app brings its gems along.
func (a *app) cached() bool {
	found, err := filepath.Glob(filepath.Join(a.Dir, "vendor/cache/*.gem"))
	return err == nil && len(found) > 0
}

func (a *app) save(context.Context) error {
	if err := os.RemoveAll(filepath.Join(a.Cache, "vendor", "bundle")); err != nil {
		return err
	}
	from := filepath.Join(a.Dir, "vendor", "bundle")
	if _, err := os.Stat(from); err != nil {
		return nil //nolint:nilerr // an app without gems
	}
	if err := os.MkdirAll(filepath.Join(a.Cache, "vendor"), 0o755); err != nil {
		return err
	}
	if err := buildpack.CopyTree(from, filepath.Join(a.Cache, "vendor", "bundle")); err != nil {
		return err
	}
	return os.WriteFile(a.mark(), []byte(a.cacheKey()), 0o644)
}

func (a *app) run(ctx context.Context, args ...string) error {
	out := a.Out.Indent()
	defer out.Close() //nolint:errcheck // nobody is left to tell
	return buildpack.Command{Args: args, Dir: a.Dir, Env: a.env, Out: out}.Run(ctx)
}
