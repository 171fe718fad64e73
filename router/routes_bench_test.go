package router

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/kigo-dev/kigo"
)

const (
	manyHosts = 3_000_000
	perApp    = 10
)

func manyApps() *Snapshot {
	s := &Snapshot{Revision: 1}
	for i := range manyHosts / perApp {
		id := fmt.Sprintf("01234567-89ab-cdef-0123-%012d", i)
		a := App{ID: kigo.AppID(id), Name: fmt.Sprintf("app-%d", i), Released: true, WebQuantity: 1,
			Dynos: []Dyno{{ID: kigo.DynoID(id), Name: "web.1", Addr: "10.0.0.1:80", State: kigo.DynoUp}}}
		for h := range perApp {
			a.Hosts = append(a.Hosts, manyHost(i*perApp+h))
		}
		s.Apps = append(s.Apps, a)
	}
	return s
}

// manyHost is 49 bytes long, as names in the wild are on average.
func manyHost(n int) string { return fmt.Sprintf("www-%07d.some-customers-own-domain.example.test", n) }

func heapNow() float64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}

// BenchmarkRoutes3M makes figures of a table of 3 million hosts in one round.
func BenchmarkRoutes3M(b *testing.B) {
	path := filepath.Join(b.TempDir(), "routes")
	for b.Loop() {
		s := manyApps()
		if err := newKeeper(path, nil).replace(s); err != nil {
			b.Fatal(err)
		}
		bare := &Snapshot{Revision: 1, Apps: slices.Clone(s.Apps)}
		for i := range bare.Apps {
			bare.Apps[i].Hosts = nil
		}
		empty := heapNow()
		apps := newTable()
		apps.applySnapshot(bare)
		withApps := heapNow()
		table := newTable()
		began := time.Now()
		table.applySnapshot(s)
		build := time.Since(began)
		withBoth := heapNow()
		runtime.KeepAlive(apps)
		b.ReportMetric((withBoth-withApps-(withApps-empty))/manyHosts, "B/host")
		b.ReportMetric((withApps-empty)/(manyHosts/perApp), "B/app")
		b.ReportMetric(build.Seconds(), "build-s")
		began = time.Now()
		table.applySnapshot(s)
		b.ReportMetric(float64(time.Since(began).Milliseconds()), "same-ms")
		measureTable(b, table, s)
	}
	began := time.Now()
	r, err := New(Config{SnapshotPath: path})
	if err != nil || r.table.count() != manyHosts/perApp {
		b.Fatal(err)
	}
	b.ReportMetric(time.Since(began).Seconds(), "start-s")
	b.ReportMetric(0, "ns/op")
	socketChange(b)
}

func measureTable(b *testing.B, table *table, s *Snapshot) {
	hosts := make([][]byte, 1<<20)
	zipf := make([][]byte, 1<<20)
	curve := rand.NewZipf(rand.New(rand.NewPCG(1, 2)), 1.1, 1, manyHosts-1)
	for i := range hosts {
		hosts[i] = []byte(manyHost(rand.IntN(manyHosts)))
		zipf[i] = []byte(manyHost(int(curve.Uint64()) * 7919 % manyHosts))
	}
	find := func(list [][]byte) float64 {
		scratch := make([]byte, 0, 264)
		began := time.Now()
		for _, h := range list {
			if table.find(h, scratch[:0]) == nil {
				b.Fatalf("%s not found", h)
			}
		}
		return float64(time.Since(began).Nanoseconds()) / float64(len(list))
	}
	b.ReportMetric(find(hosts), "lookup-ns")
	b.ReportMetric(find(zipf), "zipf-ns")
	const changes = 100_000
	worst := time.Duration(0)
	began := time.Now()
	for n := range int64(changes) {
		a := s.Apps[rand.IntN(len(s.Apps))]
		a.Hosts = slices.Clone(a.Hosts)
		a.Hosts[rand.IntN(perApp)] = fmt.Sprintf("new-%07d.some-customers-own-domain.example.test", n)
		one := time.Now()
		if _, ok := table.applyChange(&Change{Base: 1, Revision: 1, Apps: []App{a}}); !ok {
			b.Fatal("refused")
		}
		worst = max(worst, time.Since(one))
	}
	b.ReportMetric(float64(time.Since(began).Microseconds())/changes, "update-us")
	b.ReportMetric(float64(worst.Microseconds())/1000, "update-worst-ms")
}

// socketChange is how long one app's change takes from the feed to being served,
// among all of them.
func socketChange(b *testing.B) {
	socket := filepath.Join(b.TempDir(), "s")
	s := manyApps()
	feed := &Feed{Path: socket}
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	feed.Send(s)
	startRouter(b, Config{Limits: quick, Socket: socket})
	go func() { _ = feed.Run(ctx) }()
	began := time.Now()
	if err := feed.Wait(ctx, 1); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(time.Since(began).Seconds(), "feed-whole-s")
	var times []time.Duration
	for n := range int64(50) {
		a := s.Apps[n]
		a.Maintenance = true
		one := time.Now()
		feed.Update(n+2, []App{a}, nil)
		if err := feed.Wait(ctx, n+2); err != nil {
			b.Fatal(err)
		}
		times = append(times, time.Since(one))
	}
	slices.Sort(times)
	b.ReportMetric(float64(times[len(times)/2].Microseconds())/1000, "feed-change-ms")
	b.ReportMetric(float64(times[len(times)-1].Microseconds())/1000, "feed-change-worst-ms")
}
