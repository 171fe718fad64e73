package router

import (
	"context"
	"fmt"
	"net/http"
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
