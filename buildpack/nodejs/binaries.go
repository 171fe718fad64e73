package nodejs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/kigo-dev/kigo/buildpack"
	"github.com/kigo-dev/kigo/buildpack/toolchain"
)

// defaultNode is used when package.json names no version: the current
// long-term-support line.
const defaultNode = "24.x"

// binaries puts Node.js and the package manager into .heroku/node of the app,
// laid out as Node's own archives are.
func (a *app) binaries(ctx context.Context) error {
	a.Out.Line("")
	a.Out.Title("Installing binaries")
	want := a.pkg.Engines["node"]
	a.Out.Line("engines.node (package.json):   %s", or(want, "unspecified"))
	a.Out.Line("engines.npm (package.json):    %s", or(a.pkg.Engines["npm"], "unspecified (use default)"))
	if a.manager.name != "npm" {
		a.Out.Line("%-30s %s", "engines."+a.manager.name+" (package.json):", or(a.manager.want, "unspecified (use default)"))
	}
	a.Out.Line("")
	a.Out.Line("Resolving node version %s...", or(want, defaultNode))
	version, dir, err := a.tool(ctx, "node", or(want, defaultNode))
	if err != nil {
		return err
	}
	a.node = dir
	if _, err := os.Stat(filepath.Join(dir, "bin", "node")); err != nil { // the first packages held an archive instead
		return buildpack.Failf("Node.js %s is too old to be had from the npm registry: ask for a later one in engines.node of package.json.", version)
	}
	a.Out.Line("Using node %s", version)
	if err := os.MkdirAll(filepath.Join(a.home, "bin"), 0o755); err != nil {
		return err
	}
	if err := buildpack.CopyFile(filepath.Join(dir, "bin", "node"), filepath.Join(a.home, "bin", "node")); err != nil {
		return err
	}
	// Native modules are compiled against the headers that come with Node.js.
	a.env = append(a.env, "npm_config_nodedir="+dir)
	npm := a.pkg.Engines["npm"]
	if a.manager.kind == "npm" && a.manager.want != "" {
		npm = a.manager.want
	}
	if err := a.program(ctx, "npm", npm, npmFor(version)); err != nil {
		return err
	}
	if a.manager.kind == "npm" {
		return nil
	}
	return a.program(ctx, a.manager.kind, a.manager.want, map[string]string{"yarn": "1.x", "berry": "4.x", "pnpm": "10.x"}[a.manager.kind])
}

// npmFor is the npm that comes with a version of Node.js.
func npmFor(node string) string {
	major, _, _ := strings.Cut(node, ".")
	switch n, _ := strconv.Atoi(major); {
	case n >= 24:
		return "11.x"
	case n >= 18:
		return "10.x"
	case n >= 16:
		return "8.x"
	default:
		return "6.x"
	}
}

// tool resolves a version and gets it.
func (a *app) tool(ctx context.Context, kind, want string) (version, dir string, err error) {
	version, err = toolchain.Resolve(ctx, kind, want, a.shelf.Have(kind))
	if errors.Is(err, toolchain.ErrNoVersion) {
		return "", "", buildpack.Failf("Could not find a version of %s that is %q: correct package.json.", kind, want)
	}
	if err != nil {
		return "", "", buildpack.Failf("%s %s could not be found: %s", kind, want, err)
	}
	dir, err = a.shelf.Need(ctx, toolchain.Tool{Kind: kind, Version: version}, func() {
		a.Out.Line("Downloading and installing %s %s...", kind, version)
	})
	if err != nil {
		return "", "", buildpack.Failf("%s %s could not be installed: %s", kind, version, err)
	}
	return version, dir, nil
}

// program installs a package manager as "npm install --global" would.
func (a *app) program(ctx context.Context, kind, want, fallback string) error {
	version, dir, err := a.tool(ctx, kind, or(want, fallback))
	if err != nil {
		return err
	}
	if want == "" {
		a.Out.Line("Using default %s version: %s", kind, version)
	} else {
		a.Out.Line("Using %s version: %s", kind, version)
	}
	text, err := os.ReadFile(filepath.Join(dir, "package.json"))
	if err != nil {
		return err
	}
	var pkg struct {
		Name string `json:"name"`
		Bin  texts  `json:"bin"`
	}
	if err := json.Unmarshal(text, &pkg); err != nil || !filepath.IsLocal(pkg.Name) {
		return fmt.Errorf("read package.json of %s %s: %w", kind, version, err)
	}
	to := filepath.Join(a.home, "lib", "node_modules", pkg.Name)
	if err := buildpack.CopyTree(dir, to, "docs", "man"); err != nil {
		return err
	}
	for name, file := range pkg.Bin {
		if !filepath.IsLocal(file) || filepath.Base(name) != name {
			continue
		}
		program := filepath.Join(to, file)
		if err := os.Chmod(program, 0o755); err != nil {
			return err
		}
		if err := os.Symlink(filepath.Join("..", "lib", "node_modules", pkg.Name, file), filepath.Join(a.home, "bin", name)); err != nil {
			return err
		}
	}
	return nil
}

func or(s, fallback string) string {
	if s == "" {
		return fallback
	}
	return s
}
