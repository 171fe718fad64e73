package metrics

import (
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/control"
	"github.com/kigo-dev/kigo/secret"
	"github.com/kigo-dev/kigo/store"
	"github.com/kigo-dev/kigo/store/storetest"
)

// history is one over a store with an app.
func history(t testing.TB, s *store.Store, now *time.Time) (*History, kigo.AppID) {
	t.Helper()
	c := control.Control{Store: s, Domain: "localhost"}
	account, err := c.EnsureOperator(t.Context(), "op@example.com", secret.NewToken())
	if err != nil {
		t.Fatal(err)
	}
	app, err := c.CreateApp(t.Context(), control.Actor{ID: account.ID, Email: account.Email}, control.NewApp{Name: "myapp"})
	if err != nil {
		t.Fatal(err)
	}
	return &History{Store: s, Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return *now }}, app.ID
}

// requests are n that took a time each, the last one failed.
func requests(n int, took time.Duration) *Point {
	p := &Point{Requests: Requests{Count: int64(n), Status: [6]int64{2: int64(n) - 1, 5: 1}, Codes: map[string]int64{"H12": 1}, Out: 100}}
	for range n {
		p.Requests.Service.Add(took)
	}
	return p
}

func TestCountsOfAMinuteAddUpAndOutliveARestart(t *testing.T) {
	storetest.Both(t, func(t *testing.T, open func(t testing.TB) *store.Store) {
		s := open(t)
		now := time.Date(2026, 11, 22, 12, 0, 30, 0, time.UTC)
		h, app := history(t, s, &now)
		for i := range 3 {
			for range 2 { // each comes twice, as after a kill before it was confirmed
				p := requests(10, time.Duration(i+1)*100*time.Millisecond)
				if err := h.Add(t.Context(), now, map[kigo.AppID]*Point{app: p, "gone": p}, map[string]int64{"router a": int64(i + 1)}); err != nil {
					t.Fatal(err)
				}
			}
			h = &History{Store: s, Log: h.Log, Now: h.Now}
		}
		points, err := h.Series(t.Context(), app, now.Add(-2*time.Minute), now.Add(time.Minute), time.Minute)
		if err != nil || len(points) != 4 {
			t.Fatalf("%d points, %v", len(points), err)
		}
		r := points[2].Requests
		if r.Count != 30 || r.Status[5] != 3 || r.Codes["H12"] != 3 || r.Out != 300 || r.Service.Count() != 30 || points[1].Requests.Count != 0 {
			t.Errorf("the minute has %+v", r)
		}
		if p50, p95 := r.Service.Quantile(0.5), r.Service.Quantile(0.95); p50 < 180*time.Millisecond || p50 > 220*time.Millisecond || p95 < 270*time.Millisecond || p95 > 330*time.Millisecond {
			t.Errorf("p50 %v, p95 %v", p50, p95)
		}
		if got := h.Totals(app).Requests.Count; got != 0 {
			t.Errorf("a new process begins with %d", got)
		}
	})
}

func TestFinePointsAreKeptADayAndCoarseOnesAWeek(t *testing.T) {
	s := storetest.OpenSQLite(t)
	start := time.Date(2026, 11, 15, 0, 0, 0, 0, time.UTC)
	now := start
	h, app := history(t, s, &now)
	for now.Before(start.Add(8 * 24 * time.Hour)) {
		if err := h.Add(t.Context(), now, map[kigo.AppID]*Point{app: requests(2, time.Second)}, nil); err != nil {
			t.Fatal(err)
		}
		now = now.Add(30 * time.Minute)
	}
	if err := h.prune(t.Context()); err != nil {
		t.Fatal(err)
	}
	count := func(step time.Duration) (n int) {
		err := s.View(t.Context(), func(tx *store.Tx) error {
			rows, err := tx.MetricPoints(app, step, time.Time{}, now.AddDate(1, 0, 0))
			n = len(rows)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	if fine, coarse := count(Fine), count(Coarse); fine < 48 || fine > 50 || coarse < 7*48 || coarse > 7*48+1 {
		t.Errorf("%d fine and %d coarse points are kept", fine, coarse)
	}
	week, err := h.Series(t.Context(), app, now.Add(-7*24*time.Hour), now, 24*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	var perDay []int64
	for _, p := range week {
		perDay = append(perDay, p.Requests.Count)
	}
	if !slices.Equal(perDay, []int64{96, 96, 96, 96, 96, 96, 96}) {
		t.Errorf("a week of days has %v", perDay)
	}
}

func TestAClockThatJumpsBackNeitherStopsNorSpoilsTheHistory(t *testing.T) {
	s := storetest.OpenSQLite(t)
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	h, app := history(t, s, &now)
	for _, at := range []time.Time{now, now.AddDate(1, 0, 0), now.Add(-time.Hour), now} {
		if err := h.Add(t.Context(), at, map[kigo.AppID]*Point{app: requests(1, time.Second)}, nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := h.prune(t.Context()); err != nil {
		t.Fatal(err)
	}
	all, err := h.Over(t.Context(), app, now.Add(-2*time.Hour), now.Add(time.Minute))
	if err != nil || all.Requests.Count != 3 {
		t.Errorf("%d of 3 requests, %v", all.Requests.Count, err)
	}
	later, err := h.Series(t.Context(), app, now.AddDate(1, 0, 0), now.AddDate(1, 0, 0).Add(time.Hour), time.Minute)
	if err != nil || later[0].Requests.Count != 0 {
		t.Errorf("the future holds %+v, %v", later[0].Requests, err)
	}
}

func TestAPointIsBoundedWhateverAppsCallTheirProcesses(t *testing.T) {
	p := &Point{}
	for i := range 1000 {
		p.Of(fmt.Sprint("type", i)).Restarts++
	}
	var restarts int64
	for _, process := range p.Processes {
		restarts += process.Restarts
	}
	if len(p.Processes) > maxTypes+1 || restarts != 1000 {
		t.Errorf("%d types with %d restarts", len(p.Processes), restarts)
	}
}
