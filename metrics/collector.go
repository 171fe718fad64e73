package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/kigo-dev/kigo/internal/histogram"
)

// Name is one metric that is offered for scraping.
type Name struct {
	Name, Type, Help string
	Labels           []string
}

// Names are all metrics of apps, in the order of docs/metrics.md. Each has the
// label app besides its own.
var Names = []Name{
	{"kigo_app_requests_total", "counter", "Requests that ended, by class of their status; upgraded is for WebSockets and the like.", []string{"status"}},
	{"kigo_app_router_errors_total", "counter", "Requests that the router answered or ended with an H code.", []string{"code"}},
	{"kigo_app_request_bytes_total", "counter", "Bytes of requests' bodies.", nil},
	{"kigo_app_response_bytes_total", "counter", "Bytes of responses' bodies.", nil},
	{"kigo_app_service_seconds", "histogram", "Time from the connection to a dyno to the end of its response.", nil},
	{"kigo_app_connect_seconds", "histogram", "Time until a dyno accepted the connection.", nil},
	{"kigo_app_dynos", "gauge", "Dynos that were measured at the last sample, by process type.", []string{"process"}},
	{"kigo_app_memory_bytes", "gauge", "Memory of the dynos of a process type together: RSS, cache and swap.", []string{"process"}},
	{"kigo_app_memory_rss_bytes", "gauge", "The part of it that is RSS.", []string{"process"}},
	{"kigo_app_memory_swap_bytes", "gauge", "The part of it that is swap.", []string{"process"}},
	{"kigo_app_memory_quota_bytes", "gauge", "Memory that one dyno of the process type may use.", []string{"process"}},
	{"kigo_app_load_average", "gauge", "Load average of one minute, of the dynos of a process type together.", []string{"process"}},
	{"kigo_app_restarts_total", "counter", "Dynos that were started again.", []string{"process"}},
	{"kigo_app_dyno_errors_total", "counter", "R codes of dynos.", []string{"process", "code"}},
}

var descriptions = func() map[string]*prometheus.Desc {
	all := map[string]*prometheus.Desc{}
	for _, n := range Names {
		all[n.Name] = prometheus.NewDesc(n.Name, n.Help, append([]string{"app"}, n.Labels...), nil)
	}
	return all
}()

// App is an app whose metrics are offered, by the name that is shown.
type App struct {
	Name   string
	Totals *Point // counts since this process began
	Latest *Point // what its dynos use; nil: none runs
}

// Collector offers apps' metrics to a Prometheus registry.
type Collector struct {
	Apps func() []App
}

// Describe implements prometheus.Collector.
func (c Collector) Describe(out chan<- *prometheus.Desc) {
	for _, n := range Names {
		out <- descriptions[n.Name]
	}
}

// Collect implements prometheus.Collector.
func (c Collector) Collect(out chan<- prometheus.Metric) {
	for _, app := range c.Apps() {
		app.collect(func(kind prometheus.ValueType, name string, v float64, labels ...string) {
			out <- prometheus.MustNewConstMetric(descriptions[name], kind, v, append([]string{app.Name}, labels...)...)
		})
		for name, h := range map[string]histogram.Histogram{"kigo_app_service_seconds": app.Totals.Requests.Service, "kigo_app_connect_seconds": app.Totals.Requests.Connect} {
			count, sum, buckets := Cumulative(h)
			out <- prometheus.MustNewConstHistogram(descriptions[name], count, sum, buckets, app.Name)
		}
	}
}

// Classes name the places of Requests.Status.
var Classes = [6]string{"upgraded", "1xx", "2xx", "3xx", "4xx", "5xx"}

func (a App) collect(emit func(kind prometheus.ValueType, name string, v float64, labels ...string)) {
	r := a.Totals.Requests
	for i, n := range r.Status {
		emit(prometheus.CounterValue, "kigo_app_requests_total", float64(n), Classes[i])
	}
	for code, n := range r.Codes {
		emit(prometheus.CounterValue, "kigo_app_router_errors_total", float64(n), code)
	}
	emit(prometheus.CounterValue, "kigo_app_request_bytes_total", float64(r.In))
	emit(prometheus.CounterValue, "kigo_app_response_bytes_total", float64(r.Out))
	for name, p := range a.Totals.Processes {
		emit(prometheus.CounterValue, "kigo_app_restarts_total", float64(p.Restarts), name)
		for code, n := range p.Errors {
			emit(prometheus.CounterValue, "kigo_app_dyno_errors_total", float64(n), name, code)
		}
	}
	if a.Latest == nil {
		return
	}
	for name, p := range a.Latest.Processes {
		emit(prometheus.GaugeValue, "kigo_app_dynos", float64(p.Dynos), name)
		emit(prometheus.GaugeValue, "kigo_app_memory_bytes", p.Memory.Sum, name)
		emit(prometheus.GaugeValue, "kigo_app_memory_rss_bytes", p.RSS.Sum, name)
		emit(prometheus.GaugeValue, "kigo_app_memory_swap_bytes", p.Swap.Sum, name)
		emit(prometheus.GaugeValue, "kigo_app_memory_quota_bytes", float64(p.Quota), name)
		emit(prometheus.GaugeValue, "kigo_app_load_average", p.Load.Sum, name)
	}
}

// Bounds are the upper bounds of exported histograms' buckets, in seconds: those
// that OpenTelemetry recommends for HTTP.
var Bounds = []float64{0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 30}

// Cumulative is a histogram as Prometheus has them: how many were not longer than
// each of Bounds. The sum is as near as the finer buckets tell.
func Cumulative(h histogram.Histogram) (count uint64, sum float64, buckets map[float64]uint64) {
	buckets = make(map[float64]uint64, len(Bounds))
	for _, b := range Bounds {
		buckets[b] = 0
	}
	h.Each(func(from, to time.Duration, n int64) {
		middle := (from + to).Seconds() / 2
		count += uint64(n)
		sum += middle * float64(n)
		for _, b := range Bounds {
			if middle <= b {
				buckets[b] += uint64(n)
			}
		}
	})
	return count, sum, buckets
}
