package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/store"
)

func testBadText(t *testing.T, f *fixture) {
	for _, text := range []string{"a\x00b", "a\xffb"} {
		for what, read := range map[string]func(*store.Tx) error{
			"app":           func(tx *store.Tx) error { _, err := tx.FindApp(text); return err },
			"app id":        func(tx *store.Tx) error { _, err := tx.App(kigo.AppID(text)); return err },
			"account":       func(tx *store.Tx) error { _, err := tx.AccountByEmail(text); return err },
			"authorization": func(tx *store.Tx) error { _, err := tx.Authorization(text); return err },
			"session":       func(tx *store.Tx) error { _, err := tx.AuthorizationBySession(text); return err },
			"client":        func(tx *store.Tx) error { _, err := tx.FindOAuthClient(text); return err },
		} {
			err := f.View(context.Background(), func(tx *store.Tx) error {
				if err := read(tx); !errors.Is(err, kigo.ErrNotFound) {
					t.Errorf("%s %q: %v", what, text, err)
				}
				_, err := tx.Account(f.account.ID) // the transaction goes on
				return err
			})
			if err != nil {
				t.Errorf("after %s %q: %v", what, text, err)
			}
		}
		err := f.Update(context.Background(), func(tx *store.Tx) error {
			a := f.account
			a.Name = text
			return tx.UpdateAccount(&a)
		})
		if err != nil && !errors.Is(err, kigo.ErrInvalid) {
			t.Errorf("%q as a name: %v", text, err)
		}
	}
}

func testRollback(t *testing.T, f *fixture) {
	ours := errors.New("ours")
	err := f.Update(context.Background(), func(tx *store.Tx) error {
		a := f.newApp("brave-meadow")
		if err := errors.Join(tx.CreateApp(&a), tx.Emit(kigo.Event{Kind: "app.create"})); err != nil {
			return err
		}
		return ours
	})
	fails(t, "update", err, ours)
	same(t, "apps", len(get(t, f, (*store.Tx).Apps)), 1)
	same(t, "revision", get(t, f, (*store.Tx).Revision), 0)
}

func testReadOnly(t *testing.T, f *fixture) {
	err := f.View(context.Background(), func(tx *store.Tx) error { return tx.PutMeta("a", "b") })
	if err == nil {
		t.Error("a view wrote")
	}
}

func testSnapshot(t *testing.T, f *fixture) {
	f.view(t, func(tx *store.Tx) error {
		if _, err := tx.Apps(); err != nil {
			return err
		}
		f.update(t, func(w *store.Tx) error {
			a := f.newApp("brave-meadow")
			return w.CreateApp(&a)
		})
		apps, err := tx.Apps()
		same(t, "apps seen after another's commit", len(apps), 1)
		return err
	})
}

// parallel runs g n times at once and returns the errors.
func parallel(n int, g func(i int) error) []error {
	errs := make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { errs[i] = g(i) })
	}
	wg.Wait()
	return errs
}

func testRace(t *testing.T, f *fixture) {
	won := 0
	for _, err := range parallel(8, func(int) error {
		return f.Update(context.Background(), func(tx *store.Tx) error {
			a := f.newApp("brave-meadow")
			return tx.CreateApp(&a)
		})
	}) {
		if err == nil {
			won++
			continue
		}
		fails(t, "the others", err, store.ErrTaken)
	}
	same(t, "winners", won, 1)
}

func testLostUpdate(t *testing.T, f *fixture) {
	const n = 20
	for _, err := range parallel(n, func(i int) error {
		return f.Update(context.Background(), func(tx *store.Tx) error {
			vars, err := tx.ConfigVars(f.app.ID)
			if err != nil {
				return err
			}
			vars[fmt.Sprintf("VAR_%d", i)] = "x"
			_, err = f.release(tx, vars)
			return err
		})
	}) {
		if err != nil {
			t.Error(err)
		}
	}
	same(t, "vars", len(get(t, f, func(tx *store.Tx) (kigo.ConfigVars, error) { return tx.ConfigVars(f.app.ID) })), n)
}

func testRevisions(t *testing.T, f *fixture) {
	const writers, each = 8, 12
	refuse := errors.New("refused")
	kept := 0
	var mu sync.Mutex
	for _, err := range parallel(writers, func(w int) error {
		for i := range each {
			err := f.Update(context.Background(), func(tx *store.Tx) error {
				for range 2 {
					if err := tx.Emit(kigo.Event{Kind: "app.update", App: f.app.ID, Key: fmt.Sprint(w, i), Actor: "e"}); err != nil {
						return err
					}
				}
				if i%3 == 0 {
					return refuse // rolled back: must leave no gap
				}
				return nil
			})
			if err == nil {
				mu.Lock()
				kept += 2
				mu.Unlock()
			} else if !errors.Is(err, refuse) {
				return err
			}
		}
		return nil
	}) {
		if err != nil {
			t.Error(err)
		}
	}
	events := get(t, f, func(tx *store.Tx) ([]kigo.Event, error) { return tx.EventsAfter(0, 1000) })
	same(t, "events", len(events), kept)
	for i, e := range events {
		if e.Revision != int64(i+1) {
			t.Fatalf("event %d has revision %d", i+1, e.Revision)
		}
	}
	same(t, "revision", get(t, f, (*store.Tx).Revision), int64(kept))
}

func testFollow(t *testing.T, f *fixture) {
	const n = 700 // more than one batch
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	go func() {
		for i := 0; i < n; {
			err := f.Update(ctx, func(tx *store.Tx) error {
				for range 10 {
					if err := tx.Emit(kigo.Event{Kind: "dyno.update"}); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				return // the follower runs into its deadline
			}
			i += 10
		}
	}()
	done := errors.New("done")
	var next int64 = 1
	err := f.Follow(ctx, 0, func(e kigo.Event) error {
		if e.Revision != next {
			return fmt.Errorf("got revision %d, want %d", e.Revision, next)
		}
		next++
		if next > n {
			return done
		}
		return nil
	})
	fails(t, "follow", err, done)

	canceled, stop := context.WithCancel(context.Background())
	stop()
	fails(t, "follow when cancelled", f.Follow(canceled, n, func(kigo.Event) error { return nil }), context.Canceled)
}

func testSealed(t *testing.T, f *fixture) {
	const canary = "canary-5f2d"
	f.update(t, func(tx *store.Tx) error {
		r, err := f.release(tx, kigo.ConfigVars{"A": canary})
		if err != nil {
			return err
		}
		d := kigo.Dyno{App: f.app.ID, Release: r.ID, Type: "run", Number: 1, Env: map[string]string{"A": canary}, Attach: kigo.Attach{Secret: canary}}
		if err := tx.CreateDyno(&d); err != nil {
			return err
		}
		return tx.CreateBuild(&kigo.Build{App: f.app.ID, Source: kigo.Source{URL: "https://x/?sig=" + canary}})
	})
	f.view(t, func(tx *store.Tx) error {
		for _, column := range []string{"releases.config", "dynos.env", "dynos.secret_hash", "builds.source_url"} {
			raw, err := store.RawColumn(tx, column)
			if err != nil {
				return err
			}
			if len(raw) == 0 || bytes.Contains(raw, []byte(canary)) || strings.Contains(fmt.Sprintf("%q", raw), canary) {
				t.Errorf("%s holds %q", column, raw)
			}
		}
		return nil
	})
}
