package run

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/kigo-dev/kigo/buildpack"
)

// pack is one buildpack in its own writable folder.
type pack struct {
	ref      buildpack.Ref
	dir      string
	pin      string
	language string // known once its detect has said so
}

// fetchLimit is Heroku's time for getting one buildpack.
const fetchLimit = 90 * time.Second

// fetch announces the buildpacks of the app and gets them. Without any it asks
// all that this program holds.
func (r *Runner) fetch(ctx context.Context) error {
	wanted := r.Job.Buildpacks
	if legacy := strings.TrimSpace(r.Job.Config["BUILDPACK_URL"]); legacy != "" {
		wanted = []string{legacy}
	}
	var refs []buildpack.Ref
	for _, w := range wanted {
		ref, err := r.resolve(w)
		if err != nil {
			r.out.Title("Fetching set buildpack %s... failed", w)
			return err
		}
		refs = append(refs, ref)
	}
	switch len(refs) {
	case 0:
		r.out.Title("Determining which buildpack to use for this app")
		return r.choose(ctx)
	case 1:
		r.out.Title("Using buildpack: %s", refs[0].Name)
	default:
		r.out.Title("Using buildpacks:")
		for i, ref := range refs {
			r.out.Line("%d. %s", i+1, ref.Name)
		}
	}
	for i, ref := range refs {
		p, err := r.get(ctx, i, ref)
		if err != nil {
			return err
		}
		r.packs = append(r.packs, p)
	}
	return nil
}

// resolve finds a buildpack that the app asks for: the operator's own, a built-in
// one or one to fetch.
func (r *Runner) resolve(wanted string) (buildpack.Ref, error) {
	name := buildpack.OwnName(wanted)
	if ref, ok := r.own(name); ok {
		return ref, r.allow(ref)
	}
	ref, err := buildpack.ParseRef(wanted)
	if name != "" && r.Job.Shelf != "" && (err != nil || ref.Builtin == "") {
		ref, err = buildpack.Ref{Name: name, Tarball: strings.TrimSuffix(r.Job.Shelf, "/") + "/" + name + ".tgz"}, nil
	}
	if err != nil {
		return ref, reject("Unknown buildpack: %s", err)
	}
	return ref, r.allow(ref)
}

// own finds a buildpack in the operator's folder.
func (r *Runner) own(name string) (buildpack.Ref, bool) {
	if name == "" || r.Job.Layout.Operators == "" {
		return buildpack.Ref{}, false
	}
	dir := filepath.Join(r.Job.Layout.Operators, filepath.FromSlash(name))
	return buildpack.Ref{Name: name, Folder: dir}, isFile(filepath.Join(dir, "bin", "detect"))
}

func (r *Runner) allow(ref buildpack.Ref) error {
	if buildpack.Allowed(ref.Name, r.Job.Allowed) {
		return nil
	}
	return reject("The buildpack %s is not allowed here: the operator allows %s", ref.Name, strings.Join(r.Job.Allowed, ", "))
}

// get puts one buildpack into a folder of its own, where it may write.
func (r *Runner) get(ctx context.Context, i int, ref buildpack.Ref) (*pack, error) {
	sum := sha256.Sum256(fmt.Append(nil, i, ref.Name))
	p := &pack{ref: ref, dir: filepath.Join(r.Job.Layout.Packs, hex.EncodeToString(sum[:8]))}
	ctx, cancel := context.WithTimeout(ctx, fetchLimit)
	defer cancel()
	var err error
	switch {
	case ref.Builtin != "":
		p.dir = filepath.Join(r.Job.Layout.Packs, fmt.Sprint(i), "heroku", ref.Builtin)
		p.pin = "built in"
		err = r.linkBuiltin(p)
	case ref.Folder != "":
		p.pin = "the operator's"
		err = buildpack.CopyTree(ref.Folder, p.dir, ".git")
	case ref.Git != "":
		err = r.clone(ctx, p)
	default:
		err = r.fetchTarball(ctx, p)
	}
	if err != nil {
		return nil, err
	}
	return p, r.check(p)
}

// linkBuiltin makes bin/detect and the rest, which are this very program.
func (r *Runner) linkBuiltin(p *pack) error {
	if err := os.MkdirAll(filepath.Join(p.dir, "bin"), 0o755); err != nil {
		return err
	}
	for _, step := range []string{"detect", "compile", "release"} {
		if err := os.Symlink(r.Job.Layout.Program, filepath.Join(p.dir, "bin", step)); err != nil {
			return err
		}
	}
	return nil
}

// check makes sure that what was fetched is a buildpack.
func (r *Runner) check(p *pack) error {
	for _, step := range []string{"detect", "compile"} {
		st, err := os.Stat(filepath.Join(p.dir, "bin", step))
		if err != nil || !st.Mode().IsRegular() {
			return reject("%s is not a buildpack: it has no bin/%s", p.ref.Name, step)
		}
		if st.Mode()&0o111 == 0 {
			return reject("%s is not a buildpack: its bin/%s is not executable", p.ref.Name, step)
		}
	}
	return nil
}

func (r *Runner) clone(ctx context.Context, p *pack) error {
	if err := os.MkdirAll(p.dir, 0o755); err != nil {
		return err
	}
	version := p.ref.Version
	if version == "" {
		version = "HEAD"
	}
	env := append(r.env(), "GIT_TERMINAL_PROMPT=0", "GIT_ALLOW_PROTOCOL=https", "GIT_CONFIG_NOSYSTEM=1", "GIT_ADVICE=0")
	var log strings.Builder
	for _, args := range [][]string{
		{"git", "init", "--quiet"},
		{"git", "fetch", "--quiet", "--depth=1", "--end-of-options", p.ref.Git, version},
		{"git", "checkout", "--quiet", "--detach", "FETCH_HEAD"},
		{"git", "submodule", "--quiet", "update", "--init", "--recursive", "--depth=1"},
	} {
		if args[1] == "submodule" {
			if _, err := os.Stat(filepath.Join(p.dir, ".gitmodules")); err != nil {
				continue
			}
		}
		if err := (buildpack.Command{Args: args, Dir: p.dir, Env: env, Out: &log}).Run(ctx); err != nil {
			return r.unfetched(ctx, lastLine(log.String(), err))
		}
	}
	commit, err := buildpack.Command{Args: []string{"git", "rev-parse", "HEAD"}, Dir: p.dir, Env: env}.Output(ctx)
	if err != nil {
		return r.unfetched(ctx, err.Error())
	}
	p.pin = commit
	r.out.Title("Fetching set buildpack %s... done", p.ref.Git)
	r.out.Line("Commit %s", commit)
	return nil
}

func (r *Runner) fetchTarball(ctx context.Context, p *pack) error {
	file := p.dir + ".download"
	defer os.Remove(file)
	sum, err := download(ctx, p.ref.Tarball, file, 256<<20)
	if err != nil {
		return r.unfetched(ctx, err.Error())
	}
	if err := unpackFile(file, p.dir); err != nil {
		return r.unfetched(ctx, err.Error())
	}
	p.pin = "sha256:" + sum
	r.out.Title("Fetching set buildpack %s... done", p.ref.Tarball)
	r.out.Line("SHA-256 %s", sum)
	if _, err := os.Stat(filepath.Join(p.dir, "bin", "detect")); err != nil {
		return lift(p.dir)
	}
	return nil
}

func unpackFile(file, dir string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	return Untar(f, root, buildpack.Limits{})
}

func (r *Runner) unfetched(ctx context.Context, why string) error {
	if ctx.Err() != nil {
		why = fmt.Sprintf("it took longer than %d seconds", int(fetchLimit.Seconds()))
	}
	r.out.Title("Fetching set buildpack... failed")
	r.out.Line("%s", why)
	return reject("Push rejected, failed to fetch the buildpack.")
}

func lastLine(s string, err error) string {
	lines := strings.FieldsFunc(s, func(c rune) bool { return c == '\n' || c == '\r' })
	if len(lines) == 0 {
		return err.Error()
	}
	return lines[len(lines)-1]
}

// title is how a stack is written in a sentence: "Heroku-24".
func title(stack string) string {
	if stack == "" {
		return stack
	}
	return strings.ToUpper(stack[:1]) + stack[1:]
}

func isFallback(p *pack) bool { return slices.Contains(buildpack.Fallbacks, p.ref.Builtin) }
