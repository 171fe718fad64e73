package metrics

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"
	"sync"
	"time"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/store"
)

// Feature is the switch of an app that asks for samples in its log.
const Feature = "log-runtime-metrics"

// SampleEvery is the time between two samples of a dyno.
const SampleEvery = 20 * time.Second

// Sampler takes the samples: it tells them to apps that asked, and adds those of
// all apps to the history. Set the fields before Run.
type Sampler struct {
	Store   *store.Store
	History *History // may be nil
	Logs    interface {
		Write(app kigo.AppID, lines ...kigo.LogLine)
	}
	Stats func(context.Context, kigo.Dyno) (kigo.RunStats, error) // what a dyno uses now
	Log   *slog.Logger
	Every time.Duration // default SampleEvery

	loads    map[kigo.DynoID]*load
	restarts map[kigo.DynoID]int // as last seen
	waiting  []sample            // that the store has not taken

	mu     sync.Mutex
	failed map[kigo.AppID]*Point // R codes since the last sample
}

// sample is what is to be added to the history.
type sample struct {
	at      time.Time
	counts  map[kigo.AppID]*Point
	sources map[string]int64
}

// waitingMost is how many samples wait for a store that refuses them; beyond, the
// oldest are put together.
const waitingMost = 30

// Failed counts an R code of a dyno.
func (s *Sampler) Failed(app kigo.AppID, process, code string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failed == nil {
		s.failed = map[kigo.AppID]*Point{}
	}
	if s.failed[app] == nil {
		s.failed[app] = &Point{}
	}
	p := s.failed[app].Of(process)
	p.Errors = sum(p.Errors, map[string]int64{code: 1})
}

// Run samples until ctx is done.
func (s *Sampler) Run(ctx context.Context) error {
	if s.Every == 0 {
		s.Every = SampleEvery
	}
	tick := time.NewTicker(s.Every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if err := s.take(ctx, time.Now()); err != nil && ctx.Err() == nil {
			s.Log.Error("sample dynos", "err", err)
		}
	}
}

// take measures every dyno that runs.
func (s *Sampler) take(ctx context.Context, now time.Time) error {
	dynos, told, err := s.running(ctx)
	if err != nil {
		return err
	}
	s.mu.Lock()
	counts := s.failed
	s.failed = nil
	s.mu.Unlock()
	if counts == nil {
		counts = map[kigo.AppID]*Point{}
	}
	former := s.loads
	s.loads = make(map[kigo.DynoID]*load, len(dynos))
	for _, d := range dynos {
		if d.State != kigo.DynoUp && d.State != kigo.DynoStarting {
			continue
		}
		u, err := s.Stats(ctx, d)
		if err != nil {
			continue // it has ended since
		}
		l := former[d.ID]
		if l == nil {
			l = &load{}
		}
		s.loads[d.ID] = l
		rated := l.add(u.CPU, now)
		if counts[d.App] == nil {
			counts[d.App] = &Point{}
		}
		counts[d.App].Of(d.Type).take(d, u, l, rated)
		if !told[d.App] {
			continue
		}
		var lines []kigo.LogLine
		if rated {
			lines = append(lines, line(d, now, l.String()))
		}
		s.Logs.Write(d.App, append(lines, line(d, now, memory(d, u)))...)
	}
	if s.History == nil {
		return nil
	}
	sources, err := s.countRestarts(ctx, dynos, counts, now)
	return errors.Join(err, s.keep(ctx, sample{now, counts, sources}))
}

// keep adds a sample to the history, after those that the store refused before.
func (s *Sampler) keep(ctx context.Context, latest sample) error {
	s.waiting = append(s.waiting, latest)
	for len(s.waiting) > 0 {
		next := s.waiting[0]
		if err := s.History.Add(ctx, next.at, next.counts, next.sources); err != nil {
			if len(s.waiting) > waitingMost {
				s.waiting[1].merge(next)
				s.waiting = s.waiting[1:]
			}
			return err
		}
		s.waiting = s.waiting[1:]
	}
	return nil
}

// merge adds an older sample.
func (s *sample) merge(older sample) {
	addTo(s.counts, older.counts)
	if s.sources == nil {
		s.sources = map[string]int64{}
	}
	for name, seq := range older.sources {
		s.sources[name] = max(s.sources[name], seq)
	}
}

func addTo(counts, more map[kigo.AppID]*Point) {
	for app, p := range more {
		if counts[app] == nil {
			counts[app] = &Point{}
		}
		counts[app].Merge(p)
	}
}

// take adds one dyno's sample.
func (p *Process) take(d kigo.Dyno, u kigo.RunStats, l *load, rated bool) {
	p.Dynos++
	p.Memory.Add(float64(u.MemoryRSS + u.MemoryCache + u.MemorySwap))
	p.RSS.Add(float64(u.MemoryRSS))
	p.Swap.Add(float64(u.MemorySwap))
	if rated {
		p.Load.Add(l.averages[0])
	}
	if size, err := kigo.FindSize(d.Size); err == nil {
		p.Quota = max(p.Quota, size.Memory)
	}
}

// countRestarts adds how often dynos were started again since they were last seen,
// over restarts of this process too, and returns how far each has come.
func (s *Sampler) countRestarts(ctx context.Context, dynos []kigo.Dyno, counts map[kigo.AppID]*Point, now time.Time) (map[string]int64, error) {
	seen := make(map[kigo.DynoID]int, len(dynos))
	found := map[kigo.AppID]*Point{}
	sources := map[string]int64{}
	for _, d := range dynos {
		before, known := s.restarts[d.ID]
		if !known {
			var err error
			if before, err = s.restartsKept(ctx, d, now); err != nil {
				return nil, err
			}
		}
		seen[d.ID] = d.Restarts
		if n := d.Restarts - before; n > 0 {
			if found[d.App] == nil {
				found[d.App] = &Point{}
			}
			found[d.App].Of(d.Type).Restarts += int64(n)
			sources["dyno "+string(d.ID)] = int64(d.Restarts)
		}
	}
	addTo(counts, found)
	s.restarts = seen
	return sources, nil
}

// restartsKept is how many restarts of a dyno were counted before this process saw it.
func (s *Sampler) restartsKept(ctx context.Context, d kigo.Dyno, now time.Time) (n int, err error) {
	err = s.Store.View(ctx, func(tx *store.Tx) error {
		seq, known, err := tx.MetricSource("dyno " + string(d.ID))
		switch {
		case known:
			n = int(seq)
		case now.Sub(d.CreatedAt) > 3*SampleEvery+s.Every: // its first restarts were not ours to see
			n = d.Restarts
		}
		return err
	})
	return n, err
}

// running are the dynos that there are, but for commands inside others, and which
// apps want to be told.
func (s *Sampler) running(ctx context.Context) (dynos []kigo.Dyno, told map[kigo.AppID]bool, err error) {
	err = s.Store.View(ctx, func(tx *store.Tx) error {
		all, err := tx.AllDynos()
		if err != nil {
			return err
		}
		told = map[kigo.AppID]bool{}
		for _, d := range all {
			if d.Inside != "" {
				continue
			}
			if _, asked := told[d.App]; !asked {
				if told[d.App], err = tx.FeatureEnabled(d.App, Feature); err != nil {
					return err
				}
			}
			dynos = append(dynos, d)
		}
		return nil
	})
	return dynos, told, err
}

// line is one sample as Heroku writes it.
func line(d kigo.Dyno, now time.Time, what string) kigo.LogLine {
	number := fnv.New32a()
	number.Write([]byte(d.App))
	return kigo.LogLine{Time: now, Source: "heroku", Process: d.Name(),
		Message: fmt.Sprintf("source=%s dyno=heroku.%d.%s %s", d.Name(), number.Sum32(), d.ID, what)}
}

func memory(d kigo.Dyno, u kigo.RunStats) string {
	quota := 0.0
	if size, err := kigo.FindSize(d.Size); err == nil {
		quota = megabytes(size.Memory)
	}
	return fmt.Sprintf("sample#memory_total=%.2fMB sample#memory_rss=%.2fMB sample#memory_cache=%.2fMB sample#memory_swap=%.2fMB "+
		"sample#memory_pgpgin=%dpages sample#memory_pgpgout=%dpages sample#memory_quota=%.2fMB",
		megabytes(u.MemoryRSS+u.MemoryCache+u.MemorySwap), megabytes(u.MemoryRSS), megabytes(u.MemoryCache), megabytes(u.MemorySwap),
		u.PagesIn, u.PagesOut, quota)
}

func megabytes(bytes int64) float64 { return float64(bytes) / (1 << 20) }
