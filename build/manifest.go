package build

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/buildpack"
)

// manifestLimit is how long the look into a source may take, with its download.
const manifestLimit = 5 * time.Minute

var errNoRoom = errors.New("the platform had no room to look into the source")

// Manifest reads the app.json of a source, in a sandbox as a build has, once there is
// room for one as for a build. Name is the
// look's own, so that what it leaves after a crash is found. An error that is a
// *kigo.Error is the source's fault.
func (l *Loop) Manifest(ctx context.Context, name string, app kigo.App, source kigo.Source) (string, error) {
	waited, stop := context.WithTimeoutCause(ctx, l.Limit, errNoRoom)
	defer stop()
	if err := l.slot(waited); err != nil {
		return "", err
	}
	defer l.ended()
	ctx, cancel := context.WithTimeoutCause(ctx, manifestLimit, errTimeout)
	defer cancel()
	a := &attempt{loop: l, app: app, looks: true, say: buildpack.Output{W: io.Discard}}
	a.build = kigo.Build{ID: kigo.BuildID("manifest-" + name), App: app.ID, Stack: app.BuildStack, Source: source}
	l.remove(launchID(string(a.build.ID)))
	if err := sweep(l.path("builds", string(a.build.ID))); err != nil {
		return "", err
	}
	defer a.cleanUp()
	err := a.readManifest(ctx)
	refused := (*refusal)(nil)
	switch {
	case errors.Is(context.Cause(ctx), errTimeout):
		return "", kigo.Invalid("the source could not be read within %d seconds", int(manifestLimit.Seconds()))
	case errors.As(err, &refused):
		return "", kigo.Invalid("%s", refused.why)
	}
	return a.result.AppJSON, err
}

func (a *attempt) readManifest(ctx context.Context) error {
	if err := a.prepare(ctx); err != nil {
		return err
	}
	if err := a.launchProgram(ctx, "manifest"); err != nil {
		return err
	}
	if err := a.loop.tail(ctx, a.sandbox.id, func(kigo.OutputLine) {}); err != nil {
		return err
	}
	return a.readResult(ctx)
}
