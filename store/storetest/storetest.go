// Package storetest holds the conformance suite that store passes on both of its
// databases, and the PostgreSQL server that tests start for themselves.
//
// Run is the suite; Open, OpenSQLite and Both give other packages' tests a store.
package storetest

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
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
	return Open(t, "sqlite:"+File(t, t.TempDir()), store.Options{})
}

// File makes the file of an empty platform in dir, which opens with Box, and returns its
// path. It is a copy of what the first call of the program made, because a file that has
// every migration behind it opens ten times as fast as a new one.
func File(t testing.TB, dir string) string {
	t.Helper()
	data, err := fresh()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "kigo.db")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

var fresh = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "kigo-fresh-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "kigo.db")
	if err := migrated("sqlite:" + path); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})

// migrated opens a new database once, with Box.
func migrated(dsn string) error {
	box, err := fixedBox()
	if err != nil {
		return err
	}
	s, err := store.Open(context.Background(), dsn, store.Options{Box: box, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	return s.Close()
}

func fixedBox() (*secret.Box, error) {
	return secret.NewBox([]byte("a key for tests, of 32 bytes...."))
}

// Both runs a test on both databases, each time with a way to open empty stores.
func Both(t *testing.T, f func(t *testing.T, open func(t testing.TB) *store.Store)) {
	t.Run("sqlite", func(t *testing.T) {
		f(t, OpenSQLite)
	})
	t.Run("postgres", func(t *testing.T) {
		p := StartPostgres(t)
		f(t, func(t testing.TB) *store.Store { return Open(t, p.Platform(t), store.Options{}) })
	})
}

// Box is a secret box with a fixed key.
func Box(t testing.TB) *secret.Box {
	t.Helper()
	b, err := fixedBox()
	if err != nil {
		t.Fatal(err)
	}
	return b
}
