package router

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/http2/hpack"

	"github.com/kigo-dev/kigo"
)

// lines is a LogSink that tests read.
type lines struct {
	mu  sync.Mutex
	all []string
}

func (l *lines) WriteLine(_ kigo.AppID, _ time.Time, line []byte) {
	l.mu.Lock()
	l.all = append(l.all, string(line))
	l.mu.Unlock()
}

// find waits for a line that holds all of parts.
func (l *lines) find(t testing.TB, parts ...string) string {
	t.Helper()
	var found string
	eventually(t, "a line with "+strings.Join(parts, ", "), func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
	next:
		for _, line := range l.all {
			for _, p := range parts {
				if !strings.Contains(line, p) {
					continue next
				}
			}
			found = line
			return true
		}
		return false
	})
	return found
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.all, "\n")
}

// eventually polls a condition.
func eventually(t testing.TB, what string, f func() bool) {
	t.Helper()
	end := time.Now().Add(time.Minute)
	for !f() {
		if time.Now().After(end) {
			t.Fatalf("never came: %s", what)
		}
		<-time.After(2 * time.Millisecond)
	}
}

// rig is a router on loopback with one app "demo" (host demo.test).
type rig struct {
	*Router
	addr string
	logs *lines
	stop func()
}

// quick are limits that tests can wait for.
var quick = Limits{
	Connect: time.Second, FirstByte: 1500 * time.Millisecond, Rolling: 1500 * time.Millisecond, Boot: time.Second,
	Aside: 300 * time.Millisecond, Idle: 5 * time.Second, Head: 5 * time.Second, Leave: time.Second, Drain: 2 * time.Second,
}

// calm are limits that no test reaches for lack of a processor.
var calm = Limits{
	Connect: 20 * time.Second, FirstByte: 20 * time.Second, Rolling: 20 * time.Second, Boot: 20 * time.Second,
	Aside: 300 * time.Millisecond, Idle: 20 * time.Second, Head: 20 * time.Second, Leave: time.Second, Drain: 2 * time.Second,
}

func startRouter(t testing.TB, config Config) *rig {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	logs := &lines{}
	config.HTTP = append(config.HTTP, l)
	config.Logs = logs
	r, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	var once sync.Once
	stop := func() {
		once.Do(func() {
			cancel()
			if err := <-done; err != nil {
				t.Errorf("router ended: %v", err)
			}
		})
	}
	t.Cleanup(stop)
	return &rig{Router: r, addr: l.Addr().String(), logs: logs, stop: stop}
}

// serve makes addrs the web dynos of the app demo.
func (r *rig) serve(t testing.TB, addrs ...string) {
	t.Helper()
	r.apply(t, demo(addrs...))
}

func (r *rig) apply(t testing.TB, apps ...App) {
	t.Helper()
	if err := r.Apply(&Snapshot{Revision: r.Revision() + 1, Apps: apps}); err != nil {
		t.Fatal(err)
	}
}

func demo(addrs ...string) App {
	a := App{ID: "a1", Name: "demo", Hosts: []string{"demo.test"}, Released: true, WebQuantity: len(addrs)}
	for i, addr := range addrs {
		a.Dynos = append(a.Dynos, Dyno{ID: kigo.DynoID(fmt.Sprintf("d%d-%s", i+1, addr)), Name: fmt.Sprintf("web.%d", i+1), Addr: addr, State: kigo.DynoUp})
	}
	return a
}

// goDyno is a dyno that is a Go server.
func goDyno(t testing.TB, h http.HandlerFunc) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{Handler: h, DisableGeneralOptionsHandler: true}
	go func() { _ = s.Serve(l) }()
	t.Cleanup(func() { _ = s.Close() })
	return l.Addr().String()
}

// rawDyno is a dyno that does anything with its connections.
func rawDyno(t testing.TB, f func(c net.Conn, in *bufio.Reader)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var open sync.Map
	var running sync.WaitGroup
	running.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			open.Store(c, nil)
			running.Go(func() {
				defer c.Close()
				f(c, bufio.NewReader(c))
			})
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		open.Range(func(c, _ any) bool { _ = c.(net.Conn).Close(); return true })
		running.Wait()
	})
	return l.Addr().String()
}

// answering reads a request's head and writes text.
func answering(text string) func(net.Conn, *bufio.Reader) {
	return func(c net.Conn, in *bufio.Reader) {
		if _, err := readHeadText(in); err == nil {
			_, _ = io.WriteString(c, text)
		}
	}
}

func readHeadText(in *bufio.Reader) (string, error) {
	var b strings.Builder
	for {
		line, err := in.ReadString('\n')
		b.WriteString(line)
		if err != nil || line == "\r\n" {
			return b.String(), err
		}
	}
}

func dialRaw(t testing.TB, addr string) (net.Conn, *bufio.Reader) {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(time.Minute))
	return c, bufio.NewReader(c)
}

// raw sends bytes on a new connection and reads one response.
func (r *rig) raw(t testing.TB, text string) *http.Response {
	t.Helper()
	c, in := dialRaw(t, r.addr)
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
	method, _, _ := strings.Cut(text, " ")
	res, err := http.ReadResponse(in, &http.Request{Method: method})
	if err != nil {
		t.Fatalf("read response to %q: %v\n%s", text, err, r.logs)
	}
	body, err := io.ReadAll(res.Body)
	if err != nil && !strings.Contains(err.Error(), "unexpected EOF") {
		t.Fatalf("read body of response to %q: %v", text, err)
	}
	res.Body = io.NopCloser(strings.NewReader(string(body)))
	return res
}

func bodyOf(t testing.TB, res *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// encodeHead writes the header block of a GET.
func encodeHead(b *bytes.Buffer, host string) {
	e := hpack.NewEncoder(b)
	for _, f := range [][2]string{{":method", "GET"}, {":scheme", "https"}, {":authority", host}, {":path", "/"}} {
		_ = e.WriteField(hpack.HeaderField{Name: f[0], Value: f[1]})
	}
}
