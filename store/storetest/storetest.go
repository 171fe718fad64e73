// Package storetest holds the conformance suite that store passes on both of its
// databases, and the PostgreSQL server that tests start for themselves.
//
// Run is the suite; Open, OpenSQLite and Both give other packages' tests a store.
package storetest

import (
	"context"
	"log/slog"
	"path/filepath"
	"testing"

	"github.com/kigo-dev/kigo/secret"
	"github.com/kigo-dev/kigo/store"
)

// Open opens a store that is closed with the test.
func Open(t testing.TB, dsn string, o store.Options) *store.Store {
	t.Helper()
	if o.Box == nil {
		o.Box = Box(t)
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	s, err := store.Open(context.Background(), dsn, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close store: %v", err)
		}
	})
	return s
}

// OpenSQLite opens an empty SQLite store in a temporary folder.
func OpenSQLite(t testing.TB) *store.Store {
	t.Helper()
	return Open(t, "sqlite:"+filepath.Join(t.TempDir(), "kigo.db"), store.Options{})
}

// Both runs a test on both databases, each time with a way to open empty stores.
func Both(t *testing.T, f func(t *testing.T, open func(t testing.TB) *store.Store)) {
	t.Run("sqlite", func(t *testing.T) {
		f(t, OpenSQLite)
	})
	t.Run("postgres", func(t *testing.T) {
		p := StartPostgres(t)
		f(t, func(t testing.TB) *store.Store { return Open(t, p.Database(t), store.Options{}) })
	})
}

// Box is a secret box with a fixed key.
func Box(t testing.TB) *secret.Box {
	t.Helper()
	b, err := secret.NewBox([]byte("a key for tests, of 32 bytes...."))
	if err != nil {
		t.Fatal(err)
	}
	return b
}
