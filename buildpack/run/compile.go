package run

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"

	"github.com/kigo-dev/kigo/buildpack"
)

// compileAll detects and compiles with each buildpack in order, handing on what
// the earlier ones export.
func (r *Runner) compileAll(ctx context.Context) error {
	for _, p := range r.packs {
		if p.language == "" {
			if ok, output := r.detect(ctx, p); !ok {
				return r.refuse(p, output)
			}
		}
		r.out.Title("%s app detected", p.language)
		if err := r.compile(ctx, p); err != nil {
			return err
		}
		if export := filepath.Join(p.dir, "export"); isFile(export) {
			r.exports = append(r.exports, export)
		}
		r.result.Language = p.language
		r.result.Buildpacks = append(r.result.Buildpacks, buildpack.Pack{Name: p.ref.Name, Pin: p.pin})
	}
	return nil
}

func (r *Runner) compile(ctx context.Context, p *pack) error {
	l := r.Job.Layout
	cmd := r.step(p, "compile", l.Build, l.Cache, l.Env)
	out := &watcher{w: r.Out}
	cmd.Stdout, cmd.Stderr = out, out // the same writer: one stream, in order
	err := runStep(ctx, cmd)
	out.endLine()
	if err == nil {
		return nil
	}
	if !out.reasoned() {
		r.out.Plain("")
		r.out.Warn("The buildpack %s %s and gave no reason.", p.ref.Name, ending(err))
		r.out.Warn("If it downloads something, check that the address can be reached from here.")
	}
	return reject("Push rejected, failed to compile %s app.", p.language)
}

// ending tells how a program ended.
func ending(err error) string {
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return "could not be started (" + err.Error() + ")"
	}
	if exit.Exited() {
		return "ended with exit status " + strconv.Itoa(exit.ExitCode())
	}
	return "was ended by a signal (" + exit.String() + ")"
}

func isFile(name string) bool {
	st, err := os.Stat(name)
	return err == nil && st.Mode().IsRegular()
}

func itoa(n int) string { return strconv.Itoa(n) }
