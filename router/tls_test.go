package router

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/http2"
)

func certificate(t testing.TB, names ...string) *tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), DNSNames: names, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// startSecure is startRouter with TLS; the second result is its address.
func startSecure(t testing.TB, config Config) (*rig, string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if config.Certificates == nil {
		cert := certificate(t, "demo.test")
		config.Certificates = func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return cert, nil }
	}
	config.HTTPS = []net.Listener{l}
	return startRouter(t, config), l.Addr().String()
}

// secureClient speaks HTTP/2, or HTTP/1.1, to addr whatever the URL says.
func secureClient(t testing.TB, addr string, two bool) *http.Client {
	t.Helper()
	settings := &tls.Config{InsecureSkipVerify: true}
	transport := &http.Transport{TLSClientConfig: settings, ForceAttemptHTTP2: two,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "tcp", addr)
		}}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: 20 * time.Second}
}

func TestTLSAndHTTP2CarryTheSameRequests(t *testing.T) {
	t.Parallel()
	for _, two := range []bool{false, true} {
		t.Run(fmt.Sprint("HTTP/2 ", two), func(t *testing.T) {
			r, addr := startSecure(t, Config{Limits: calm})
			w := &witness{}
			r.serve(t, goDyno(t, w.ServeHTTP))
			client := secureClient(t, addr, two)
			for _, body := range []io.Reader{nil, strings.NewReader("known"), io.MultiReader(strings.NewReader(strings.Repeat("unknown", 10_000)))} {
				q, err := http.NewRequest(http.MethodPost, "https://demo.test/a?b;c", body)
				if err != nil {
					t.Fatal(err)
				}
				q.Header.Set("X_Evil", "1")
				res, err := client.Do(q)
				if err != nil {
					t.Fatal(err, r.logs)
				}
				if got := bodyOf(t, res); got != "seen" || (res.ProtoMajor == 2) != two {
					t.Errorf("%s %q", res.Proto, got)
				}
			}
			via, protocol := "1.1 heroku-router", " protocol=http1.1 tls=true tls_version=tls1.3"
			if two {
				via, protocol = "2.0 heroku-router", " protocol=http2.0 tls=true tls_version=tls1.3"
			}
			seen := w.take()
			for i, want := range []string{`body=""`, `body="known"`, `body="unknownunknown`} {
				for _, part := range []string{"POST /a?b;c host=demo.test", want, "X-Forwarded-Proto:[https]", "Via:[" + via + "]", "err=<nil>"} {
					if !strings.Contains(seen[i], part) {
						t.Errorf("dyno saw %.300s, without %s", seen[i], part)
					}
				}
				if strings.Contains(seen[i], "Evil") {
					t.Error("a name with an underscore passed")
				}
			}
			r.logs.find(t, "at=info method=POST", "status=200 bytes=4"+protocol)
		})
	}
}

func TestHTTP2AnswersStreamAndEndAsTheyShould(t *testing.T) {
	t.Parallel()
	r, addr := startSecure(t, Config{Limits: calm})
	step := make(chan struct{})
	r.serve(t, goDyno(t, func(w http.ResponseWriter, q *http.Request) {
		switch q.URL.Path {
		case "/stream":
			for i := range 3 {
				fmt.Fprint(w, i)
				_ = http.NewResponseController(w).Flush()
				<-step
			}
		case "/broken":
			w.Header().Set("Content-Length", "100")
			fmt.Fprint(w, "half")
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		case "/large":
			_, _ = w.Write(make([]byte, 5<<20))
		case "/trailer":
			w.Header().Set("Trailer", "X-T")
			fmt.Fprint(w, "body")
			w.Header().Set("X-T", "1")
		case "/empty":
			w.WriteHeader(http.StatusNoContent)
		}
	}))
	client := secureClient(t, addr, true)
	get := func(path string) *http.Response {
		t.Helper()
		res, err := client.Get("https://demo.test" + path)
		if err != nil {
			t.Fatal(err)
		}
		return res
	}
	res := get("/stream")
	for i := range 3 {
		one := make([]byte, 1)
		if _, err := io.ReadFull(res.Body, one); err != nil || string(one) != fmt.Sprint(i) {
			t.Fatalf("%q %v", one, err)
		}
		step <- struct{}{}
	}
	if rest := bodyOf(t, res); rest != "" {
		t.Errorf("rest %q", rest)
	}
	if _, err := io.ReadAll(get("/broken").Body); err == nil {
		t.Error("half a body looked whole")
	}
	r.logs.find(t, "code=H18", "protocol=http2.0")
	if body, err := io.ReadAll(get("/large").Body); err != nil || len(body) != 5<<20 {
		t.Errorf("%d bytes, %v", len(body), err)
	}
	res = get("/trailer")
	if bodyOf(t, res) != "body" || res.Trailer.Get("X-T") != "1" {
		t.Errorf("trailer %v", res.Trailer)
	}
	if res = get("/empty"); res.StatusCode != http.StatusNoContent {
		t.Errorf("status %d", res.StatusCode)
	}
	q, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://demo.test/", nil)
	q.Host = "nobody.test"
	res, err := client.Do(q)
	if err != nil || res.StatusCode != http.StatusNotFound {
		t.Fatalf("%v %v", res, err)
	}
	_ = bodyOf(t, res)
}

func TestAnHTTP2ClientThatLeavesIsH27(t *testing.T) {
	t.Parallel()
	limits := calm
	limits.FirstByte = 10 * time.Second
	r, addr := startSecure(t, Config{Limits: limits})
	got := make(chan struct{})
	r.serve(t, goDyno(t, func(_ http.ResponseWriter, q *http.Request) { close(got); <-q.Context().Done() }))
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-got; cancel() }()
	q, _ := http.NewRequestWithContext(ctx, http.MethodGet, "https://demo.test/", nil)
	if res, err := secureClient(t, addr, true).Do(q); err == nil {
		t.Errorf("answer %v", res)
	}
	r.logs.find(t, "code=H27", "status=499", "protocol=http2.0")
}

func TestAClientThatResetsStreamsOnlyIsCutOff(t *testing.T) {
	t.Parallel()
	r, addr := startSecure(t, Config{Limits: calm})
	r.serve(t, rawDyno(t, silent))
	c, err := tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	_, _ = io.WriteString(c, http2.ClientPreface)
	framer := http2.NewFramer(c, c)
	_ = framer.WriteSettings()
	ended := make(chan int, 1)
	go func() {
		_, _ = io.Copy(io.Discard, c)
		ended <- 0
	}()
	var head bytes.Buffer
	for i := range 100_000 {
		head.Reset()
		encodeHead(&head, "demo.test")
		id := uint32(2*i + 1)
		err := framer.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: head.Bytes(), EndHeaders: true, EndStream: true})
		if err == nil {
			err = framer.WriteRSTStream(id, http2.ErrCodeCancel)
		}
		if err != nil {
			break
		}
	}
	select {
	case <-ended:
	case <-time.After(5 * time.Second):
		t.Error("the connection outlived 100,000 streams that were opened and reset")
	}
}

func TestANameOfAnotherAppThanTheTLSNameIsH31(t *testing.T) {
	t.Parallel()
	r, addr := startSecure(t, Config{Limits: calm})
	other := App{ID: "a2", Name: "other", Hosts: []string{"other.test"}, Released: true}
	r.apply(t, demo(goDyno(t, func(http.ResponseWriter, *http.Request) {})), other)
	for _, two := range []bool{false, true} {
		q, _ := http.NewRequest(http.MethodGet, "https://other.test/", nil)
		q.Host = "demo.test"
		res, err := secureClient(t, addr, two).Do(q)
		if err != nil || res.StatusCode != http.StatusMisdirectedRequest {
			t.Fatalf("%v %v", res, err)
		}
		_ = bodyOf(t, res)
	}
	r.logs.find(t, `code=H31 desc="Misdirected Request"`, "status=421")
}

func TestCertificatesAreAskedForAtEachHandshake(t *testing.T) {
	t.Parallel()
	var now atomic.Pointer[tls.Certificate]
	r, addr := startSecure(t, Config{Limits: calm, Certificates: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return now.Load(), nil }})
	r.serve(t, goDyno(t, func(http.ResponseWriter, *http.Request) {}))
	for range 3 {
		cert := certificate(t, "demo.test")
		now.Store(cert)
		c, err := tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true})
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(c.ConnectionState().PeerCertificates[0].Raw, cert.Certificate[0]) {
			t.Error("an old certificate was shown")
		}
		_ = c.Close()
	}
}

func TestPlainHTTPOnTheTLSPortEnds(t *testing.T) {
	t.Parallel()
	r, addr := startSecure(t, Config{Limits: calm})
	r.serve(t)
	c, in := dialRaw(t, addr)
	fmt.Fprint(c, plainGet)
	if all, _ := io.ReadAll(in); bytes.Contains(all, []byte("404")) {
		t.Errorf("answer %q", all)
	}
}

func TestABudgetIsForAWindowOfTime(t *testing.T) {
	t.Parallel()
	var b budget
	for range h2Aborted {
		if !b.spend(1, h2Aborted) {
			t.Fatal("it ended early")
		}
	}
	if b.spend(1, h2Aborted) {
		t.Error("it has no end")
	}
	b.since = b.since.Add(-2 * h2Window)
	if !b.spend(1, h2Aborted) {
		t.Error("an old window counted")
	}
}

// Go's client asks for more after each 4 KiB that is read, twice: for the stream
// and for the connection. That is no flood.
func TestAClientThatReadsLittleAtATimeGetsAllOfALongAnswer(t *testing.T) {
	t.Parallel()
	r, addr := startSecure(t, Config{Limits: calm})
	const size = 16 << 20
	r.serve(t, goDyno(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", fmt.Sprint(size))
		chunk := make([]byte, 64<<10)
		for range size / len(chunk) {
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
	}))
	res, err := secureClient(t, addr, true).Get("https://demo.test/")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	n, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{res.Body}, make([]byte, 4096))
	if res.ProtoMajor != 2 || n != size || err != nil {
		t.Errorf("HTTP/%d: %d bytes, %v", res.ProtoMajor, n, err)
	}
}
