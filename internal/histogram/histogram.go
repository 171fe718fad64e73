// Package histogram counts durations so that counts of many processes and many
// minutes can be added up, and percentiles of all of them be told, without any
// of the durations being kept.
//
// Buckets are fixed: 16 of one microsecond, and from then on eight for each
// doubling, up to 134 seconds. So two histograms are merged by adding bucket to
// bucket, which loses nothing, and a quantile is told to within a sixteenth.
package histogram

import (
	"encoding/json"
	"fmt"
	"math"
	"math/bits"
	"sync/atomic"
	"time"
)

const (
	fine    = 16 // buckets of one microsecond
	parts   = 8  // buckets of each doubling
	highest = 26 // the last doubling is from 2^26 microseconds on
	size    = fine + (highest-3)*parts
)

// Histogram is how many durations fell into each bucket. The zero value is
// empty. As JSON it is {"from":n,"counts":[…]}, of the buckets that are in use.
type Histogram struct {
	from   int // the bucket of counts[0]
	counts []int64
}

// bucket is where a duration is counted; what is negative counts as 0, what is
// longer than the last bucket's begin in the last.
func bucket(d time.Duration) int {
	us := d.Microseconds()
	if us < fine {
		return int(max(us, 0))
	}
	power := bits.Len64(uint64(us)) - 1
	if power > highest {
		return size - 1
	}
	return fine + (power-4)*parts + int(us>>(power-3))&(parts-1)
}

// bounds are the first duration of a bucket and the first of the next one.
func bounds(b int) (from, to time.Duration) {
	edge := func(b int) time.Duration {
		if b < fine {
			return time.Duration(b) * time.Microsecond
		}
		power, part := (b-fine)/parts+4, (b-fine)%parts
		return time.Duration((parts+part)<<(power-3)) * time.Microsecond
	}
	return edge(b), edge(b + 1)
}

// Add counts one duration.
func (h *Histogram) Add(d time.Duration) { h.add(bucket(d), 1) }

func (h *Histogram) add(b int, n int64) {
	switch {
	case len(h.counts) == 0:
		h.from, h.counts = b, append(h.counts, n)
		return
	case b < h.from:
		h.counts = append(make([]int64, h.from-b, h.from-b+len(h.counts)), h.counts...)
		h.from = b
	case b-h.from >= len(h.counts):
		h.counts = append(h.counts, make([]int64, b-h.from-len(h.counts)+1)...)
	}
	h.counts[b-h.from] += n
}

// Merge adds all that other counted.
func (h *Histogram) Merge(other Histogram) {
	for i, n := range other.counts {
		if n > 0 {
			h.add(other.from+i, n)
		}
	}
}

// Count is the number of durations.
func (h Histogram) Count() (n int64) {
	for _, c := range h.counts {
		n += c
	}
	return n
}

// Quantile is the duration that the share q (0 to 1) of all are not longer than,
// as near as the buckets tell; 0 of an empty histogram.
func (h Histogram) Quantile(q float64) time.Duration {
	rank := max(1, int64(math.Ceil(min(max(q, 0), 1)*float64(h.Count()))))
	for i, n := range h.counts {
		if rank -= n; rank <= 0 {
			from, to := bounds(h.from + i)
			return from + time.Duration(float64(to-from)*(float64(n+rank)-0.5)/float64(n))
		}
	}
	return 0
}

// Each calls f with the bounds and the count of each bucket in use, in order.
func (h Histogram) Each(f func(from, to time.Duration, n int64)) {
	for i, n := range h.counts {
		if n > 0 {
			from, to := bounds(h.from + i)
			f(from, to, n)
		}
	}
}

type text struct {
	From   int     `json:"from"`
	Counts []int64 `json:"counts"`
}

// MarshalJSON writes the buckets in use.
func (h Histogram) MarshalJSON() ([]byte, error) {
	return json.Marshal(text{h.from, append([]int64{}, h.counts...)})
}

// UnmarshalJSON reads what MarshalJSON wrote, and refuses what it cannot have written.
func (h *Histogram) UnmarshalJSON(b []byte) error {
	var t text
	if err := json.Unmarshal(b, &t); err != nil {
		return err
	}
	if t.From < 0 || t.From+len(t.Counts) > size {
		return fmt.Errorf("read histogram: buckets %d to %d, there are %d", t.From, t.From+len(t.Counts), size)
	}
	for i, n := range t.Counts {
		if n < 0 {
			return fmt.Errorf("read histogram: bucket %d holds %d", t.From+i, n)
		}
	}
	*h = Histogram{t.From, t.Counts}
	return nil
}

// Live is a histogram that many goroutines add to, without a lock and without
// allocation.
type Live struct{ counts [size]atomic.Uint32 }

// Add counts one duration.
func (l *Live) Add(d time.Duration) { l.counts[bucket(d)].Add(1) }

// Take returns what was counted since the last Take. What is added meanwhile is
// in this one or in the next, never in both or none.
func (l *Live) Take() (h Histogram) {
	for b := range l.counts {
		if l.counts[b].Load() != 0 {
			h.add(b, int64(l.counts[b].Swap(0)))
		}
	}
	return h
}
