package store_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/secret"
	"github.com/kigo-dev/kigo/store"
	"github.com/kigo-dev/kigo/store/storetest"
)

func dbPath(t testing.TB) string { return storetest.File(t, t.TempDir()) }

// open opens a file that the test closes by itself.
func open(t testing.TB, path string) (*store.Store, error) {
	t.Helper()
	return store.Open(context.Background(), "sqlite:"+path, store.Options{Box: storetest.Box(t)})
}

func mustOpen(t testing.TB, path string) *store.Store {
	t.Helper()
	s, err := open(t, path)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// refusedToOpen fails the test unless opening fails with all of the words.
func refusedToOpen(t testing.TB, path string, words ...string) {
	t.Helper()
	s, err := open(t, path)
	if err == nil {
		s.Close()
		t.Fatal("opened")
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("error %q does not say %q", err, w)
		}
	}
}

// raw runs SQL behind the store's back.
func raw(t testing.TB, path, query string, args ...any) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(query, args...); err != nil {
		t.Fatal(err)
	}
}

func put(s *store.Store, key, value string) error {
	return s.Update(context.Background(), func(tx *store.Tx) error { return tx.PutMeta(key, value) })
}

func meta(t testing.TB, s *store.Store, key string) (value string) {
	t.Helper()
	err := s.View(context.Background(), func(tx *store.Tx) (err error) {
		value, err = tx.Meta(key)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return value
}

func TestASecondProcessCannotOpenTheSameFile(t *testing.T) {
	path := dbPath(t)
	s := mustOpen(t, path)
	refusedToOpen(t, path, "in use by another process")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	mustOpen(t, path).Close()
}

func TestAClosedStoreSaysSo(t *testing.T) {
	s := mustOpen(t, dbPath(t))
	s.Close()
	if err := put(s, "a", "b"); err == nil || !strings.Contains(err.Error(), "closed") {
		t.Error(err)
	}
}

func TestANewerSchemaIsRefused(t *testing.T) {
	path := dbPath(t)
	mustOpen(t, path).Close()
	raw(t, path, "INSERT INTO schema_version VALUES (999, 0)")
	refusedToOpen(t, path, "version 999", "newer kigo")
}

// Numbers have gaps, which a newer program may have filled.
func TestASchemaWithAnUnknownStepIsRefused(t *testing.T) {
	path := dbPath(t)
	mustOpen(t, path).Close()
	raw(t, path, "INSERT INTO schema_version VALUES (89, 0)")
	refusedToOpen(t, path, "version 89", "newer kigo")
}

// Logins from before there were sessions become some at the upgrade.
func TestLoginsOfAnOlderReleaseAreSessions(t *testing.T) {
	path := dbPath(t)
	s := mustOpen(t, path)
	logins := map[string]*kigo.Authorization{
		"Heroku CLI login from Heroku CLI login from laptop": {}, "Heroku CLI login from laptop": {}, "by hand": {}, "client": {},
	}
	update(t, s.Update, func(tx *store.Tx) error {
		owner, err := newOwner(tx)
		for description, a := range logins {
			*a = kigo.Authorization{Account: owner.ID, Description: description, Scope: []string{"global"}}
			err = errors.Join(err, tx.CreateAuthorization(a, []byte(description)))
		}
		return errors.Join(err, tx.SetRefreshToken(logins["client"], []byte("refresh")))
	})
	s.Close()
	raw(t, path, "DROP INDEX authorizations_session")
	raw(t, path, "ALTER TABLE authorizations DROP COLUMN session_id")
	raw(t, path, "DELETE FROM schema_version WHERE version > 90")
	s = mustOpen(t, path)
	defer s.Close()
	for was, want := range map[string]string{
		"Heroku CLI login from Heroku CLI login from laptop": "Heroku CLI login from laptop", "Heroku CLI login from laptop": "", "by hand": "", "client": "client",
	} {
		update(t, s.View, func(tx *store.Tx) error {
			a, err := tx.Authorization(logins[was].ID)
			if described := map[bool]string{true: a.Description}[a.Session != ""]; described != want {
				t.Errorf("%q is the session %q, want %q", was, described, want)
			}
			return err
		})
	}
}

func TestAnotherMasterKeyIsRefused(t *testing.T) {
	path := dbPath(t)
	mustOpen(t, path).Close()
	box, err := secret.NewBox(bytes.Repeat([]byte{7}, secret.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	_, err = store.Open(context.Background(), "sqlite:"+path, store.Options{Box: box})
	if !errors.Is(err, secret.ErrUnknownKey) || !strings.Contains(err.Error(), "put the right key file back") {
		t.Error(err)
	}
}

func TestALostDatabaseIsNotReplacedByAnEmptyOne(t *testing.T) {
	path := dbPath(t)
	mustOpen(t, path).Close()
	if err := os.Truncate(path, 0); err != nil {
		t.Fatal(err)
	}
	refusedToOpen(t, path, "restore the file from a backup")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	refusedToOpen(t, path, "restore the file from a backup")
}

func TestADamagedDatabaseIsRefused(t *testing.T) {
	path := dbPath(t)
	s := mustOpen(t, path)
	for i := range 200 {
		if err := put(s, fmt.Sprint("key", i), strings.Repeat("x", 1000)); err != nil {
			t.Fatal(err)
		}
	}
	s.Close()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, damage := range map[string]func([]byte) []byte{
		"cut short": func(b []byte) []byte { return b[:len(b)/2] },
		"garbage":   func([]byte) []byte { return bytes.Repeat([]byte("no database "), 1000) },
		"pages of zeros": func(b []byte) []byte {
			clear(b[8192 : len(b)-4096])
			return b
		},
	} {
		if err := os.WriteFile(path, damage(bytes.Clone(b)), 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := open(t, path)
		if err == nil {
			s.Close()
			t.Errorf("%s: opened", name)
		}
	}
}

func TestADatabaseWhosePagesAreMixedUpIsRefused(t *testing.T) {
	path := dbPath(t)
	mustOpen(t, path).Close()
	db, err := sql.Open("sqlite", path+"?_pragma=writable_schema(ON)")
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.Exec("UPDATE sqlite_schema SET rootpage = (SELECT rootpage FROM sqlite_schema WHERE name = 'domains_app') WHERE name = 'apps_owner'")
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	refusedToOpen(t, path, "damaged", "restore it from a backup")
}

func TestTheFilesAreTheOwnersAlone(t *testing.T) {
	path := dbPath(t)
	s := mustOpen(t, path)
	defer s.Close()
	files, _ := filepath.Glob(path + "*")
	if len(files) < 4 { // database, WAL, shared memory, lock
		t.Errorf("files: %q", files)
	}
	for _, f := range files {
		info, err := os.Stat(f)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", f, info.Mode())
		}
	}
}

func TestEachConnectionIsSetUp(t *testing.T) {
	s := mustOpen(t, dbPath(t))
	defer s.Close()
	want := map[string]string{
		"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "secure_delete": "1", "trusted_schema": "0", "cell_size_check": "1",
	}
	check := func(tx *store.Tx) error {
		for name, value := range want {
			got, err := store.Pragma(tx, name)
			if err != nil {
				return err
			}
			if got != value {
				t.Errorf("%s is %s, want %s", name, got, value)
			}
		}
		return nil
	}
	if err := errors.Join(s.Update(context.Background(), check), s.View(context.Background(), check)); err != nil {
		t.Fatal(err)
	}
}

func TestAFullDiskChangesNothingAndHeals(t *testing.T) {
	s := mustOpen(t, dbPath(t))
	defer s.Close()
	if err := put(s, "before", "1"); err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	limit := func(pages string) {
		err := s.Update(ctx, func(tx *store.Tx) error {
			_, err := store.Pragma(tx, "max_page_count="+pages)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	limit("1") // means: as many as there are
	err := s.Update(ctx, func(tx *store.Tx) error {
		if err := tx.PutMeta("half", "1"); err != nil {
			return err
		}
		for i := range 100 {
			if err := tx.PutMeta(fmt.Sprint("big", i), strings.Repeat("x", 10_000)); err != nil {
				return err
			}
		}
		return nil
	})
	if e, ok := kigo.AsError(err); !ok || e.ID != kigo.IDUnavailable || !strings.Contains(e.Message, "disk is full") {
		t.Fatalf("got %v", err)
	}
	if meta(t, s, "before") != "1" {
		t.Error("what was there is gone")
	}
	err = s.View(ctx, func(tx *store.Tx) error {
		_, err := tx.Meta("half")
		return err
	})
	if !errors.Is(err, kigo.ErrNotFound) {
		t.Errorf("half of a change is there: %v", err)
	}
	limit("100000")
	if err := put(s, "after", "1"); err != nil {
		t.Error(err)
	}
}

func TestNoSecretIsInTheFiles(t *testing.T) {
	path := dbPath(t)
	s := mustOpen(t, path)
	const canary = "canary-value-77"
	err := s.Update(context.Background(), func(tx *store.Tx) error {
		a := kigo.Account{Email: "a@example.com"}
		if err := tx.CreateAccount(&a); err != nil {
			return err
		}
		app := kigo.App{Name: "visible-name", Owner: a.ID}
		if err := tx.CreateApp(&app); err != nil {
			return err
		}
		auth := kigo.Authorization{Account: a.ID, TokenHint: secret.TokenHint(canary)}
		if err := tx.CreateAuthorization(&auth, secret.HashToken(canary)); err != nil {
			return err
		}
		r := kigo.Release{App: app.ID}
		if err := tx.CreateRelease(&r, kigo.ConfigVars{"NAME": canary}); err != nil {
			return err
		}
		d := kigo.Dyno{App: app.ID, Release: r.ID, Env: map[string]string{"NAME": canary}, Attach: kigo.Attach{Secret: canary}}
		return errors.Join(tx.CreateDyno(&d), tx.CreateBuild(&kigo.Build{App: app.ID, Source: kigo.Source{URL: "https://x/" + canary}}))
	})
	if err != nil {
		t.Fatal(err)
	}
	search := func(when string) {
		files, _ := filepath.Glob(path + "*")
		seen := false
		for _, f := range files {
			b, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			seen = seen || bytes.Contains(b, []byte("visible-name"))
			if bytes.Contains(b, []byte(canary)) {
				t.Errorf("%s: %s holds the secret", when, filepath.Base(f))
			}
		}
		if !seen {
			t.Errorf("%s: nothing is in the files %q", when, files)
		}
	}
	search("open")
	s.Close()
	search("closed")
}

func TestAddressesThatAreNoDatabase(t *testing.T) {
	for _, dsn := range []string{"", "kigo.db", "mysql://root:pass@x/y"} {
		_, err := store.Open(context.Background(), dsn, store.Options{Box: storetest.Box(t)})
		if err == nil || strings.Contains(err.Error(), "pass") {
			t.Errorf("%s: %v", dsn, err)
		}
	}
}
