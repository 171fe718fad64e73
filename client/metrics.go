package client

import (
	"context"
	"net/url"
	"time"
)

// Metrics are values by name, one for each step of time; nil where nothing was
// measured.
type Metrics struct {
	StartTime string `json:"start_time"`
	EndTime   string `json:"end_time"`
	Step      string `json:"step"`
	Data      any    `json:"data"`
}

// MetricsSummary is what an app did in a stretch of time. Times are milliseconds.
type MetricsSummary struct {
	StartTime string                    `json:"start_time"`
	EndTime   string                    `json:"end_time"`
	Requests  int64                     `json:"requests"`
	Status    map[string]int64          `json:"status"` // by class, such as 5xx
	Errors    map[string]int64          `json:"errors"` // by H code
	BytesIn   int64                     `json:"bytes_in"`
	BytesOut  int64                     `json:"bytes_out"`
	Service   Percentiles               `json:"service"`
	Connect   Percentiles               `json:"connect"`
	Processes map[string]ProcessMetrics `json:"processes"`
}

// Percentiles of a time, in milliseconds.
type Percentiles struct {
	P50 float64 `json:"p50"`
	P95 float64 `json:"p95"`
	P99 float64 `json:"p99"`
	Max float64 `json:"max"`
}

// ProcessMetrics is what the dynos of a process type used: bytes of one dyno on
// average, the most that one used, and the quota of each.
type ProcessMetrics struct {
	Dynos     int64            `json:"dynos"`
	Memory    int64            `json:"memory"`
	MemoryMax int64            `json:"memory_max"`
	Swap      int64            `json:"swap"`
	Quota     int64            `json:"quota"`
	Load      float64          `json:"load"`
	LoadMax   float64          `json:"load_max"`
	Restarts  int64            `json:"restarts"`
	Errors    map[string]int64 `json:"errors"` // by R code
}

// MetricsSummary tells what an app did since a time.
func (c *Client) MetricsSummary(ctx context.Context, app string, since time.Time) (MetricsSummary, error) {
	q := url.Values{"start_time": {since.UTC().Format(time.RFC3339)}}
	if time.Since(since) <= 24*time.Hour {
		q.Set("step", "1m")
	}
	return get[MetricsSummary](ctx, c, path("apps", app, "metrics")+"?"+q.Encode())
}
