package router

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// ledger keeps Usages as control does: by name, once.
type ledger struct {
	mu       sync.Mutex
	last     map[string]int64
	apps     map[string]AppUsage
	calls    int
	repeated int
	refuse   func(call int) bool
	after    bool // what is refused has been stored all the same
}

func newLedger() *ledger { return &ledger{last: map[string]int64{}, apps: map[string]AppUsage{}} }

func (l *ledger) keep(u Usage) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.calls++
	refused := l.refuse != nil && l.refuse(l.calls)
	if refused && !l.after {
		return errors.New("the store is busy")
	}
	if u.Seq <= l.last[u.Router] {
		l.repeated++
	} else {
		l.last[u.Router] = u.Seq
		for _, a := range u.Apps {
			sum := l.apps[string(a.App)]
			sum.Merge(a)
			l.apps[string(a.App)] = sum
		}
	}
	if refused {
		return errors.New("the answer got lost")
	}
	return nil
}

func (l *ledger) of(app string) AppUsage {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.apps[app]
}

// follow meters the router behind a socket until the test ends.
func (l *ledger) follow(t *testing.T, socket string) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = Meter(ctx, socket, l.keep) }()
	stop = sync.OnceFunc(func() { cancel(); <-done })
	t.Cleanup(stop)
	return stop
}

func usageLimits() Limits {
	limits := calm
	limits.Usage = 20 * time.Millisecond
	return limits
}

func TestEveryRequestIsCountedWithItsStatusCodeAndBytes(t *testing.T) {
	t.Parallel()
	dyno := goDyno(t, func(w http.ResponseWriter, q *http.Request) {
		n, _ := io.Copy(io.Discard, q.Body)
		if q.URL.Path == "/missing" {
			w.WriteHeader(http.StatusNotFound)
		}
		fmt.Fprintf(w, "%d bytes", n)
	})
	socket := filepath.Join(t.TempDir(), "router.sock")
	r := startRouter(t, Config{Limits: usageLimits(), Socket: socket})
	dead := demo("127.0.0.1:1")
	dead.ID, dead.Name, dead.Hosts = "a2", "dead", []string{"dead.test"}
	r.apply(t, demo(dyno), dead)
	l := newLedger()
	l.follow(t, socket)
	for range 3 {
		r.raw(t, "GET / HTTP/1.1\r\nHost: demo.test\r\nConnection: close\r\n\r\n")
	}
	r.raw(t, "GET /missing HTTP/1.1\r\nHost: demo.test\r\nConnection: close\r\n\r\n")
	r.raw(t, "POST / HTTP/1.1\r\nHost: demo.test\r\nConnection: close\r\nContent-Length: 70000\r\n\r\n"+strings.Repeat("x", 70000))
	r.raw(t, "POST / HTTP/1.1\r\nHost: demo.test\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n")
	r.raw(t, "GET / HTTP/1.1\r\nHost: demo.test\r\nExpect: magic\r\n\r\n")
	r.raw(t, "GET / HTTP/1.1\r\nHost: dead.test\r\nConnection: close\r\n\r\n")
	r.raw(t, "GET / HTTP/1.1\r\nHost: nobody.test\r\nConnection: close\r\n\r\n")
	eventually(t, "all eight requests to be counted", func() bool { return l.of("a1").Requests == 7 && l.of("a2").Requests == 1 })
	a := l.of("a1")
	if a.Status != [6]int64{2: 5, 4: 2} || a.Codes["H26"] != 1 || len(a.Codes) != 1 {
		t.Errorf("statuses %v, codes %v", a.Status, a.Codes)
	}
	if a.In != 70005 || a.Out != 46 {
		t.Errorf("%d bytes in, %d out", a.In, a.Out)
	}
	if a.Service.Count() != 6 || a.Connect.Count() != 6 || a.Service.Quantile(0.5) <= 0 {
		t.Errorf("service times of %d, connect times of %d requests", a.Service.Count(), a.Connect.Count())
	}
	if d := l.of("a2"); d.Status != [6]int64{5: 1} || d.Codes["H21"] != 1 {
		t.Errorf("of the dead app: statuses %v, codes %v", d.Status, d.Codes)
	}
}

// TestUsageIsCountedOnceThroughHandOversAndRefusals has control refuse, forget to
// answer, and go away, while routers take over from each other under load.
func TestUsageIsCountedOnceThroughHandOversAndRefusals(t *testing.T) {
	t.Parallel()
	dyno := goDyno(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") })
	dir := t.TempDir()
	socket := filepath.Join(dir, "router.sock")
	shared := sharedListener(t)
	var routers sync.WaitGroup
	start := func() (*Router, context.CancelFunc) {
		r, err := New(Config{Limits: usageLimits(), HTTP: dup(t, shared), Socket: socket, UsageDir: filepath.Join(dir, "usage")})
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Apply(&Snapshot{Revision: 1, Apps: []App{demo(dyno)}}); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		routers.Go(func() { _ = r.Run(ctx) })
		eventually(t, "the router's socket", func() bool { _, err := ReadStatus(ctx, socket); return err == nil })
		return r, cancel
	}
	l := newLedger()
	l.refuse, l.after = func(call int) bool { return call%3 == 0 && call < 40 }, true
	stop := l.follow(t, socket)
	_, end := start()
	var load sync.WaitGroup
	const clients, least = 4, 300
	var asked atomic.Int64
	var enough atomic.Bool // all routers have been asked
	for range clients {
		load.Go(func() {
			client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
			for n := 0; n < least || !enough.Load(); n++ {
				q, _ := http.NewRequest(http.MethodGet, "http://"+shared.Addr().String()+"/", nil)
				q.Host = "demo.test"
				res, err := client.Do(q)
				if err != nil {
					t.Error(err)
					return
				}
				_ = res.Body.Close()
				asked.Add(1)
			}
		})
	}
	for i := range 6 {
		if i == 2 {
			stop() // control is away: what two routers counted stays on disk
		}
		next, endNext := start()
		end()
		end = endNext
		eventually(t, "some requests", func() bool { return next.served.Load() > 20 })
		if i == 4 {
			l.follow(t, socket)
		}
	}
	enough.Store(true)
	load.Wait()
	all := asked.Load()
	eventually(t, "all requests to be counted", func() bool { return l.of("a1").Requests >= all })
	end()
	_, end = start() // it delivers what the last one may have left
	eventually(t, "no file to be left", func() bool {
		left, _ := filepath.Glob(filepath.Join(dir, "usage", "*.json"))
		return len(left) == 0
	})
	end()
	routers.Wait()
	a := l.of("a1")
	if a.Requests != all || a.Status[2] != all || a.Service.Count() != all || a.Out != 5*all {
		t.Errorf("of %d requests %d were counted, %v by status, %d by service time, %d bytes", all, a.Requests, a.Status, a.Service.Count(), a.Out)
	}
	if l.repeated == 0 || len(l.last) < 4 {
		t.Errorf("the test has shown nothing: %d repeated, %d routers", l.repeated, len(l.last))
	}
}

func TestUsageWaitsForControlWithoutGrowingWithoutBound(t *testing.T) {
	t.Parallel()
	b := newUsageBook("")
	a := &app{id: "a1"}
	for range 3 * usageMost {
		b.meters.of(a).requests.Add(1)
		b.close()
	}
	if len(b.waiting) != usageMost {
		t.Fatalf("%d Usages wait", len(b.waiting))
	}
	for u, _ := b.next(); u != nil; u, _ = b.next() {
		if u.Seq == usageMost && u.Apps[0].Requests != 2*usageMost+1 {
			t.Errorf("the last one holds %d requests", u.Apps[0].Requests)
		}
		b.kept(u)
	}
}

func TestAnAppThatNobodyAsksHasNoMeter(t *testing.T) {
	t.Parallel()
	var ms meters
	a := &app{id: "a1"}
	first := ms.of(a)
	first.requests.Add(1)
	for range unusedRest + 1 {
		ms.take()
	}
	if a.meter.Load() != nil {
		t.Fatal("it still has one")
	}
	first.requests.Add(1) // who took the meter before it went
	second := ms.of(a)
	if second == first {
		t.Fatal("the old one came back")
	}
	second.requests.Add(1)
	total := int64(0)
	for range unusedGone + 1 {
		for _, u := range ms.take() {
			total += u.Requests
		}
	}
	if total != 2 || len(ms.all) != 0 {
		t.Errorf("%d of 2 requests were taken, %d meters are left", total, len(ms.all))
	}
}
