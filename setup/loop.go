// Package setup makes whole apps of sources with an app.json: it reads the file,
// waits for the build and the release that follow, has the app scaled and its
// postdeploy script run, and ends the set-up. It owns the status of set-ups.
//
// Each step follows from what the store says, so that it goes on after a crash
// where it was. Start reading at Loop.Reconcile.
package setup

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/reconcile"
	"github.com/kigo-dev/kigo/store"
)

// giveUpAfter is how long reading a source is tried when the platform is at fault.
const giveUpAfter = time.Hour

// Control writes each step down.
type Control interface {
	BeginSetup(ctx context.Context, id, appJSON string) error
	ScaleSetup(ctx context.Context, id string) error
	FinishSetup(ctx context.Context, id, failure string, exit *int) error
}

// Outputs ends the output stream of a script.
type Outputs interface {
	Finish(key string) error
}

// Loop works on pending set-ups.
type Loop struct {
	Store   *store.Store
	Control Control
	Outputs Outputs
	Read    func(ctx context.Context, name string, app kigo.App, s kigo.Source) (appJSON string, err error) // a *kigo.Error is the source's fault
	Log     *slog.Logger

	loop reconcile.Loop
}

// Run works until ctx is done.
func (l *Loop) Run(ctx context.Context) error {
	l.loop.Settings = reconcile.Settings{Name: "setup", Reconciler: l, Keys: l.keys, Workers: 4, Resync: 30 * time.Second, Log: l.Log}
	return l.loop.Run(ctx)
}

// Mark hints that an app's set-up, build, release or dyno may have changed.
func (l *Loop) Mark(app kigo.AppID) { l.loop.Mark(string(app)) }

func (l *Loop) keys(ctx context.Context) (keys []string, err error) {
	err = l.Store.View(ctx, func(tx *store.Tx) error {
		all, err := tx.PendingSetups()
		for _, s := range all {
			keys = append(keys, string(s.App))
		}
		return err
	})
	return keys, err
}

// situation is what decides on a set-up's next step.
type situation struct {
	setup   *kigo.Setup
	app     kigo.App
	build   kigo.Build
	release kigo.Release
	dyno    *kigo.Dyno
}

func (l *Loop) look(ctx context.Context, app kigo.AppID) (s situation, err error) {
	err = l.Store.View(ctx, func(tx *store.Tx) error {
		all, err := tx.SetupsOf(app)
		for _, one := range all {
			if one.Status == kigo.SetupPending {
				s.setup = &one
			}
		}
		if err != nil || s.setup == nil {
			return err
		}
		if s.app, err = tx.App(app); err != nil || s.setup.Build == "" {
			return err
		}
		if s.build, err = tx.Build(s.setup.Build); err != nil || s.build.Release == "" {
			return err
		}
		if s.release, err = tx.Release(s.build.Release); err != nil || s.setup.Postdeploy == "" {
			return err
		}
		d, err := tx.Dyno(s.setup.Postdeploy)
		if errors.Is(err, kigo.ErrNotFound) {
			return nil
		}
		s.dyno = &d
		return err
	})
	return s, err
}

// Reconcile takes an app's set-up one step further.
func (l *Loop) Reconcile(ctx context.Context, key string) (reconcile.Result, error) {
	s, err := l.look(ctx, kigo.AppID(key))
	switch {
	case err != nil:
		return reconcile.Result{}, fmt.Errorf("look at set-up: %w", err)
	case s.setup == nil:
		return reconcile.Result{}, nil
	}
	if err := l.step(ctx, s); err != nil {
		return reconcile.Result{}, fmt.Errorf("set up %s: %w", s.app.Name, err)
	}
	return reconcile.Result{}, nil
}

func (l *Loop) step(ctx context.Context, s situation) error {
	id := s.setup.ID
	switch {
	case s.app.Destroying:
		return l.Control.FinishSetup(ctx, id, "the app was destroyed", nil)
	case s.setup.Build == "":
		return l.begin(ctx, s)
	case s.build.Status == kigo.BuildPending:
		return nil
	case s.build.Status == kigo.BuildFailed:
		return l.Control.FinishSetup(ctx, id, "build failed: "+s.build.Failure, nil)
	case s.setup.Postdeploy == "":
		return l.released(ctx, s)
	case s.dyno == nil: // somebody stopped it
		return l.ended(ctx, s, 137)
	case s.dyno.State == kigo.DynoComplete:
		return l.ended(ctx, s, s.dyno.ExitCode)
	}
	return nil
}

func (l *Loop) begin(ctx context.Context, s situation) error {
	text, err := l.Read(ctx, s.setup.ID, s.app, s.setup.Source)
	if fault, ok := kigo.AsError(err); ok {
		return l.Control.FinishSetup(ctx, s.setup.ID, fault.Message, nil)
	}
	if err != nil && ctx.Err() == nil && time.Since(s.setup.CreatedAt) > giveUpAfter {
		l.Log.ErrorContext(ctx, "the source of a set-up cannot be read: given up", "app", s.app.Name, "err", err)
		return l.Control.FinishSetup(ctx, s.setup.ID, "the platform could not look into the source for an hour: try again later, or ask its operator", nil)
	}
	if err != nil {
		return err
	}
	return l.Control.BeginSetup(ctx, s.setup.ID, text)
}

// released goes on once the release phase of the first release is over.
func (l *Loop) released(ctx context.Context, s situation) error {
	switch s.release.Status {
	case kigo.ReleasePending:
		return nil
	case kigo.ReleaseSucceeded:
		return l.Control.ScaleSetup(ctx, s.setup.ID)
	}
	why := "release command failed"
	if s.release.Failure != "" {
		why = "release failed: " + s.release.Failure
	}
	return l.Control.FinishSetup(ctx, s.setup.ID, why, nil)
}

// ended writes down how the script ended; its output ends first, so that whoever
// sees the end sees all of it.
func (l *Loop) ended(ctx context.Context, s situation, exit int) error {
	if err := l.Outputs.Finish(kigo.PostdeployOutput(s.setup.Postdeploy)); err != nil {
		return err
	}
	return l.Control.FinishSetup(ctx, s.setup.ID, "", &exit)
}
