// Package run carries out one build inside its sandbox, as the app's own
// unprivileged user: it unpacks the source, chooses buildpacks and calls their
// detect, compile and release as Heroku does.
//
// It owns the build's transcript up to the discovered process types, and promises
// that every failure ends with Heroku's lines and a Result that says whose fault
// it was. It trusts nothing that it reads, and nobody trusts its Result further
// than the app's own code. Start reading at Runner.Run, the list of steps.
package run

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/kigo-dev/kigo/buildpack"
	"github.com/kigo-dev/kigo/buildpack/container"
)

// Runner is one build. Job and Out are set before Run.
type Runner struct {
	Job buildpack.Job
	Out io.Writer // the transcript

	Builder ImageBuilder // of Dockerfiles; nil: buildah

	out      buildpack.Output
	result   buildpack.Result
	modules  map[string]string // commits of submodules by path
	packs    []*pack
	exports  []string // export scripts of the buildpacks so far
	defaults map[string]string

	manifestYML container.Manifest // heroku.yml
}

// failure is a build that cannot go on. Lines are what the user reads last.
type failure struct {
	reason string // for Result.Failure
	infra  bool
	lines  []string
}

func (f *failure) Error() string { return f.reason }

// reject fails a build in the app's terms: one line.
func reject(reason string, args ...any) error {
	text := fmt.Sprintf(reason, args...)
	return &failure{reason: strings.TrimPrefix(text, "Push rejected, "), lines: []string{"", " !     " + text, ""}}
}

// Run does all steps in order, writes the result file and returns whether the
// build succeeded.
func (r *Runner) Run(ctx context.Context) bool {
	r.out = buildpack.Output{W: r.Out}
	r.out.Title("Building on the %s stack", title(r.Job.Stack))
	return r.steps(ctx, []step{
		{"prepare folders", r.prepare},
		{"unpack the source", r.unpack},
		{"fetch submodules", r.submodules},
		{"apply .slugignore", r.ignore},
		{"check the Procfile", r.checkProcfile},
		{"fetch buildpacks", r.fetch},
		{"compile", r.compileAll},
		{"read the release", r.release},
		{"discover process types", r.discover},
		{"read app.json", r.appJSON},
		{"prune", r.prune},
	})
}

// Manifest unpacks the source and reads its app.json, which must be there and
// good. It writes the result file and returns whether all went well.
func (r *Runner) Manifest(ctx context.Context) bool {
	r.out = buildpack.Output{W: r.Out}
	return r.steps(ctx, []step{
		{"prepare folders", r.prepare},
		{"unpack the source", r.unpack},
		{"read app.json", r.manifest},
	})
}

type step struct {
	name string
	do   func(context.Context) error
}

func (r *Runner) steps(ctx context.Context, steps []step) bool {
	for _, step := range steps {
		if err := step.do(ctx); err != nil {
			r.fail(step.name, err)
			break
		}
	}
	if err := r.writeResult(); err != nil {
		r.out.Warn("The result of the build could not be written: %s", err)
		return false
	}
	return r.result.Failure == ""
}

// fail prints Heroku's last lines. Whatever is not a failure of the app is ours.
func (r *Runner) fail(step string, err error) {
	var f *failure
	if !errors.As(err, &f) {
		text := fmt.Sprintf("could not %s: %s", step, err)
		f = &failure{reason: text, infra: true, lines: []string{
			"", " !     The build " + text, " !     This is not a fault of your app: push again, and tell the operator if it happens again.", ""}}
	}
	for _, line := range f.lines {
		r.out.Plain("%s", line)
	}
	r.out.Warn("Push failed")
	r.result.Failure, r.result.Infrastructure = f.reason, f.infra
}

func (r *Runner) prepare(context.Context) error {
	l := r.Job.Layout
	for _, dir := range []string{l.Build, l.Cache, l.Env, l.Packs, filepath.Dir(l.Result)} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	for name, value := range r.Job.Config {
		if err := os.WriteFile(filepath.Join(l.Env, filepath.Base(name)), []byte(value), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// prune drops what never belongs into a slug.
func (r *Runner) prune(context.Context) error {
	for _, name := range []string{".git", ".DS_Store"} {
		if err := os.RemoveAll(filepath.Join(r.Job.Layout.Build, name)); err != nil {
			return err
		}
	}
	return nil
}

func (r *Runner) writeResult() error {
	b, err := json.Marshal(r.result)
	if err != nil {
		return err
	}
	return os.WriteFile(r.Job.Layout.Result, b, 0o644)
}
