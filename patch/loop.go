// Package patch moves apps to the newest image of their stack: each gets a release
// of the same code and config on it, without a build, so that the formation
// replaces its dynos as with every release: web dynos of the new image must be
// up before the old ones go, and a release that does not come up is taken back.
//
// It goes in waves: one app first, then as many at once as have come up well, up
// to Most. When too many return to the image before, it halts until an operator
// asks again. What it has done is read from the releases, so that it goes on after
// a crash. Start reading at Loop.Reconcile, then survey.go.
package patch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/reconcile"
	"github.com/kigo-dev/kigo/store"
)

// Most apps move at once.
const Most = 10

// enough apps must have returned, and be as many as came up, for a halt.
const enough = 3

// Control writes the releases.
type Control interface {
	PatchApp(ctx context.Context, app kigo.AppID, stack, base string) (bool, error)
	RejectRelease(ctx context.Context, id kigo.ReleaseID, why string, instead kigo.ReleaseID) error
	AdoptBase(ctx context.Context, stack, base string) error
}

// Loop keeps apps on the newest image of their stack.
type Loop struct {
	Store   *store.Store
	Control Control
	Stacks  []string
	Newest  func(stack string) string                                    // digest of the newest image; empty: none
	Forget  func(keep func(digest string) bool) (removed int, err error) // removes images that no app needs
	Log     *slog.Logger

	loop reconcile.Loop
}

// Run works until ctx is done.
func (l *Loop) Run(ctx context.Context) error {
	for _, s := range l.Stacks {
		if base := l.Newest(s); base != "" {
			if err := l.Control.AdoptBase(ctx, s, base); err != nil {
				return err
			}
		}
	}
	l.loop.Settings = reconcile.Settings{
		Name: "patch", Reconciler: l, Keys: func(context.Context) ([]string, error) { return l.Stacks, nil }, Workers: 1, Resync: 30 * time.Second, Log: l.Log,
	}
	return l.loop.Run(ctx)
}

// course is what is kept of a patch: nothing that releases do not tell.
type course struct {
	Base   string
	Since  time.Time // failures before it do not count
	Halted bool
}

func courseKey(stack string) string { return "patch-" + stack }

// course reads how the move to an image goes; one to another image begins anew.
func (l *Loop) course(tx *store.Tx, stack, base string) (c course, err error) {
	text, err := tx.Meta(courseKey(stack))
	if err != nil && !errors.Is(err, kigo.ErrNotFound) {
		return c, err
	}
	if text != "" {
		if err := json.Unmarshal([]byte(text), &c); err != nil {
			return c, fmt.Errorf("read course of patch: %w", err)
		}
	}
	if c.Base != base {
		c = course{Base: base}
	}
	return c, nil
}

func put(tx *store.Tx, stack string, c course) error {
	text, err := json.Marshal(c)
	if err != nil {
		return err
	}
	return tx.PutMeta(courseKey(stack), string(text))
}

// halt writes down that a course is over, unless an operator has begun it again since it was seen.
func (l *Loop) halt(ctx context.Context, stack string, seen course) error {
	return l.Store.Update(ctx, func(tx *store.Tx) error {
		now, err := l.course(tx, stack, seen.Base)
		if err != nil || now.Halted || !now.Since.Equal(seen.Since) {
			return err
		}
		l.Log.ErrorContext(ctx, "patch halted: too many apps do not come up on the new image", "stack", stack, "image", seen.Base)
		now.Halted = true
		return put(tx, stack, now)
	})
}

// Again lets a halted patch go on, and tries apps again that returned.
func (l *Loop) Again(ctx context.Context, stack string) error {
	err := l.Store.Update(ctx, func(tx *store.Tx) error {
		return put(tx, stack, course{Base: l.Newest(stack), Since: time.Now()})
	})
	if err != nil {
		return err
	}
	l.loop.Mark(stack)
	return nil
}

// Reconcile takes a stack's apps a step further.
func (l *Loop) Reconcile(ctx context.Context, stack string) (reconcile.Result, error) {
	base := l.Newest(stack)
	if base == "" {
		return reconcile.Result{}, nil
	}
	var c course
	var all []member
	err := l.Store.View(ctx, func(tx *store.Tx) (err error) {
		if c, err = l.course(tx, stack, base); err != nil {
			return err
		}
		all, err = survey(tx, stack, base, c.Since)
		return err
	})
	if err != nil {
		return reconcile.Result{}, fmt.Errorf("look at the apps of %s: %w", stack, err)
	}
	if err := l.takeBack(ctx, all); err != nil {
		return reconcile.Result{}, err
	}
	start, halt := plan(all)
	if halt && !c.Halted {
		return reconcile.Result{}, l.halt(ctx, stack, c)
	}
	if c.Halted {
		return reconcile.Result{}, nil
	}
	for _, app := range start {
		if _, perr := l.Control.PatchApp(ctx, app, stack, base); perr != nil { // the others go on
			err = errors.Join(err, fmt.Errorf("patch app %s: %w", app, perr))
		}
	}
	if err != nil {
		return reconcile.Result{}, err
	}
	if len(start) > 0 || count(all, Moving) > 0 {
		return reconcile.Result{After: 500 * time.Millisecond}, nil
	}
	return reconcile.Result{}, l.tidy(ctx)
}

// takeBack returns apps whose dynos without requests crash on the new image; of
// those with requests the formation takes care.
func (l *Loop) takeBack(ctx context.Context, all []member) error {
	for _, m := range all {
		if m.bad == "" || !m.cur.ProvenAt.IsZero() {
			continue
		}
		var before kigo.ReleaseID
		err := l.Store.View(ctx, func(tx *store.Tx) error {
			releases, err := tx.Releases(m.app.ID)
			for _, r := range releases { // newest first: what was current before
				if r.Version >= m.cur.Version || r.Status != kigo.ReleaseSucceeded {
					continue
				}
				if r.Slug == m.cur.Slug && r.Base != m.cur.Base { // else m.cur is no patch but somebody's own release
					before = r.ID
				}
				break
			}
			return err
		})
		if err != nil {
			return err
		}
		if before == "" {
			continue
		}
		if err := l.Control.RejectRelease(ctx, m.cur.ID, m.bad, before); err != nil {
			return fmt.Errorf("take back patch: %w", err)
		}
	}
	return nil
}

// plan says which apps move next and whether to halt. It is pure.
func plan(all []member) (start []kigo.AppID, halt bool) {
	on, moving, returned := count(all, On), count(all, Moving), count(all, Returned)
	if returned >= enough && returned >= on {
		return nil, true
	}
	room := min(max(on, 1), Most) - moving
	for _, m := range all {
		if m.place == Waiting && len(start) < room {
			start = append(start, m.app.ID)
		}
	}
	return start, false
}

func count(all []member, p Place) (n int) {
	for _, m := range all {
		if m.place == p {
			n++
		}
	}
	return n
}

// tidy forgets the images that nothing runs on and nothing can return to.
func (l *Loop) tidy(ctx context.Context) error {
	if l.Forget == nil {
		return nil
	}
	needed := map[string]bool{}
	err := l.Store.View(ctx, func(tx *store.Tx) error {
		bases, err := tx.BasesInUse()
		for _, b := range bases {
			needed[b] = true
		}
		return err
	})
	if err != nil {
		return err
	}
	removed, err := l.Forget(func(digest string) bool { return needed[digest] })
	if removed > 0 {
		l.Log.InfoContext(ctx, "older images of stacks removed", "images", removed)
	}
	return err
}

// Status is how far a stack's apps are.
type Status struct {
	Stack, Base string
	Halted      bool
	Apps        int
	Places      map[Place]int
	Returned    map[string]string // app's name → why
}

// Status tells how far each stack is.
func (l *Loop) Status(ctx context.Context) (out []Status, err error) {
	for _, stack := range l.Stacks {
		s := Status{Stack: stack, Base: l.Newest(stack), Places: map[Place]int{}, Returned: map[string]string{}}
		err := l.Store.View(ctx, func(tx *store.Tx) error {
			c, err := l.course(tx, stack, s.Base)
			if err != nil {
				return err
			}
			s.Halted = c.Halted
			all, err := survey(tx, stack, s.Base, c.Since)
			s.Apps = len(all)
			for _, m := range all {
				s.Places[m.place]++
				if m.place == Returned {
					s.Returned[m.app.Name] = m.why
				}
			}
			return err
		})
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}
