package router

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
)

// startHTTP3 is startSecure with HTTP/3 on the same port.
func startHTTP3(t testing.TB, config Config) (r *rig, addr string) {
	t.Helper()
	u, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = u.Close() })
	config.HTTP3 = &HTTP3{Conn: u, Lock: filepath.Join(t.TempDir(), "lock")}
	r, _ = startSecure(t, config)
	eventually(t, "HTTP/3", func() bool { return r.alternative.Load() != nil })
	return r, u.LocalAddr().String()
}

// h3Client speaks HTTP/3 to addr whatever the URL says.
func h3Client(t testing.TB, addr string) *http.Client {
	t.Helper()
	transport := &http3.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true},
		Dial: func(ctx context.Context, _ string, tlsConfig *tls.Config, config *quic.Config) (*quic.Conn, error) {
			config.MaxIdleTimeout = 20 * time.Second
			return quic.DialAddr(ctx, addr, tlsConfig, config)
		}}
	t.Cleanup(func() { _ = transport.Close() })
	return &http.Client{Transport: transport}
}

func TestHTTP3CarriesTheSameRequests(t *testing.T) {
	t.Parallel()
	r, addr := startHTTP3(t, Config{Limits: calm})
	requests, bodies := make(chan *http.Request, 1), make(chan string, 1)
	r.serve(t, goDyno(t, func(w http.ResponseWriter, q *http.Request) {
		body, _ := io.ReadAll(q.Body)
		requests <- q
		bodies <- string(body)
		w.Header()["X-Two"] = []string{"1", "2"}
		w.WriteHeader(http.StatusEarlyHints)
		w.WriteHeader(http.StatusTeapot)
		fmt.Fprint(w, "seen")
	}))
	client := h3Client(t, addr)
	for _, text := range []string{"", "known", strings.Repeat("unknown", 10_000)} {
		var sent io.Reader = strings.NewReader(text)
		if len(text) > 10 {
			sent = io.MultiReader(sent)
		}
		q, _ := http.NewRequest(http.MethodPost, "https://demo.test/a?b;c", sent)
		q.Header.Set("X_Evil", "1")
		q.Header.Set("X-Forwarded-For", "9.9.9.9")
		q.Header.Set("X-Forwarded-Proto", "http")
		q.Header.Set("Cookie", "a=b")
		res, err := client.Do(q)
		if err != nil {
			t.Fatal(err, r.logs)
		}
		if got := bodyOf(t, res); got != "seen" || res.StatusCode != http.StatusTeapot || res.ProtoMajor != 3 || len(res.Header["X-Two"]) != 2 {
			t.Errorf("%s %q %v", res.Status, got, res.Header)
		}
		seen := <-requests
		if body := <-bodies; body != text {
			t.Errorf("the dyno read %d bytes of %d", len(body), len(text))
		}
		want := http.Header{"X-Forwarded-For": {"9.9.9.9, 127.0.0.1"}, "X-Forwarded-Proto": {"https"}, "Cookie": {"a=b"}, "Via": {"3.0 heroku-router"}, "X_Evil": nil}
		for name, values := range want {
			if got := strings.Join(seen.Header[name], "|"); got != strings.Join(values, "|") {
				t.Errorf("%s is %q, want %q", name, got, values)
			}
		}
		if seen.Host != "demo.test" || seen.RequestURI != "/a?b;c" {
			t.Errorf("the dyno saw %s %s", seen.Host, seen.RequestURI)
		}
	}
	r.logs.find(t, `at=info method=POST path="/a?b;c" host=demo.test`, `fwd="9.9.9.9, 127.0.0.1"`, "status=418 bytes=4 protocol=http3.0 tls=true tls_version=tls1.3")
}

func TestHTTP3MeetsTheSameRules(t *testing.T) {
	t.Parallel()
	r, addr := startHTTP3(t, Config{Limits: quick})
	client := h3Client(t, addr)
	dyno := func(text string) App { return demo(rawDyno(t, answering(text))) }
	for _, c := range []struct {
		name   string
		app    App
		method string
		url    string
		status int
		line   string
	}{
		{"no such app", demo(), "GET", "https://other.test/", 404, ""},
		{"no dyno", demo(), "GET", "https://demo.test/", 503, "code=H14"},
		{"no HTTP", dyno("nonsense\r\n\r\n"), "GET", "https://demo.test/", 503, "code=H17"},
		{"no answer", demo(rawDyno(t, silent)), "GET", "https://demo.test/", 503, "code=H12"},
		{"a method that is refused", demo(), "TRACE", "https://demo.test/", 405, ""},
		{"304", dyno("HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\nETag: x\r\n\r\n"), "GET", "https://demo.test/", 304, "status=304"},
		{"HEAD", dyno("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"), "HEAD", "https://demo.test/", 200, "method=HEAD"},
		{"until close", dyno("HTTP/1.0 200 OK\r\n\r\nbody"), "GET", "https://demo.test/", 200, "bytes=4"},
	} {
		r.apply(t, c.app)
		q, _ := http.NewRequest(c.method, c.url, nil)
		res, err := client.Do(q)
		if err != nil {
			t.Fatalf("%s: %v\n%s", c.name, err, r.logs)
		}
		if bodyOf(t, res); res.StatusCode != c.status || c.status < 400 && res.Header.Get("Date") != "" {
			t.Errorf("%s: %s %v", c.name, res.Status, res.Header)
		}
		if c.line != "" {
			r.logs.find(t, c.line, "protocol=http3.0")
		}
	}
	r.apply(t, dyno("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"))
	res, err := client.Get("https://demo.test/")
	if err == nil {
		_, err = io.ReadAll(res.Body)
	}
	var broken *http3.Error
	if !errors.As(err, &broken) || broken.ErrorCode != http3.ErrCodeInternalError {
		t.Errorf("half an answer ended with %v", err)
	}
	r.logs.find(t, "code=H18", "bytes=4 protocol=http3.0")
}

func TestHTTP3BodiesOfAnySizePassBothWaysAtOnce(t *testing.T) {
	t.Parallel()
	r, addr := startHTTP3(t, Config{Limits: Limits{Drain: time.Second, Leave: tick}})
	r.serve(t, goDyno(t, func(w http.ResponseWriter, q *http.Request) {
		_ = http.NewResponseController(w).EnableFullDuplex()
		w.Header().Set("Trailer", "X-T")
		_, _ = io.Copy(w, q.Body)
		w.Header().Set("X-T", q.Trailer.Get("X-End"))
	}))
	client := h3Client(t, addr)
	var all sync.WaitGroup
	for i := range 16 {
		size := []int{0, 1, 1000, 16384, 70_000, 300_000, 3_000_000, 65535}[i%8]
		all.Go(func() {
			body := bytes.Repeat([]byte{byte(i), 'x', byte(size)}, size/3+1)[:size]
			var in io.Reader = bytes.NewReader(body)
			q, _ := http.NewRequest(http.MethodPost, "https://demo.test/", in)
			if i%2 == 0 { // of unknown length, with a trailer
				q, _ = http.NewRequest(http.MethodPost, "https://demo.test/", struct{ io.Reader }{in})
				q.Trailer = http.Header{"X-End": {"yes"}}
			}
			res, err := client.Do(q)
			if err != nil {
				t.Errorf("%d bytes: %v", size, err)
				return
			}
			defer res.Body.Close()
			got, err := io.ReadAll(res.Body)
			if err != nil || sha256.Sum256(got) != sha256.Sum256(body) {
				t.Errorf("%d bytes came back as %d, %v", size, len(got), err)
			}
			if want := q.Trailer.Get("X-End"); res.Trailer.Get("X-T") != want {
				t.Errorf("%d bytes: trailer %v, want %q", size, res.Trailer, want)
			}
		})
	}
	all.Wait()
}

func TestAnHTTP3ClientThatLeavesIsH27(t *testing.T) {
	t.Parallel()
	limits := calm
	limits.FirstByte = 10 * time.Second
	r, addr := startHTTP3(t, Config{Limits: limits})
	arrived := make(chan struct{})
	r.serve(t, goDyno(t, func(_ http.ResponseWriter, q *http.Request) { close(arrived); <-q.Context().Done() }))
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-arrived; cancel() }()
	q, _ := http.NewRequestWithContext(ctx, http.MethodGet, "https://demo.test/", nil)
	if res, err := h3Client(t, addr).Do(q); err == nil {
		t.Errorf("answer %v", res)
	}
	r.logs.find(t, "code=H27", "protocol=http3.0")
}

func TestOtherProtocolsTellOfHTTP3OnlyWhileItIsServed(t *testing.T) {
	t.Parallel()
	r, addr := startHTTP3(t, Config{Limits: calm})
	r.serve(t, goDyno(t, func(http.ResponseWriter, *http.Request) {}))
	_, port, _ := net.SplitHostPort(addr)
	want := `h3=":` + port + `"; ma=3600`
	secure := r.config.HTTPS[0].Addr().String()
	for _, two := range []bool{false, true} {
		res, err := secureClient(t, secure, two).Get("https://demo.test/")
		if err != nil || res.Header.Get("Alt-Svc") != want {
			t.Errorf("%v %v, want %q", res, err, want)
		}
	}
	if res := r.raw(t, plainGet); res.Header.Get("Alt-Svc") != "" {
		t.Errorf("told without TLS: %v", res.Header)
	}
	off, secure := startSecure(t, Config{Limits: calm})
	off.serve(t, goDyno(t, func(http.ResponseWriter, *http.Request) {}))
	res, err := secureClient(t, secure, true).Get("https://demo.test/")
	if err != nil || res.Header.Get("Alt-Svc") != "" {
		t.Errorf("told while it is off: %v %v", res, err)
	}
}

// TestHTTP3PassesToTheNextRouter has a router end with an answer under way: it is
// finished, and the next one serves the socket once the first has let go of it.
func TestHTTP3PassesToTheNextRouter(t *testing.T) {
	t.Parallel()
	limits := Limits{Drain: 20 * time.Second, Leave: 200 * time.Millisecond}
	u, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer u.Close()
	lock, addr := filepath.Join(t.TempDir(), "lock"), u.LocalAddr().String()
	arrived, release := make(chan struct{}), make(chan struct{})
	app := demo(goDyno(t, func(w http.ResponseWriter, q *http.Request) {
		if q.URL.Path == "/long" {
			close(arrived)
			<-release
		}
		fmt.Fprint(w, "answer")
	}))
	start := func() *rig {
		f, err := u.(*net.UDPConn).File()
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		shared, err := net.FilePacketConn(f)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = shared.Close() })
		r, _ := startSecure(t, Config{Limits: limits, HTTP3: &HTTP3{Conn: shared, Lock: lock}})
		r.apply(t, app)
		return r
	}
	first := start()
	eventually(t, "HTTP/3", func() bool { return first.alternative.Load() != nil })
	got := make(chan string, 1)
	go func() {
		res, err := h3Client(t, addr).Get("https://demo.test/long")
		if err != nil {
			got <- err.Error()
			return
		}
		b, err := io.ReadAll(res.Body)
		got <- fmt.Sprint(string(b), err)
	}()
	<-arrived
	second := start()
	ended := make(chan struct{})
	go func() { first.stop(); close(ended) }()
	eventually(t, "the first to end", first.draining.Load)
	if second.alternative.Load() != nil {
		t.Error("two routers read one socket")
	}
	close(release)
	if s := <-got; s != "answer<nil>" {
		t.Errorf("the answer under way: %s", s)
	}
	<-ended
	eventually(t, "the second to serve", func() bool { return second.alternative.Load() != nil })
	res, err := h3Client(t, addr).Get("https://demo.test/")
	if err != nil || bodyOf(t, res) != "answer" {
		t.Errorf("%v %v", res, err)
	}
}
