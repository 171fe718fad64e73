package build

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/buildpack"
	"github.com/kigo-dev/kigo/output"
	"github.com/kigo-dev/kigo/slug"
	"github.com/kigo-dev/kigo/store"
)

// attempt is one build under way.
type attempt struct {
	loop   *Loop
	build  kigo.Build
	app    kigo.App
	config kigo.ConfigVars

	out     *output.Writer
	say     buildpack.Output
	sandbox *sandbox
	result  buildpack.Result
	slug    kigo.Slug
	root    kigo.Image // in which Dockerfiles are built
	looks   bool       // it looks into the source and builds nothing
}

// refusal is a build that failed for a reason of its own. The runner has told
// most of them already; Lines are what is still to be said.
type refusal struct {
	why   string
	lines []string
	ours  bool // the runner says that it was not the app's fault
}

func (r *refusal) Error() string { return r.why }

// maxInterruptions is how often a build begins again.
const maxInterruptions = 3

// Causes of a build's early end.
var (
	errTimeout  = errors.New("timed out")
	errCanceled = errors.New("canceled")
	errGone     = errors.New("app is being destroyed")
	errFull     = errors.New("disk quota exceeded")
	errFiles    = errors.New("too many files")
)

// run carries the build out and tells its end. An error means that not even the
// end could be told: the loop will come back.
func (a *attempt) run(ctx context.Context) error {
	if a.out == nil {
		var err error
		if a.out, err = a.loop.Output.Append(a.build.Output); err != nil {
			return err
		}
	}
	a.say = buildpack.Output{W: a.out}
	defer a.cleanUp()
	defer func() {
		if ctx.Err() == nil { // else the next process goes on
			a.out.Close() //nolint:errcheck // readers see the end all the same
			a.loop.forgetInterruptions(a.build.ID)
		}
	}()
	a.wasOver()
	switch times := a.loop.interrupted[string(a.build.ID)]; {
	case times >= maxInterruptions: // it may be what ends us
		return a.fail(ctx, &refusal{why: "interrupted", lines: []string{
			"", fmt.Sprintf(" !     The build was interrupted %d times by a restart of the platform.", times), " !     Nothing of your app was changed. Push again.", ""}})
	case times > 0:
		a.say.Plain("")
		a.say.Warn("The platform was restarted. The build begins again.")
		a.say.Plain("")
	}
	err := a.steps(ctx)
	if err != nil && a.again(ctx, err) {
		a.loop.Log.WarnContext(ctx, "build failed for a reason of ours: it is tried once more", "app", a.app.Name, "build", a.build.ID, "err", err)
		a.say.Plain("")
		a.say.Warn("The platform failed, not your app. The build is tried once more.")
		a.say.Plain("")
		a.cleanUp()
		a.sandbox, a.result = nil, buildpack.Result{}
		err = a.steps(ctx)
	}
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return nil // we are being ended: the build begins again with the next process
	}
	return a.fail(ctx, err)
}

// again reports whether a build that failed is worth another try: the fault is
// ours, and nobody wants it to end.
func (a *attempt) again(ctx context.Context, err error) bool {
	for _, end := range []error{errTimeout, errCanceled, errGone, errFull, errFiles, errNoProgram} {
		if errors.Is(err, end) {
			return false
		}
	}
	r := (*refusal)(nil)
	return ctx.Err() == nil && a.slug.Digest == "" && (!errors.As(err, &r) || r.ours)
}

// steps are all parts of a build, in order.
func (a *attempt) steps(ctx context.Context) error {
	limited, cancel := context.WithTimeoutCause(ctx, a.loop.Limit, errTimeout)
	defer cancel()
	watched, stop := context.WithCancelCause(limited)
	defer stop(nil)
	go a.watch(watched, stop)
	go a.measure(watched, stop)
	for _, step := range []struct {
		name string
		do   func(context.Context) error
	}{
		{"prepare the sandbox", a.prepare},
		{"start the sandbox", a.launch},
		{"follow the build", a.follow},
		{"read the result", a.readResult},
		{"compress the slug", a.pack},
		{"make the release", a.complete},
	} {
		err := step.do(watched)
		if cause := context.Cause(watched); cause != nil && !errors.Is(cause, context.Canceled) {
			return cause
		}
		if err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if why := a.unwanted(ctx); why != nil { // since the last look
				return why
			}
			return wrap(step.name, err)
		}
	}
	return nil
}

func wrap(step string, err error) error {
	if r := (*refusal)(nil); errors.As(err, &r) {
		return r
	}
	return fmt.Errorf("%s: %w", step, err)
}

// watch ends the build when somebody cancels it or destroys the app.
func (a *attempt) watch(ctx context.Context, stop context.CancelCauseFunc) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := a.unwanted(ctx); err != nil {
			stop(err)
		}
	}
}

// unwanted is why nobody wants the build any more; nil: it is wanted.
func (a *attempt) unwanted(ctx context.Context) (why error) {
	_ = a.loop.Store.View(ctx, func(tx *store.Tx) error {
		app, err := tx.App(a.app.ID)
		if errors.Is(err, kigo.ErrNotFound) || err == nil && app.Destroying {
			why = errGone
			return nil
		}
		b, err := tx.Build(a.build.ID)
		if err == nil && b.Status == kigo.BuildFailed {
			why = errCanceled
		}
		return err
	})
	return why
}

// pack makes the slug.
func (a *attempt) pack(ctx context.Context) error {
	if a.container() {
		return a.takeImages(ctx)
	}
	a.say.Title("Compressing...")
	res, err := a.loop.Slugs.Pack(ctx, a.sandbox.tree, slug.Options{UID: slug.AppUID(a.app.UIDBase), Time: a.build.CreatedAt, HardLimit: a.loop.SlugLimit})
	var large *slug.TooLarge
	if errors.As(err, &large) {
		return &refusal{why: large.Error(), lines: []string{
			" !     " + large.Error(), " !     See: https://devcenter.heroku.com/articles/slug-compiler#slug-size", ""}}
	}
	if err != nil {
		return err
	}
	a.say.Line("Done: %s", slug.FormatSize(res.Size))
	if w := res.Warning(); w != "" {
		a.say.Warn("%s", w)
		a.say.Warn("See: https://devcenter.heroku.com/articles/slug-compiler#slug-size")
	}
	a.slug = kigo.Slug{
		App: a.app.ID, Digest: res.Digest, Size: res.Size, ImageSize: res.ImageSize, Stack: a.build.Stack,
		Commit: a.build.Source.Version, CommitDescription: a.build.Source.Description,
		BuildpackProvided: a.result.Language, ProcessTypes: a.result.ProcessTypes, AppJSON: goodAppJSON(a.result.AppJSON),
	}
	return nil
}

// goodAppJSON is the text of an app.json, if it is one, whoever wrote the result.
func goodAppJSON(text string) string {
	if _, err := kigo.ParseAppJSON([]byte(text)); err != nil {
		return ""
	}
	return text
}

// complete makes the release and says where the app is.
func (a *attempt) complete(ctx context.Context) error {
	release, err := a.loop.Control.CompleteBuildWith(ctx, a.build.ID, a.made())
	if e, ok := kigo.AsError(err); ok && e.ID == kigo.IDInvalidParams {
		return &refusal{why: e.Message, lines: []string{"", " !     " + e.Message, ""}}
	}
	if err != nil {
		return err
	}
	a.tellAddons()
	a.sandbox.keepCache = true
	a.say.Title("Launching...")
	if _, ok := a.slug.ProcessTypes["release"]; ok {
		a.say.Warn("Release command declared: this new release will not be available until the command succeeds.")
	}
	a.say.Line("Released v%d", release.Version)
	a.say.Line("%s deployed to Kigo", a.loop.URL(a.app))
	return nil
}

// Bounds of what a result may say about buildpacks.
const (
	maxPacks    = 32
	maxPackName = 2048
)

// made is the build's result for control. The app's own code may have written it.
func (a *attempt) made() kigo.Made {
	made := kigo.Made{Slug: a.slug, Detected: a.result.Detected && len(a.build.Buildpacks) == 0, Fallback: a.result.Fallback, Config: a.result.Config}
	for _, p := range a.result.Buildpacks[:min(maxPacks, len(a.result.Buildpacks))] {
		if len(p.Name) <= maxPackName && len(p.Pin) <= maxPackName {
			made.Buildpacks = append(made.Buildpacks, kigo.Buildpack{Name: p.Name, Pin: p.Pin})
		}
	}
	return made
}

// tellAddons says what Heroku would have added at an app's first release.
func (a *attempt) tellAddons() {
	if !a.app.ReleasedAt.IsZero() {
		return
	}
	for _, name := range a.result.Addons[:min(maxPacks, len(a.result.Addons))] {
		if len(name) <= 100 {
			a.say.Warn("The buildpack asks for the add-on %s: attach one, or set the config vars that the app expects.", name)
		}
	}
}
