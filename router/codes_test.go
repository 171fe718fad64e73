package router

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/kigo-dev/kigo"
	"golang.org/x/sys/unix"
)

const plainGet = "GET /p HTTP/1.1\r\nHost: demo.test\r\n\r\n"

// silent reads everything and never answers.
func silent(c net.Conn, in *bufio.Reader) { _, _ = io.Copy(io.Discard, in) }

// refusing is an address that nothing listens on, though it is taken.
func refusing(t testing.TB) string {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(fd) })
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	bound, err := unix.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(bound.(*unix.SockaddrInet4).Port))
}

// TestEachCodeHasItsCauseStatusAndLine is the fault injection of the table in
// codes.go: what happens at the dyno or the client, what the client reads, and
// the line.
func TestEachCodeHasItsCauseStatusAndLine(t *testing.T) {
	t.Parallel()
	with := func(change func(*App), addrs ...string) App {
		a := demo(addrs...)
		change(&a)
		return a
	}
	state := func(s kigo.DynoState) App {
		return with(func(a *App) { a.Dynos[0].State = s }, "127.0.0.1:1")
	}
	cases := []struct {
		name    string
		app     func(t *testing.T) App
		request string
		status  int
		page    string
		line    []string
	}{
		{name: "crashed", app: func(*testing.T) App { return state(kigo.DynoCrashed) }, status: 503, page: "Application error",
			line: []string{`at=error code=H10 desc="App crashed" method=GET path="/p" host=demo.test request_id=`, ` dyno= connect= service= status=503 bytes=0 protocol=http1.1 tls=false`}},
		{name: "first byte late", app: func(t *testing.T) App { return demo(rawDyno(t, silent)) }, status: 503, page: "Application error",
			line: []string{`at=error code=H12 desc="Request timeout" method=GET path="/p"`, ` dyno=web.1 connect=`, `status=503 bytes=0`}},
		{name: "closed without response", app: func(t *testing.T) App { return demo(rawDyno(t, answering(""))) }, status: 503,
			line: []string{`at=error code=H13 desc="Connection closed without response"`, "status=503"}},
		{name: "scaled to zero", app: func(*testing.T) App { return demo() }, status: 503,
			line: []string{`at=error code=H14 desc="No web processes running"`, "dyno= connect= service= status=503"}},
		{name: "idle in mid-response", app: func(t *testing.T) App {
			return demo(rawDyno(t, func(c net.Conn, in *bufio.Reader) {
				answering("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhal")(c, in)
				silent(c, in)
			}))
		}, status: 200, line: []string{`at=error code=H15 desc="Idle connection"`, "status=200 bytes=3"}},
		{name: "no reason phrase", app: func(t *testing.T) App { return demo(rawDyno(t, answering("HTTP/1.1 200\r\n\r\n"))) }, status: 503,
			line: []string{`at=error code=H17 desc="Poorly formatted HTTP response"`}},
		{name: "not HTTP", app: func(t *testing.T) App { return demo(rawDyno(t, answering("220 smtp ready\r\n"))) }, status: 503,
			line: []string{`code=H17`}},
		{name: "broken off in mid-response", app: func(t *testing.T) App {
			return demo(rawDyno(t, answering("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")))
		}, status: 200, line: []string{`sock=backend at=error code=H18 desc="Server Request Interrupted"`, "status=200 bytes=4"}},
		{name: "broken off in mid-chunk", app: func(t *testing.T) App {
			return demo(rawDyno(t, answering("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhalf")))
		}, status: 200, line: []string{`code=H18`, "bytes=4"}},
		{name: "half a head", app: func(t *testing.T) App { return demo(rawDyno(t, answering("HTTP/1.1 200 OK\r\nConte"))) }, status: 503,
			line: []string{`sock=backend at=error code=H18`, "status=503 bytes=0"}},
		{name: "boot timeout", app: func(*testing.T) App { return state(kigo.DynoStarting) }, status: 503,
			line: []string{`at=error code=H20 desc="App boot timeout"`, "dyno= connect="}},
		{name: "refused", app: func(t *testing.T) App { return demo(refusing(t), refusing(t)) }, status: 503,
			line: []string{`at=error code=H21 desc="Backend connection refused"`, "dyno=web."}},
		{name: "websocket lost its upgrade", app: func(t *testing.T) App { return demo(rawDyno(t, silent)) }, status: 503,
			request: "GET /p HTTP/1.1\r\nHost: demo.test\r\nSec-WebSocket-Key: x\r\nSec-WebSocket-Version: 13\r\n\r\n",
			line:    []string{`code=H23 desc="Endpoint misconfigured"`}},
		{name: "response with a bad length", app: func(t *testing.T) App {
			return demo(rawDyno(t, answering("HTTP/1.1 200 OK\r\nContent-Length: 1x\r\n\r\n")))
		}, status: 502, line: []string{`at=error code=H25 desc="HTTP restriction: invalid content length"`, "status=502"}},
		{name: "response with two lengths", app: func(t *testing.T) App {
			return demo(rawDyno(t, answering("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n")))
		}, status: 502, line: []string{`HTTP restriction: invalid content length`}},
		{name: "response with length and chunks", app: func(t *testing.T) App {
			return demo(rawDyno(t, answering("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")))
		}, status: 502, line: []string{`code=H25`}},
		{name: "oversized cookie", app: func(t *testing.T) App {
			return demo(rawDyno(t, answering("HTTP/1.1 200 OK\r\nSet-Cookie: a="+strings.Repeat("x", 9000)+"\r\n\r\n")))
		}, status: 502, line: []string{`HTTP restriction: oversized cookie`}},
		{name: "oversized status line", app: func(t *testing.T) App {
			return demo(rawDyno(t, answering("HTTP/1.1 200 "+strings.Repeat("x", 9000)+"\r\n\r\n")))
		}, status: 502, line: []string{`HTTP restriction: oversized status line`}},
		{name: "endless head", app: func(t *testing.T) App {
			return demo(rawDyno(t, answering("HTTP/1.1 200 OK\r\n"+strings.Repeat("A: "+strings.Repeat("x", 1000)+"\r\n", 2000))))
		}, status: 502, line: []string{`HTTP restriction: oversized header`}},
		{name: "strange expectation", app: func(t *testing.T) App { return demo(rawDyno(t, silent)) }, status: 417,
			request: "POST /p HTTP/1.1\r\nHost: demo.test\r\nContent-Length: 1\r\nExpect: a-pony\r\n\r\nx",
			line:    []string{`at=error code=H26 desc="Request Error" cause="unsupported expect header value" method=POST`, "status=417"}},
		{name: "bad header", app: func(t *testing.T) App { return demo(rawDyno(t, silent)) }, status: 400,
			request: "GET /p HTTP/1.1\r\nHost: demo.test\r\nBad Header: 1\r\n\r\n",
			line:    []string{`code=H26 desc="Request Error" cause="bad header" method=GET`, "status=400"}},
		{name: "bad chunk", app: func(t *testing.T) App { return demo(rawDyno(t, silent)) }, status: 400,
			request: "POST /p HTTP/1.1\r\nHost: demo.test\r\nTransfer-Encoding: chunked\r\n\r\n0x3\r\nabc\r\n0\r\n\r\n",
			line:    []string{`code=H26 desc="Request Error" cause="bad chunk" method=POST`, "status=400"}},
		{name: "maintenance", app: func(t *testing.T) App { return with(func(a *App) { a.Maintenance = true }) }, status: 503, page: "Offline for maintenance",
			line: []string{`at=info code=H80 desc="Maintenance mode" method=GET`, "dyno= connect= service= status=503"}},
		{name: "own maintenance page", app: func(t *testing.T) App {
			return with(func(a *App) { a.Maintenance, a.MaintenancePage = true, `https://x.test/"m"` })
		}, status: 503, page: `<iframe src="https://x.test/&#34;m&#34;"></iframe>`, line: []string{`H80`}},
		{name: "own error page", app: func(t *testing.T) App { return with(func(a *App) { a.ErrorPage = "https://x.test/e" }) }, status: 503,
			page: `<iframe src="https://x.test/e"></iframe>`, line: []string{`H14`}},
		{name: "blank", app: func(t *testing.T) App { return with(func(a *App) { a.Released = false }) }, status: 503, page: "no code has been deployed",
			line: []string{`at=info code=H81 desc="Blank app"`}},
		{name: "hours used up", app: func(t *testing.T) App { return with(func(a *App) { a.Suspended = true }) }, status: 503,
			line: []string{`at=info code=H82`}},
		{name: "unasked 101", app: func(t *testing.T) App {
			return demo(rawDyno(t, answering("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n")))
		}, status: 503, line: []string{`code=H17`}},
		{name: "storm of 1xx", app: func(t *testing.T) App {
			return demo(rawDyno(t, answering(strings.Repeat("HTTP/1.1 100 Continue\r\n\r\n", 500))))
		}, status: 503, line: []string{`code=H17`}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := startRouter(t, Config{Limits: quick})
			r.apply(t, c.app(t))
			if c.request == "" {
				c.request = plainGet
			}
			res := r.raw(t, c.request)
			body := bodyOf(t, res)
			if res.StatusCode != c.status || !strings.Contains(body, c.page) {
				t.Errorf("status %d, want %d; body %q, want %q in it", res.StatusCode, c.status, body, c.page)
			}
			r.logs.find(t, c.line...)
		})
	}
}

func TestAConnectionThatNobodyAcceptsIsH19(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0") // its queue is filled below
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	r := startRouter(t, Config{Limits: quick})
	r.serve(t, fillQueue(t, l))
	res := r.raw(t, plainGet)
	if res.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("status %d", res.StatusCode)
	}
	line := r.logs.find(t, `code=H19 desc="Backend connection timeout"`, "dyno=web.1 connect=")
	_, rest, _ := strings.Cut(line, "connect=")
	took, err := time.ParseDuration(strings.Fields(rest)[0])
	if err != nil || took < quick.Connect {
		t.Errorf("it was tried for %s, %v: %s", took, err, line)
	}
}

// fillQueue makes new connections to l hang, as those to a frozen machine do.
func fillQueue(t *testing.T, l net.Listener) string {
	t.Helper()
	raw, err := l.(*net.TCPListener).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	if err := raw.Control(func(fd uintptr) { shrinkQueue(int(fd)) }); err != nil {
		t.Fatal(err)
	}
	for hung := 0; ; {
		c, err := net.DialTimeout("tcp", l.Addr().String(), time.Second)
		if err != nil {
			if hung++; hung > 1 { // one may only have waited for a processor
				return l.Addr().String()
			}
			continue
		}
		t.Cleanup(func() { _ = c.Close() })
	}
}

func TestADynoThatRefusesIsSetAsideAndAnotherAnswers(t *testing.T) {
	t.Parallel()
	r := startRouter(t, Config{Limits: calm})
	good := goDyno(t, func(w http.ResponseWriter, _ *http.Request) {})
	bad := refusing(t)
	r.serve(t, bad, bad, bad, good)
	for range 20 {
		if res := r.raw(t, plainGet); res.StatusCode != http.StatusOK {
			t.Fatalf("status %d\n%s", res.StatusCode, r.logs)
		}
	}
	r.logs.find(t, "dyno=web.4", "status=200")
}

func TestMoreThanTheBacklogIsH11(t *testing.T) {
	t.Parallel()
	limits := calm
	limits.Backlog, limits.FirstByte = 2, 10*time.Second
	r := startRouter(t, Config{Limits: limits})
	release := make(chan struct{})
	r.serve(t, goDyno(t, func(http.ResponseWriter, *http.Request) { <-release }))
	for range 2 {
		c, _ := dialRaw(t, r.addr)
		fmt.Fprint(c, plainGet)
	}
	eventually(t, "two requests at the dyno", func() bool { return r.table.app("a1").active.Load() == 2 })
	if res := r.raw(t, plainGet); res.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("status %d", res.StatusCode)
	}
	close(release)
	r.logs.find(t, `code=H11 desc="Backlog too deep"`)
}

func TestAWaitingRequestGoesToTheDynoThatComesUp(t *testing.T) {
	t.Parallel()
	limits := calm
	limits.Boot = 10 * time.Second
	r := startRouter(t, Config{Limits: limits})
	app := demo(goDyno(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "up") }))
	app.Dynos[0].State = kigo.DynoStarting
	r.apply(t, app)
	c, in := dialRaw(t, r.addr)
	fmt.Fprint(c, plainGet)
	eventually(t, "a waiting request", func() bool { return r.table.app("a1").active.Load() == 1 })
	app.Dynos = []Dyno{app.Dynos[0]}
	app.Dynos[0].State = kigo.DynoUp
	r.apply(t, app)
	res, err := http.ReadResponse(in, nil)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%v %v", res, err)
	}
}

func TestAClientThatLeavesIsH27(t *testing.T) {
	t.Parallel()
	cases := map[string]func(c *net.TCPConn){
		"before the response, with a reset": func(c *net.TCPConn) {
			fmt.Fprint(c, plainGet)
			_ = c.SetLinger(0)
		},
		"in the middle of its body": func(c *net.TCPConn) {
			fmt.Fprint(c, "POST /p HTTP/1.1\r\nHost: demo.test\r\nContent-Length: 100000\r\n\r\nbeginning")
		},
		"before the response, in good order": func(c *net.TCPConn) { fmt.Fprint(c, plainGet) },
	}
	for name, leave := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			limits := calm
			limits.FirstByte = 20 * time.Second
			r := startRouter(t, Config{Limits: limits})
			got, left := make(chan struct{}, 1), make(chan struct{})
			r.serve(t, rawDyno(t, func(c net.Conn, in *bufio.Reader) {
				_, _ = readHeadText(in)
				got <- struct{}{}
				<-left
				<-time.After(700 * time.Millisecond)
				_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
			}))
			c, err := net.Dial("tcp", r.addr)
			if err != nil {
				t.Fatal(err)
			}
			leave(c.(*net.TCPConn))
			<-got
			_ = c.Close()
			close(left)
			r.logs.find(t, `sock=client at=warning code=H27 desc="Client Request Interrupted"`, "status=499 bytes=")
		})
	}
}

func TestAClientThatOnlyEndsItsSideGetsTheAnswer(t *testing.T) {
	t.Parallel()
	r := startRouter(t, Config{Limits: Limits{}})
	r.serve(t, goDyno(t, func(w http.ResponseWriter, _ *http.Request) {
		<-time.After(400 * time.Millisecond)
		fmt.Fprint(w, "still here")
	}))
	c, in := dialRaw(t, r.addr)
	fmt.Fprint(c, plainGet)
	_ = c.(*net.TCPConn).CloseWrite()
	res, err := http.ReadResponse(in, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := bodyOf(t, res); got != "still here" {
		t.Errorf("body %q", got)
	}
	r.logs.find(t, "at=info", "status=200")
}

func TestAClientThatSendsNoMoreOfItsBodyIsH28(t *testing.T) {
	t.Parallel()
	r := startRouter(t, Config{Limits: quick})
	r.serve(t, rawDyno(t, silent))
	c, _ := dialRaw(t, r.addr)
	fmt.Fprint(c, "POST /p HTTP/1.1\r\nHost: demo.test\r\nContent-Length: 100000\r\n\r\nbeginning")
	r.logs.find(t, `sock=client at=warning code=H28 desc="Client Connection Idle"`, "status=499")
}

func TestAClientThatTakesNothingIsH28(t *testing.T) {
	t.Parallel()
	r := startRouter(t, Config{Limits: quick})
	r.serve(t, goDyno(t, func(w http.ResponseWriter, _ *http.Request) {
		for range 1000 {
			if _, err := w.Write(make([]byte, 1<<20)); err != nil {
				return
			}
		}
	}))
	c, _ := dialRaw(t, r.addr)
	_ = c.(*net.TCPConn).SetReadBuffer(4096)
	fmt.Fprint(c, plainGet)
	r.logs.find(t, `code=H28`)
}

func TestTooManyTunnelsAreH22(t *testing.T) {
	t.Parallel()
	limits := calm
	limits.Tunnels = 1
	r := startRouter(t, Config{Limits: limits})
	r.serve(t, rawDyno(t, func(c net.Conn, in *bufio.Reader) {
		answering("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")(c, in)
		silent(c, in)
	}))
	upgrade := "GET /p HTTP/1.1\r\nHost: demo.test\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n"
	c, in := dialRaw(t, r.addr)
	fmt.Fprint(c, upgrade)
	if head, err := readHeadText(in); err != nil || !strings.HasPrefix(head, "HTTP/1.1 101 ") {
		t.Fatalf("%q %v", head, err)
	}
	if res := r.raw(t, upgrade); res.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("status %d", res.StatusCode)
	}
	r.logs.find(t, `code=H22 desc="Connection limit reached"`)
}

func TestWhatIsLeftAtTheEndOfTheRouterIsH24(t *testing.T) {
	t.Parallel()
	limits := calm
	limits.FirstByte, limits.Drain = 20*time.Second, 100*time.Millisecond
	r := startRouter(t, Config{Limits: limits})
	r.serve(t, rawDyno(t, silent))
	c, _ := dialRaw(t, r.addr)
	fmt.Fprint(c, plainGet)
	eventually(t, "a request at the dyno", func() bool { return r.table.app("a1").active.Load() == 1 })
	r.stop()
	r.logs.find(t, `code=H24 desc="Forced close"`)
}

func TestAFaultOfOursIsH99(t *testing.T) {
	t.Parallel()
	r := startRouter(t, Config{Limits: quick})
	r.serve(t, "127.0.0.1:1")
	a := r.table.app("a1")
	view := a.view.Swap(nil)
	defer a.view.Store(view)
	if res := r.raw(t, plainGet); res.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("status %d", res.StatusCode)
	}
	r.logs.find(t, `code=H99 desc="Platform error"`)
	if n := a.active.Load(); n != 0 {
		t.Errorf("%d requests still counted", n)
	}
}

func TestUnknownHostsAndARouterWithoutRoutesSaySo(t *testing.T) {
	t.Parallel()
	r := startRouter(t, Config{Limits: calm})
	if res := r.raw(t, plainGet); res.StatusCode != http.StatusServiceUnavailable || !strings.Contains(bodyOf(t, res), "Routes unavailable") {
		t.Errorf("without a snapshot: %d", res.StatusCode)
	}
	r.serve(t)
	res := r.raw(t, "GET / HTTP/1.1\r\nHost: other.test\r\n\r\n")
	if res.StatusCode != http.StatusNotFound || !strings.Contains(bodyOf(t, res), "No such app") {
		t.Errorf("unknown host: %d", res.StatusCode)
	}
}
