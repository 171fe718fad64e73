package router

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func shortSocket(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "kigo-router-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return filepath.Join(dir, "run", "router.sock")
}

// startFeed runs control's end until the test ends, or stop is called.
func startFeed(t *testing.T, path string) (f *Feed, stop func()) {
	t.Helper()
	f = &Feed{Path: path}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = f.Run(ctx)
	}()
	stop = func() { cancel(); <-done }
	t.Cleanup(stop)
	return f, stop
}

func waitFor(t *testing.T, f *Feed, revision int64) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := f.Wait(ctx, revision); err != nil {
		t.Fatal(err)
	}
}

func TestARouterServesItsLastSnapshotWithControlGone(t *testing.T) {
	t.Parallel()
	socket := shortSocket(t)
	config := Config{Limits: calm, Socket: socket, SnapshotPath: filepath.Join(t.TempDir(), "router", "routes")}
	dyno := goDyno(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "served") })
	feed, stop := startFeed(t, socket)
	feed.Send(&Snapshot{Revision: 7, Apps: []App{demo(dyno)}})

	first := startRouter(t, config)
	waitFor(t, feed, 7)
	stop() // control is gone
	if got := bodyOf(t, first.raw(t, plainGet)); got != "served" {
		t.Errorf("got %q", got)
	}
	first.stop()

	second := startRouter(t, config)
	if got := bodyOf(t, second.raw(t, plainGet)); got != "served" {
		t.Errorf("after a restart: %q", got)
	}
	s, err := ReadStatus(t.Context(), socket)
	if err != nil || s.Revision != 7 || s.Apps != 1 || s.Files < 256 || s.Clients < 64 {
		t.Errorf("status %+v %v", s, err)
	}
}

func TestAFeedFindsANewRouterAndSendsTheNewestSnapshot(t *testing.T) {
	t.Parallel()
	socket := shortSocket(t)
	feed, _ := startFeed(t, socket)
	feed.Send(&Snapshot{Revision: 1, Apps: []App{demo()}})
	first := startRouter(t, Config{Limits: calm, Socket: socket})
	waitFor(t, feed, 1)
	first.stop()
	feed.Send(&Snapshot{Revision: 2, Apps: []App{demo()}})
	second := startRouter(t, Config{Limits: calm, Socket: socket})
	waitFor(t, feed, 2)
	if second.Revision() != 2 {
		t.Errorf("revision %d", second.Revision())
	}
}

func TestAnImpossibleSnapshotIsRefusedAndTheOldOneServed(t *testing.T) {
	t.Parallel()
	socket := shortSocket(t)
	feed, _ := startFeed(t, socket)
	r := startRouter(t, Config{Limits: calm, Socket: socket})
	feed.Send(&Snapshot{Revision: 1, Apps: []App{demo()}})
	waitFor(t, feed, 1)
	nameless := demo()
	nameless.Name = ""
	feed.Send(&Snapshot{Revision: 2, Apps: []App{nameless}})
	feed.Send(&Snapshot{Revision: 3, Apps: []App{demo()}})
	waitFor(t, feed, 3)
	if r.Revision() != 3 {
		t.Errorf("revision %d", r.Revision())
	}
	if err := r.Apply(&Snapshot{Revision: 4, Apps: []App{nameless}}); err == nil {
		t.Error("an app without a name was accepted")
	}
}

func TestADamagedSnapshotFileMeansNoRoutesUntilControlSpeaks(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "snapshot.json")
	if err := os.WriteFile(path, []byte(`{"revision": 5, "apps": [`), 0o600); err != nil {
		t.Fatal(err)
	}
	r := startRouter(t, Config{Limits: calm, SnapshotPath: path})
	if res := r.raw(t, plainGet); res.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("status %d", res.StatusCode)
	}
	r.serve(t, goDyno(t, func(http.ResponseWriter, *http.Request) {}))
	if res := r.raw(t, plainGet); res.StatusCode != http.StatusOK {
		t.Errorf("status %d", res.StatusCode)
	}
}

func TestCountsAndConnectionsOutliveSnapshots(t *testing.T) {
	t.Parallel()
	limits := calm
	limits.FirstByte = 10 * time.Second
	r := startRouter(t, Config{Limits: limits})
	release := make(chan struct{})
	old := goDyno(t, func(w http.ResponseWriter, _ *http.Request) { <-release; fmt.Fprint(w, "old") })
	r.serve(t, old)
	c, in := dialRaw(t, r.addr)
	fmt.Fprint(c, plainGet)
	running := r.table.app("a1").view.Load().up[0]
	eventually(t, "a request at the old dyno", func() bool { return running.active.Load() == 1 })

	app := demo(old, goDyno(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "new") }))
	r.apply(t, app)
	if again := r.table.app("a1").view.Load().all[running.ID]; again != running {
		t.Error("the dyno was forgotten over a snapshot")
	}
	r.apply(t, App{ID: "a1", Name: "demo", Hosts: app.Hosts, Released: true, WebQuantity: 1, Dynos: app.Dynos[1:]})
	for range 10 { // the one that was taken away gets no more
		if got := bodyOf(t, r.raw(t, plainGet)); got != "new" {
			t.Fatalf("got %q", got)
		}
	}
	close(release) // and still finishes what it has
	res, err := http.ReadResponse(in, nil)
	if err != nil || bodyOf(t, res) != "old" {
		t.Errorf("%v", err)
	}
	eventually(t, "counts back at 0", func() bool { return running.active.Load() == 0 })
}

func TestIdleConnectionsDoNotHoldUpTheEnd(t *testing.T) {
	t.Parallel()
	limits := calm
	limits.Idle, limits.Leave, limits.Drain = time.Minute, 3*time.Second, time.Minute
	r := startRouter(t, Config{Limits: limits})
	r.serve(t, goDyno(t, func(http.ResponseWriter, *http.Request) {}))
	c, in := dialRaw(t, r.addr)
	busy, answers := dialRaw(t, r.addr)
	for range 2 {
		for client, in := range map[net.Conn]*bufio.Reader{c: in, busy: answers} {
			fmt.Fprint(client, plainGet)
			if res, err := http.ReadResponse(in, nil); err != nil || res.StatusCode != http.StatusOK {
				t.Fatal(res, err)
			}
		}
	}
	began := time.Now()
	ended := make(chan struct{})
	go func() { r.stop(); close(ended) }()
	eventually(t, "the end to begin", r.draining.Load)
	fmt.Fprint(busy, plainGet) // one that was idle, and is not yet cut
	if res, err := http.ReadResponse(answers, nil); err != nil || !res.Close {
		t.Errorf("%v %v, want an answer with Connection: close", res, err)
	}
	<-ended
	if took := time.Since(began); took > 30*time.Second {
		t.Errorf("the end took %s", took)
	}
}
