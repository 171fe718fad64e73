package router

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// resets reads a request's head, writes text and resets the connection.
func resets(text string) func(net.Conn, *bufio.Reader) {
	return func(c net.Conn, in *bufio.Reader) {
		if _, err := readHeadText(in); err != nil {
			return
		}
		_, _ = io.WriteString(c, text)
		if text != "" {
			<-time.After(50 * time.Millisecond) // a reset overtakes what was written
		}
		_ = c.(*net.TCPConn).SetLinger(0)
	}
}

// TestEachWayADynoMayBreakOffHasItsCode tells H13, the dyno had the request and
// said nothing, from H18, it broke off in the middle of one or the other.
func TestEachWayADynoMayBreakOffHasItsCode(t *testing.T) {
	t.Parallel()
	const post = "POST /p HTTP/1.1\r\nHost: demo.test\r\nContent-Length: 5\r\n\r\nwhole"
	half := "POST /p HTTP/1.1\r\nHost: demo.test\r\nContent-Length: 3000000\r\n\r\n" + strings.Repeat("x", 1_000_000)
	cases := []struct {
		name, request string
		dyno          func(net.Conn, *bufio.Reader)
		status        int
		line          []string
	}{
		{"closes after a GET", plainGet, answering(""), 503, []string{"code=H13", "dyno=web.1", "status=503"}},
		{"resets after a GET", plainGet, resets(""), 503, []string{"code=H13", "dyno=web.1"}},
		{"closes after a whole POST", post, func(_ net.Conn, in *bufio.Reader) {
			_, _ = http.ReadRequest(in)
			_, _ = in.Discard(5)
		}, 503, []string{"code=H13", "method=POST"}},
		{"closes in the middle of a request", half, answering(""), 503, []string{"sock=backend", "code=H18", "method=POST", "status=503"}},
		{"resets in the middle of a head", plainGet, resets("HTTP/1.1 200 OK\r\nContent-"), 503, []string{"sock=backend", "code=H18", "status=503"}},
		{"resets in the middle of a body", plainGet, resets("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"), 200,
			[]string{"sock=backend", "code=H18", "status=200 bytes=4"}},
		{"resets a body that its end would end", plainGet, resets("HTTP/1.1 200 OK\r\n\r\nhalf"), 200, []string{"code=H18", "status=200 bytes=4"}},
		{"closes before the last chunk", plainGet, answering("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n"), 200,
			[]string{"code=H18", "status=200 bytes=4"}},
		{"closes within trailers", plainGet, answering("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n0\r\nX-A: b"), 200,
			[]string{"code=H18", "status=200 bytes=4"}},
		{"closes after 100 Continue", plainGet, answering("HTTP/1.1 100 Continue\r\n\r\n"), 503, []string{"code=H13"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := startRouter(t, Config{Limits: quick})
			r.serve(t, rawDyno(t, c.dyno))
			conn, in := dialRaw(t, r.addr)
			go func() { _, _ = io.WriteString(conn, c.request) }()
			res, err := http.ReadResponse(in, nil)
			if err != nil {
				t.Fatal(err, r.logs)
			}
			if res.StatusCode != c.status {
				t.Errorf("status %d, want %d", res.StatusCode, c.status)
			}
			if _, err := io.Copy(io.Discard, res.Body); err == nil && c.status == http.StatusOK {
				t.Error("half an answer looked whole")
			}
			r.logs.find(t, c.line...)
		})
	}
}

func TestAKeptConnectionThatIsClosedMeansOneMoreTryForAGetOnly(t *testing.T) {
	t.Parallel()
	for method, want := range map[string]string{"GET": "status=503", "POST": "status=503"} {
		t.Run(method, func(t *testing.T) {
			r := startRouter(t, Config{Limits: calm})
			var requests atomic.Int64
			r.serve(t, rawDyno(t, func(c net.Conn, in *bufio.Reader) {
				for n := 0; ; n++ {
					if _, err := readHeadText(in); err != nil {
						return
					}
					if requests.Add(1) > 1 {
						return // each later request, on whichever connection
					}
					_, _ = io.WriteString(c, "HTTP/1.1 204 No Content\r\n\r\n")
				}
			}))
			if status := r.raw(t, plainGet).StatusCode; status != http.StatusNoContent {
				t.Fatal(status)
			}
			kept := &r.table.app("a1").view.Load().up[0].pool
			eventually(t, "the connection to be kept", func() bool {
				kept.mu.Lock()
				defer kept.mu.Unlock()
				return len(kept.idle) == 1
			})
			text := method + " /again HTTP/1.1\r\nHost: demo.test\r\nContent-Length: 0\r\n\r\n"
			if status := r.raw(t, text).StatusCode; status != http.StatusServiceUnavailable {
				t.Errorf("status %d", status)
			}
			r.logs.find(t, "code=H13", "method="+method, want)
			wanted := map[string]int64{"GET": 3, "POST": 2}[method]
			if got := requests.Load(); got != wanted {
				t.Errorf("the dyno saw %d requests, want %d", got, wanted)
			}
		})
	}
}

func TestAnAppsErrorPageStandsInForOursWhereverOneIsShown(t *testing.T) {
	t.Parallel()
	app := func(addrs ...string) App {
		a := demo(addrs...)
		a.ErrorPage, a.MaintenancePage = "https://pages.test/error?a=1&b=2", "https://pages.test/maintenance"
		return a
	}
	const page = `<iframe src="https://pages.test/error?a=1&amp;b=2"></iframe>`
	cases := []struct {
		name, request string
		app           App
		status        int
		page          string
	}{
		{"H12", plainGet, app(rawDyno(t, silent)), 503, page},
		{"H13", plainGet, app(rawDyno(t, answering(""))), 503, page},
		{"H14", plainGet, app(), 503, page},
		{"H17", plainGet, app(rawDyno(t, answering("nonsense\r\n\r\n"))), 503, page},
		{"H21", plainGet, app(refusing(t)), 503, page},
		{"H25", plainGet, app(rawDyno(t, answering("HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"))), 502, page},
		{"H26 is the client's fault", "GET / HTTP/1.1\r\nHost: demo.test\r\nBad Name: x\r\n\r\n", app(), 400, ""},
		{"HEAD has no body", "HEAD / HTTP/1.1\r\nHost: demo.test\r\n\r\n", app(), 503, ""},
		{"the app's own 500 is not touched", plainGet, app(rawDyno(t, answering("HTTP/1.1 500 Oh\r\nContent-Length: 4\r\n\r\nmine"))), 500, "mine"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := startRouter(t, Config{Limits: quick})
			r.apply(t, c.app)
			res := r.raw(t, c.request)
			body := bodyOf(t, res)
			if res.StatusCode != c.status || !strings.Contains(body, c.page) || c.page == "" && strings.Contains(body, "iframe") {
				t.Errorf("status %d, body %q", res.StatusCode, body)
			}
			if c.page == page && (res.Header.Get("Content-Type") != "text/html; charset=utf-8" || res.Header.Get("Cache-Control") != "no-cache, no-store") {
				t.Errorf("header %v", res.Header)
			}
			if strings.HasPrefix(c.request, "HEAD") && (body != "" || res.ContentLength < int64(len(page))) {
				t.Errorf("HEAD: length %d, body %q", res.ContentLength, fmt.Sprintf("%.40s", body))
			}
		})
	}
}
