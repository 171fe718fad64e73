package run

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/kigo-dev/kigo/buildpack"
)

// submoduleRecord is set by package git at the folder of a submodule in a source.
const submoduleRecord = "KIGO.submodule"

var commitID = regexp.MustCompile(`^[0-9a-f]{40}([0-9a-f]{24})?$`)

// Bounds of submodules, which may have submodules themselves.
const (
	maxSubmodules     = 100
	maxSubmoduleDepth = 5
	submoduleLimit    = 5 * time.Minute
)

// submodules fetches those of a pushed source. One that cannot be had rejects the
// push, as on Heroku.
func (r *Runner) submodules(ctx context.Context) error {
	if len(r.modules) == 0 {
		return nil
	}
	r.out.Title("Git submodules detected, installing:")
	ctx, cancel := context.WithTimeout(ctx, submoduleLimit)
	defer cancel()
	m := modules{Runner: r, left: maxSubmodules}
	if err := m.install(ctx, "", r.modules, maxSubmoduleDepth); err != nil {
		if ctx.Err() != nil {
			err = fmt.Errorf("it took longer than %d seconds", int(submoduleLimit.Seconds()))
		}
		r.out.Line("%s", err)
		return reject("Push rejected, submodule install failed")
	}
	return nil
}

type modules struct {
	*Runner
	left int
}

// install fetches the submodules of the repository that lies in dir below BUILD_DIR.
func (m *modules) install(ctx context.Context, dir string, commits map[string]string, depth int) error {
	if depth == 0 {
		return fmt.Errorf("submodules in submodules go deeper than %d", maxSubmoduleDepth)
	}
	addresses, err := m.addresses(ctx, filepath.Join(m.Job.Layout.Build, dir))
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(commits)) {
		if m.left--; m.left < 0 {
			return fmt.Errorf("there are more than %d submodules", maxSubmodules)
		}
		address, ok := addresses[name]
		if !ok {
			return fmt.Errorf("No url found for submodule path '%s' in .gitmodules", path.Join(dir, name)) //nolint:staticcheck // git's words
		}
		if err := checkAddress(name, address); err != nil {
			return err
		}
		if err := m.fetchOne(ctx, path.Join(dir, name), address, commits[name], depth); err != nil {
			return err
		}
	}
	return nil
}

// addresses reads .gitmodules: URLs by path.
func (m *modules) addresses(ctx context.Context, dir string) (map[string]string, error) {
	file := filepath.Join(dir, ".gitmodules")
	if st, err := os.Lstat(file); err != nil || !st.Mode().IsRegular() || st.Size() > 1<<20 {
		return nil, nil //nolint:nilerr // then there is no address of any
	}
	text, err := m.git(ctx, dir, "config", "--file", file, "--null", "--list")
	if err != nil {
		return nil, err
	}
	paths, urls := map[string]string{}, map[string]string{}
	for entry := range strings.SplitSeq(text, "\x00") {
		key, value, _ := strings.Cut(entry, "\n")
		name, isModule := strings.CutPrefix(key, "submodule.")
		switch {
		case isModule && strings.HasSuffix(name, ".path"):
			paths[strings.TrimSuffix(name, ".path")] = path.Clean(value)
		case isModule && strings.HasSuffix(name, ".url"):
			urls[strings.TrimSuffix(name, ".url")] = value
		}
	}
	found := map[string]string{}
	for name, at := range paths {
		if u, ok := urls[name]; ok {
			found[at] = u
		}
	}
	return found, nil
}

// checkAddress allows https alone: anything else would be a command, a file of this
// machine, or a key that a build has not.
func checkAddress(name, address string) error {
	if strings.ContainsFunc(name, func(c rune) bool { return c < ' ' || c == 0x7f }) {
		return fmt.Errorf("the submodule path %q has a control character", name)
	}
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" || u.Host == "" {
		return fmt.Errorf("the submodule '%s' has the URL %q: only https:// URLs are fetched (a private one as https://USER:TOKEN@HOST/…)", name, shown(address))
	}
	return nil
}

// shown is a URL without its password.
func shown(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "that cannot be read"
	}
	return u.Redacted()
}

func (m *modules) fetchOne(ctx context.Context, name, address, commit string, depth int) error {
	dir := filepath.Join(m.Job.Layout.Build, name)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	m.out.Line("Submodule '%s' (%s) registered for path '%s'", name, shown(address), name)
	if _, err := m.git(ctx, dir, "init", "--quiet"); err != nil {
		return err
	}
	if _, err := m.git(ctx, dir, "fetch", "--quiet", "--depth=1", "--end-of-options", address, commit); err != nil { // a server may give out branches alone
		if _, err := m.git(ctx, dir, "fetch", "--quiet", "--end-of-options", address, "+refs/heads/*:refs/remotes/origin/*", "+refs/tags/*:refs/tags/*"); err != nil {
			return fmt.Errorf("fetch of '%s' into submodule path '%s' failed: %s", shown(address), name, strings.ReplaceAll(err.Error(), address, shown(address)))
		}
	}
	if _, err := m.git(ctx, dir, "checkout", "--quiet", "--detach", commit); err != nil {
		return fmt.Errorf("submodule path '%s' did not contain %s: %w", name, commit, err)
	}
	inner, err := m.inner(ctx, dir)
	if err != nil {
		return err
	}
	if err := os.RemoveAll(filepath.Join(dir, ".git")); err != nil {
		return err
	}
	m.out.Line("Submodule path '%s': checked out '%s'", name, commit)
	if len(inner) == 0 {
		return nil
	}
	return m.install(ctx, name, inner, depth-1)
}

// inner lists the submodules of a repository that was checked out.
func (m *modules) inner(ctx context.Context, dir string) (map[string]string, error) {
	text, err := m.git(ctx, dir, "ls-files", "--stage", "-z")
	if err != nil {
		return nil, err
	}
	found := map[string]string{}
	for entry := range strings.SplitSeq(text, "\x00") {
		head, name, _ := strings.Cut(entry, "\t")
		if f := strings.Fields(head); len(f) == 3 && f[0] == "160000" && commitID.MatchString(f[1]) {
			found[name] = f[1]
		}
	}
	return found, nil
}

// git runs git with nothing of the source's settings: no hooks, no filters of its
// choice, https alone.
func (m *modules) git(ctx context.Context, dir string, args ...string) (string, error) {
	env := append(m.env(), "GIT_TERMINAL_PROMPT=0", "GIT_ALLOW_PROTOCOL=https", "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null", "GIT_ADVICE=0", "GIT_LFS_SKIP_SMUDGE=1")
	var said strings.Builder
	all := append([]string{"git", "-c", "core.hooksPath=/dev/null"}, args...)
	err := buildpack.Command{Args: all, Dir: dir, Env: env, Out: &said}.Run(ctx)
	if err != nil {
		return "", errors.New(lastLine(said.String(), err))
	}
	return said.String(), nil
}
