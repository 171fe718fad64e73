package router

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestBothDirectionsStreamAtOnce(t *testing.T) {
	t.Parallel()
	r := startRouter(t, Config{Limits: calm})
	r.serve(t, rawDyno(t, func(c net.Conn, in *bufio.Reader) {
		if _, err := readHeadText(in); err != nil {
			return
		}
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\n")
		_, _ = io.CopyN(c, in, 5*3)
	}))
	c, in := dialRaw(t, r.addr)
	fmt.Fprint(c, "POST / HTTP/1.1\r\n"+host+"Content-Length: 15\r\n\r\n")
	if _, err := readHeadText(in); err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		text := fmt.Sprintf("part%d", i)
		fmt.Fprint(c, text)
		got := make([]byte, 5)
		if _, err := io.ReadFull(in, got); err != nil || string(got) != text {
			t.Fatalf("%q %v", got, err)
		}
	}
	r.logs.find(t, "status=200 bytes=15")
}

// TestBodiesOfAnySizeArriveWhole sends random bodies both ways, by length and by
// chunks, over kept-alive connections.
func TestBodiesOfAnySizeArriveWhole(t *testing.T) {
	t.Parallel()
	r := startRouter(t, Config{Limits: Limits{Drain: time.Second}})
	r.serve(t, goDyno(t, func(w http.ResponseWriter, q *http.Request) {
		body, err := io.ReadAll(q.Body)
		if err != nil {
			t.Error(err)
		}
		if q.URL.Query().Get("length") != "" {
			w.Header().Set("Content-Length", fmt.Sprint(len(body)))
		}
		for len(body) > 0 {
			n := min(len(body), 1+rand.IntN(100_000))
			_, _ = w.Write(body[:n])
			body = body[n:]
		}
	}))
	client := &http.Client{Transport: &http.Transport{DialContext: (&net.Dialer{}).DialContext}}
	defer client.CloseIdleConnections()
	for _, size := range []int{0, 1, 127, 8 << 10, 16<<10 - 300, 16 << 10, 64 << 10, 64<<10 + 1, 1 << 20, 5 << 20} {
		for _, query := range []string{"", "?length=1"} {
			for _, known := range []bool{true, false} {
				body := make([]byte, size)
				for i := range body {
					body[i] = byte(rand.Uint32())
				}
				var in io.Reader = bytes.NewReader(body)
				if !known {
					in = io.MultiReader(in)
				}
				q, err := http.NewRequest(http.MethodPost, "http://"+r.addr+"/"+query, in)
				if err != nil {
					t.Fatal(err)
				}
				q.Host = "demo.test"
				res, err := client.Do(q)
				if err != nil {
					t.Fatal(err)
				}
				got, err := io.ReadAll(res.Body)
				_ = res.Body.Close()
				if err != nil || sha256.Sum256(got) != sha256.Sum256(body) {
					t.Errorf("size %d, query %q, known %v: %d bytes, %v", size, query, known, len(got), err)
				}
			}
		}
	}
}

func TestAnAnswerBeforeTheBodyIsReadArrives(t *testing.T) {
	t.Parallel()
	r := startRouter(t, Config{Limits: calm})
	r.serve(t, rawDyno(t, answering("HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig")))
	c, in := dialRaw(t, r.addr)
	go func() {
		fmt.Fprint(c, "POST / HTTP/1.1\r\n"+host+"Content-Length: 50000000\r\n\r\n")
		_, _ = c.Write(make([]byte, 300_000))
	}()
	res, err := http.ReadResponse(in, nil)
	if err != nil || res.StatusCode != http.StatusRequestEntityTooLarge {
		t.Fatalf("%v %v\n%s", res, err, r.logs)
	}
	if got := bodyOf(t, res); got != "big" {
		t.Errorf("body %q", got)
	}
}

func TestTheRouterAnswersAnExpectation(t *testing.T) {
	t.Parallel()
	r := startRouter(t, Config{Limits: calm})
	w := &witness{}
	r.serve(t, goDyno(t, w.ServeHTTP))
	c, in := dialRaw(t, r.addr)
	fmt.Fprint(c, "POST / HTTP/1.1\r\n"+host+"Content-Length: 3\r\nExpect: 100-Continue\r\n\r\n")
	if head, err := readHeadText(in); err != nil || head != "HTTP/1.1 100 Continue\r\n\r\n" {
		t.Fatalf("%q %v", head, err)
	}
	fmt.Fprint(c, "abc")
	if res, err := http.ReadResponse(in, nil); err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%v %v", res, err)
	}
	if seen := w.take(); len(seen) != 1 || !strings.Contains(seen[0], `body="abc"`) || strings.Contains(seen[0], "Expect") {
		t.Errorf("dyno saw %v", seen)
	}
}

// TestAnswersAreFramedAsTheirKindDemands covers HEAD, 204, 304, 1xx, trailers,
// HTTP/1.0 and bodies without a length; after each the connection must be clean.
func TestAnswersAreFramedAsTheirKindDemands(t *testing.T) {
	t.Parallel()
	cases := []struct{ name, request, answer, want string }{
		{"HEAD with a length", "HEAD / HTTP/1.1\r\n" + host + "\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
			"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nVia: 1.1 heroku-router\r\n\r\n"},
		{"HEAD with chunks", "HEAD / HTTP/1.1\r\n" + host + "\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
			"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nVia: 1.1 heroku-router\r\n\r\n"},
		{"204", plainGet, "HTTP/1.1 204 No Content\r\n\r\n", "HTTP/1.1 204 No Content\r\nVia: 1.1 heroku-router\r\n\r\n"},
		{"204 with a length", plainGet, "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 204 No Content\r\nVia: 1.1 heroku-router\r\n\r\n"},
		{"304 with a length", plainGet, "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\nETag: x\r\n\r\n", "HTTP/1.1 304 Not Modified\r\nETag: x\r\nContent-Length: 9\r\nVia: 1.1 heroku-router\r\n\r\n"},
		{"103 before", plainGet, "HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx",
			"HTTP/1.1 103 Early Hints\r\nLink: <a>\r\nVia: 1.1 heroku-router\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\nVia: 1.1 heroku-router\r\n\r\nx"},
		{"100 before", plainGet, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nVia: 1.1 heroku-router\r\n\r\nx"},
		{"trailers", plainGet, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n1;a=b\r\nx\r\n0\r\nX-T: 1\r\n\r\n",
			"HTTP/1.1 200 OK\r\nTrailer: X-T\r\nTransfer-Encoding: chunked\r\nVia: 1.1 heroku-router\r\n\r\n1\r\nx\r\n0\r\nX-T: 1\r\n\r\n"},
		{"chunks to HTTP/1.0", "GET / HTTP/1.0\r\n" + host + "Connection: keep-alive\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n",
			"HTTP/1.1 200 OK\r\nConnection: close\r\nVia: 1.1 heroku-router\r\n\r\nx"},
		{"a length to HTTP/1.0", "GET / HTTP/1.0\r\n" + host + "Connection: keep-alive\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx",
			"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nConnection: keep-alive\r\nVia: 1.1 heroku-router\r\n\r\nx"},
		{"until close", plainGet, "HTTP/1.0 200 OK\r\nX: 1\r\n\r\nbody", "HTTP/1.1 200 OK\r\nX: 1\r\nConnection: close\r\nVia: 1.1 heroku-router\r\n\r\nbody"},
		{"two equal lengths", plainGet, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx",
			"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nVia: 1.1 heroku-router\r\n\r\nx"},
		{"odd but legal headers", plainGet, "HTTP/1.1 200 OK\r\nset-cookie: a=1\r\nX_Under: \xc3\xa4\xff\r\nSet-Cookie:  b=2\r\nX-Empty:\r\nContent-Length: 0\r\n\r\n",
			"HTTP/1.1 200 OK\r\nset-cookie: a=1\r\nX_Under: \xc3\xa4\xff\r\nSet-Cookie:  b=2\r\nX-Empty:\r\nContent-Length: 0\r\nVia: 1.1 heroku-router\r\n\r\n"},
		{"hop-by-hop", plainGet, "HTTP/1.1 200 \r\nConnection: x, keep-alive\r\nKeep-Alive: timeout=5\r\nX: 1\r\nContent-Length: 0\r\n\r\n",
			"HTTP/1.1 200 \r\nX: 1\r\nContent-Length: 0\r\nVia: 1.1 heroku-router\r\n\r\n"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := startRouter(t, Config{Limits: calm})
			r.serve(t, rawDyno(t, func(d net.Conn, in *bufio.Reader) {
				for first := true; ; first = false {
					head, err := readHeadText(in)
					switch {
					case err != nil:
						return
					case first && strings.Contains(c.request, head[:5]):
						_, _ = io.WriteString(d, c.answer)
						if strings.Contains(c.name, "close") {
							return
						}
					default:
						_, _ = io.WriteString(d, "HTTP/1.1 299 Next\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
						return
					}
				}
			}))
			conn, in := dialRaw(t, r.addr)
			fmt.Fprint(conn, c.request)
			got := make([]byte, len(c.want))
			if _, err := io.ReadFull(in, got); err != nil || string(got) != c.want {
				t.Fatalf("got  %q\nwant %q\n%v", got, c.want, err)
			}
			if strings.Contains(c.want, "Connection: close") {
				if rest, _ := io.ReadAll(in); len(rest) > 0 {
					t.Errorf("more came: %q", rest)
				}
				return
			}
			fmt.Fprint(conn, "GET /next HTTP/1.1\r\n"+host+"\r\n")
			if line, err := in.ReadString('\n'); err != nil || line != "HTTP/1.1 299 Next\r\n" && line != "HTTP/1.1 200 OK\r\n" {
				t.Errorf("next answer %q %v", line, err)
			}
		})
	}
}

func TestARequestWithABodyIsNeverSentTwice(t *testing.T) {
	t.Parallel()
	var seen witness
	r := startRouter(t, Config{Limits: calm})
	// Every second request on a connection is read and not answered.
	r.serve(t, rawDyno(t, func(c net.Conn, in *bufio.Reader) {
		for n := 0; ; n++ {
			q, err := http.ReadRequest(in)
			if err != nil {
				return
			}
			seen.ServeHTTP(httptest.NewRecorder(), q)
			if n == 1 {
				return
			}
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
		}
	}))
	for i := range 20 {
		r.raw(t, fmt.Sprintf("POST /%d HTTP/1.1\r\n%sContent-Length: 1\r\n\r\nx", i, host))
	}
	counts := map[string]int{}
	for _, s := range seen.take() {
		path := strings.Fields(s)[1]
		if counts[path]++; counts[path] > 1 {
			t.Errorf("%s was sent %d times", path, counts[path])
		}
	}
	if len(counts) != 20 {
		t.Errorf("%d requests were seen", len(counts))
	}
	for range 20 { // and what may be repeated is: nobody sees the closed connection
		if res := r.raw(t, plainGet); res.StatusCode != http.StatusOK {
			t.Errorf("GET %d", res.StatusCode)
		}
	}
}

func TestSlowButSteadyTransfersAreNotCut(t *testing.T) {
	t.Parallel()
	limits := calm
	limits.Rolling = 4 * time.Second
	r := startRouter(t, Config{Limits: limits})
	r.serve(t, goDyno(t, func(w http.ResponseWriter, q *http.Request) {
		body, _ := io.ReadAll(q.Body)
		for range 6 {
			<-time.After(800 * time.Millisecond)
			_, _ = w.Write(body)
			_ = http.NewResponseController(w).Flush()
		}
	}))
	c, in := dialRaw(t, r.addr)
	fmt.Fprint(c, "POST / HTTP/1.1\r\n"+host+"Content-Length: 6\r\n\r\n")
	for range 6 {
		<-time.After(800 * time.Millisecond)
		fmt.Fprint(c, "x")
	}
	res, err := http.ReadResponse(in, nil)
	if err != nil {
		t.Fatal(err, r.logs)
	}
	if got := bodyOf(t, res); got != strings.Repeat("xxxxxx", 6) {
		t.Errorf("body %q\n%s", got, r.logs)
	}
}
