// Package python is the built-in buildpack for Python apps, whose packages pip, Pipenv,
// Poetry or uv installs. It follows heroku/python in what it reads, runs and prints, and differs in that
// Python is the stack's own and pip comes from the operator's package index.
//
// Start reading at Buildpack and compile; pip.go gets pip itself.
package python

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/kigo-dev/kigo/buildpack"
)

// Buildpack is heroku/python.
var Buildpack = buildpack.Builtin{Name: "python", Language: "Python", Detect: detect, Compile: compile, Release: release}

// signs are files that make an app a Python app, as heroku/python has them.
var signs = []string{
	".python-version", "app.py", "main.py", "manage.py", "pdm.lock", "Pipfile", "Pipfile.lock", "poetry.lock", "pyproject.toml", "pylock.toml",
	"requirements.txt", "runtime.txt", "server.py", "setup.cfg", "setup.py", "uv.lock",
}

func has(dir, name string) bool {
	st, err := os.Stat(filepath.Join(dir, name))
	return err == nil && st.Mode().IsRegular()
}

func detect(dir string) bool {
	return slices.ContainsFunc(signs, func(name string) bool { return has(dir, name) })
}

// release asks for a database where heroku/python does: Django with psycopg2.
func release(dir string) (r buildpack.Release) {
	if has(dir, "manage.py") && installed(dir, "django") && installed(dir, "psycopg2") {
		r.Addons = []string{"heroku-postgresql"}
	}
	return r
}

// installed reports whether a package can be imported by the app.
func installed(dir, name string) bool {
	found, err := filepath.Glob(filepath.Join(dir, ".heroku/python/lib/python3*/site-packages", name))
	return err == nil && len(found) > 0
}

// app is one compile.
type app struct {
	*buildpack.Build
	home    string // where the app's folder is in dynos: /app
	version string // of the stack's Python: "3.11.2"
	prefix  string // home/.heroku/python
	manager manager
	env     []string
}

func compile(ctx context.Context, b *buildpack.Build) error { return compileFor(ctx, b, "/app") }

func compileFor(ctx context.Context, b *buildpack.Build, home string) error {
	a := &app{Build: b, home: home, prefix: filepath.Join(home, ".heroku", "python")}
	for _, step := range []func(context.Context) error{
		a.check, a.python, a.hook("bin/pre_compile"), a.place, a.restore, a.venv, a.installManager, a.install, a.save, a.collectStatic, a.hook("bin/post_compile"), a.profile,
	} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// check chooses the package manager.
func (a *app) check(context.Context) error {
	var found []manager
	for _, m := range managers {
		if has(a.Dir, m.lock) {
			found = append(found, m)
		}
	}
	if len(found) == 0 {
		for name, what := range map[string]string{"Pipfile": "a Pipfile.lock: run `pipenv lock`", "pyproject.toml": "a poetry.lock or uv.lock: run `poetry lock` or `uv lock`"} {
			if has(a.Dir, name) {
				return buildpack.Failf("The app has a %s, but not %s and add it to git. A requirements.txt would do as well.", name, what)
			}
		}
		return buildpack.Failf("No package manager's file was found: a Python app needs a requirements.txt, which may be empty, or a Pipfile.lock, poetry.lock or uv.lock.")
	}
	if a.manager = found[0]; len(found) > 1 {
		var names []string
		for _, m := range found {
			names = append(names, m.lock)
		}
		a.Out.Warn("Multiple Python package manager files were found: %s. %s is used: remove those that the app does not need.", strings.Join(names, ", "), a.manager.lock)
	}
	return nil
}

// python looks at the stack's Python and at the version that the app wants.
func (a *app) python(ctx context.Context) error {
	a.env = append(os.Environ(), buildpack.ConfigEnv(a.EnvDir)...)
	a.env = append(a.env, "PYTHONUNBUFFERED=1", "PIP_DISABLE_PIP_VERSION_CHECK=1", "PIP_NO_INPUT=1", "PIP_ROOT_USER_ACTION=ignore",
		"PIP_CACHE_DIR="+filepath.Join(a.Cache, "pip"), "PIP_TIMEOUT=10", "PIP_RETRIES=2", "PIP_NO_PYTHON_VERSION_WARNING=1")
	said, err := buildpack.Command{Args: []string{"python3", "-c", "import platform; print(platform.python_version())"}, Dir: a.Dir, Env: a.env}.Output(ctx)
	if err != nil {
		return buildpack.Failf("The stack %s has no Python: it is a small one. The operator makes the full one by `kigo stack build --stack-size full`.", os.Getenv("STACK"))
	}
	a.version = said
	want, from := a.wanted()
	if want == "" {
		a.Out.Title("No Python version was specified. Using the stack's Python %s", a.version)
		return nil
	}
	if !satisfies(a.version, want) {
		return buildpack.Failf("%s asks for Python %s, but this stack has Python %s.\nSay %s there, or set another buildpack.", from, want, a.version, minor(a.version))
	}
	a.Out.Title("Using Python %s specified in %s", a.version, from)
	return nil
}

// wanted is the version that the app names, and where.
func (a *app) wanted() (version, from string) {
	for _, name := range []string{"runtime.txt", ".python-version"} {
		text, err := os.ReadFile(filepath.Join(a.Dir, name))
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(text)) {
			if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
				return strings.TrimPrefix(line, "python-"), name
			}
		}
	}
	return "", ""
}

// satisfies lets patch releases differ: those of one minor version are compatible.
func satisfies(have, want string) bool {
	if !strings.Contains(want, ".") {
		return strings.HasPrefix(have, want+".")
	}
	return minor(have) == minor(want)
}

func minor(version string) string {
	parts := strings.Split(version, ".")
	return strings.Join(parts[:min(2, len(parts))], ".")
}

// hook runs a script of the app, when it has it.
func (a *app) hook(name string) func(context.Context) error {
	return func(ctx context.Context) error {
		if !has(a.Dir, name) {
			return nil
		}
		a.Out.Title("Running %s hook", name)
		if err := a.run(ctx, "/bin/bash", filepath.Join(a.Dir, name)); err != nil {
			return buildpack.Failf("%s failed: %s", name, err)
		}
		return nil
	}
}

func (a *app) run(ctx context.Context, args ...string) error {
	out := a.Out.Indent()
	defer out.Close() //nolint:errcheck // nobody is left to tell
	return buildpack.Command{Args: args, Dir: a.Dir, Env: a.env, Out: out}.Run(ctx)
}

// collectStatic runs Django's command, unless the app does not want it.
func (a *app) collectStatic(ctx context.Context) error {
	if !has(a.Dir, "manage.py") || !installed(a.Dir, "django") || a.Config("DISABLE_COLLECTSTATIC") == "1" {
		return nil
	}
	a.Out.Title("$ python manage.py collectstatic --noinput")
	if err := a.run(ctx, filepath.Join(a.prefix, "bin", "python"), "manage.py", "collectstatic", "--noinput"); err != nil {
		return buildpack.Failf("Error while running '$ python manage.py collectstatic --noinput'.\nSee the messages above. To build without it: heroku config:set DISABLE_COLLECTSTATIC=1")
	}
	return nil
}
