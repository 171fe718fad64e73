package router

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"
)

// The tests of this file are what users of other proxies report most: events that come in one
// piece, uploads that are refused with a broken connection instead of an answer, POSTs that fail
// on connections that had been idle, sockets that a deploy cuts.

// TestEventsArriveOneByOne has a dyno send the next event once the client has read the one before:
// as chunks, until its end, or with the head in pieces, as programs do that take the socket over.
func TestEventsArriveOneByOne(t *testing.T) {
	t.Parallel()
	r, quicAddr := startHTTP3(t, Config{Limits: Limits{Drain: time.Second, Leave: tick}})
	secure := r.config.HTTPS[0].Addr().String()
	seen := make(chan struct{})
	r.serve(t, rawDyno(t, func(c net.Conn, in *bufio.Reader) {
		head, err := readHeadText(in)
		if err != nil {
			return
		}
		event, end := "data: %s\n\n", ""
		lines := []string{"HTTP/1.1 200 OK\r\n", "Content-Type: text/event-stream\r\n", "Cache-Control: no-cache\r\n"}
		switch {
		case strings.Contains(head, "/chunks"):
			lines = append(lines, "Transfer-Encoding: chunked\r\n")
			event, end = "9\r\ndata: %s\n\n\r\n", "0\r\n\r\n"
		case strings.Contains(head, "/pieces"):
			lines = strings.SplitAfter(strings.Join(lines, ""), "e")
		}
		for _, part := range append(lines, "\r\n") {
			_, _ = io.WriteString(c, part)
		}
		for i := range 5 {
			<-seen
			fmt.Fprintf(c, event, fmt.Sprint(i))
		}
		_, _ = io.WriteString(c, end)
	}))
	clients := map[string]*http.Client{"HTTP/1.1 by TLS": secureClient(t, secure, false), "HTTP/2": secureClient(t, secure, true), "HTTP/3": h3Client(t, quicAddr),
		"HTTP/1.1": {Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "tcp", r.addr)
		}}}}
	for name, client := range clients {
		for _, kind := range []string{"chunks", "end", "pieces"} {
			scheme := "https"
			if name == "HTTP/1.1" {
				scheme = "http"
			}
			res, err := client.Get(scheme + "://demo.test/" + kind)
			if err != nil {
				t.Fatalf("%s, %s: %v", name, kind, err)
			}
			if got := res.Header.Get("Content-Type"); got != "text/event-stream" {
				t.Errorf("%s, %s: type %q", name, kind, got)
			}
			for i := range 5 {
				seen <- struct{}{} // only now it is sent
				event, want := make([]byte, 9), fmt.Sprintf("data: %d\n\n", i)
				if _, err := io.ReadFull(res.Body, event[:len(want)]); err != nil || string(event[:len(want)]) != want {
					t.Fatalf("%s, %s: event %q, %v", name, kind, event, err)
				}
			}
			if rest, err := io.ReadAll(res.Body); err != nil || len(rest) > 0 {
				t.Errorf("%s, %s: then %q, %v", name, kind, rest, err)
			}
			_ = res.Body.Close()
		}
	}
}

// TestAnUploadThatIsRefusedGetsItsAnswer has a dyno answer without reading the body, and then close,
// reset or keep the connection. The last client looks for an answer only once all is sent.
func TestAnUploadThatIsRefusedGetsItsAnswer(t *testing.T) {
	t.Parallel()
	body := bytes.Repeat([]byte("x"), 3_000_000)
	for _, then := range []string{"close", "reset", "keep"} {
		for _, chunked := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, chunked %v", then, chunked), func(t *testing.T) {
				t.Parallel()
				limits := calm
				limits.Rolling = 20 * time.Second
				r, quicAddr := startHTTP3(t, Config{Limits: limits})
				r.serve(t, rawDyno(t, func(c net.Conn, in *bufio.Reader) {
					if _, err := readHeadText(in); err != nil {
						return
					}
					_, _ = io.WriteString(c, "HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno")
					switch then {
					case "reset":
						_ = c.(*net.TCPConn).SetLinger(0)
					case "keep":
						silent(c, in)
					}
				}))
				secure := r.config.HTTPS[0].Addr().String()
				for name, client := range map[string]*http.Client{"HTTP/1.1": secureClient(t, secure, false), "HTTP/2": secureClient(t, secure, true), "HTTP/3": h3Client(t, quicAddr)} {
					var in io.Reader = bytes.NewReader(body)
					if chunked {
						in = io.MultiReader(in)
					}
					q, _ := http.NewRequest(http.MethodPut, "https://demo.test/", in)
					res, err := client.Do(q)
					if err != nil {
						t.Errorf("%s: %v\n%s", name, err, r.logs)
						continue
					}
					if got := bodyOf(t, res); res.StatusCode != http.StatusForbidden || got != "no" {
						t.Errorf("%s: %s %q\n%s", name, res.Status, got, r.logs)
					}
				}
				c, in := dialRaw(t, r.addr)
				if chunked {
					_, _ = fmt.Fprintf(c, "PUT / HTTP/1.1\r\n%sTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", host, len(body), body)
				} else {
					_, _ = fmt.Fprintf(c, "PUT / HTTP/1.1\r\n%sContent-Length: %d\r\n\r\n%s", host, len(body), body)
				}
				res, err := http.ReadResponse(in, nil)
				if err != nil {
					t.Fatalf("%v\n%s", err, r.logs)
				}
				if got := bodyOf(t, res); res.StatusCode != http.StatusForbidden || got != "no" {
					t.Errorf("%s %q", res.Status, got)
				}
			})
		}
	}
}

// TestADynoThatClosesIdleConnectionsLosesNoPost is about servers that close connections after seconds,
// without having said so: what waits in the pool is looked at before a request that cannot be sent twice.
func TestADynoThatClosesIdleConnectionsLosesNoPost(t *testing.T) {
	t.Parallel()
	r := startRouter(t, Config{Limits: calm})
	closed := make(chan struct{})
	r.serve(t, rawDyno(t, func(c net.Conn, in *bufio.Reader) {
		q, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		_, _ = io.Copy(io.Discard, q.Body)
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
		<-closed // the router has it in its pool by now
		_ = c.Close()
		closed <- struct{}{}
	}))
	for i := range 20 {
		if status := r.raw(t, fmt.Sprintf("POST /%d HTTP/1.1\r\n%sContent-Length: 1\r\n\r\nx", i, host)).StatusCode; status != http.StatusOK {
			t.Fatalf("request %d: %d\n%s", i, status, r.logs)
		}
		closed <- struct{}{}
		<-closed
	}
}

// TestASocketStaysWhenItsDynoGetsNoMoreRequests is about deploys: the old dyno is no longer in the routes.
func TestASocketStaysWhenItsDynoGetsNoMoreRequests(t *testing.T) {
	t.Parallel()
	r := startRouter(t, Config{Limits: Limits{Drain: tick}})
	r.serve(t, rawDyno(t, func(c net.Conn, in *bufio.Reader) {
		answering(switched)(c, in)
		_, _ = io.Copy(c, in)
	}))
	c, in := dialRaw(t, r.addr)
	fmt.Fprint(c, upgradeEcho)
	if _, err := readHeadText(in); err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		r.serve(t, goDyno(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "new") }))
		if got := bodyOf(t, r.raw(t, plainGet)); got != "new" {
			t.Errorf("after deploy %d: %q", i, got)
		}
		want := fmt.Sprintf("message %d\n", i)
		fmt.Fprint(c, want)
		if got, err := in.ReadString('\n'); err != nil || got != want {
			t.Fatalf("after deploy %d: %q, %v", i, got, err)
		}
	}
}

// TestLengthsPastFourGigabytesPass says them without sending so much.
func TestLengthsPastFourGigabytesPass(t *testing.T) {
	t.Parallel()
	r := startRouter(t, Config{Limits: calm})
	heads := make(chan string, 1)
	r.serve(t, rawDyno(t, func(c net.Conn, in *bufio.Reader) {
		head, _ := readHeadText(in)
		heads <- head
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 6000000000\r\n\r\n")
		_, _ = in.ReadByte()
	}))
	c, in := dialRaw(t, r.addr)
	fmt.Fprint(c, "POST / HTTP/1.1\r\n"+host+"Content-Length: 5000000000\r\n\r\n")
	if head, err := readHeadText(in); err != nil || !strings.Contains(head, "\r\nContent-Length: 6000000000\r\n") {
		t.Errorf("%q %v", head, err)
	}
	if head := <-heads; !strings.Contains(head, "\r\nContent-Length: 5000000000\r\n") {
		t.Errorf("the dyno saw %q", head)
	}
}

// TestAnUpgradeThatNoDynoTakesIsAnswered is about proxies that close the connection of a WebSocket
// whose dyno refuses, or is not there: the one in front of them takes it for a failure of theirs.
func TestAnUpgradeThatNoDynoTakesIsAnswered(t *testing.T) {
	t.Parallel()
	r := startRouter(t, Config{Limits: calm})
	for name, c := range map[string]struct {
		app    App
		status int
		line   string
	}{
		"refused":    {demo(refusing(t)), 503, "code=H21"},
		"none":       {demo(), 503, "code=H14"},
		"closed":     {demo(rawDyno(t, answering(""))), 503, "code=H13"},
		"not wanted": {demo(rawDyno(t, answering("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"))), 403, "status=403"},
	} {
		r.apply(t, c.app)
		if res := r.raw(t, upgradeEcho); res.StatusCode != c.status {
			t.Errorf("%s: %d, want %d", name, res.StatusCode, c.status)
		}
		r.logs.find(t, `path="/u"`, c.line)
	}
}

// TestTimesAreThoseOfOneRequest reuses both connections for longer than any of them may take.
func TestTimesAreThoseOfOneRequest(t *testing.T) {
	t.Parallel()
	limits := calm
	limits.FirstByte, limits.Rolling, limits.Head, limits.Idle = 4*time.Second, 4*time.Second, 4*time.Second, 4*time.Second
	r := startRouter(t, Config{Limits: limits})
	peers := make(chan string, 8)
	r.serve(t, goDyno(t, func(_ http.ResponseWriter, q *http.Request) {
		peers <- q.RemoteAddr
		<-time.After(time.Second)
	}))
	c, in := dialRaw(t, r.addr)
	for i := range 6 {
		fmt.Fprintf(c, "POST /%d HTTP/1.1\r\n%sContent-Length: 1\r\n\r\nx", i, host)
		res, err := http.ReadResponse(in, nil)
		if err != nil || res.StatusCode != http.StatusOK {
			t.Fatalf("request %d: %v %v\n%s", i, res, err, r.logs)
		}
	}
	first := <-peers
	for range 5 {
		if other := <-peers; other != first {
			t.Errorf("the dyno saw connections from %s and %s", first, other)
		}
	}
}

// TestADynoSeesWhatTheRouterAdds is about each protocol's own headers.
func TestADynoSeesWhatTheRouterAdds(t *testing.T) {
	t.Parallel()
	r, quicAddr := startHTTP3(t, Config{Limits: calm})
	heads := make(chan http.Header, 1)
	r.serve(t, goDyno(t, func(_ http.ResponseWriter, q *http.Request) { heads <- q.Header }))
	secure := r.config.HTTPS[0].Addr().String()
	for _, c := range []struct {
		via, addr string
		client    *http.Client
	}{{"1.1", secure, secureClient(t, secure, false)}, {"2.0", secure, secureClient(t, secure, true)}, {"3.0", quicAddr, h3Client(t, quicAddr)}} {
		before := time.Now().UnixMilli()
		res, err := c.client.Get("https://demo.test/")
		if err != nil {
			t.Fatal(err)
		}
		_ = bodyOf(t, res)
		_, port, _ := net.SplitHostPort(c.addr)
		seen := <-heads
		for name, want := range map[string]string{"Via": c.via + " heroku-router", "X-Forwarded-Proto": "https", "X-Forwarded-Port": port, "X-Forwarded-For": "127.0.0.1"} {
			if got := strings.Join(seen[name], "|"); got != want {
				t.Errorf("%s: %s is %q, want %q", c.via, name, got, want)
			}
		}
		start, err := strconv.ParseInt(seen.Get("X-Request-Start"), 10, 64)
		if err != nil || start < before-1000 || start > time.Now().UnixMilli()+1000 {
			t.Errorf("%s: X-Request-Start is %q", c.via, seen["X-Request-Start"])
		}
		if id := seen.Get("X-Request-Id"); len(id) != 36 || strings.Count(id, "-") != 4 {
			t.Errorf("%s: X-Request-Id is %q", c.via, id)
		}
	}
}
