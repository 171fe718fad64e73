// Package release takes pending releases through their release phase: the
// `release` process of their slug runs as a one-off dyno, and how it ends decides
// whether the release becomes current. It owns the status of releases.
package release

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/internal/killpoint"
	"github.com/kigo-dev/kigo/reconcile"
	"github.com/kigo-dev/kigo/store"
)

// Type is the process type of release phases.
const Type = "release"

// limit is how long a release phase may take (Heroku's documentation: one hour).
const limit = time.Hour

// Finisher makes a pending release succeeded and current, or failed.
type Finisher interface {
	FinishRelease(ctx context.Context, id kigo.ReleaseID, ok bool) (kigo.Release, error)
}

// Outputs ends the output stream of a release phase.
type Outputs interface {
	Finish(key string) error
}

// Loop runs release phases.
type Loop struct {
	Store   *store.Store
	Control Finisher
	Outputs Outputs
	Log     *slog.Logger

	loop reconcile.Loop
}

// Run works until ctx is done.
func (l *Loop) Run(ctx context.Context) error {
	l.loop.Settings = reconcile.Settings{Name: "release", Reconciler: l, Keys: l.keys, Workers: 4, Resync: 30 * time.Second, Log: l.Log}
	return l.loop.Run(ctx)
}

// Mark hints that an app's releases, or its release-phase dyno, may have changed.
func (l *Loop) Mark(app kigo.AppID) { l.loop.Mark(string(app)) }

// keys are the apps that have a release to decide, or a dyno left of one that was;
// Reconcile does nothing for others.
func (l *Loop) keys(ctx context.Context) (keys []string, err error) {
	err = l.Store.View(ctx, func(tx *store.Tx) error {
		pending, err := tx.PendingReleases()
		for _, r := range pending {
			keys = append(keys, string(r.App))
		}
		dynos, derr := tx.AllDynos()
		for _, d := range dynos {
			if d.Type == Type && d.OneOff {
				keys = append(keys, string(d.App))
			}
		}
		return errors.Join(err, derr)
	})
	return keys, err
}

// Reconcile takes the oldest pending release of one app a step further.
func (l *Loop) Reconcile(ctx context.Context, key string) (reconcile.Result, error) {
	var pending *kigo.Release
	var dyno *kigo.Dyno
	var command, size string
	err := l.Store.View(ctx, func(tx *store.Tx) error {
		releases, err := tx.Releases(kigo.AppID(key))
		if err != nil {
			return err
		}
		for _, r := range releases { // newest first
			if r.Status == kigo.ReleasePending {
				pending = &r
			}
		}
		if pending == nil {
			return nil
		}
		slug, err := tx.Slug(pending.Slug)
		if err != nil {
			return err
		}
		command, size = slug.ProcessTypes[Type], kigo.DefaultSize
		if f, err := tx.Formation(pending.App, Type); err == nil {
			size = f.Size
		}
		dynos, err := tx.Dynos(pending.App)
		for _, d := range dynos {
			if d.Type == Type && d.OneOff && d.Release == pending.ID {
				dyno = &d
			}
		}
		return err
	})
	if errors.Is(err, kigo.ErrNotFound) {
		return reconcile.Result{}, nil
	}
	if pending == nil && err == nil {
		return reconcile.Result{}, l.sweep(ctx, kigo.AppID(key))
	}
	if err != nil {
		return reconcile.Result{}, fmt.Errorf("read pending release: %w", err)
	}
	switch {
	case command == "":
		return reconcile.Result{}, l.finish(ctx, *pending, nil, true)
	case dyno == nil:
		killpoint.At("phase-begins")
		err := l.launch(ctx, *pending, command, size)
		killpoint.At("phase-created")
		return reconcile.Result{After: time.Minute}, err
	case dyno.State == kigo.DynoComplete:
		return reconcile.Result{}, l.finish(ctx, *pending, dyno, dyno.ExitCode == 0 && !dyno.Stop)
	case time.Since(dyno.CreatedAt) > limit && !dyno.Stop:
		return reconcile.Result{After: time.Minute}, l.stop(ctx, *dyno)
	}
	return reconcile.Result{After: time.Minute}, nil
}

// launch creates the one-off dyno of a release phase.
func (l *Loop) launch(ctx context.Context, r kigo.Release, command, size string) error {
	d := kigo.Dyno{
		App: r.App, Release: r.ID, Version: r.Version, Type: Type,
		Number: 1000 + rand.IntN(9000), Command: command, Size: size, OneOff: true,
	}
	return l.Store.Update(ctx, func(tx *store.Tx) error {
		if err := tx.CreateDyno(&d); err != nil {
			return err
		}
		return tx.Emit(kigo.Event{Kind: "dyno.create", App: r.App, Key: string(d.ID)})
	})
}

// sweep ends what a kill has left of phases that are decided: their output, and
// their dynos, also those that still run.
func (l *Loop) sweep(ctx context.Context, app kigo.AppID) error {
	var left []kigo.Dyno
	outputs := map[kigo.DynoID]string{}
	err := l.Store.View(ctx, func(tx *store.Tx) error {
		dynos, err := tx.Dynos(app)
		for _, d := range dynos {
			if d.Type != Type || !d.OneOff {
				continue
			}
			r, rerr := tx.Release(d.Release)
			if rerr != nil || r.Status == kigo.ReleasePending {
				err = errors.Join(err, rerr)
				continue
			}
			left = append(left, d)
			outputs[d.ID] = r.Output
		}
		return err
	})
	for _, d := range left {
		switch {
		case d.State == kigo.DynoComplete:
			err = errors.Join(err, l.forget(ctx, outputs[d.ID], d))
		case !d.Stop:
			err = errors.Join(err, l.stop(ctx, d))
		}
	}
	return err
}

// stop ends a release phase that takes too long; the release fails when it has ended.
func (l *Loop) stop(ctx context.Context, d kigo.Dyno) error {
	return l.Store.Update(ctx, func(tx *store.Tx) error {
		if err := tx.StopDyno(d.ID); err != nil {
			return err
		}
		return tx.Emit(kigo.Event{Kind: "dyno.stop", App: d.App, Key: string(d.ID)})
	})
}

// finish decides a release and forgets its dyno.
func (l *Loop) finish(ctx context.Context, r kigo.Release, d *kigo.Dyno, ok bool) error {
	killpoint.At("phase-ended")
	if _, err := l.Control.FinishRelease(ctx, r.ID, ok); err != nil {
		return fmt.Errorf("finish release v%d: %w", r.Version, err)
	}
	killpoint.At("phase-decided")
	if d == nil {
		if r.Output == "" {
			return nil
		}
		return l.Outputs.Finish(r.Output)
	}
	return l.forget(ctx, r.Output, *d)
}

// forget ends the output of a phase that is decided, then removes its dyno: as long
// as that is there, a sweep ends the output.
func (l *Loop) forget(ctx context.Context, output string, d kigo.Dyno) error {
	if output != "" {
		if err := l.Outputs.Finish(output); err != nil {
			return fmt.Errorf("end release output: %w", err)
		}
	}
	killpoint.At("phase-output-ended")
	return l.Store.Update(ctx, func(tx *store.Tx) error {
		if err := tx.DeleteDyno(d.ID); err != nil {
			return err
		}
		return tx.Emit(kigo.Event{Kind: "dyno.delete", App: d.App, Key: string(d.ID)})
	})
}
