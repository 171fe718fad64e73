package store_test

import (
	"context"
	"database/sql"
	"testing"
	"time"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/store"
	"github.com/kigo-dev/kigo/store/storetest"
)

func TestAServerThatEndsConnectionsIsUsedAgain(t *testing.T) {
	dsn := storetest.StartPostgres(t).Database(t)
	s := storetest.Open(t, dsn, store.Options{})
	admin, err := sql.Open("pgx", dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = admin.Close() }()
	const terminate = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"

	err = s.Update(context.Background(), func(tx *store.Tx) error {
		if err := tx.PutMeta("half", "1"); err != nil {
			return err
		}
		if _, err := admin.Exec(terminate); err != nil {
			t.Fatal(err)
		}
		return tx.PutMeta("other half", "1")
	})
	if e, ok := kigo.AsError(err); !ok || e.ID != kigo.IDUnavailable {
		t.Errorf("cut off in the middle: %v", err)
	}
	if _, err := admin.Exec(terminate); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(time.Minute)
	for err = put(s, "after", "1"); err != nil && time.Now().Before(deadline); err = put(s, "after", "1") {
		t.Log(err)
	}
	if err != nil || meta(t, s, "after") != "1" {
		t.Errorf("afterwards: %v", err)
	}
	if err := s.View(context.Background(), func(tx *store.Tx) error {
		_, err := tx.Meta("half")
		return err
	}); err == nil {
		t.Error("half of a change is there")
	}
}
