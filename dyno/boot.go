package dyno

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/internal/killpoint"
	"github.com/kigo-dev/kigo/reconcile"
	"github.com/kigo-dev/kigo/store"
)

// awaitClient is how long an attached one-off waits for its client (R13).
const awaitClient = 60 * time.Second

// start launches a dyno that the engine does not know.
func (a *Agent) start(ctx context.Context, d kigo.Dyno) (reconcile.Result, error) {
	if d.Attach.Wanted {
		if wait, err := a.awaitClient(ctx, d); wait > 0 || err != nil {
			return reconcile.Result{After: wait}, err
		}
	}
	if d.OneOff && d.State == kigo.DynoUp { // it was lost with its node: a one-off never runs twice
		return reconcile.Result{}, a.ended(ctx, d, kigo.RunStatus{State: kigo.RunLost, ExitCode: 137})
	}
	if d.State == kigo.DynoUp {
		if err := a.move(ctx, &d, kigo.DynoStarting); err != nil {
			return reconcile.Result{}, err
		}
	}
	if spent, err := a.spent(ctx, d); spent || err != nil {
		if err == nil {
			err = a.putDown(ctx, d)
		}
		return reconcile.Result{}, err
	}
	p, err := a.plan(ctx, d)
	if err != nil {
		return reconcile.Result{}, err
	}
	l, err := p.Launch()
	if err != nil {
		return reconcile.Result{}, err
	}
	var full noRoom
	if err := a.admit(ctx, d); errors.As(err, &full) {
		return a.wait(ctx, d, full)
	} else if err != nil {
		return reconcile.Result{}, err
	}
	defer a.starts.done(l.ID)
	a.say(d, "Starting process with command `%s`", d.Command)
	killpoint.At("start-admitted")
	if err := a.Engine.Start(ctx, l); err != nil {
		return a.unstarted(ctx, d, err)
	}
	killpoint.At("start-launched")
	return reconcile.Result{}, nil // Watch marks it at its first status
}

// unstarted tells of a slug that is not what it was (R17): that dyno crashes, as it
// would each time. Any other failure is the platform's, and is tried again soon.
func (a *Agent) unstarted(ctx context.Context, d kigo.Dyno, err error) (reconcile.Result, error) {
	var open interface{ Unconfined() }
	if errors.As(err, &open) {
		a.say(d, "Error R99 (Platform error) -> The dyno was killed at its start, as it was not confined: %s", err)
	}
	var sums interface{ Checksums() (want, have string) }
	if !errors.As(err, &sums) {
		return reconcile.Result{}, fmt.Errorf("start %s: %w", d.Name(), err)
	}
	want, have := sums.Checksums()
	a.say(d, "Error R17 (Checksum error) -> Checksum does match expected value. Expected: %s Actual: %s", shaLabel(want), shaLabel(have))
	d.ExitCode, d.Reason = 1, "Checksum error"
	if d.OneOff {
		return reconcile.Result{}, a.complete(ctx, d)
	}
	return reconcile.Result{}, a.crash(ctx, d)
}

// shaLabel writes a digest as Heroku does.
func shaLabel(digest string) string { return strings.Replace(digest, "sha256:", "SHA256:", 1) }

// awaitClient says how long to wait on for an attached one-off's client; the
// dyno ends with R13 when none came in time.
func (a *Agent) awaitClient(ctx context.Context, d kigo.Dyno) (time.Duration, error) {
	if a.clients.arrived(d.ID) {
		return 0, nil
	}
	left := remaining(awaitClient, d.CreatedAt)
	if left > 0 {
		if a.clients.first(d.ID) {
			a.say(d, "Awaiting client")
		}
		return left, nil
	}
	a.say(d, "Error R13 (Attach error) -> Failed to attach to process")
	if err := a.move(ctx, &d, kigo.DynoComplete); err != nil {
		return 0, err
	}
	return time.Hour, a.finish(ctx, d)
}

// plan reads everything that a launch of d needs.
func (a *Agent) plan(ctx context.Context, d kigo.Dyno) (Plan, error) {
	p := Plan{Dyno: d, Binds: a.Binds, HostEnv: a.Env}
	err := a.Store.View(ctx, func(tx *store.Tx) (err error) {
		if p.App, err = tx.App(d.App); err != nil {
			return err
		}
		if p.Release, err = tx.Release(d.Release); err != nil {
			return err
		}
		if p.Isolate, err = tx.Isolation(d.App); err != nil {
			return err
		}
		if p.Metadata, err = tx.FeatureEnabled(d.App, metadataFeature); err != nil {
			return err
		}
		if p.Config, err = tx.ReleaseConfig(d.Release); err != nil {
			return err
		}
		if p.Release.Slug != "" {
			p.Slug, err = tx.Slug(p.Release.Slug)
		}
		return err
	})
	if err != nil {
		return p, fmt.Errorf("read what %s runs: %w", d.Name(), err)
	}
	if len(p.Slug.Images) > 0 {
		return p, nil // their roots are their own
	}
	stack := p.Release.Stack
	if stack == "" {
		stack = p.App.Stack
	}
	if p.Stack, err = a.Stack(stack, p.Release.Base); err != nil {
		return p, err
	}
	return p, nil
}

func (a *Agent) address(d kigo.Dyno, run kigo.RunStatus) string {
	if d.Type != "web" || d.OneOff {
		return ""
	}
	return net.JoinHostPort(run.Address, strconv.Itoa(port(d.ID)))
}

// up records that a dyno is ready.
func (a *Agent) up(ctx context.Context, d kigo.Dyno, run kigo.RunStatus) error {
	d.Address, d.StartedAt, d.Reason = a.address(d, run), run.StartedAt, ""
	killpoint.At("start-seen-ready")
	err := a.move(ctx, &d, kigo.DynoUp)
	killpoint.At("start-written-up")
	a.hintPools(d)
	return err
}
