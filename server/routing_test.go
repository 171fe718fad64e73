package server

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/router"
	"github.com/kigo-dev/kigo/store"
	"github.com/kigo-dev/kigo/store/storetest"
)

// TestRoutesFromEventsAreThoseThatAWholeReadingGives follows an app through what
// may happen to its names.
func TestRoutesFromEventsAreThoseThatAWholeReadingGives(t *testing.T) {
	st := storetest.OpenSQLite(t)
	owner := kigo.Account{ID: "11111111-0000-4000-8000-000000000001", Email: "a@example.com"}
	one := kigo.App{ID: "11111111-0000-4000-8000-000000000002", Name: "one", Owner: owner.ID}
	two := kigo.App{ID: "11111111-0000-4000-8000-000000000003", Name: "two", Owner: owner.ID}
	socket, told := recordRoutes(t)
	feed := &router.Feed{Path: socket}
	r := newRouting(st, "test", feed, slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); _ = feed.Run(ctx) }()
	defer func() { cancel(); <-ended }()
	r.spent = func(*store.Tx, kigo.AccountID) (bool, error) { return true, nil }
	steps := []struct {
		what string
		do   func(tx *store.Tx) error
		app  kigo.AppID
	}{
		{"an account", func(tx *store.Tx) error { return tx.CreateAccount(&owner) }, ""},
		{"an app", func(tx *store.Tx) error { return tx.CreateApp(&one) }, one.ID},
		{"another", func(tx *store.Tx) error { return tx.CreateApp(&two) }, two.ID},
		{"a domain", func(tx *store.Tx) error {
			return tx.CreateDomain(&kigo.Domain{App: one.ID, Hostname: "www.example.com", Kind: kigo.DomainCustom})
		}, one.ID},
		{"a rename", func(tx *store.Tx) error {
			one.Name = "uno"
			if err := tx.PutFormerName(store.FormerName{Name: "one", App: one.ID, Owner: owner.ID}); err != nil {
				return err
			}
			return tx.UpdateApp(&one)
		}, one.ID},
		{"the name taken by the other", func(tx *store.Tx) error {
			two.Name = "one"
			if err := tx.DeleteFormerName("one"); err != nil {
				return err
			}
			return tx.UpdateApp(&two)
		}, two.ID},
		{"maintenance", func(tx *store.Tx) error { two.Maintenance = true; return tx.UpdateApp(&two) }, two.ID},
		{"eco", func(tx *store.Tx) error {
			f := kigo.Formation{App: two.ID, Type: "web", Quantity: 1, Size: "Eco", Command: "web"}
			release := kigo.Release{App: two.ID, Stack: "heroku-22", User: owner.ID, Status: kigo.ReleaseSucceeded}
			if err := errors.Join(tx.PutFormation(&f), tx.CreateRelease(&release, nil)); err != nil {
				return err
			}
			return tx.SetCurrentRelease(two.ID, release.ID)
		}, two.ID},
		{"the end", func(tx *store.Tx) error { return tx.DeleteApp(two.ID) }, two.ID},
	}
	for _, s := range steps {
		err := st.Update(ctx, func(tx *store.Tx) error {
			if err := s.do(tx); err != nil {
				return err
			}
			return tx.Emit(kigo.Event{Kind: "test", App: s.app})
		})
		if err != nil {
			t.Fatalf("%s: %v", s.what, err)
		}
		if err := r.look(ctx); err != nil {
			t.Fatalf("%s: %v", s.what, err)
		}
		if err := feed.Wait(ctx, r.revision); err != nil {
			t.Fatal(err)
		}
		var whole []router.App
		err = st.View(ctx, func(tx *store.Tx) error {
			all := newRouting(st, "test", nil, nil)
			all.spent = r.spent
			return all.all(tx, &whole)
		})
		if err != nil {
			t.Fatal(err)
		}
		sorted := cmpopts.SortSlices(func(a, b router.App) bool { return a.ID < b.ID })
		if diff := cmp.Diff(whole, told(), sorted, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("after %s:\n%s", s.what, diff)
		}
		for _, a := range whole {
			if a.Suspended != (s.what == "eco" && a.ID == two.ID) {
				t.Errorf("after %s: %s is suspended: %t", s.what, a.Name, a.Suspended)
			}
		}
	}
}

// recordRoutes is a router that only remembers what it was told.
func recordRoutes(t *testing.T) (socket string, told func() []router.App) {
	t.Helper()
	dir, err := os.MkdirTemp("", "kigo-routes-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	socket = filepath.Join(dir, "s")
	path := filepath.Join(dir, "routes")
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r, err := router.New(router.Config{HTTP: []net.Listener{free}, Socket: socket, SnapshotPath: path, Limits: router.Limits{Drain: time.Second}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { defer close(ended); _ = r.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-ended })
	return socket, func() []router.App { return keptRoutes(t, path, r.Revision()) }
}

// keptRoutes reads the router's file once it says the revision.
func keptRoutes(t *testing.T, path string, revision int64) []router.App {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; {
		if s, err := router.ReadRoutes(path); err == nil && s.Revision == revision {
			return s.Apps
		}
		if time.Now().After(deadline) {
			t.Fatalf("the file never said revision %d", revision)
		}
		<-time.After(5 * time.Millisecond)
	}
}
