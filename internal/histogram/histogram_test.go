package histogram

import (
	"encoding/json"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"
)

func TestBucketsFollowEachOtherWithoutGaps(t *testing.T) {
	for b := range size - 1 {
		from, to := bounds(b)
		if bucket(from) != b || bucket(to-time.Microsecond) != b || bucket(to) != b+1 {
			t.Fatalf("bucket %d is %v to %v, but they are counted in %d, %d, %d", b, from, to, bucket(from), bucket(to-1000), bucket(to))
		}
		if wide := to - from; from >= fine*time.Microsecond && wide*parts > from {
			t.Fatalf("bucket %d from %v is %v wide", b, from, wide)
		}
	}
	if bucket(-time.Second) != 0 || bucket(time.Hour) != size-1 {
		t.Errorf("a negative duration is in %d, an hour in %d of %d", bucket(-time.Second), bucket(time.Hour), size)
	}
}

func TestQuantilesAreNearTheTrueOnes(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var all []time.Duration
	var parts [7]Histogram
	for i := range 50_000 {
		d := time.Duration(random.ExpFloat64() * float64(80*time.Millisecond))
		all = append(all, d)
		parts[i%len(parts)].Add(d)
	}
	var whole Histogram
	for _, p := range parts {
		whole.Merge(p)
	}
	if whole.Count() != int64(len(all)) {
		t.Fatalf("merged histograms count %d of %d", whole.Count(), len(all))
	}
	slices.Sort(all)
	for _, q := range []float64{0.01, 0.5, 0.95, 0.99, 1} {
		is := all[min(int(q*float64(len(all))), len(all)-1)]
		if got := whole.Quantile(q); got < is*15/16 || got > is*17/16 {
			t.Errorf("quantile %v is %v, is told as %v", q, is, got)
		}
	}
	if got := (Histogram{}).Quantile(0.5); got != 0 {
		t.Errorf("half of nothing takes %v", got)
	}
}

func TestHistogramsSurviveJSON(t *testing.T) {
	var h, again Histogram
	for _, d := range []time.Duration{0, time.Millisecond, 3 * time.Second, time.Hour} {
		h.Add(d)
	}
	b, err := json.Marshal(h)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &again); err != nil || again.Count() != 4 || again.Quantile(1) != h.Quantile(1) || again.Quantile(0.3) != h.Quantile(0.3) {
		t.Errorf("%s came back as %+v, %v", b, again, err)
	}
	for _, bad := range []string{`{"from":-1,"counts":[1]}`, `{"from":199,"counts":[1,2,3]}`, `{"from":0,"counts":[-4]}`, `[]`} {
		if err := json.Unmarshal([]byte(bad), &again); err == nil {
			t.Errorf("%s was read", bad)
		}
	}
}

func TestALiveHistogramLosesAndDoublesNothing(t *testing.T) {
	var live Live
	var writers sync.WaitGroup
	const each, many = 20_000, 4
	for i := range many {
		writers.Go(func() {
			for n := range each {
				live.Add(time.Duration(n*i) * time.Microsecond)
			}
		})
	}
	ended := make(chan struct{})
	go func() { writers.Wait(); close(ended) }()
	var whole Histogram
	for done := false; !done; {
		select {
		case <-ended:
			done = true
		default:
		}
		whole.Merge(live.Take())
	}
	if whole.Count() != each*many {
		t.Errorf("%d of %d were taken", whole.Count(), each*many)
	}
}

func BenchmarkAdd(b *testing.B) {
	var live Live
	b.ReportAllocs()
	for i := range b.N {
		live.Add(time.Duration(i) * time.Microsecond)
	}
}
