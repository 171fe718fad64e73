package metrics

import (
	"fmt"
	"math"
	"time"
)

// load is a dyno's load average: how many of its threads ran at once, decaying
// over one, five and fifteen minutes as the kernel's does. It counts processor
// time used; threads that waited for a processor are not in it.
type load struct {
	used     time.Duration
	at       time.Time
	averages [3]float64
	rated    bool
}

var windows = [3]time.Duration{time.Minute, 5 * time.Minute, 15 * time.Minute}

// add takes the processor time used so far; false when there is nothing to
// compare it with yet, as after a restart of the dyno.
func (l *load) add(used time.Duration, at time.Time) bool {
	before, since := l.used, at.Sub(l.at)
	first := l.at.IsZero() || used < before || since <= 0
	l.used, l.at = used, at
	if first {
		return l.rated
	}
	rate := float64(used-before) / float64(since)
	for i, window := range windows {
		keep := math.Exp(-float64(since) / float64(window))
		l.averages[i] = l.averages[i]*keep + rate*(1-keep)
	}
	l.rated = true
	return true
}

func (l *load) String() string {
	return fmt.Sprintf("sample#load_avg_1m=%.2f sample#load_avg_5m=%.2f sample#load_avg_15m=%.2f", l.averages[0], l.averages[1], l.averages[2])
}
