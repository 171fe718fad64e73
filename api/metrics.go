package api

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/client"
	"github.com/kigo-dev/kigo/internal/histogram"
	"github.com/kigo-dev/kigo/metrics"
	"github.com/kigo-dev/kigo/store"
)

// What may be asked for at once.
const (
	maxMetricPoints = 2100 // a week of five minutes is 2016
	defaultRange    = 24 * time.Hour
)

var errNoHistory = newError(kigo.IDUnavailable, "This server keeps no metrics.")

// window is the stretch of time that a request asks about.
type window struct {
	from, to time.Time
	step     time.Duration
}

// window reads start_time, end_time and step.
func (c *call) window() (w window, err error) {
	q := c.r.URL.Query()
	w.to = c.s.Now().UTC()
	if err := readTime(q, "end_time", &w.to); err != nil {
		return w, err
	}
	w.from = w.to.Add(-defaultRange)
	if err := readTime(q, "start_time", &w.from); err != nil {
		return w, err
	}
	if w.step, err = readStep(q.Get("step")); err != nil {
		return w, err
	}
	switch length := w.to.Sub(w.from); {
	case length <= 0:
		return w, badMetrics("start_time %s is not before end_time %s", stamp(w.from), stamp(w.to))
	case length > metrics.CoarseKept+time.Hour:
		return w, badMetrics("metrics are kept for %d days, and %.0f are asked for", metrics.CoarseKept/(24*time.Hour), length.Hours()/24)
	case length/w.step > maxMetricPoints:
		return w, badMetrics("%d points of step %s are asked for, at most %d can be: choose a longer step", length/w.step, w.step, maxMetricPoints)
	}
	return w, nil
}

func badMetrics(format string, args ...any) error {
	return newError(kigo.IDBadRequest, "invalid query: "+fmt.Sprintf(format, args...)+".")
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

func readTime(q url.Values, name string, into *time.Time) error {
	text := q.Get(name)
	if text == "" {
		return nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return badMetrics("%s %.40q is no time such as 2026-11-22T12:00:00Z", name, text)
	}
	*into = t.UTC()
	return nil
}

// readStep reads "10m", "1h", "1d".
func readStep(text string) (time.Duration, error) {
	if text == "" {
		return time.Hour, nil
	}
	given := text
	if days, ok := strings.CutSuffix(text, "d"); ok && days == "1" {
		text = "24h"
	}
	step, err := time.ParseDuration(text)
	if err != nil || step < time.Minute || step > 24*time.Hour || step%time.Minute != 0 {
		return 0, badMetrics("step %.20q is none of whole minutes up to 1d, such as 1m, 10m or 1h", given)
	}
	return step, nil
}

// series reads the points that a request asks about.
func (c *call) series() (window, []*metrics.Point, error) {
	if c.s.History == nil {
		return window{}, nil, errNoHistory
	}
	w, err := c.window()
	if err != nil {
		return w, nil, err
	}
	points, err := c.s.History.Series(c.ctx(), c.app.ID, w.from, w.to, w.step)
	return w, points, err
}

// metricsReply is the form of Heroku's metrics: a list of values by name, one for
// each step.
func metricsReply(w window, data any) reply {
	return ok(client.Metrics{StartTime: stamp(w.from), EndTime: stamp(w.to), Step: w.step.String(), Data: data})
}

type seriesOf map[string][]*float64

func (s seriesOf) add(name string, points []*metrics.Point, value func(*metrics.Point) (float64, bool)) {
	list := make([]*float64, len(points))
	for i, p := range points {
		if v, known := value(p); known {
			list[i] = &v
		}
	}
	s[name] = list
}

// counts makes lists of counters by name, of those that are not always 0.
func counts(points []*metrics.Point, of func(*metrics.Point) map[string]int64) map[string][]int64 {
	data := map[string][]int64{}
	for i, p := range points {
		for name, n := range of(p) {
			if data[name] == nil {
				data[name] = make([]int64, len(points))
			}
			data[name][i] += n
		}
	}
	return data
}

// routerMetrics answers GET /apps/{app}/router-metrics/{metric}.
func routerMetrics(c *call) (reply, error) {
	w, points, err := c.series()
	if err != nil {
		return reply{}, err
	}
	data := seriesOf{}
	number := func(of func(metrics.Requests) int64) func(*metrics.Point) (float64, bool) {
		return func(p *metrics.Point) (float64, bool) { return float64(of(p.Requests)), true }
	}
	switch metric := c.param("metric"); metric {
	case "errors":
		return metricsReply(w, counts(points, func(p *metrics.Point) map[string]int64 { return p.Requests.Codes })), nil
	case "status":
		for class, name := range metrics.Classes {
			data.add(name, points, number(func(r metrics.Requests) int64 { return r.Status[class] }))
		}
	case "latency", "connect":
		for _, q := range []struct {
			name  string
			share float64
		}{{"p50", 0.50}, {"p95", 0.95}, {"p99", 0.99}, {"max", 1}} {
			data.add(metric+".ms."+q.name, points, func(p *metrics.Point) (float64, bool) {
				h := p.Requests.Service
				if metric == "connect" {
					h = p.Requests.Connect
				}
				return milliseconds(h, q.share), h.Count() > 0
			})
		}
	case "bytes":
		data.add("bytes.in", points, number(func(r metrics.Requests) int64 { return r.In }))
		data.add("bytes.out", points, number(func(r metrics.Requests) int64 { return r.Out }))
	case "requests":
		data.add("requests", points, number(func(r metrics.Requests) int64 { return r.Count }))
	default:
		return reply{}, badMetrics("there is no metric %.40q of the router: ask for errors, status, latency, connect, bytes or requests", metric)
	}
	return metricsReply(w, data), nil
}

func milliseconds(h histogram.Histogram, q float64) float64 {
	return float64(h.Quantile(q).Microseconds()) / 1000
}

// formationMetrics answers GET /apps/{app}/formation/{formation}/metrics/{metric}.
func formationMetrics(c *call) (reply, error) {
	w, points, err := c.series()
	if err != nil {
		return reply{}, err
	}
	process := c.param("formation")
	known, err := c.processTypes(points)
	if err != nil {
		return reply{}, err
	}
	if !slices.Contains(known, process) {
		return reply{}, newError(kigo.IDBadRequest, fmt.Sprintf("invalid process_type provided (valid options are: %s)", strings.Join(known, ", ")))
	}
	data := seriesOf{}
	of := func(p *metrics.Point) *metrics.Process {
		if known := p.Processes[process]; known != nil {
			return known
		}
		return &metrics.Process{}
	}
	gauge := func(name string, of func(*metrics.Point) metrics.Gauge) {
		data.add(name+".mean", points, func(p *metrics.Point) (float64, bool) { g := of(p); return g.Mean(), g.N > 0 })
		data.add(name+".max", points, func(p *metrics.Point) (float64, bool) { g := of(p); return g.Max, g.N > 0 })
	}
	switch metric := c.param("metric"); metric {
	case "errors":
		return metricsReply(w, counts(points, func(p *metrics.Point) map[string]int64 { return of(p).Errors })), nil
	case "memory":
		gauge("memory.total", func(p *metrics.Point) metrics.Gauge { return of(p).Memory })
		gauge("memory.rss", func(p *metrics.Point) metrics.Gauge { return of(p).RSS })
		gauge("memory.swap", func(p *metrics.Point) metrics.Gauge { return of(p).Swap })
		data.add("memory.quota", points, func(p *metrics.Point) (float64, bool) { q := of(p).Quota; return float64(q), q > 0 })
	case "load":
		gauge("load", func(p *metrics.Point) metrics.Gauge { return of(p).Load })
	case "restarts":
		data.add("restarts", points, func(p *metrics.Point) (float64, bool) { return float64(of(p).Restarts), true })
	case "dynos":
		data.add("dynos", points, func(p *metrics.Point) (float64, bool) { return float64(of(p).Dynos), true })
	default:
		return reply{}, badMetrics("there is no metric %.40q of dynos: ask for errors, memory, load, restarts or dynos", metric)
	}
	return metricsReply(w, data), nil
}

// processTypes are those that the app has, and those that the points tell of.
func (c *call) processTypes(points []*metrics.Point) ([]string, error) {
	types := metrics.Types(points)
	err := c.view(func(tx *store.Tx) error {
		formation, err := tx.Formations(c.app.ID)
		for _, f := range formation {
			if !slices.Contains(types, f.Type) {
				types = append(types, f.Type)
			}
		}
		return err
	})
	slices.Sort(types)
	return types, err
}

// metricsSummary adds everything up, for kigo metrics.
func metricsSummary(c *call) (reply, error) {
	w, points, err := c.series()
	if err != nil {
		return reply{}, err
	}
	all := &metrics.Point{}
	for _, p := range points {
		all.Merge(p)
	}
	r := all.Requests
	out := client.MetricsSummary{
		StartTime: stamp(w.from), EndTime: stamp(w.to), Requests: r.Count, Status: map[string]int64{}, Errors: r.Codes, BytesIn: r.In, BytesOut: r.Out,
		Service: percentiles(r.Service), Connect: percentiles(r.Connect), Processes: map[string]client.ProcessMetrics{},
	}
	for i, n := range r.Status {
		out.Status[metrics.Classes[i]] = n
	}
	for name, p := range all.Processes {
		out.Processes[name] = client.ProcessMetrics{
			Dynos: p.Dynos, Memory: int64(p.Memory.Mean()), MemoryMax: int64(p.Memory.Max), Swap: int64(p.Swap.Mean()), Quota: p.Quota,
			Load: p.Load.Mean(), LoadMax: p.Load.Max, Restarts: p.Restarts, Errors: p.Errors,
		}
	}
	return ok(out), nil
}

func percentiles(h histogram.Histogram) client.Percentiles {
	return client.Percentiles{P50: milliseconds(h, 0.5), P95: milliseconds(h, 0.95), P99: milliseconds(h, 0.99), Max: milliseconds(h, 1)}
}
