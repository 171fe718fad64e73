package nodejs

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"slices"

	"github.com/kigo-dev/kigo/buildpack"
)

// manager is npm, Yarn or pnpm, and all in which they differ.
type manager struct {
	name     string   // what users call it, and the program
	kind     string   // the toolchain: "npm", "yarn", "berry" or "pnpm"
	lockfile string   // "" without one
	want     string   // version or range of the manager itself; "" for the default
	install  []string // of all dependencies
	title    string   // of that
	prune    []string // of development dependencies; nil: it cannot
	pnp      bool     // Yarn without a node_modules folder
}

// run is the command for a script of package.json.
func (m manager) run(script string) []string { return []string{m.name, "run", script} }

// pinned is "pnpm@10.4.1+sha512.…" of the field packageManager.
var pinned = regexp.MustCompile(`^(npm|yarn|pnpm)@([0-9]+\.[0-9]+\.[0-9]+(?:-[0-9A-Za-z.]+)?)`)

// chooseManager goes by the lockfile.
func chooseManager(dir string, pkg manifest) (manager, error) {
	locks := map[string]string{"package-lock.json": "npm", "npm-shrinkwrap.json": "npm", "yarn.lock": "yarn", "pnpm-lock.yaml": "pnpm"}
	var found []string
	for file := range locks {
		if exists(filepath.Join(dir, file)) {
			found = append(found, file)
		}
	}
	slices.Sort(found)
	name, lock := "npm", ""
	pin := pinned.FindStringSubmatch(pkg.PackageManager)
	switch {
	case len(found) > 1 && (len(found) > 2 || locks[found[0]] != locks[found[1]]):
		return manager{}, buildpack.Failf("Two different lockfiles found: %s and %s. Keep the one of the package manager that you use, and remove the other.", found[0], found[1])
	case len(found) > 0:
		lock = found[len(found)-1]
		name = locks[lock]
	case pin != nil:
		name = pin[1]
	}
	want := pkg.Engines[name]
	if pin != nil && pin[1] == name {
		want = pin[2]
	}
	m := manager{name: name, kind: name, lockfile: lock, want: want}
	switch name {
	case "yarn":
		m.yarn(dir)
	case "pnpm":
		m.pnpm()
	default:
		m.npm()
	}
	return m, nil
}

func (m *manager) npm() {
	m.title, m.install = "Installing node modules (package.json)", []string{"npm", "install", "--include=dev"}
	if m.lockfile != "" {
		m.title, m.install = "Installing node modules", []string{"npm", "ci", "--include=dev"}
	}
	m.prune = []string{"npm", "prune", "--omit=dev"}
}

func (m *manager) pnpm() {
	m.title, m.install = "Running 'pnpm install' with pnpm-lock.yaml", []string{"pnpm", "install", "--prod=false", "--frozen-lockfile"}
	if m.lockfile == "" {
		m.install[3] = "--no-frozen-lockfile"
	}
	m.prune = []string{"pnpm", "prune", "--prod", "--ignore-scripts"}
}

// yarn is two programs of one name: 1.x, and "berry", whose lockfile says so.
func (m *manager) yarn(dir string) {
	text, _ := os.ReadFile(filepath.Join(dir, "yarn.lock"))
	berry := bytes.Contains(text[:min(len(text), 4096)], []byte("__metadata:")) || m.lockfile == "" && m.want != "" && m.want[0] > '1'
	if !berry {
		m.title, m.install = "Installing node modules (yarn.lock)", []string{"yarn", "install", "--frozen-lockfile", "--production=false", "--ignore-engines", "--non-interactive"}
		m.prune = []string{"yarn", "install", "--production", "--frozen-lockfile", "--ignore-engines", "--ignore-scripts", "--prefer-offline", "--non-interactive"}
		return
	}
	rc, _ := os.ReadFile(filepath.Join(dir, ".yarnrc.yml"))
	m.pnp = !regexp.MustCompile(`(?m)^nodeLinker:\s*["']?(node-modules|pnpm)\b`).Match(rc)
	m.kind, m.title = "berry", "Running 'yarn install' with yarn.lock"
	m.install = []string{"yarn", "install", "--immutable"}
	m.prune = []string{"yarn", "workspaces", "focus", "--all", "--production"}
}

func exists(p string) bool {
	_, err := os.Lstat(p)
	return err == nil
}
