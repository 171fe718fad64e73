package store_test

import (
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/secret"
	"github.com/kigo-dev/kigo/store"
)

// record makes a database with 600 events.
func record(t *testing.T) []byte {
	t.Helper()
	path := dbPath(t)
	s := mustOpen(t, path)
	for range 6 { // more than one batch is read
		err := s.Update(t.Context(), func(tx *store.Tx) error {
			for range 100 {
				if err := tx.Emit(kigo.Event{Kind: "app.update", App: "a", Key: "k", Actor: "op@example.com", Origin: "192.0.2.1 id", Payload: []byte(`{"a":1}`)}); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	s.Close()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestAChangedRecordOfEventsIsSeen(t *testing.T) {
	t.Parallel()
	recorded := record(t)
	for name, c := range map[string]struct{ change, trouble string }{
		"nothing":                     {"SELECT 1", ""},
		"actor":                       {"UPDATE events SET actor = 'eve@example.com' WHERE revision = 5", "event 5"},
		"origin":                      {"UPDATE events SET origin = '' WHERE revision = 5", "event 5"},
		"payload":                     {"UPDATE events SET payload = '{\"a\":2}' WHERE revision = 5", "event 5"},
		"time":                        {"UPDATE events SET at = at + 1 WHERE revision = 5", "event 5"},
		"no hash":                     {"UPDATE events SET hash = '' WHERE revision = 5", "event 5"},
		"one gone":                    {"DELETE FROM events WHERE revision = 5", "5 to 5 are missing"},
		"the newest gone":             {"DELETE FROM events WHERE revision > 598", "newest events are missing"},
		"the newest gone and counted": {"DELETE FROM events WHERE revision = 600; UPDATE revision SET n = 599", "newest events are missing"},
		"all gone":                    {"DELETE FROM events", "newest events are missing"},
		"swapped":                     {"UPDATE events SET revision = -5 WHERE revision = 5; UPDATE events SET revision = 5 WHERE revision = 6; UPDATE events SET revision = 6 WHERE revision = -5", "event 5"},
		"put in":                      {"INSERT INTO events (revision, at, kind, app_id, key, actor, payload, origin, hash) SELECT 601, at, kind, app_id, key, actor, payload, origin, hash FROM events WHERE revision = 600", "event 601"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := dbPath(t)
			if err := os.WriteFile(path, recorded, 0o600); err != nil {
				t.Fatal(err)
			}
			for query := range strings.SplitSeq(c.change, "; ") {
				raw(t, path, query)
			}
			s := mustOpen(t, path)
			defer s.Close()
			v, err := s.VerifyAudit(t.Context())
			if err != nil || !strings.Contains(v.Trouble, c.trouble) || (v.Trouble == "") != (c.trouble == "") {
				t.Errorf("%+v, %v; want trouble with %q", v, err, c.trouble)
			}
			if c.trouble == "" && v.Events != 600 {
				t.Errorf("%d events", v.Events)
			}
		})
	}
}

func TestTheRecordOfEventsFitsAfterAnotherMasterKey(t *testing.T) {
	t.Parallel()
	path := dbPath(t)
	keys := func(which ...byte) store.Options {
		var all [][]byte
		for _, b := range which {
			key := []byte("a key for tests, of 32 bytes....") // with which the empty database was made
			key[0] += b - 1
			all = append(all, key)
		}
		box, err := secret.NewBox(all...)
		if err != nil {
			t.Fatal(err)
		}
		return store.Options{Box: box, Log: slog.New(slog.DiscardHandler)}
	}
	then := time.Now().Add(-48 * time.Hour)
	// with opens the store with these master keys, the newest first, and writes 3 events.
	with := func(events int64, trouble string, which ...byte) {
		t.Helper()
		s, err := store.Open(t.Context(), "sqlite:"+path, keys(which...))
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if err := s.Update(t.Context(), func(tx *store.Tx) error {
			for range 3 {
				if err := tx.Emit(kigo.Event{At: then, Kind: "app.update", Key: "k"}); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		v, err := s.VerifyAudit(t.Context())
		if err != nil || v.Events != events || !strings.Contains(v.Trouble, trouble) || (v.Trouble == "") != (trouble == "") {
			t.Errorf("with the keys %v: %+v, %v; want %d events and trouble %q", which, v, err, events, trouble)
		}
	}
	with(3, "", 1)
	with(6, "", 2, 1)
	with(9, "", 3, 2, 1)
	with(3, "event 4", 1) // somebody who has but the oldest one goes on
	with(9, "event 10", 3, 2, 1)
}

func TestTrimmedEventsLeaveAnAnchor(t *testing.T) {
	path := dbPath(t)
	s := mustOpen(t, path)
	emit := func(at time.Time, n int) {
		t.Helper()
		err := s.Update(t.Context(), func(tx *store.Tx) error {
			for range n {
				if err := tx.Emit(kigo.Event{At: at, Kind: "app.update", Key: "k"}); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	now := time.Now()
	emit(now.Add(-48*time.Hour), 10)
	emit(now, 5)
	trim := func(before time.Time, n, want int) {
		t.Helper()
		err := s.Update(t.Context(), func(tx *store.Tx) error {
			removed, err := tx.TrimEvents(before, n)
			if removed != want {
				t.Errorf("removed %d, want %d", removed, want)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	verify := func(events int64, trouble string) {
		t.Helper()
		v, err := s.VerifyAudit(t.Context())
		if err != nil || v.Events != events || !strings.Contains(v.Trouble, trouble) || (v.Trouble == "") != (trouble == "") {
			t.Errorf("%+v, %v; want %d events and trouble %q", v, err, events, trouble)
		}
	}
	trim(now.Add(-time.Hour), 6, 6)
	verify(9, "")
	trim(now.Add(-time.Hour), 6, 4)
	trim(now.Add(-time.Hour), 6, 0)
	verify(5, "")
	trim(now.Add(time.Hour), 100, 4) // the newest stays
	verify(1, "")
	emit(now, 1)
	verify(2, "")
	s.Close()
	raw(t, path, "UPDATE meta SET value = '15 -x y' WHERE key = 'audit.anchor'")
	s = mustOpen(t, path)
	verify(0, "is not as it was written")
	s.Close()
}
