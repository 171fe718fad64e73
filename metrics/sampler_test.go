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
	used := time.Second
	sampler := &Sampler{Store: s, Logs: &got, Log: slog.New(slog.DiscardHandler), Stats: func(context.Context, kigo.Dyno) (kigo.RunStats, error) {
		used += 20 * time.Second // one thread runs all the time
		return kigo.RunStats{MemoryRSS: 21 << 20, MemoryCache: 1 << 19, MemorySwap: 1 << 20, CPU: used, PagesIn: 7, PagesOut: 5}, nil
	}}
	start := time.Now()
	for i := range 4 {
		if err := sampler.sample(ctx, start.Add(time.Duration(i)*20*time.Second)); err != nil {
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
