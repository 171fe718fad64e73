// Package golang is the built-in buildpack for Go apps with a go.mod. It follows
// heroku/go in what it reads and prints, and differs in where the toolchain comes
// from: the module proxy, once for all apps.
//
// Start reading at Buildpack and compile.
package golang

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"

	"github.com/kigo-dev/kigo/buildpack"
	"github.com/kigo-dev/kigo/buildpack/toolchain"
)

// Buildpack is heroku/go.
var Buildpack = buildpack.Builtin{Name: "go", Language: "Go", Detect: detect, Compile: compile, Release: release}

func detect(dir string) bool {
	st, err := os.Stat(filepath.Join(dir, "go.mod"))
	return err == nil && st.Mode().IsRegular()
}

func release(string) buildpack.Release { return buildpack.Release{} }

// app is one compile.
type app struct {
	*buildpack.Build
	mod  module
	root string   // GOROOT
	env  []string // of the go command
	had  []string // programs that the app brought in bin/
}

func compile(ctx context.Context, b *buildpack.Build) error {
	text, err := os.ReadFile(filepath.Join(b.Dir, "go.mod"))
	if err != nil {
		return err
	}
	a := &app{Build: b, had: programs(b.Dir)}
	if a.mod, err = parseModule(text); err != nil {
		return buildpack.Failf("go.mod: %s", err)
	}
	b.Out.Title("")
	b.Out.Line("Detected go modules via go.mod")
	b.Out.Title("")
	b.Out.Line("Detected Module Name: %s", a.mod.Path)
	b.Out.Title("")
	for _, step := range []func(context.Context) error{
		a.toolchain, a.hook("bin/go-pre-compile"), a.install, a.hook("bin/go-post-compile"), a.profile, a.procfile,
	} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// toolchain finds which Go to use and gets it.
func (a *app) toolchain(ctx context.Context) error {
	want, why := a.mod.goVersion(a.Config("GOVERSION"))
	shelf := toolchain.Platform(a.Cache)
	version, err := toolchain.Resolve(ctx, "go", want, shelf.Have("go"))
	if errors.Is(err, toolchain.ErrNoVersion) {
		return buildpack.Failf("Go %s (%s) has not been released, or not for this machine.", want, why)
	}
	if err != nil {
		return buildpack.Failf("Go %s could not be found: %s", want, err)
	}
	tool := toolchain.Tool{Kind: "go", Version: version}
	fetched := false
	a.root, err = shelf.Need(ctx, tool, func() {
		a.Out.Title("Installing go%s", version)
		fetched = true
	})
	if err != nil {
		return buildpack.Failf("Go %s could not be installed: %s", version, err)
	}
	if fetched {
		a.Out.Title("Fetching go%s.linux-amd64.tar.gz... done", version)
	} else {
		a.Out.Title("Using go%s", version)
	}
	a.env = a.goEnv()
	return a.seed(version, shelf)
}

// goEnv is the environment of the go command.
func (a *app) goEnv() []string {
	env := toolchain.GoEnv(os.Environ(), a.root)
	for _, name := range []string{"GOPROXY", "GOPRIVATE", "GONOPROXY", "GONOSUMDB", "GOSUMDB", "GOINSECURE", "CGO_ENABLED", "CGO_CFLAGS", "CGO_CPPFLAGS", "CGO_CXXFLAGS", "CGO_LDFLAGS", "GOEXPERIMENT", "GOAMD64"} {
		if v := a.Config(name); v != "" {
			env = append(env, name+"="+v)
		}
	}
	if v := strings.TrimSpace(a.Config("GOFLAGS")); v != "" {
		env = append(env, "GOFLAGS="+buildpack.GetEnv(env, "GOFLAGS")+" "+v)
	}
	return append(env,
		"GOPATH="+filepath.Join(a.Cache, "go-path"), "GOMODCACHE="+filepath.Join(a.Cache, "go-mod"),
		"GOCACHE="+a.goCache(), "GOBIN="+filepath.Join(a.Dir, "bin"),
	)
}

func (a *app) goCache() string { return filepath.Join(a.Cache, "go-build") }

// seed gives an app's first build the standard library as the platform has
// compiled it.
func (a *app) seed(version string, shelf toolchain.Shelf) error {
	compiled, ok := shelf.Compiled(version)
	if !ok || isDir(a.goCache()) {
		return nil
	}
	return buildpack.CopyTree(compiled, a.goCache())
}

// hook runs a script of the app, when it has it.
func (a *app) hook(name string) func(context.Context) error {
	return func(ctx context.Context) error {
		script := filepath.Join(a.Dir, name)
		st, err := os.Stat(script)
		if err != nil || !st.Mode().IsRegular() {
			return nil
		}
		a.Out.Title("Running %s hook", name)
		out := a.Out.Indent()
		defer out.Close() //nolint:errcheck // nobody is left to tell
		env := append(buildpack.ConfigEnv(a.EnvDir), a.env...)
		if err := (buildpack.Command{Args: []string{"/bin/bash", script}, Dir: a.Dir, Env: env, Out: out}).Run(ctx); err != nil {
			return buildpack.Failf("%s failed: %s", name, err)
		}
		return nil
	}
}
