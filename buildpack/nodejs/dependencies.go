package nodejs

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/kigo-dev/kigo/buildpack"
)

// directories are folders of the app that are kept between builds: those that
// package.json names, or node_modules where the package manager builds on it. npm
// ci starts from nothing, and uses its cache of packages instead.
func (a *app) directories() []string {
	named := append(a.pkg.CacheDirectories, a.pkg.CacheDirs...)
	if len(named) > 0 {
		return named
	}
	if a.manager.kind == "npm" && a.manager.lockfile == "" || a.manager.kind == "yarn" {
		return []string{"node_modules"}
	}
	return nil
}

func (a *app) caching() bool { return a.setting("NODE_MODULES_CACHE", "true") != "false" }

// signature is what must be the same for cached folders to be of use.
func (a *app) signature() string {
	return fmt.Sprint(filepath.Base(a.node), " ", a.manager.kind, " ", os.Getenv("STACK"), "\n")
}

func (a *app) stored(name string) string { return filepath.Join(a.Cache, "node", "saved", name) }

// restore moves cached folders into the app.
func (a *app) restore(context.Context) error {
	a.Out.Line("")
	a.Out.Title("Restoring cache")
	sign, _ := os.ReadFile(a.stored("signature"))
	switch {
	case !a.caching():
		a.Out.Line("Caching has been disabled because NODE_MODULES_CACHE=false")
		return os.RemoveAll(filepath.Join(a.Cache, "node"))
	case len(sign) == 0 && !exists(a.cache(a.manager.name)):
		a.Out.Line("Cache is empty: it is the first build, or it was purged")
		return nil
	}
	if exists(a.cache(a.manager.name)) {
		a.Out.Line("- %s cache", a.manager.name)
	}
	for _, dir := range a.directories() {
		from, to := a.stored(dir), filepath.Join(a.Dir, dir)
		switch {
		case !filepath.IsLocal(dir) || !exists(from):
		case string(sign) != a.signature():
			a.Out.Line("- %s (not restored: it was made with another version)", dir)
		case exists(to):
			a.Out.Line("- %s (exists - skipping)", dir)
		default:
			a.Out.Line("- %s", dir)
			if err := buildpack.CopyTree(from, to); err != nil {
				return err
			}
		}
	}
	return nil
}

// save keeps folders for the next build. It comes before development
// dependencies are pruned.
func (a *app) save(context.Context) error {
	a.Out.Line("")
	a.Out.Title("Caching build")
	if !a.caching() {
		return nil
	}
	if exists(a.cache(a.manager.name)) {
		a.Out.Line("- %s cache", a.manager.name)
	}
	if err := os.RemoveAll(a.stored("")); err != nil {
		return err
	}
	for _, dir := range a.directories() {
		from := filepath.Join(a.Dir, dir)
		if !filepath.IsLocal(dir) || !exists(from) {
			a.Out.Line("- %s (nothing to cache)", dir)
			continue
		}
		a.Out.Line("- %s", dir)
		if err := buildpack.CopyTree(from, a.stored(dir)); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(a.stored(""), 0o755); err != nil {
		return err
	}
	return os.WriteFile(a.stored("signature"), []byte(a.signature()), 0o644)
}

// dependencies installs all that package.json and the lockfile name.
func (a *app) dependencies(ctx context.Context) error {
	a.Out.Line("")
	a.Out.Title("Installing dependencies")
	m := a.manager
	if m.pnp {
		// Without node_modules the packages themselves must be in the slug.
		a.env = append(a.env, "YARN_ENABLE_GLOBAL_CACHE=false", "YARN_CACHE_FOLDER=./.yarn/cache")
	}
	if m.kind == "npm" && (a.setting("USE_NPM_INSTALL", "") == "true" || exists(filepath.Join(a.Dir, "node_modules")) && m.lockfile == "") {
		m.install = []string{"npm", "install", "--include=dev"}
		if len(a.directories()) == 0 {
			a.Out.Line("Prebuild detected (node_modules already exists)")
		}
	}
	a.Out.Line("%s", m.title)
	if err := a.run(ctx, m.install...); err != nil {
		if m.lockfile != "" {
			a.advice = append(a.advice, fmt.Sprintf("%s may be out of step with package.json: run %s install and commit the result", m.lockfile, m.name))
		}
		return buildpack.Failf("Installing dependencies with %s failed.", m.name)
	}
	return nil
}

// prune takes development dependencies out again.
func (a *app) prune(ctx context.Context) error {
	a.Out.Line("")
	a.Out.Title("Pruning devDependencies")
	skip := ""
	switch {
	case a.setting("NODE_ENV", "production") != "production":
		skip = "NODE_ENV is not 'production'"
	case a.Config("NPM_CONFIG_PRODUCTION") == "false" && a.manager.name == "npm":
		skip = "NPM_CONFIG_PRODUCTION is 'false'"
	case a.Config("YARN_PRODUCTION") == "false" && a.manager.name == "yarn":
		skip = "YARN_PRODUCTION is 'false'"
	case a.Config(map[string]string{"npm": "NPM_SKIP_PRUNING", "yarn": "YARN2_SKIP_PRUNING", "pnpm": "PNPM_SKIP_PRUNING"}[a.manager.name]) == "true":
		skip = "the config var says so"
	case len(a.pkg.DevDependencies) == 0 && len(a.pkg.Workspaces) == 0 && !exists(filepath.Join(a.Dir, "pnpm-workspace.yaml")):
		skip = "there are none"
	case a.manager.kind == "berry" && a.manager.want != "" && a.manager.want[0] < '4':
		skip = "Yarn before 4 cannot"
	}
	if skip != "" {
		a.Out.Line("Skipping because %s", skip)
		return nil
	}
	if err := a.run(ctx, a.manager.prune...); err != nil {
		return buildpack.Failf("Pruning devDependencies failed.")
	}
	return nil
}
