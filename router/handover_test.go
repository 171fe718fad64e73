package router

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// TestHandOversLoseNothing starts a new router behind the same listener and ends
// the old one, 20 times under 1,000 requests a second with and without
// keep-alive, while WebSockets talk and a long response is on its way through
// each router. KIGO_HANDOVER=long makes that response 30 s long.
func TestHandOversLoseNothing(t *testing.T) {
	t.Parallel()
	handOvers, every, long := 20, 100*time.Millisecond, 3*time.Second
	if os.Getenv("KIGO_HANDOVER") == "long" {
		every, long = 2*time.Second, 30*time.Second
	}
	limits := calm
	limits.Drain, limits.Rolling, limits.FirstByte, limits.Leave = 45*time.Second, 40*time.Second, 40*time.Second, 10*time.Second
	dyno := goDyno(t, handOverDyno)
	l := sharedListener(t)
	o := &handOver{t: t, addr: l.Addr().String(), long: long, ending: make(chan struct{})}
	var routers sync.WaitGroup
	start := func() (r *Router, stop func()) {
		r, err := New(Config{Limits: limits, HTTP: dup(t, l)})
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Apply(&Snapshot{Revision: 1, Apps: []App{demo(dyno)}}); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		routers.Go(func() { _ = r.Run(ctx) })
		return r, cancel
	}
	now, stop := start()
	for i := range 8 {
		o.load.Go(func() { o.requests(i%2 == 0) })
	}
	for range handOvers {
		sockets, answers := o.talking.Load(), o.flowing.Load()
		o.load.Go(o.socket)
		o.load.Go(o.response)
		eventually(t, "a WebSocket and a response", func() bool { return o.talking.Load() > sockets && o.flowing.Load() > answers })
		old, end := now, stop
		now, stop = start()
		end()
		eventually(t, "the old one to drain", old.draining.Load)
		<-time.After(every)
	}
	close(o.ending)
	o.load.Wait()
	stop()
	routers.Wait()
	t.Logf("%d requests, %d WebSockets, %d long responses", o.sent.Load(), o.talking.Load(), o.flowing.Load())
	if n := o.lost.Load(); n > 0 {
		t.Errorf("%d were lost", n)
	}
}

// handOverDyno answers at once, or in pieces for as long as the path says, or
// talks WebSocket.
func handOverDyno(w http.ResponseWriter, q *http.Request) {
	switch q.URL.Path {
	case "/":
		fmt.Fprint(w, "ok")
	case "/ws":
		c, err := websocket.Accept(w, q, &websocket.AcceptOptions{InsecureSkipVerify: true})
		if err != nil {
			return
		}
		for {
			kind, message, err := c.Read(q.Context())
			if err != nil || c.Write(q.Context(), kind, message) != nil {
				return
			}
		}
	default:
		length, _ := time.ParseDuration(q.URL.Path[1:])
		for range 10 {
			fmt.Fprint(w, "piece")
			_ = http.NewResponseController(w).Flush()
			<-time.After(length / 10)
		}
	}
}

type handOver struct {
	t      *testing.T
	addr   string
	long   time.Duration
	ending chan struct{}
	load   sync.WaitGroup

	sent, talking, flowing, lost atomic.Int64
}

func (o *handOver) ended() bool {
	select {
	case <-o.ending:
		return true
	default:
		return false
	}
}

func (o *handOver) lose(what string, err error) {
	o.lost.Add(1)
	o.t.Logf("%s: %v", what, err)
}

// requests makes an eighth of 1,000 a second; POSTs, for a client repeats none.
func (o *handOver) requests(closing bool) {
	transport := &http.Transport{DisableKeepAlives: closing}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, Timeout: 10 * time.Second}
	tick := time.NewTicker(8 * time.Millisecond)
	defer tick.Stop()
	for ; !o.ended(); <-tick.C {
		q, _ := http.NewRequest(http.MethodPost, "http://"+o.addr+"/", nil)
		q.Host = "demo.test"
		o.sent.Add(1)
		res, err := client.Do(q)
		if err != nil {
			o.lose("request", err)
			continue
		}
		if res.StatusCode != http.StatusOK {
			o.lose("request", fmt.Errorf("status %d", res.StatusCode))
		}
		_, _ = io.Copy(io.Discard, res.Body)
		_ = res.Body.Close()
	}
}

// socket talks as long as a long response takes, also after its router has begun
// to end.
func (o *handOver) socket() {
	ctx, cancel := context.WithTimeout(context.Background(), o.long+10*time.Second)
	defer cancel()
	c, _, err := websocket.Dial(ctx, "ws://"+o.addr+"/ws", &websocket.DialOptions{Host: "demo.test"})
	if err != nil {
		o.lose("WebSocket", err)
		return
	}
	said := sync.OnceFunc(func() { o.talking.Add(1) })
	for end := time.Now().Add(o.long); time.Now().Before(end); <-time.After(20 * time.Millisecond) {
		if err = c.Write(ctx, websocket.MessageText, []byte("word")); err == nil {
			_, _, err = c.Read(ctx)
		}
		if err != nil {
			o.lose("WebSocket", err)
			return
		}
		said()
	}
	_ = c.Close(websocket.StatusNormalClosure, "")
}

func (o *handOver) response() {
	c, err := net.Dial("tcp", o.addr)
	if err != nil {
		o.lose("response", err)
		return
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(o.long + 10*time.Second))
	fmt.Fprintf(c, "GET /%s HTTP/1.1\r\nHost: demo.test\r\n\r\n", o.long)
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		o.lose("response", err)
		return
	}
	o.flowing.Add(1)
	if body, err := io.ReadAll(res.Body); err != nil || len(body) != 10*len("piece") {
		o.lose("response", fmt.Errorf("%d bytes, %w", len(body), err))
	}
}
