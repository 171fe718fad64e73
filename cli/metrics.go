package cli

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/kigo-dev/kigo/client"
)

// metricsShow prints what an app did and used.
func metricsShow(c *call) error {
	hours, err := c.hours()
	if err != nil {
		return err
	}
	m, err := c.api.MetricsSummary(c, c.app, time.Now().Add(-time.Duration(hours*float64(time.Hour))))
	if err != nil {
		return err
	}
	if c.is("json") {
		return c.json(m)
	}
	c.header("%s in the last %s", c.app, hoursText(hours))
	share := 0.0
	if m.Requests > 0 {
		share = float64(m.Status["5xx"]) / float64(m.Requests) * 100
	}
	c.println("Requests:  %d (%.1f a minute), %d failed (%.2f %%)", m.Requests, float64(m.Requests)/hours/60, m.Status["5xx"], share)
	c.println("Status:    %s", tally(m.Status))
	c.println("Errors:    %s", tally(m.Errors))
	c.println("Service:   %s", percentiles(m.Service))
	c.println("Connect:   %s", percentiles(m.Connect))
	c.println("Traffic:   %s in, %s out", megabytes(m.BytesIn), megabytes(m.BytesOut))
	if len(m.Processes) == 0 {
		return nil
	}
	c.println("")
	rows := [][]string{{"PROCESS", "DYNOS", "MEMORY", "MOST", "QUOTA", "SWAP", "LOAD", "RESTARTS", "ERRORS"}}
	for _, name := range slices.Sorted(maps.Keys(m.Processes)) {
		p := m.Processes[name]
		rows = append(rows, []string{name, strconv.FormatInt(p.Dynos, 10), megabytes(p.Memory), megabytes(p.MemoryMax), megabytes(p.Quota), megabytes(p.Swap),
			fmt.Sprintf("%.2f", p.Load), strconv.FormatInt(p.Restarts, 10), tally(p.Errors)})
	}
	c.columns(rows)
	return nil
}

// hours reads how far to look back.
func (c *call) hours() (float64, error) {
	hours, err := strconv.ParseFloat(c.str("hours"), 64)
	if err != nil || hours <= 0 || hours > 7*24 {
		return 0, usage(2, "--hours %s: metrics are kept for 168 hours; say a number up to that", c.str("hours"))
	}
	return hours, nil
}

func hoursText(hours float64) string {
	if hours == 1 {
		return "hour"
	}
	return strconv.FormatFloat(hours, 'f', -1, 64) + " hours"
}

// tally lists what is not 0, by name.
func tally(counts map[string]int64) string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		if counts[name] > 0 {
			all = append(all, fmt.Sprintf("%s %d", name, counts[name]))
		}
	}
	if len(all) == 0 {
		return "none"
	}
	return strings.Join(all, ", ")
}

// percentiles shows response times; none, where no dyno was asked.
func percentiles(p client.Percentiles) string {
	if p == (client.Percentiles{}) {
		return "none"
	}
	return fmt.Sprintf("p50 %s  p95 %s  p99 %s", millis(p.P50), millis(p.P95), millis(p.P99))
}

func millis(ms float64) string {
	if ms < 10 {
		return fmt.Sprintf("%.1f ms", ms)
	}
	return fmt.Sprintf("%.0f ms", ms)
}

func megabytes(bytes int64) string { return fmt.Sprintf("%.1f MB", float64(bytes)/(1<<20)) }

// columns prints rows below each other.
func (t *terminal) columns(rows [][]string) {
	widths := map[int]int{}
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], len(cell))
		}
	}
	for _, row := range rows {
		var b strings.Builder
		for i, cell := range row {
			fmt.Fprintf(&b, "%-*s  ", widths[i], cell)
		}
		t.println("%s", strings.TrimRight(b.String(), " "))
	}
}

// appErrors lists the errors of the router and of dynos, as the official command does.
func appErrors(c *call) error {
	hours, err := c.hours()
	if err != nil {
		return err
	}
	m, err := c.api.MetricsSummary(c, c.app, time.Now().Add(-time.Duration(hours*float64(time.Hour))))
	if err != nil {
		return err
	}
	router, dynos := c.is("router") || !c.is("dyno"), c.is("dyno") || !c.is("router")
	if c.is("json") {
		out := map[string]any{"router": map[string]int64{}, "dyno": map[string]any{}}
		if router && m.Errors != nil {
			out["router"] = m.Errors
		}
		if dynos {
			byType := map[string]any{}
			for name, p := range m.Processes {
				byType[name] = orNone(p.Errors)
			}
			out["dyno"] = byType
		}
		return c.json(out)
	}
	rows := [][]string{{"SOURCE", "NAME", "COUNT"}}
	list := func(source string, counts map[string]int64) {
		for _, code := range slices.Sorted(maps.Keys(counts)) {
			rows = append(rows, []string{source, code, strconv.FormatInt(counts[code], 10)})
		}
	}
	if router {
		list("router", m.Errors)
	}
	if dynos {
		for _, name := range slices.Sorted(maps.Keys(m.Processes)) {
			list(name, m.Processes[name].Errors)
		}
	}
	if len(rows) == 1 {
		c.println("No errors on %s in the last %s", c.app, hoursText(hours))
		return nil
	}
	c.header("Errors on %s in the last %s", c.app, hoursText(hours))
	c.columns(rows)
	return nil
}

func orNone(counts map[string]int64) map[string]int64 {
	if counts == nil {
		return map[string]int64{}
	}
	return counts
}
