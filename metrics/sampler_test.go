package metrics

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/control"
	"github.com/kigo-dev/kigo/secret"
	"github.com/kigo-dev/kigo/store"
	"github.com/kigo-dev/kigo/store/storetest"
)

type lines struct {
	mu  sync.Mutex
	all []string
}

func (l *lines) Write(_ kigo.AppID, lines ...kigo.LogLine) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, line := range lines {
		_, text, _ := strings.Cut(line.String(), " ")
		l.all = append(l.all, text)
	}
}

func TestDynosOfAppsThatAskAreSampledInHerokusWords(t *testing.T) {
	ctx, s := t.Context(), storetest.OpenSQLite(t)
	c := control.Control{Store: s, Domain: "localhost"}
	account, err := c.EnsureOperator(ctx, "op@example.com", secret.NewToken())
	if err != nil {
		t.Fatal(err)
	}
	actor := control.Actor{ID: account.ID, Email: account.Email}
	for _, name := range []string{"asks", "silent"} {
		app, err := c.CreateApp(ctx, actor, control.NewApp{Name: name})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.SetFeature(ctx, actor, app.ID, Feature, name == "asks"); err != nil {
			t.Fatal(err)
		}
		err = s.Update(ctx, func(tx *store.Tx) error {
			release, err := tx.LatestRelease(app.ID)
			if err != nil {
				return err
			}
			for i, state := range []kigo.DynoState{kigo.DynoUp, kigo.DynoCrashed} {
				d := kigo.Dyno{ID: kigo.DynoID(name + "-" + string(state)), App: app.ID, Release: release.ID, Type: "web", Number: i + 1, Size: "Basic", State: state}
				if err := tx.CreateDyno(&d); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	var got lines
	used := map[kigo.AppID]time.Duration{}
	sampler := &Sampler{Store: s, Logs: &got, Log: slog.New(slog.DiscardHandler), Stats: func(_ context.Context, d kigo.Dyno) (kigo.RunStats, error) {
		used[d.App] += 20 * time.Second // one thread runs all the time
		return kigo.RunStats{MemoryRSS: 21 << 20, MemoryCache: 1 << 19, MemorySwap: 1 << 20, CPU: used[d.App], PagesIn: 7, PagesOut: 5}, nil
	}}
	start := time.Now()
	for i := range 4 {
		if err := sampler.take(ctx, start.Add(time.Duration(i)*20*time.Second)); err != nil {
			t.Fatal(err)
		}
	}
	for i, text := range got.all {
		head, rest, _ := strings.Cut(text, " dyno=heroku.")
		_, rest, _ = strings.Cut(rest, ".")
		got.all[i] = head + " " + rest
	}
	memory := "heroku[web.1]: source=web.1 asks-up sample#memory_total=22.50MB sample#memory_rss=21.00MB sample#memory_cache=0.50MB " +
		"sample#memory_swap=1.00MB sample#memory_pgpgin=7pages sample#memory_pgpgout=5pages sample#memory_quota=512.00MB"
	load := "heroku[web.1]: source=web.1 asks-up sample#load_avg_"
	want := []string{memory,
		load + "1m=0.28 sample#load_avg_5m=0.06 sample#load_avg_15m=0.02", memory,
		load + "1m=0.49 sample#load_avg_5m=0.12 sample#load_avg_15m=0.04", memory,
		load + "1m=0.63 sample#load_avg_5m=0.18 sample#load_avg_15m=0.06", memory}
	if diff := cmp.Diff(want, got.all); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
}

func TestSamplesRestartsAndErrorsBecomeHistory(t *testing.T) {
	ctx, s := t.Context(), storetest.OpenSQLite(t)
	now := time.Now().Truncate(Coarse).Add(time.Second)
	h, app := history(t, s, &now)
	d := kigo.Dyno{ID: "d1", App: app, Type: "web", Number: 1, Size: "Basic", State: kigo.DynoUp}
	err := s.Update(ctx, func(tx *store.Tx) error {
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
	stats := func(context.Context, kigo.Dyno) (kigo.RunStats, error) {
		return kigo.RunStats{MemoryRSS: 100 << 20, MemorySwap: 10 << 20, CPU: time.Second}, nil
	}
	var got lines
	for i := range 4 { // a new process each time: what it saw last is in the store
		sampler := &Sampler{Store: s, History: h, Logs: &got, Log: slog.New(slog.DiscardHandler), Stats: stats}
		sampler.Failed(app, "web", "R14")
		if err := sampler.take(ctx, now); err != nil {
			t.Fatal(err)
		}
		d.Restarts = 2 * (i + 1)
		if err := s.Update(ctx, func(tx *store.Tx) error { return tx.UpdateDynoState(&d) }); err != nil {
			t.Fatal(err)
		}
	}
	all, err := h.Over(ctx, app, now.Add(-time.Minute), now.Add(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	web := all.Processes["web"]
	if web == nil || web.Dynos != 1 || web.Memory.N != 4 || web.Memory.Mean() != 110<<20 || web.Swap.Max != 10<<20 || web.Errors["R14"] != 4 || web.Quota != 512<<20 {
		t.Fatalf("the history has %+v", web)
	}
	if web.Restarts != 6 {
		t.Errorf("%d restarts of 6 seen", web.Restarts)
	}
	if len(got.all) > 0 {
		t.Errorf("an app that did not ask was told %q", got.all)
	}
}
