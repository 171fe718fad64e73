package metrics

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/store"
	"github.com/kigo-dev/kigo/store/storetest"
)

func TestASampleThatTheStoreRefusesComesWithTheNext(t *testing.T) {
	s := storetest.OpenSQLite(t)
	now := time.Now().Truncate(Coarse).Add(time.Second)
	h, app := history(t, s, &now)
	d := kigo.Dyno{ID: "d1", App: app, Type: "web", Number: 1, Size: "Basic", State: kigo.DynoUp}
	err := s.Update(t.Context(), func(tx *store.Tx) error {
		release, err := tx.LatestRelease(app)
		d.Release = release.ID
		if err != nil {
			return err
		}
		return tx.CreateDyno(&d)
	})
	if err != nil {
		t.Fatal(err)
	}
	fails := func() {}
	sampler := &Sampler{Store: s, History: h, Logs: &lines{}, Log: slog.New(slog.DiscardHandler), Stats: func(context.Context, kigo.Dyno) (kigo.RunStats, error) {
		fails()
		return kigo.RunStats{MemoryRSS: 10 << 20}, nil
	}}
	if err := sampler.take(t.Context(), now); err != nil {
		t.Fatal(err)
	}
	d.Restarts = 2
	if err := s.Update(t.Context(), func(tx *store.Tx) error { return tx.UpdateDynoState(&d) }); err != nil {
		t.Fatal(err)
	}
	sampler.Failed(app, "web", "R14")
	const refused = waitingMost + 5
	for range refused {
		ctx, cancel := context.WithCancel(t.Context())
		fails = cancel // what follows the measuring finds no store
		if err := sampler.take(ctx, now); err == nil {
			t.Fatal("nothing failed")
		}
	}
	if n := len(sampler.waiting); n > waitingMost {
		t.Errorf("%d samples wait", n)
	}
	fails = func() {}
	sampler.Failed(app, "web", "R14")
	if err := sampler.take(t.Context(), now); err != nil {
		t.Fatal(err)
	}
	all, err := h.Over(t.Context(), app, now.Add(-time.Minute), now.Add(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	if web := all.Processes["web"]; web == nil || web.Errors["R14"] != 2 || web.Restarts != 2 || web.RSS.N != refused+2 || web.RSS.Max != 10<<20 {
		t.Errorf("the history has %+v", web)
	}
}
