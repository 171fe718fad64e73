// Package apt is the built-in buildpack for Debian packages that an app names in
// its Aptfile. They are unpacked into .apt, with the stack's own sources, and
// nothing of them is run at the build.
//
// Start reading at compile.
package apt

import (
	"context"
	_ "embed"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/kigo-dev/kigo/buildpack"
)

// Buildpack is heroku/apt, also known as heroku-community/apt.
var Buildpack = buildpack.Builtin{
	Name: "apt", Language: "Apt", Detect: detect, Compile: compile, Release: func(string) buildpack.Release { return buildpack.Release{} },
}

func detect(dir string) bool {
	st, err := os.Stat(filepath.Join(dir, "Aptfile"))
	return err == nil && st.Mode().IsRegular()
}

// settings is where the stack's sources are.
var settings = "/etc/apt"

//go:embed profile/000_apt.sh
var profile string

// app is one compile.
type app struct {
	*buildpack.Build
	file    aptfile
	cache   string   // apt's own folders
	options []string // of apt-get
}

func compile(ctx context.Context, b *buildpack.Build) error {
	text, err := os.ReadFile(filepath.Join(b.Dir, "Aptfile"))
	if err != nil {
		return err
	}
	a := &app{Build: b, cache: filepath.Join(b.Cache, "apt")}
	if a.file, err = parse(text); err != nil {
		return buildpack.Failf("Aptfile: %s", err)
	}
	if a.file.empty() {
		b.Out.Plain("")
		b.Out.Warn("You have no packages listed in your Aptfile. If you need none, delete the file and remove the buildpack with:")
		b.Out.Warn("heroku buildpacks:remove heroku-community/apt")
		return nil
	}
	for _, step := range []func(context.Context) error{a.folders, a.update, a.fetch, a.unpack, a.relocate, a.profile} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// folders makes a place of our own for all that apt writes.
func (a *app) folders(context.Context) error {
	archives := filepath.Join(a.cache, "cache", "archives")
	if err := os.RemoveAll(archives); err != nil { // only what this Aptfile wants is unpacked
		return err
	}
	for _, d := range []string{filepath.Join(archives, "partial"), filepath.Join(a.cache, "state", "lists", "partial"), filepath.Join(a.cache, "sources")} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			return err
		}
	}
	sources := filepath.Join(a.cache, "sources")
	if err := os.RemoveAll(sources); err != nil {
		return err
	}
	if err := os.Mkdir(sources, 0o755); err != nil {
		return err
	}
	stacks, err := filepath.Glob(filepath.Join(settings, "sources.list.d", "*"))
	if err != nil {
		return err
	}
	for _, name := range append(stacks, filepath.Join(settings, "sources.list")) {
		if err := buildpack.CopyFile(name, filepath.Join(sources, filepath.Base(name))); err != nil && !os.IsNotExist(err) {
			return err
		}
	}
	a.options = []string{"-o", "debug::nolocking=true", "-o", "dir::cache=" + a.cache + "/cache", "-o", "dir::state=" + a.cache + "/state",
		"-o", "dir::etc::sourcelist=/dev/null", "-o", "dir::etc::sourceparts=" + sources,
		"-o", "Acquire::Retries=1", "-o", "Acquire::http::Timeout=15", "-o", "Acquire::https::Timeout=15", "-o", "APT::Sandbox::User="}
	if len(a.file.repositories) == 0 {
		return nil
	}
	a.Out.Title("Adding custom repositories")
	return os.WriteFile(filepath.Join(sources, "app.list"), []byte(strings.Join(a.file.repositories, "\n")+"\n"), 0o644)
}

func (a *app) run(ctx context.Context, args ...string) error {
	out := a.Out.Indent()
	defer out.Close() //nolint:errcheck // nobody is left to tell
	return buildpack.Command{Args: args, Dir: a.Dir, Env: append(os.Environ(), "DEBIAN_FRONTEND=noninteractive"), Out: out}.Run(ctx)
}

func (a *app) update(ctx context.Context) error {
	a.Out.Title("Updating apt caches")
	if err := a.run(ctx, slices.Concat([]string{"apt-get"}, a.options, []string{"update", "--error-on=any"})...); err != nil {
		return buildpack.Failf("The package lists could not be fetched: the messages above say from where.")
	}
	return nil
}

// fetch downloads the packages and what they need and the stack has not.
func (a *app) fetch(ctx context.Context) error {
	archives := filepath.Join(a.cache, "cache", "archives")
	if len(a.file.packages) > 0 {
		var names []string
		for _, wanted := range a.file.packages {
			names = append(names, a.first(ctx, wanted))
		}
		a.Out.Title("Fetching .debs for %s", strings.Join(names, " "))
		args := slices.Concat([]string{"apt-get"}, a.options, []string{"-y", "--allow-downgrades", "-d", "install", "--reinstall", "--no-install-recommends", "--"}, names)
		if err := a.run(ctx, args...); err != nil {
			return buildpack.Failf("A package of the Aptfile could not be fetched: the messages above say which.")
		}
	}
	for _, url := range a.file.archives {
		a.Out.Title("Fetching %s", url)
		args := []string{"curl", "--silent", "--show-error", "--fail", "--location", "--proto", "=https", "--max-time", "120", "--output", filepath.Join(archives, path.Base(url)), "--", url}
		if err := a.run(ctx, args...); err != nil {
			return buildpack.Failf("%s could not be fetched.", url)
		}
	}
	return nil
}

// first is the first of several packages that apt-get can install, or the last one,
// of which it then says why not.
func (a *app) first(ctx context.Context, wanted []string) string {
	for _, name := range wanted[:len(wanted)-1] {
		args := slices.Concat([]string{"apt-get"}, a.options, []string{"-s", "-qq", "install", "--no-install-recommends", "--", name})
		if (buildpack.Command{Args: args, Dir: a.Dir, Env: os.Environ()}).Run(ctx) == nil {
			return name
		}
	}
	return wanted[len(wanted)-1]
}

func (a *app) unpack(ctx context.Context) error {
	debs, err := filepath.Glob(filepath.Join(a.cache, "cache", "archives", "*.deb"))
	if err != nil {
		return err
	}
	for _, deb := range debs {
		a.Out.Title("Installing %s", filepath.Base(deb))
		if err := a.run(ctx, "dpkg", "-x", deb, filepath.Join(a.Dir, ".apt")); err != nil {
			return buildpack.Failf("%s could not be unpacked.", filepath.Base(deb))
		}
		if err := a.alternatives(ctx, deb); err != nil {
			return buildpack.Failf("%s: %s", filepath.Base(deb), err)
		}
	}
	return nil
}

// relocate has pkg-config find what was unpacked where it is.
func (a *app) relocate(context.Context) error {
	for _, pattern := range []string{"usr/lib/pkgconfig/*.pc", "usr/lib/*/pkgconfig/*.pc", "usr/share/pkgconfig/*.pc"} {
		files, err := filepath.Glob(filepath.Join(a.Dir, ".apt", pattern))
		if err != nil {
			return err
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil { // a link that leads nowhere
				continue
			}
			moved := strings.ReplaceAll(string(text), "prefix=/usr", "prefix="+filepath.Join(a.Dir, ".apt", "usr"))
			if err := os.WriteFile(file, []byte(moved), 0o644); err != nil {
				return err
			}
		}
	}
	return nil
}

// profile has dynos and later buildpacks find it too.
func (a *app) profile(context.Context) error {
	a.Out.Title("Writing profile script")
	dir := filepath.Join(a.Dir, ".profile.d")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	profile := profile
	if st, err := os.Stat(filepath.Join(a.Dir, ".apt/usr/lib/git-core")); err == nil && st.IsDir() {
		profile += "export GIT_EXEC_PATH=\"$HOME/.apt/usr/lib/git-core\"\n" // git is compiled to look in /usr
	}
	if err := os.WriteFile(filepath.Join(dir, "000_apt.sh"), []byte(profile), 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(a.Pack, "export"), []byte(strings.ReplaceAll(profile, "$HOME", a.Dir)), 0o644)
}
