package e2e

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/cert"
	"github.com/kigo-dev/kigo/client"
	"github.com/kigo-dev/kigo/internal/testenv"
	"github.com/kigo-dev/kigo/router"
)

// TestEachRouterCodeComesOfItsFaultInARealDyno asks dynos that misbehave, each in its
// sandbox, through a router with the server's own routes. That router is of this test, for
// its times are shorter: Heroku's are up to 75 s. H19 and H99 need faults of the host or of the
// router itself, and H82 a month: the router's own tests have them.
func TestEachRouterCodeComesOfItsFaultInARealDyno(t *testing.T) {
	testenv.NeedsRoot(t)
	t.Parallel()
	s := startServer(t, setup{args: []string{"--idle-after", "0"}})
	c, ctx := s.client(t), t.Context()
	for app, web := range map[string]string{"faults": "faults", "deaf": "faults", "broken": "nosuchmode", "slow": "unbound", "none": "web", "closed": "web"} {
		s.deploy(t, app, map[string]string{"web": "bin/testapp " + web}, nil)
	}
	if _, err := c.CreateApp(ctx, client.NewApp{Name: "blank"}); err != nil {
		t.Fatal(err)
	}
	for _, app := range []string{"faults", "deaf", "none", "closed"} {
		s.steady(t, app, "web.1")
	}
	zero, on := 0, true
	if _, err := c.Scale(ctx, "none", []client.FormationChange{{Type: "web", Quantity: &zero}}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.UpdateApp(ctx, "closed", client.AppChange{Maintenance: &on}); err != nil {
		t.Fatal(err)
	}
	f := s.startFaulty(t, router.Limits{FirstByte: time.Second, Rolling: 1500 * time.Millisecond, Boot: time.Second, Connect: time.Second, Drain: 300 * time.Millisecond, Backlog: 4, Tunnels: 1})
	get := func(path string) string { return "GET " + path + " HTTP/1.1\r\nHost: %s.localhost\r\n" }
	const post = "POST /silent HTTP/1.1\r\nHost: %s.localhost\r\nContent-Length: 100000\r\n\r\nsome"
	const upgrade = "Connection: Upgrade\r\nUpgrade: echo\r\n\r\n"
	for _, one := range []struct {
		app, request string
		status       int    // 0: none is read
		line         string // that the router writes
	}{
		{"faults", get("/fine") + "\r\n", 200, "dyno=web.1"},
		{"broken", get("/") + "\r\n", 503, `code=H10 desc="App crashed"`},
		{"faults", get("/silent") + "\r\n", 503, `code=H12 desc="Request timeout"`},
		{"faults", get("/closed") + "\r\n", 503, `code=H13 desc="Connection closed without response"`},
		{"none", get("/") + "\r\n", 503, `code=H14 desc="No web processes running"`},
		{"faults", get("/stalled") + "\r\n", 200, `code=H15 desc="Idle connection"`},
		{"faults", get("/garbled") + "\r\n", 503, `code=H17 desc="Poorly formatted HTTP response"`},
		{"faults", get("/half") + "\r\n", 200, `sock=backend at=error code=H18 desc="Server Request Interrupted"`},
		{"slow", get("/") + "\r\n", 503, `code=H20 desc="App boot timeout"`},
		{"deaf", get("/deaf") + "\r\n", 200, "dyno=web.1"},
		{"deaf", get("/again") + "\r\n", 503, `code=H21 desc="Backend connection refused"`},
		{"faults", get("/upgrade") + upgrade, 101, ""},
		{"faults", get("/upgrade") + upgrade, 503, `code=H22 desc="Connection limit reached"`},
		{"faults", get("/") + "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n", 503, `code=H23 desc="Endpoint misconfigured"`},
		{"faults", get("/cookie") + "\r\n", 502, `code=H25 desc="HTTP restriction: oversized cookie"`},
		{"faults", get("/endless") + "\r\n", 502, `code=H25 desc="HTTP restriction: oversized header"`},
		{"faults", get("/") + "Bad Header: 1\r\n\r\n", 400, `code=H26 desc="Request Error" cause="bad header"`},
		{"faults", post, 0, `code=H27 desc="Client Request Interrupted"`},
		{"faults", post, 499, `code=H28 desc="Client Connection Idle"`},
		{"faults", get("/two") + "\r\n", 200, "dyno=web.1"},
		{"faults", get("/after-two") + "\r\n", 200, "dyno=web.1"},
		{"closed", get("/") + "\r\n", 503, `at=info code=H80 desc="Maintenance mode"`},
		{"blank", get("/") + "\r\n", 503, `at=info code=H81 desc="Blank app"`},
	} {
		f.ask(t, one.app, strings.Replace(one.request, "%s", one.app, 1), one.status, one.line)
	}
	f.askMisdirected(t)
	f.askTooMuch(t)
	silent := f.dial(t) // is open at the router's end
	fmt.Fprint(silent, "GET /silent HTTP/1.1\r\nHost: faults.localhost\r\n\r\n")
	f.stop()
	f.find(t, "faults.localhost", `code=H24 desc="Forced close"`)
}

// faulty is a router of a test's own in front of a server's dynos.
type faulty struct {
	addr, secure string
	stop         func()

	mu    sync.Mutex
	lines []string
}

func (f *faulty) WriteLine(_ kigo.AppID, _ time.Time, line []byte) {
	f.mu.Lock()
	f.lines = append(f.lines, string(line))
	f.mu.Unlock()
}

// find waits for a line about a host, and takes all lines away.
func (f *faulty) find(t *testing.T, host, part string) {
	t.Helper()
	eventually(t, "a line about "+host+" with "+part, func() error {
		f.mu.Lock()
		defer f.mu.Unlock()
		for _, line := range f.lines {
			if strings.Contains(line, "host="+host) && strings.Contains(line, part) {
				f.lines = nil
				return nil
			}
		}
		return fmt.Errorf("there are %q", f.lines)
	})
}

// startFaulty starts a router that goes by what the server's own router keeps.
func (s *server) startFaulty(t *testing.T, limits router.Limits) *faulty {
	t.Helper()
	local := cert.Local{Dir: filepath.Join(s.data, "ca")}
	loaded, err := local.Load("localhost")
	if err != nil {
		t.Fatal(err)
	}
	f := &faulty{}
	var listeners []net.Listener
	for range 2 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		listeners = append(listeners, l)
	}
	f.addr, f.secure = listeners[0].Addr().String(), listeners[1].Addr().String()
	r, err := router.New(router.Config{HTTP: listeners[:1], HTTPS: listeners[1:], Limits: limits, Logs: f,
		Certificates: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return &loaded.Certificate, nil }})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		if err := r.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	routes := filepath.Join(s.data, "router", "routes")
	running.Go(func() {
		for tick := time.NewTicker(20 * time.Millisecond); ctx.Err() == nil; <-tick.C {
			if now, err := router.ReadRoutes(routes); err == nil && now.Revision > r.Revision() {
				if err := r.Apply(now); err != nil {
					t.Error(err)
				}
			}
		}
	})
	f.stop = sync.OnceFunc(func() { cancel(); running.Wait() })
	t.Cleanup(f.stop)
	return f
}

func (f *faulty) dial(t *testing.T) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", f.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(limit))
	return c
}

// ask sends a request until the answer has the status, for dynos and routes need
// their time; then the line about it is there. 499 stands for an end without answer.
func (f *faulty) ask(t *testing.T, app, request string, status int, line string) {
	t.Helper()
	eventually(t, fmt.Sprintf("status %d of %s for %q", status, app, request), func() error {
		c := f.dial(t)
		if _, err := io.WriteString(c, request); err != nil {
			return err
		}
		if status == 0 { // the client goes
			return c.(*net.TCPConn).Close()
		}
		res, err := http.ReadResponse(bufio.NewReader(c), nil)
		switch {
		case err != nil && status == 499:
			return nil
		case err != nil:
			return err
		case res.StatusCode != status:
			return fmt.Errorf("status %d", res.StatusCode)
		}
		return nil
	})
	if line != "" {
		f.find(t, app+".localhost", line)
	}
}

// askMisdirected asks one app on a TLS connection that was made to another (H31).
func (f *faulty) askMisdirected(t *testing.T) {
	t.Helper()
	c, err := tls.Dial("tcp", f.secure, &tls.Config{ServerName: "closed.localhost", InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprint(c, "GET / HTTP/1.1\r\nHost: faults.localhost\r\n\r\n")
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil || res.StatusCode != http.StatusMisdirectedRequest {
		t.Errorf("%v %v, want 421", res, err)
	}
	f.find(t, "faults.localhost", `code=H31 desc="Misdirected Request"`)
}

// askTooMuch has more requests outstanding than the dyno may have (H11).
func (f *faulty) askTooMuch(t *testing.T) {
	t.Helper()
	for range 8 {
		fmt.Fprint(f.dial(t), "GET /silent HTTP/1.1\r\nHost: faults.localhost\r\n\r\n")
	}
	f.find(t, "faults.localhost", `code=H11 desc="Backlog too deep"`)
}
