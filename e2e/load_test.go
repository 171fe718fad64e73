package e2e

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// loader sends requests, several at once, and counts those that were lost: not
// answered, or with another status than 200.
type loader struct {
	stop      context.CancelFunc
	wait      sync.WaitGroup
	sent      atomic.Int64
	lost      atomic.Int64
	firstLoss atomic.Pointer[string]
}

var loads sync.Map // script's name → *loader

// load start URL begins to send requests; load stop ends it and fails the
// script if a single one was lost, or if there were fewer than 100.
func load(ts *testscript.TestScript, _ bool, args []string) {
	switch {
	case len(args) == 2 && args[0] == "start":
		ctx, cancel := context.WithCancel(context.Background())
		l := &loader{stop: cancel}
		loads.Store(ts.Name(), l)
		ts.Defer(func() { cancel(); l.wait.Wait() })
		for range 8 {
			l.wait.Go(func() { l.run(ctx, args[1]) })
		}
	case len(args) == 1 && args[0] == "stop":
		v, ok := loads.LoadAndDelete(ts.Name())
		if !ok {
			ts.Fatalf("load stop without load start")
		}
		l := v.(*loader)
		l.stop()
		l.wait.Wait()
		ts.Logf("%d requests, %d lost", l.sent.Load(), l.lost.Load())
		if why := l.firstLoss.Load(); why != nil {
			ts.Fatalf("%d of %d requests were lost, the first: %s", l.lost.Load(), l.sent.Load(), *why)
		}
		if l.sent.Load() < 100 {
			ts.Fatalf("only %d requests were sent: too few to say anything", l.sent.Load())
		}
	default:
		ts.Fatalf("usage: load start URL | load stop")
	}
}

func (l *loader) run(ctx context.Context, url string) {
	client := &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{DialContext: dialLoopback}}
	for ctx.Err() == nil {
		why := request(client, url)
		l.sent.Add(1)
		if why != "" {
			l.lost.Add(1)
			l.firstLoss.CompareAndSwap(nil, &why)
		}
	}
}

// request is not cut short by the end of the load: each one counts.
func request(client *http.Client, url string) string {
	resp, err := client.Get(url)
	if err != nil {
		return err.Error()
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return err.Error()
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Sprint("status ", resp.Status)
	}
	return ""
}

func TestALostRequestIsCounted(t *testing.T) {
	var n atomic.Int64
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if n.Add(1)%10 == 0 {
			w.WriteHeader(http.StatusBadGateway)
		}
	}))
	defer app.Close()
	ctx, cancel := context.WithCancel(t.Context())
	l := &loader{}
	l.wait.Go(func() { l.run(ctx, app.URL) })
	for l.sent.Load() < 100 {
		runtime.Gosched()
	}
	cancel()
	l.wait.Wait()
	if sent, lost := l.sent.Load(), l.lost.Load(); lost != sent/10 {
		t.Errorf("%d of %d requests are counted as lost, %d were", lost, sent, sent/10)
	}
	if why := l.firstLoss.Load(); why == nil || *why != "status 502 Bad Gateway" {
		t.Errorf("the first loss is said to be %v", why)
	}
}
