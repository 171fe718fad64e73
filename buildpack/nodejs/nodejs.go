// Package nodejs is the built-in buildpack for apps with a package.json. It
// follows heroku/nodejs in what it reads, runs and prints, and differs in where
// Node.js, npm, Yarn and pnpm come from: the npm registry, once for all apps.
//
// Start reading at Buildpack and compile; manager.go holds what differs between
// the package managers.
package nodejs

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"github.com/kigo-dev/kigo/buildpack"
	"github.com/kigo-dev/kigo/buildpack/toolchain"
)

// Buildpack is heroku/nodejs.
var Buildpack = buildpack.Builtin{Name: "nodejs", Language: "Node.js", Detect: detect, Compile: compile, Release: release}

func detect(dir string) bool {
	st, err := os.Stat(filepath.Join(dir, "package.json"))
	return err == nil && st.Mode().IsRegular()
}

func release(string) buildpack.Release {
	return buildpack.Release{Addons: []string{}, ProcessTypes: map[string]string{"web": "npm start"}}
}

// app is one compile.
type app struct {
	*buildpack.Build
	pkg     manifest
	manager manager
	shelf   toolchain.Shelf
	node    string // folder of Node.js in the store
	home    string // .heroku/node of the app
	env     []string
	advice  []string // what may have to do with a failure
}

func compile(ctx context.Context, b *buildpack.Build) error {
	a := &app{Build: b, shelf: toolchain.Platform(b.Cache), home: filepath.Join(b.Dir, ".heroku", "node")}
	err := a.steps(ctx)
	if err != nil {
		a.explain()
		return err
	}
	b.Out.Plain("")
	b.Out.Title("Build succeeded!")
	for _, line := range a.advice {
		b.Out.Warn("%s", line)
	}
	return nil
}

func (a *app) steps(ctx context.Context) error {
	for _, step := range []func(context.Context) error{
		a.read, a.environment, a.binaries, a.restore, a.hook("Prebuild", "heroku-prebuild"), a.dependencies,
		a.buildScript, a.save, a.prune, a.hook("Cleanup", "heroku-cleanup"), a.profile,
	} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// explain is what heroku/nodejs prints after a failure.
func (a *app) explain() {
	a.Out.Plain("")
	a.Out.Title("Build failed")
	if len(a.advice) == 0 {
		return
	}
	a.Out.Line("")
	a.Out.Line("Some possible problems:")
	a.Out.Line("")
	for _, line := range a.advice {
		a.Out.Line("- %s", line)
	}
}

// read takes package.json and decides which package manager the app uses.
func (a *app) read(context.Context) (err error) {
	text, err := os.ReadFile(filepath.Join(a.Dir, "package.json"))
	if err != nil {
		return err
	}
	if a.pkg, err = parseManifest(text); err != nil {
		return buildpack.Failf("Unable to parse package.json: %s", err)
	}
	if a.pkg.Engines["node"] == "" {
		a.advice = append(a.advice, "Node version not specified in package.json: see https://devcenter.heroku.com/articles/nodejs-support#specifying-a-node-js-version")
	}
	a.manager, err = chooseManager(a.Dir, a.pkg)
	return err
}

// setting is a config var or its default.
func (a *app) setting(name, fallback string) string {
	if v := a.Config(name); v != "" {
		return v
	}
	return fallback
}

// environment is what scripts of the app see: unlike other buildpacks this one
// exports the config vars, as Heroku's does.
func (a *app) environment(context.Context) error {
	shown := []string{
		"NPM_CONFIG_LOGLEVEL=" + a.setting("NPM_CONFIG_LOGLEVEL", "error"),
		"NODE_VERBOSE=" + a.setting("NODE_VERBOSE", "false"),
		"NODE_ENV=" + a.setting("NODE_ENV", "production"),
		"NODE_MODULES_CACHE=" + a.setting("NODE_MODULES_CACHE", "true"),
	}
	a.Out.Line("")
	a.Out.Title("Creating runtime environment")
	a.Out.Line("")
	for _, v := range shown {
		a.Out.Line("%s", v)
	}
	a.env = append(os.Environ(), buildpack.ConfigEnv(a.EnvDir)...)
	a.env = append(a.env, shown...)
	a.env = append(a.env,
		"PATH="+filepath.Join(a.home, "bin")+":"+filepath.Join(a.Dir, "node_modules", ".bin")+":"+os.Getenv("PATH"),
		"NODE_HOME="+a.home, "CI=true",
		"npm_config_cache="+a.cache("npm"), "npm_config_update_notifier=false", "npm_config_fund=false", "npm_config_audit=false",
		"YARN_CACHE_FOLDER="+a.cache("yarn"), "YARN_ENABLE_TELEMETRY=0", "YARN_ENABLE_IMMUTABLE_INSTALLS=true",
		"npm_config_store_dir="+a.cache("pnpm"), "COREPACK_ENABLE=0", "npm_config_manage_package_manager_versions=false",
	)
	return nil
}

// cache is a package manager's own cache between builds.
func (a *app) cache(name string) string { return filepath.Join(a.Cache, "node", name+"-cache") }

// hook runs a script of package.json when it is there.
func (a *app) hook(title, script string) func(context.Context) error {
	return func(ctx context.Context) error {
		if a.pkg.Scripts[script] == "" {
			return nil
		}
		a.Out.Line("")
		a.Out.Title("%s", title)
		if title == "Prebuild" { // npm is always there; Yarn runs nothing before its first install
			return a.script(ctx, manager{name: "npm"}, script)
		}
		return a.script(ctx, a.manager, script)
	}
}

func (a *app) script(ctx context.Context, m manager, name string) error {
	a.Out.Line("Running %s (%s)", name, m.name)
	if err := a.run(ctx, m.run(name)...); err != nil {
		return buildpack.Failf("The script %s of package.json failed: %s", name, errors.Unwrap(err))
	}
	return nil
}

// buildScript runs heroku-postbuild, or else build.
func (a *app) buildScript(ctx context.Context) error {
	a.Out.Line("")
	a.Out.Title("Build")
	for _, name := range []string{"heroku-postbuild", "build"} {
		if a.pkg.Scripts[name] != "" {
			return a.script(ctx, a.manager, name)
		}
	}
	return nil
}

// run runs a command in the app's folder with indented output.
func (a *app) run(ctx context.Context, args ...string) error {
	out := a.Out.Indent()
	defer out.Close() //nolint:errcheck // nobody is left to tell
	return buildpack.Command{Args: args, Dir: a.Dir, Env: a.env, Out: out}.Run(ctx)
}
