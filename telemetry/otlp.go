package telemetry

import (
	"maps"
	"slices"
	"time"

	common "go.opentelemetry.io/proto/otlp/common/v1"
	otlp "go.opentelemetry.io/proto/otlp/metrics/v1"
	resource "go.opentelemetry.io/proto/otlp/resource/v1"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/internal/histogram"
	"github.com/kigo-dev/kigo/metrics"
)

// Resource says whose signals these are.
func Resource(app kigo.App) *resource.Resource {
	return &resource.Resource{Attributes: []*common.KeyValue{text("service.name", app.Name), text("kigo.app.id", string(app.ID)), text("kigo.app.name", app.Name)}}
}

func text(key, value string) *common.KeyValue {
	return &common.KeyValue{Key: key, Value: &common.AnyValue{Value: &common.AnyValue_StringValue{StringValue: value}}}
}

// encode makes one message of points: counts of each minute, not sums since some
// beginning, so that a restart or a gap needs no explanation.
func encode(app kigo.App, points []*metrics.Point) *otlp.MetricsData {
	b := builder{byName: map[string]*otlp.Metric{}}
	for _, p := range points {
		b.add(p)
	}
	return &otlp.MetricsData{ResourceMetrics: []*otlp.ResourceMetrics{{
		Resource:     Resource(app),
		ScopeMetrics: []*otlp.ScopeMetrics{{Scope: &common.InstrumentationScope{Name: "kigo"}, Metrics: b.all}},
	}}}
}

type builder struct {
	byName map[string]*otlp.Metric
	all    []*otlp.Metric
}

func (b *builder) metric(name, unit string, fresh func() *otlp.Metric) *otlp.Metric {
	m := b.byName[name]
	if m == nil {
		m = fresh()
		m.Name, m.Unit = name, unit
		b.byName[name] = m
		b.all = append(b.all, m)
	}
	return m
}

func (b *builder) count(p *metrics.Point, name, unit string, n int64, attributes ...*common.KeyValue) {
	m := b.metric(name, unit, func() *otlp.Metric {
		return &otlp.Metric{Data: &otlp.Metric_Sum{Sum: &otlp.Sum{AggregationTemporality: otlp.AggregationTemporality_AGGREGATION_TEMPORALITY_DELTA, IsMonotonic: true}}}
	})
	sum := m.GetSum()
	sum.DataPoints = append(sum.DataPoints, &otlp.NumberDataPoint{
		Attributes: attributes, StartTimeUnixNano: nano(p.At), TimeUnixNano: nano(p.At.Add(metrics.Fine)), Value: &otlp.NumberDataPoint_AsInt{AsInt: n},
	})
}

func (b *builder) gauge(p *metrics.Point, name, unit string, v float64, attributes ...*common.KeyValue) {
	m := b.metric(name, unit, func() *otlp.Metric { return &otlp.Metric{Data: &otlp.Metric_Gauge{Gauge: &otlp.Gauge{}}} })
	m.GetGauge().DataPoints = append(m.GetGauge().DataPoints, &otlp.NumberDataPoint{
		Attributes: attributes, TimeUnixNano: nano(p.At.Add(metrics.Fine)), Value: &otlp.NumberDataPoint_AsDouble{AsDouble: v},
	})
}

func (b *builder) histogram(p *metrics.Point, name string, h histogram.Histogram) {
	if h.Count() == 0 {
		return
	}
	m := b.metric(name, "s", func() *otlp.Metric {
		return &otlp.Metric{Data: &otlp.Metric_Histogram{Histogram: &otlp.Histogram{AggregationTemporality: otlp.AggregationTemporality_AGGREGATION_TEMPORALITY_DELTA}}}
	})
	count, sum, cumulative := metrics.Cumulative(h)
	buckets, before := make([]uint64, 0, len(metrics.Bounds)+1), uint64(0)
	for _, bound := range metrics.Bounds {
		buckets = append(buckets, cumulative[bound]-before)
		before = cumulative[bound]
	}
	data := m.GetHistogram()
	data.DataPoints = append(data.DataPoints, &otlp.HistogramDataPoint{
		StartTimeUnixNano: nano(p.At), TimeUnixNano: nano(p.At.Add(metrics.Fine)), Count: count, Sum: &sum,
		BucketCounts: append(buckets, count-before), ExplicitBounds: metrics.Bounds,
	})
}

// add writes a point under OpenTelemetry's names where it has some.
func (b *builder) add(p *metrics.Point) {
	r := p.Requests
	for class, n := range r.Status {
		if n > 0 {
			b.count(p, "kigo.requests", "{request}", n, text("status", metrics.Classes[class]))
		}
	}
	for _, code := range slices.Sorted(maps.Keys(r.Codes)) {
		b.count(p, "kigo.router.errors", "{error}", r.Codes[code], text("code", code))
	}
	if r.Count > 0 {
		b.count(p, "kigo.request.bytes", "By", r.In)
		b.count(p, "kigo.response.bytes", "By", r.Out)
	}
	b.histogram(p, "http.server.request.duration", r.Service)
	b.histogram(p, "kigo.connect.duration", r.Connect)
	for _, name := range slices.Sorted(maps.Keys(p.Processes)) {
		process, of := p.Processes[name], text("process", name)
		if process.Restarts > 0 {
			b.count(p, "kigo.restarts", "{restart}", process.Restarts, of)
		}
		for _, code := range slices.Sorted(maps.Keys(process.Errors)) {
			b.count(p, "kigo.dyno.errors", "{error}", process.Errors[code], of, text("code", code))
		}
		if process.Memory.N == 0 {
			continue
		}
		b.gauge(p, "kigo.dynos", "{dyno}", float64(process.Dynos), of)
		b.gauge(p, "kigo.memory.mean", "By", process.Memory.Mean(), of)
		b.gauge(p, "kigo.memory.max", "By", process.Memory.Max, of)
		b.gauge(p, "kigo.memory.swap", "By", process.Swap.Mean(), of)
		b.gauge(p, "kigo.memory.quota", "By", float64(process.Quota), of)
		b.gauge(p, "kigo.load", "1", process.Load.Mean(), of)
	}
}

func nano(t time.Time) uint64 { return uint64(t.UnixNano()) }
