package python

import (
	"context"
	"os"
	"path/filepath"
	"strings"

	"github.com/kigo-dev/kigo/buildpack"
)

// manager is a package manager: the file that says that an app uses it, the package
// that it is, and what installs the app's packages.
type manager struct {
	lock    string
	name    string
	program []string // after the tool's folder for one that is a program of its own, else after python
	module  bool     // python -m runs it
	shown   string
	env     func(a *app) []string
}

// managers are tried in heroku/python's order.
var managers = []manager{
	{"Pipfile.lock", "pipenv", []string{"-m", "pipenv", "install", "--deploy"}, true, "pipenv install --deploy", func(a *app) []string {
		return []string{"PIPENV_VERBOSITY=-1", "PIPENV_NOSPIN=1", "PIPENV_YES=1", "PIPENV_PYPI_MIRROR=" + a.index(), "CI=1"}
	}},
	{"requirements.txt", "pip", []string{"-m", "pip", "install", "--exists-action", "w", "-r", "requirements.txt"}, true, "pip install -r requirements.txt", nil},
	{"poetry.lock", "poetry", []string{"-m", "poetry", "sync", "--only", "main", "--no-interaction"}, true, "poetry sync --only main", func(a *app) []string {
		return []string{"POETRY_VIRTUALENVS_CREATE=false", "POETRY_CACHE_DIR=" + filepath.Join(a.Cache, "poetry")}
	}},
	{"uv.lock", "uv", []string{"bin/uv", "sync", "--locked", "--no-default-groups"}, false, "uv sync --locked --no-default-groups", func(a *app) []string {
		return []string{"UV_PROJECT_ENVIRONMENT=" + a.prefix, "UV_PYTHON_DOWNLOADS=never", "UV_DEFAULT_INDEX=" + a.index(), "UV_CACHE_DIR=" + filepath.Join(a.Cache, "uv"),
			"UV_LINK_MODE=copy", "UV_NO_PROGRESS=1"}
	}},
}

// tool is the folder of a manager that pip has to install first; it is kept with the
// cache and no part of the app.
func (a *app) tool() string { return filepath.Join(a.Cache, "python-"+a.manager.name) }

// installManager gets the manager itself from the index.
func (a *app) installManager(ctx context.Context) error {
	if a.manager.name == "pip" {
		return nil
	}
	mark := filepath.Join(a.tool(), ".python")
	if have, err := os.ReadFile(mark); err == nil && string(have) == minor(a.version) {
		return nil
	}
	a.Out.Title("Installing %s", a.manager.name)
	if err := os.RemoveAll(a.tool()); err != nil {
		return err
	}
	err := a.run(ctx, filepath.Join(a.prefix, "bin", "python"), "-m", "pip", "install", "--quiet", "--target", a.tool(), a.manager.name)
	if err != nil {
		return buildpack.Failf("%s could not be installed from %s: the messages above say why.", a.manager.name, a.shownIndex())
	}
	return os.WriteFile(mark, []byte(minor(a.version)), 0o644)
}

// install has the manager install the app's packages.
func (a *app) install(ctx context.Context) error {
	m := a.manager
	args := append([]string{filepath.Join(a.prefix, "bin", "python")}, m.program...)
	if !m.module {
		args = append([]string{filepath.Join(a.tool(), m.program[0])}, m.program[1:]...)
	}
	a.Out.Title("Installing dependencies using '%s'", m.shown)
	old := a.env
	defer func() { a.env = old }()
	if m.env != nil {
		a.env = append(append([]string{}, a.env...), m.env(a)...)
		if m.module {
			a.env = append(a.env, "PYTHONPATH="+strings.TrimSuffix(a.tool()+":"+buildpack.GetEnv(a.env, "PYTHONPATH"), ":"))
		}
	}
	if err := a.run(ctx, args...); err != nil {
		return buildpack.Failf("Unable to install dependencies using %s.\nSee the messages above: a package, or the index %s, may be out of reach.", m.name, a.shownIndex())
	}
	return nil
}
