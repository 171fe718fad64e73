package metrics

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/store"
)

// How finely and for how long points are kept.
const (
	Fine       = time.Minute
	FineKept   = 24 * time.Hour
	Coarse     = 5 * time.Minute
	CoarseKept = 7 * 24 * time.Hour

	pruneEvery = 10 * time.Minute
	clockSlack = 10 * time.Minute // later than now is written by a clock that was wrong
)

// History keeps what apps did. Set the fields before Run.
type History struct {
	Store *store.Store
	Log   *slog.Logger
	Now   func() time.Time // nil: time.Now

	mu     sync.Mutex
	totals map[kigo.AppID]*Point // since this process began, for who counts himself
	latest map[kigo.AppID]*Point // what dynos used at the last sample
}

func (h *History) now() time.Time {
	if h.Now != nil {
		return h.Now()
	}
	return time.Now()
}

// errTwice is a count that was added before.
var errTwice = errors.New("added before")

// Add adds counts of one moment, in one step with what says how far their sources
// have come: name → number. Counts of a source that has come as far already were
// added before, and are not again.
func (h *History) Add(ctx context.Context, at time.Time, counts map[kigo.AppID]*Point, sources map[string]int64) error {
	if len(counts) == 0 && len(sources) == 0 {
		return nil
	}
	err := h.Store.Update(ctx, func(tx *store.Tx) error {
		for name, seq := range sources {
			have, known, err := tx.MetricSource(name)
			if err != nil {
				return err
			}
			if known && have >= seq {
				return errTwice
			}
			if err := tx.PutMetricSource(name, seq); err != nil {
				return err
			}
		}
		for app, p := range counts {
			for _, step := range []time.Duration{Fine, Coarse} {
				if err := add(tx, app, step, at, p); err != nil {
					return err
				}
			}
		}
		return nil
	})
	switch {
	case errors.Is(err, errTwice):
		return nil
	case err != nil:
		return fmt.Errorf("keep metrics: %w", err)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.totals == nil {
		h.totals, h.latest = map[kigo.AppID]*Point{}, map[kigo.AppID]*Point{}
	}
	for app, p := range counts {
		if h.totals[app] == nil {
			h.totals[app] = &Point{}
		}
		h.totals[app].Merge(p)
		if len(p.Processes) > 0 {
			now := p.Clone()
			now.At = at
			h.latest[app] = now
		}
	}
	return nil
}

func add(tx *store.Tx, app kigo.AppID, step time.Duration, at time.Time, p *Point) error {
	start := at.UTC().Truncate(step)
	data, err := tx.MetricPoint(app, step, start)
	if err != nil {
		return err
	}
	sum := p.Clone()
	if data != "" {
		before, err := decode(data)
		if err == nil { // a row that cannot be read is begun anew
			sum.Merge(before)
		}
	}
	b, err := json.Marshal(sum)
	if err != nil {
		return fmt.Errorf("encode metrics: %w", err)
	}
	return tx.PutMetricPoint(step, store.MetricRow{App: app, At: start, Data: string(b)})
}

func decode(data string) (*Point, error) {
	p := &Point{}
	if err := json.Unmarshal([]byte(data), p); err != nil {
		return nil, fmt.Errorf("decode metrics: %w", err)
	}
	return p, nil
}

// Totals are an app's counts since this process began, the sums of gauges too.
func (h *History) Totals(app kigo.AppID) *Point {
	h.mu.Lock()
	defer h.mu.Unlock()
	if p := h.totals[app]; p != nil {
		return p.Clone()
	}
	return &Point{}
}

// Latest is the last sample of an app's dynos, if it is not older than a minute.
func (h *History) Latest(app kigo.AppID) (*Point, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	p := h.latest[app]
	if p == nil || h.now().Sub(p.At) > time.Minute {
		return nil, false
	}
	return p.Clone(), true
}

// Forget drops what is held in memory of an app that is gone.
func (h *History) Forget(app kigo.AppID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.totals, app)
	delete(h.latest, app)
}

// Series returns one point for each step from from (cut down to a step) to to,
// also where nothing happened. A step is made of whole minutes; beyond the last 24
// hours of at least five.
func (h *History) Series(ctx context.Context, app kigo.AppID, from, to time.Time, step time.Duration) ([]*Point, error) {
	from = from.UTC().Truncate(step)
	grain := Fine
	if step%Coarse == 0 && (step > Coarse || h.now().Sub(from) > FineKept) {
		grain = Coarse
	}
	var points []*Point
	for at := from; at.Before(to); at = at.Add(step) {
		points = append(points, &Point{At: at})
	}
	if len(points) == 0 {
		return nil, nil
	}
	var rows []store.MetricRow
	err := h.Store.View(ctx, func(tx *store.Tx) (err error) {
		rows, err = tx.MetricPoints(app, grain, from, points[len(points)-1].At.Add(step))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read metrics: %w", err)
	}
	for _, row := range rows {
		p, err := decode(row.Data)
		if err != nil {
			h.Log.WarnContext(ctx, "metrics cannot be read", "app", app, "at", row.At, "err", err)
			continue
		}
		points[int(row.At.Sub(from)/step)].Merge(p)
	}
	return points, nil
}

// Over is everything from from to to in one point.
func (h *History) Over(ctx context.Context, app kigo.AppID, from, to time.Time) (*Point, error) {
	points, err := h.Series(ctx, app, from, to, Fine)
	if err != nil {
		return nil, err
	}
	all := &Point{At: from}
	for _, p := range points {
		all.Merge(p)
	}
	return all, nil
}

// Run removes what is too old until ctx ends.
func (h *History) Run(ctx context.Context) error {
	tick := time.NewTicker(pruneEvery)
	defer tick.Stop()
	for {
		if err := h.prune(ctx); err != nil && ctx.Err() == nil {
			h.Log.ErrorContext(ctx, "remove old metrics", "err", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

func (h *History) prune(ctx context.Context) error {
	now := h.now()
	return h.Store.Update(ctx, func(tx *store.Tx) error {
		return errors.Join(
			tx.PruneMetrics(Fine, now.Add(-FineKept-Fine), now.Add(clockSlack)),
			tx.PruneMetrics(Coarse, now.Add(-CoarseKept-Coarse), now.Add(clockSlack)),
			tx.PruneMetricSources(now.Add(-CoarseKept)),
		)
	})
}

// Types are the process types that points tell of, sorted.
func Types(points []*Point) (types []string) {
	for _, p := range points {
		for name := range p.Processes {
			if !slices.Contains(types, name) {
				types = append(types, name)
			}
		}
	}
	slices.Sort(types)
	return types
}
