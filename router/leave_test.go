package router

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"
)

func TestADynoThatOwesAnswersIsLeavingUntilItHasGivenThem(t *testing.T) {
	t.Parallel()
	limits := calm
	limits.FirstByte, limits.Rolling = time.Minute, time.Minute
	socket := shortSocket(t)
	feed, _ := startFeed(t, socket)
	release := make(chan struct{})
	old := goDyno(t, func(w http.ResponseWriter, q *http.Request) {
		if q.URL.Path != "/ws" {
			<-release
			return
		}
		if c, err := websocket.Accept(w, q, &websocket.AcceptOptions{InsecureSkipVerify: true}); err == nil {
			_, _, _ = c.Read(q.Context())
		}
	})
	idle := goDyno(t, func(http.ResponseWriter, *http.Request) {})
	app := demo(old, idle)
	feed.Send(&Snapshot{Revision: 1, Apps: []App{demo(old)}})
	r := startRouter(t, Config{Limits: limits, Socket: socket})
	waitFor(t, feed, 1)

	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	tunnel, _, err := websocket.Dial(ctx, "ws://"+r.addr+"/ws", &websocket.DialOptions{Host: "demo.test"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tunnel.CloseNow() }()
	c, _ := dialRaw(t, r.addr)
	fmt.Fprint(c, plainGet)
	asked := r.table.app("a1").view.Load().up[0]
	eventually(t, "both at the dyno", func() bool { return asked.active.Load() == 2 && asked.tunnel.Load() == 1 })
	if feed.Leaving(asked.ID) {
		t.Error("a dyno that gets requests is leaving")
	}

	feed.Update(2, []App{app}, nil)
	waitFor(t, feed, 2)
	app.Dynos = app.Dynos[1:]
	feed.Update(3, []App{app}, nil)
	waitFor(t, feed, 3)
	if !feed.Leaving(asked.ID) || feed.Leaving(app.Dynos[0].ID) {
		t.Errorf("leaving: %v, want %s alone", feed.leaving, asked.ID)
	}
	if s, err := ReadStatus(ctx, socket); err != nil || len(s.Leaving) != 1 || s.Leaving[0] != asked.ID {
		t.Errorf("status %+v %v", s, err)
	}
	close(release) // the tunnel stays, and counts for nothing
	eventually(t, "the answer", func() bool { return !feed.Leaving(asked.ID) })
	if n := asked.active.Load(); n != 1 {
		t.Errorf("%d requests at the dyno, want the tunnel", n)
	}
}

func TestADynoThatIsUpAgainIsNotLeaving(t *testing.T) {
	t.Parallel()
	limits := calm
	limits.FirstByte = time.Minute
	r := startRouter(t, Config{Limits: limits})
	release := make(chan struct{})
	defer close(release)
	r.serve(t, goDyno(t, func(http.ResponseWriter, *http.Request) { <-release }))
	c, _ := dialRaw(t, r.addr)
	fmt.Fprint(c, plainGet)
	asked := r.table.app("a1").view.Load().up[0]
	eventually(t, "a request at the dyno", func() bool { return asked.active.Load() == 1 })
	app := r.table.app("a1").view.Load().App
	app.Hosts = []string{"demo.test"}
	sick := app
	sick.Dynos = []Dyno{app.Dynos[0]}
	sick.Dynos[0].State = "starting"
	r.apply(t, sick)
	if ids := r.leaving.ids(); len(ids) != 1 || ids[0] != asked.ID {
		t.Errorf("leaving %v", ids)
	}
	r.apply(t, app)
	if ids := r.leaving.ids(); len(ids) != 0 {
		t.Errorf("leaving %v", ids)
	}
}

func TestNoRequestReachesADynoThatHasBeenLeft(t *testing.T) {
	t.Parallel()
	r := startRouter(t, Config{Limits: calm})
	var left [2]atomic.Bool
	var late, served atomic.Int64
	var addrs [2]string
	for i := range addrs {
		addrs[i] = goDyno(t, func(http.ResponseWriter, *http.Request) {
			served.Add(1)
			if left[i].Load() {
				late.Add(1)
			}
		})
	}
	both := demo(addrs[:]...)
	r.apply(t, both)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var askers sync.WaitGroup
	for range 8 {
		c, in := dialRaw(t, r.addr)
		askers.Go(func() {
			for ctx.Err() == nil {
				fmt.Fprint(c, "GET / HTTP/1.1\r\nHost: demo.test\r\n\r\n")
				res, err := http.ReadResponse(in, nil)
				if err != nil || res.StatusCode != http.StatusOK {
					t.Errorf("answered %v %v", res, err)
					return
				}
				_ = res.Body.Close()
			}
		})
	}
	for n := range 500 {
		i := n % 2
		one := both
		one.Dynos = both.Dynos[1-i : 2-i]
		r.apply(t, one)
		for len(r.leaving.ids()) > 0 {
			time.Sleep(20 * time.Microsecond)
		}
		left[i].Store(true) // SIGTERM would come now
		time.Sleep(200 * time.Microsecond)
		left[i].Store(false)
		r.apply(t, both)
	}
	cancel()
	askers.Wait()
	if n := late.Load(); n > 0 {
		t.Errorf("%d of %d requests reached a dyno that had been left", n, served.Load())
	}
}
