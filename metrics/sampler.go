// Package metrics measures what dynos use and tells it to their owners, in
// Heroku's names and units.
//
// It owns no state on disk. It promises one sample per dyno every SampleEvery for
// apps that have the feature log-runtime-metrics on, and nothing for the others.
// Start reading at Sampler; load.go makes load averages out of processor time.
package metrics

import (
	"context"
	"fmt"
	"hash/fnv"
	"log/slog"
	"time"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/store"
)

// Feature is the switch of an app that asks for samples in its log.
const Feature = "log-runtime-metrics"

// SampleEvery is the time between two samples of a dyno.
const SampleEvery = 20 * time.Second

// Sampler writes the samples. Set the fields before Run.
type Sampler struct {
	Store *store.Store
	Logs  interface {
		Write(app kigo.AppID, lines ...kigo.LogLine)
	}
	Stats func(context.Context, kigo.Dyno) (kigo.RunStats, error) // what a dyno uses now
	Log   *slog.Logger
	Every time.Duration // default SampleEvery

	loads map[kigo.DynoID]*load
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
		if err := s.sample(ctx, time.Now()); err != nil && ctx.Err() == nil {
			s.Log.Error("sample dynos", "err", err)
		}
	}
}

// sample measures every dyno that runs and whose app wants it.
func (s *Sampler) sample(ctx context.Context, now time.Time) error {
	dynos, err := s.wanted(ctx)
	if err != nil {
		return err
	}
	former := s.loads
	s.loads = make(map[kigo.DynoID]*load, len(dynos))
	for _, d := range dynos {
		u, err := s.Stats(ctx, d)
		if err != nil {
			continue // it has ended since
		}
		l := former[d.ID]
		if l == nil {
			l = &load{}
		}
		s.loads[d.ID] = l
		var lines []kigo.LogLine
		if l.add(u.CPU, now) {
			lines = append(lines, line(d, now, l.String()))
		}
		s.Logs.Write(d.App, append(lines, line(d, now, memory(d, u)))...)
	}
	return nil
}

func (s *Sampler) wanted(ctx context.Context) (dynos []kigo.Dyno, err error) {
	err = s.Store.View(ctx, func(tx *store.Tx) error {
		all, err := tx.AllDynos()
		if err != nil {
			return err
		}
		on := map[kigo.AppID]bool{}
		for _, d := range all {
			if _, asked := on[d.App]; !asked {
				if on[d.App], err = tx.FeatureEnabled(d.App, Feature); err != nil {
					return err
				}
			}
			if on[d.App] && d.Inside == "" && (d.State == kigo.DynoUp || d.State == kigo.DynoStarting) {
				dynos = append(dynos, d)
			}
		}
		return nil
	})
	return dynos, err
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
