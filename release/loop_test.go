package release

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/secret"
	"github.com/kigo-dev/kigo/store"
)

// stage is a store with an app whose newest release is pending, and what the loop
// decided of it.
type stage struct {
	*testing.T
	loop     *Loop
	store    *store.Store
	app      kigo.App
	pending  kigo.Release
	decided  []bool
	ended    []string
	refusing error // answer of the next FinishRelease
}

// FinishRelease decides as control does.
func (s *stage) FinishRelease(ctx context.Context, id kigo.ReleaseID, ok bool) (r kigo.Release, err error) {
	if err := s.refusing; err != nil {
		s.refusing = nil
		return r, err
	}
	s.decided = append(s.decided, ok)
	return r, s.store.Update(ctx, func(tx *store.Tx) error {
		if r, err = tx.Release(id); err != nil {
			return err
		}
		r.Status = kigo.ReleaseFailed
		if ok {
			r.Status = kigo.ReleaseSucceeded
		}
		return tx.UpdateRelease(&r)
	})
}

// Finish notes whose output has ended.
func (s *stage) Finish(key string) error {
	s.ended = append(s.ended, key)
	return nil
}

func newStage(t *testing.T, types map[string]string) *stage {
	t.Helper()
	box, err := secret.NewBox(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	s := &stage{T: t}
	s.store, err = store.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "kigo.db"), store.Options{Box: box, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.store.Close(); err != nil {
			t.Error(err)
		}
	})
	s.loop = &Loop{Store: s.store, Control: s, Outputs: s, Log: slog.New(slog.DiscardHandler)}
	s.update(func(tx *store.Tx) error {
		owner := kigo.Account{Email: "a@example.com"}
		if err := tx.CreateAccount(&owner); err != nil {
			return err
		}
		s.app = kigo.App{Name: "myapp", Owner: owner.ID, Stack: "heroku-22", BuildStack: "heroku-22", Region: "us", UIDBase: kigo.UIDFirst}
		if err := tx.CreateApp(&s.app); err != nil {
			return err
		}
		slug := kigo.Slug{App: s.app.ID, Digest: "sha256:s", ProcessTypes: types}
		if err := tx.CreateSlug(&slug); err != nil {
			return err
		}
		s.pending = kigo.Release{App: s.app.ID, Slug: slug.ID, User: owner.ID, Status: kigo.ReleasePending, Output: "release-1"}
		return tx.CreateRelease(&s.pending, nil)
	})
	return s
}

func (s *stage) update(f func(*store.Tx) error) {
	s.Helper()
	if err := s.store.Update(s.Context(), f); err != nil {
		s.Fatal(err)
	}
}

// visit lets the loop look at the app once.
func (s *stage) visit() {
	s.Helper()
	if _, err := s.loop.Reconcile(s.Context(), string(s.app.ID)); err != nil {
		s.Fatal(err)
	}
}

func (s *stage) dynos() (dynos []kigo.Dyno) {
	s.Helper()
	err := s.store.View(s.Context(), func(tx *store.Tx) (err error) {
		dynos, err = tx.Dynos(s.app.ID)
		return err
	})
	if err != nil {
		s.Fatal(err)
	}
	return dynos
}

// end makes the phase's dyno one that has ended.
func (s *stage) end(status int) {
	s.Helper()
	d := s.dynos()[0]
	d.State, d.ExitCode = kigo.DynoComplete, status
	s.update(func(tx *store.Tx) error { return tx.UpdateDynoState(&d) })
}

func (s *stage) over(ok bool) {
	s.Helper()
	if len(s.decided) != 1 || s.decided[0] != ok || len(s.ended) != 1 || s.ended[0] != "release-1" {
		s.Errorf("decided %v, outputs ended %v; want %v once", s.decided, s.ended, ok)
	}
	if left := s.dynos(); len(left) != 0 {
		s.Errorf("dynos %+v are left", left)
	}
}

var phased = map[string]string{"web": "./web", "release": "./migrate"}

func TestThePhaseRunsOnceAndItsStatusDecides(t *testing.T) {
	for _, status := range []int{0, 1, 143} {
		s := newStage(t, phased)
		for range 2 {
			s.visit()
		}
		dynos := s.dynos()
		if len(dynos) != 1 || dynos[0].Command != "./migrate" || !dynos[0].OneOff || dynos[0].Type != Type || dynos[0].Size != kigo.DefaultSize || dynos[0].Release != s.pending.ID {
			t.Fatalf("dynos %+v", dynos)
		}
		if len(s.decided) != 0 {
			t.Fatal("decided before its end")
		}
		s.end(status)
		for range 2 {
			s.visit()
		}
		s.over(status == 0)
	}
}

func TestThePhaseHasTheSizeThatItsTypeWasGiven(t *testing.T) {
	s := newStage(t, phased)
	s.update(func(tx *store.Tx) error {
		return tx.PutFormation(&kigo.Formation{App: s.app.ID, Type: Type, Size: "Standard-2X"})
	})
	s.visit()
	if d := s.dynos(); len(d) != 1 || d[0].Size != "Standard-2X" {
		t.Errorf("dynos %+v", d)
	}
}

func TestAReleaseWithoutAPhaseSucceeds(t *testing.T) {
	s := newStage(t, map[string]string{"web": "./web"})
	s.visit()
	s.over(true)
}

func TestADecisionThatCouldNotBeWrittenIsTakenAgain(t *testing.T) {
	s := newStage(t, phased)
	s.visit()
	s.end(0)
	s.refusing = errors.New("the database is away")
	if _, err := s.loop.Reconcile(t.Context(), string(s.app.ID)); err == nil {
		t.Error("the failure is not told")
	}
	if len(s.dynos()) != 1 {
		t.Fatal("the dyno was forgotten before the decision")
	}
	s.visit()
	s.over(true)
}

func TestAPhaseThatTakesTooLongFailsAndIsStopped(t *testing.T) {
	s := newStage(t, phased)
	d := kigo.Dyno{App: s.app.ID, Release: s.pending.ID, Type: Type, Number: 1234, Command: "./migrate", Size: "Basic", OneOff: true,
		State: kigo.DynoUp, CreatedAt: time.Now().Add(-limit - time.Minute)}
	s.update(func(tx *store.Tx) error { return tx.CreateDyno(&d) })
	for range 2 {
		s.visit()
	}
	if left := s.dynos(); len(left) != 1 || !left[0].Stop || len(s.decided) > 0 {
		t.Fatalf("dynos %+v, decided %v", left, s.decided)
	}
	s.end(0) // it takes its end well, and has failed all the same
	s.visit()
	if len(s.decided) != 1 || s.decided[0] || len(s.ended) != 1 || len(s.dynos()) > 0 {
		t.Errorf("decided %v, ended %v, dynos %v", s.decided, s.ended, s.dynos())
	}
}

func TestWhatAKillHasLeftOfADecidedPhaseIsEnded(t *testing.T) {
	s := newStage(t, phased)
	s.visit()
	s.update(func(tx *store.Tx) error { // decided, and killed before it was written any further
		r, err := tx.Release(s.pending.ID)
		if err != nil {
			return err
		}
		r.Status = kigo.ReleaseFailed
		return tx.UpdateRelease(&r)
	})
	keys, err := s.loop.keys(t.Context())
	if err != nil || len(keys) == 0 {
		t.Fatalf("nobody looks after it: %v %v", keys, err)
	}
	s.visit()
	if left := s.dynos(); len(left) != 1 || !left[0].Stop {
		t.Fatalf("its command runs on: %+v", left)
	}
	s.end(143)
	s.visit()
	if len(s.dynos()) > 0 || len(s.ended) != 1 {
		t.Errorf("left: %v, outputs ended: %v", s.dynos(), s.ended)
	}
}

func TestTheOldestPendingReleaseGoesFirst(t *testing.T) {
	s := newStage(t, phased)
	s.update(func(tx *store.Tx) error {
		next := kigo.Release{App: s.app.ID, Slug: s.pending.Slug, User: s.app.Owner, Status: kigo.ReleasePending, Output: "release-2"}
		return tx.CreateRelease(&next, nil)
	})
	s.visit()
	if d := s.dynos(); len(d) != 1 || d[0].Release != s.pending.ID {
		t.Fatalf("dynos %+v", d)
	}
	s.end(0)
	s.visit()
	s.over(true)
	s.visit()
	if d := s.dynos(); len(d) != 1 || d[0].Version != 2 {
		t.Errorf("after the first one: dynos %+v", d)
	}
}

func TestNothingPendingAndNoAppAreNoErrors(t *testing.T) {
	s := newStage(t, map[string]string{"web": "./web"})
	s.visit()
	s.visit()
	if _, err := s.loop.Reconcile(t.Context(), "nobody"); err != nil {
		t.Error(err)
	}
	keys, err := s.loop.keys(t.Context())
	if err != nil || len(keys) != 0 {
		t.Errorf("keys %q: %v", keys, err)
	}
}
