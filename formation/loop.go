package formation

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/internal/killpoint"
	"github.com/kigo-dev/kigo/reconcile"
	"github.com/kigo-dev/kigo/store"
)

// Gated is the process type that serves requests.
const Gated = "web"

// Loop keeps every app's dyno rows as its formation and release want them.
type Loop struct {
	Store   *store.Store
	Log     *slog.Logger
	Reject  func(ctx context.Context, bad kigo.ReleaseID, why string, instead kigo.ReleaseID) error // takes back a release that does not come up or stay up
	Prove   func(context.Context, kigo.ReleaseID) error                                             // notes that a release has served for long enough
	Destroy func(context.Context, kigo.App) error                                                   // called for an app that is being destroyed once it has no dynos

	Probation time.Duration // how long a web dyno of a release serves until the release is proven

	loop reconcile.Loop
}

// Run works until ctx is done.
func (l *Loop) Run(ctx context.Context) error {
	l.loop.Settings = reconcile.Settings{
		Name: "formation", Reconciler: l, Keys: l.keys, Workers: 4, Resync: time.Minute, Log: l.Log,
	}
	return l.loop.Run(ctx)
}

// Mark hints that an app may have changed.
func (l *Loop) Mark(app kigo.AppID) { l.loop.Mark(string(app)) }

func (l *Loop) keys(ctx context.Context) (keys []string, err error) {
	err = l.Store.View(ctx, func(tx *store.Tx) error {
		apps, err := tx.Apps()
		for _, a := range apps {
			keys = append(keys, string(a.ID))
		}
		return err
	})
	return keys, err
}

// Reconcile plans one app and carries the plan out.
func (l *Loop) Reconcile(ctx context.Context, key string) (reconcile.Result, error) {
	var s situation
	look := func(tx *store.Tx) (err error) {
		s, err = survey(tx, kigo.AppID(key))
		return err
	}
	if err := l.Store.View(ctx, look); err != nil { // most visits find nothing to do: do not hold up writers
		return reconcile.Result{}, fmt.Errorf("look at app: %w", err)
	}
	switch {
	case s.app.ID == "":
		return reconcile.Result{}, nil
	case s.app.Destroying && len(s.dynos) == 0 && l.Destroy != nil:
		if err := l.Destroy(ctx, s.app); err != nil {
			return reconcile.Result{}, fmt.Errorf("destroy app %s: %w", s.app.Name, err)
		}
		return reconcile.Result{}, nil
	}
	if why, instead := Verdict(s.release, s.fallback, s.dynos); why != "" && s.release.Current && l.Reject != nil {
		killpoint.At("reject-decided")
		if err := l.Reject(ctx, s.release.ID, why, instead); err != nil {
			return reconcile.Result{}, fmt.Errorf("reject release v%d: %w", s.release.Version, err)
		}
		killpoint.At("reject-written")
		return reconcile.Result{After: time.Millisecond}, nil
	}
	due, after := Cycle(time.Now(), s.dynos)
	if s.release.Current && s.release.ProvenAt.IsZero() && l.Prove != nil {
		proven, again := Proven(time.Now(), l.Probation, s.release, s.dynos)
		if proven {
			if err := l.Prove(ctx, s.release.ID); err != nil {
				return reconcile.Result{}, fmt.Errorf("prove release v%d: %w", s.release.Version, err)
			}
		}
		after = sooner(after, again)
	}
	if len(s.steps()) == 0 && len(due) == 0 {
		return reconcile.Result{After: after}, nil
	}
	killpoint.At("plan-made")
	err := l.Store.Update(ctx, func(tx *store.Tx) error {
		if err := look(tx); err != nil {
			return err
		}
		if err := s.cycle(tx); err != nil {
			return err
		}
		err := s.carryOut(tx)
		killpoint.At("plan-uncommitted")
		return err
	})
	killpoint.At("plan-committed")
	if err != nil {
		return reconcile.Result{}, fmt.Errorf("carry out plan: %w", err)
	}
	return reconcile.Result{After: after}, nil
}

// sooner is the shorter of two waits of which 0 means none.
func sooner(a, b time.Duration) time.Duration {
	if a == 0 || b == 0 {
		return max(a, b)
	}
	return min(a, b)
}

// cycle replaces the dynos that are due: with the preboot feature, web dynos serve
// until their replacements do.
func (s *situation) cycle(tx *store.Tx) error {
	due, _ := Cycle(tx.Now(), s.dynos)
	for _, id := range due {
		i := slices.IndexFunc(s.dynos, func(d kigo.Dyno) bool { return d.ID == id })
		d := &s.dynos[i]
		d.Retire = d.Type == Gated && s.preboot
		d.Stop = !d.Retire
		err := tx.RetireDyno(id, "Cycling")
		if d.Stop {
			err = tx.StopDynoSaying(id, "Cycling")
		}
		if err != nil {
			return err
		}
		if err := tx.Emit(kigo.Event{Kind: "dyno.stop", App: s.app.ID, Key: string(id)}); err != nil {
			return err
		}
	}
	return nil
}

func stop(tx *store.Tx, app kigo.AppID, id kigo.DynoID) error {
	if err := tx.StopDyno(id); err != nil {
		return err
	}
	return tx.Emit(kigo.Event{Kind: "dyno.stop", App: app, Key: string(id)})
}

// situation is what a plan is made from.
type situation struct {
	app     kigo.App // zero: there is no such app
	release kigo.Release
	slug    kigo.Slug
	dynos   []kigo.Dyno
	want    []Want

	fallback kigo.ReleaseID // the last release that has proven itself, while the current one has not
	preboot  bool
}

// survey reads an app's situation at one moment.
func survey(tx *store.Tx, id kigo.AppID) (s situation, err error) {
	s.app, err = tx.App(id)
	if errors.Is(err, kigo.ErrNotFound) {
		return situation{}, nil
	}
	if err != nil {
		return s, err
	}
	if s.dynos, err = tx.Dynos(id); err != nil || s.app.Destroying {
		return s, err
	}
	s.release, err = tx.CurrentRelease(id)
	if errors.Is(err, kigo.ErrNotFound) || err == nil && s.release.Slug == "" {
		return s, nil // nothing to run yet
	}
	if err != nil {
		return s, err
	}
	if s.slug, err = tx.Slug(s.release.Slug); err != nil {
		return s, err
	}
	if s.release.ProvenAt.IsZero() {
		last, err := tx.ProvenRelease(id, s.release.Version)
		if err != nil && !errors.Is(err, kigo.ErrNotFound) {
			return s, err
		}
		s.fallback = last.ID
	}
	if s.preboot, err = tx.FeatureEnabled(id, "preboot"); err != nil {
		return s, err
	}
	formations, err := tx.Formations(id)
	for _, f := range formations {
		if _, ok := s.slug.ProcessTypes[f.Type]; ok && f.Type != "release" {
			s.want = append(s.want, Want{Type: f.Type, Quantity: f.Quantity, Version: s.release.Version, Size: f.Size, Gate: f.Type == Gated})
		}
	}
	return s, err
}

// steps is the plan; an app that is being destroyed wants nothing, one-offs neither.
func (s situation) steps() (steps []Step) {
	var have []Have
	for _, d := range s.dynos {
		switch {
		case s.app.Destroying && !d.Stop:
			steps = append(steps, Step{Op: Stop, Dyno: d.ID, Type: d.Type, Number: d.Number})
		case !d.OneOff:
			have = append(have, Have{ID: d.ID, Type: d.Type, Number: d.Number, Version: d.Version, Size: d.Size,
				Ready: serves(d), Retire: d.Retire, Gone: d.Stop})
		}
	}
	if s.app.Destroying {
		return steps
	}
	return Plan(s.want, have)
}

// serves reports whether a dyno answers requests, if need be after waking up.
func serves(d kigo.Dyno) bool { return d.State == kigo.DynoUp || d.State == kigo.DynoIdle }

// carryOut writes the rows of the plan.
func (s situation) carryOut(tx *store.Tx) error {
	for _, step := range s.steps() {
		if step.Op == Stop {
			if err := stop(tx, s.app.ID, step.Dyno); err != nil {
				return err
			}
			continue
		}
		if err := s.start(tx, step); err != nil {
			return err
		}
	}
	return nil
}

// start creates the row of a dyno.
func (s situation) start(tx *store.Tx, step Step) error {
	d := kigo.Dyno{
		App: s.app.ID, Release: s.release.ID, Version: s.release.Version, Type: step.Type, Number: step.Number,
		Command: s.slug.ProcessTypes[step.Type],
	}
	for _, w := range s.want {
		if w.Type == step.Type {
			d.Size = w.Size
		}
	}
	if err := tx.CreateDyno(&d); err != nil {
		return err
	}
	return tx.Emit(kigo.Event{Kind: "dyno.create", App: s.app.ID, Key: string(d.ID)})
}
