package ruby

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/kigo-dev/kigo/buildpack"
)

// keepSecret has SECRET_KEY_BASE be the same in all builds of an app: the one that
// it has, or one that is kept in the cache.
func (a *app) keepSecret() error {
	file := filepath.Join(a.Cache, "ruby-secret-key-base")
	if text, err := os.ReadFile(file); err == nil && len(text) == 128 {
		a.secret = string(text)
	} else {
		var random [64]byte
		rand.Read(random[:])
		a.secret = hex.EncodeToString(random[:])
		if err := os.WriteFile(file, []byte(a.secret), 0o600); err != nil {
			return err
		}
	}
	return os.WriteFile(filepath.Join(a.Pack, secretFile), []byte(a.secret), 0o600)
}

// assets runs rake assets:precompile where the app has such a task and has not
// compiled its assets already.
func (a *app) assets(ctx context.Context) error {
	if a.gems["rake"] == "" || !has(a.Dir, "Rakefile") && !has(a.Dir, "rakefile") && !has(a.Dir, "Rakefile.rb") {
		return nil
	}
	tasks, err := buildpack.Command{Args: []string{"bundle", "exec", "rake", "-P", "--trace"}, Dir: a.Dir, Env: a.env}.Output(ctx)
	if err != nil {
		a.Out.Warn("Could not detect rake tasks: `rake -P` failed. Assets are not compiled.")
		for line := range strings.Lines(lastLines(tasks, 8)) {
			a.Out.Line("%s", strings.TrimRight(line, "\n"))
		}
		if a.kind == "Rails" {
			return buildpack.Failf("Could not detect rake tasks. Ensure that `rake -P` runs in production without your database.")
		}
		return nil
	}
	compiled, _ := filepath.Glob(filepath.Join(a.Dir, "public/assets/.sprockets-manifest-*.json")) // the pattern is well-formed
	switch {
	case !strings.Contains(tasks, "rake assets:precompile\n"):
		return nil
	case len(compiled) > 0 || has(a.Dir, "public/assets/manifest.yml"):
		a.Out.Line("Detected manifest file, assuming assets were compiled locally")
		return nil
	}
	a.Out.Title("Preparing app for Rails asset pipeline")
	a.Out.Line("Running: rake assets:precompile")
	if buildpack.GetEnv(a.env, "DATABASE_URL") == "" { // the adapter is loaded, nothing is asked
		a.env = append(a.env, "DATABASE_URL=postgresql://user:pass@127.0.0.1/dbname")
	}
	began := time.Now()
	if err := a.run(ctx, "bundle", "exec", "rake", "assets:precompile"); err != nil {
		return buildpack.Failf("Precompiling assets failed: the messages above say why.")
	}
	a.Out.Line("Asset precompilation completed (%.2fs)", time.Since(began).Seconds())
	if strings.Contains(tasks, "rake assets:clean\n") {
		a.Out.Line("Cleaning assets")
		a.Out.Line("Running: rake assets:clean")
		if err := a.run(ctx, "bundle", "exec", "rake", "assets:clean"); err != nil {
			return buildpack.Failf("Cleaning assets failed: the messages above say why.")
		}
	}
	return nil
}

func lastLines(s string, n int) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

// profile has dynos and later buildpacks find Ruby and the gems.
func (a *app) profile(context.Context) error {
	dir := filepath.Join(a.Dir, ".profile.d")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	text := func(home string) string {
		return `export LANG=${LANG:-en_US.UTF-8}
export PATH="` + home + `/bin:` + home + `/vendor/bundle/bin:` + home + `/vendor/ruby/bin:$PATH"
export BUNDLE_PATH="` + home + `/vendor/bundle"
export BUNDLE_BIN="` + home + `/vendor/bundle/bin"
export BUNDLE_WITHOUT=${BUNDLE_WITHOUT:-development:test}
export BUNDLE_DEPLOYMENT=${BUNDLE_DEPLOYMENT:-1}
export BUNDLE_APP_CONFIG="` + home + `/.bundle"
export RACK_ENV=${RACK_ENV:-production}
export MALLOC_ARENA_MAX=${MALLOC_ARENA_MAX:-2}
`
	}
	rails := ""
	if a.kind == "Rails" {
		rails = "export RAILS_ENV=${RAILS_ENV:-production}\nexport RAILS_SERVE_STATIC_FILES=${RAILS_SERVE_STATIC_FILES:-enabled}\nexport RAILS_LOG_TO_STDOUT=${RAILS_LOG_TO_STDOUT:-enabled}\n"
	}
	if err := os.WriteFile(filepath.Join(dir, "ruby.sh"), []byte(text("$HOME")+rails), 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(a.Pack, "export"), []byte(text(a.Dir)+rails), 0o644)
}
