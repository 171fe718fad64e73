package python

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"os"
	"path/filepath"

	"github.com/kigo-dev/kigo/buildpack"
)

// place has the app's folder be where it will be in dynos, because scripts of
// Python packages name their interpreter by its full path.
func (a *app) place(context.Context) error {
	own := filepath.Join(a.Dir, ".heroku")
	if err := os.MkdirAll(own, 0o755); err != nil {
		return err
	}
	link := filepath.Join(a.home, ".heroku")
	if err := os.RemoveAll(link); err != nil {
		return err
	}
	return os.Symlink(own, link)
}

// key is what a kept environment is good for.
func (a *app) key() (string, error) {
	text, err := os.ReadFile(filepath.Join(a.Dir, a.manager.lock))
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(text)
	return os.Getenv("STACK") + " " + a.version + " " + a.prefix + " " + a.manager.name + " " + hex.EncodeToString(sum[:]), nil
}

func (a *app) kept() string { return filepath.Join(a.Cache, "python") }

// restore takes the environment of an earlier build with the same requirements.
func (a *app) restore(context.Context) error {
	key, err := a.key()
	if err != nil {
		return err
	}
	have, err := os.ReadFile(filepath.Join(a.kept(), "key"))
	if err != nil {
		return nil //nolint:nilerr // nothing was kept
	}
	if string(have) != key {
		a.Out.Title("Discarding cache since the requirements, Python or the stack have changed")
		return nil
	}
	a.Out.Title("Restoring cache")
	return buildpack.CopyTree(filepath.Join(a.kept(), "venv"), filepath.Join(a.Dir, ".heroku", "python"))
}

// venv makes the environment and puts pip into it.
func (a *app) venv(ctx context.Context) error {
	python := filepath.Join(a.prefix, "bin", "python")
	if _, err := os.Stat(filepath.Join(a.prefix, "pyvenv.cfg")); err != nil {
		if err := a.run(ctx, "python3", "-m", "venv", "--without-pip", a.prefix); err != nil {
			return buildpack.Failf("The stack's Python could not make an environment: %s", err)
		}
	}
	a.env = append(a.env, "PATH="+filepath.Join(a.prefix, "bin")+":"+buildpack.GetEnv(a.env, "PATH"), "VIRTUAL_ENV="+a.prefix)
	if installed(a.Dir, "pip") {
		return nil
	}
	wheel, err := fetchPip(ctx, a.index(), a.Cache)
	if err != nil {
		return buildpack.Failf("pip could not be fetched from %s: %s", a.shownIndex(), err)
	}
	defer os.Remove(wheel.file)
	a.Out.Title("Installing pip %s", wheel.version)
	// A wheel is a zip file, which Python can run as it is.
	if err := a.run(ctx, python, filepath.Join(wheel.file, "pip"), "install", "--quiet", "--no-index", "--no-cache-dir", wheel.file); err != nil {
		return buildpack.Failf("pip %s could not be installed: the messages above say why.", wheel.version)
	}
	return nil
}

// save keeps the environment for the next build.
func (a *app) save(context.Context) error {
	if err := os.RemoveAll(a.kept()); err != nil {
		return err
	}
	key, err := a.key()
	if err != nil {
		return err
	}
	a.Out.Title("Saving cache")
	if err := buildpack.CopyTree(filepath.Join(a.Dir, ".heroku", "python"), filepath.Join(a.kept(), "venv")); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(a.kept(), "key"), []byte(key), 0o644)
}

//go:embed profile/python.sh
var profile []byte

// profile has dynos and later buildpacks find the environment.
func (a *app) profile(context.Context) error {
	dir := filepath.Join(a.Dir, ".profile.d")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "python.sh"), profile, 0o644); err != nil {
		return err
	}
	export := "export PATH=" + filepath.Join(a.prefix, "bin") + ":$PATH\nexport VIRTUAL_ENV=" + a.prefix + "\nexport PYTHONUNBUFFERED=1\n"
	return os.WriteFile(filepath.Join(a.Pack, "export"), []byte(export), 0o644)
}
