package build

import (
	"context"
	"time"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/buildpack"
	"github.com/kigo-dev/kigo/output"
)

// waiting is a build that has no room to begin yet.
type waiting struct {
	build kigo.BuildID
	since time.Time
	out   *output.Writer
}

// wait says once in a build's output what it waits for, and fails a build that has
// waited for as long as one may take.
func (l *Loop) wait(ctx context.Context, a *attempt, what string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	w := l.waits[a.app.ID]
	if w == nil {
		out, err := l.Output.Append(a.build.Output)
		if err != nil {
			return err
		}
		w = &waiting{build: a.build.ID, since: time.Now(), out: out}
		l.waits[a.app.ID] = w
		buildpack.Output{W: out}.Title("Waiting for %s...", what)
	}
	if time.Since(w.since) < l.Limit {
		return nil
	}
	a.out, a.say = w.out, buildpack.Output{W: w.out}
	err := a.fail(ctx, &refusal{why: "no room to build", lines: []string{
		"", " !     The platform had no room for this build within " + l.Limit.String() + ": it waited for " + what + ".",
		" !     Nothing of your app was changed. Try again later, or ask the platform's operator.", ""}})
	if err == nil {
		delete(l.waits, a.app.ID)
		err = w.out.Close()
	}
	return err
}

// waited ends an app's wait: that of the build that begins now goes on with its
// output, and any other was cancelled.
func (l *Loop) waited(app kigo.AppID, a *attempt) {
	l.mu.Lock()
	defer l.mu.Unlock()
	w := l.waits[app]
	if w == nil || a != nil && a.build.ID == w.build {
		return
	}
	delete(l.waits, app)
	_ = w.out.Close() // readers see the end all the same
}

// resume hands over the output of a build that has waited.
func (l *Loop) resume(a *attempt) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if w := l.waits[a.app.ID]; w != nil {
		a.out = w.out
		delete(l.waits, a.app.ID)
	}
}

// slot waits for room for something that runs as a build does, and takes it.
func (l *Loop) slot(ctx context.Context) error {
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	for l.begin() != "" {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
		}
	}
	return nil
}
