package router

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// h2Client speaks HTTP/2 frame by frame.
type h2Client struct {
	*http2.Framer
	c    *tls.Conn
	head bytes.Buffer
	enc  *hpack.Encoder
}

func dialHTTP2(t testing.TB, addr string) *h2Client {
	t.Helper()
	c, err := tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(60 * time.Second))
	_, _ = io.WriteString(c, http2.ClientPreface)
	k := &h2Client{Framer: http2.NewFramer(c, c), c: c}
	k.enc = hpack.NewEncoder(&k.head)
	k.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	_ = k.WriteSettings()
	return k
}

// block encodes fields "name value"; without any it is that of a plain GET.
func (k *h2Client) block(fields ...string) []byte {
	if len(fields) == 0 {
		fields = []string{":method GET", ":scheme https", ":authority demo.test", ":path /"}
	}
	k.head.Reset()
	for _, f := range fields {
		name, value, _ := strings.Cut(f, " ")
		_ = k.enc.WriteField(hpack.HeaderField{Name: name, Value: value})
	}
	return bytes.Clone(k.head.Bytes())
}

func (k *h2Client) open(id uint32, block []byte, end bool) error {
	return k.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: block, EndHeaders: true, EndStream: end})
}

// ending reads until the router ends the connection, and returns why.
func (k *h2Client) ending() (http2.ErrCode, error) {
	code := http2.ErrCode(0xffff)
	for {
		f, err := k.ReadFrame()
		if err != nil {
			return code, err
		}
		if g, ok := f.(*http2.GoAwayFrame); ok {
			code = g.ErrCode
		}
	}
}

func TestClientsThatMakeWorkForNothingAreCutOff(t *testing.T) {
	t.Parallel()
	r, addr := startSecure(t, Config{Limits: Limits{Drain: time.Second}})
	r.serve(t, goDyno(t, func(_ http.ResponseWriter, q *http.Request) { _, _ = io.Copy(io.Discard, q.Body) }))
	calm := http2.ErrCodeEnhanceYourCalm
	for name, attack := range map[string]struct {
		want http2.ErrCode
		step func(k *h2Client, i int) error
	}{
		"streams opened and reset": {calm, func(k *h2Client, i int) error {
			id := uint32(2*i + 1)
			if err := k.open(id, k.block(), true); err != nil {
				return err
			}
			return k.WriteRSTStream(id, http2.ErrCodeCancel)
		}},
		"streams that we have to reset": {calm, func(k *h2Client, i int) error {
			id := uint32(2*i + 1)
			if err := k.open(id, k.block(":method POST", ":scheme https", ":authority demo.test", ":path /"), false); err != nil {
				return err
			}
			return k.WriteWindowUpdate(id, 1<<31-1) // and its window is too large
		}},
		"header blocks without end": {calm, func(k *h2Client, i int) error {
			if i == 0 {
				return k.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: k.block()})
			}
			return k.WriteContinuation(1, false, nil)
		}},
		"pings":         {calm, func(k *h2Client, _ int) error { return k.WritePing(false, [8]byte{}) }},
		"settings":      {calm, func(k *h2Client, _ int) error { return k.WriteSettings() }},
		"priorities":    {calm, func(k *h2Client, _ int) error { return k.WritePriority(1, http2.PriorityParam{}) }},
		"window crumbs": {calm, func(k *h2Client, _ int) error { return k.WriteWindowUpdate(0, 1) }},
		"empty data": {calm, func(k *h2Client, i int) error {
			if i == 0 {
				return k.open(1, k.block(":method POST", ":scheme https", ":authority demo.test", ":path /"), false)
			}
			return k.WriteData(1, false, nil)
		}},
		"unknown frames": {calm, func(k *h2Client, _ int) error { return k.WriteRawFrame(77, 0, 0, nil) }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := dialHTTP2(t, addr)
			go func() {
				for i := range 1_000_000 {
					if attack.step(k, i) != nil {
						return
					}
				}
			}()
			if code, err := k.ending(); code != attack.want && !isReset(err) {
				t.Errorf("the connection ended with %v, %v", code, err)
			}
		})
	}
}

// isReset reports whether the end was one that may have overtaken its reason.
func isReset(err error) bool {
	return err != nil && (strings.Contains(err.Error(), "reset") || strings.Contains(err.Error(), "broken pipe"))
}

func TestHeadsLargerThanAllowedAreRefusedAndTheConnectionStands(t *testing.T) {
	t.Parallel()
	r, addr := startSecure(t, Config{Limits: quick})
	r.serve(t, goDyno(t, func(http.ResponseWriter, *http.Request) {}))
	k := dialHTTP2(t, addr)
	long := []string{":method GET", ":scheme https", ":authority demo.test", ":path /"}
	for i := range 40 {
		long = append(long, fmt.Sprintf("x-%d %s", i, strings.Repeat("v", 2000)))
	}
	bomb := []string{":method GET", ":scheme https", ":authority demo.test", ":path /"} // one entry of the table, named 20,000 times
	for range 20_000 {
		bomb = append(bomb, "x-0 "+strings.Repeat("v", 2000))
	}
	for i, c := range []struct {
		fields []string
		status string
	}{{long, "431"}, {bomb, "431"}, {nil, "200"}, {[]string{":method GET", ":scheme https", ":authority demo.test", ":path /#"}, "400"},
		{[]string{":method CONNECT", ":authority demo.test:443"}, "405"}} {
		id, block := uint32(2*i+1), k.block(c.fields...)
		rest := block[min(len(block), 16000):]
		if err := k.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: block[:len(block)-len(rest)], EndHeaders: len(rest) == 0, EndStream: true}); err != nil {
			t.Fatal(err)
		}
		for len(rest) > 0 {
			n := min(len(rest), 16000)
			if err := k.WriteContinuation(id, n == len(rest), rest[:n]); err != nil {
				t.Fatal(err)
			}
			rest = rest[n:]
		}
		for {
			f, err := k.ReadFrame()
			if err != nil {
				t.Fatalf("case %d: %v", i, err)
			}
			if h, ok := f.(*http2.MetaHeadersFrame); ok && h.StreamID == id {
				if got := h.PseudoValue("status"); got != c.status {
					t.Errorf("case %d: status %s, want %s", i, got, c.status)
				}
				break
			}
		}
	}
}

func TestHTTP2BodiesOfAnySizePassBothWaysAtOnce(t *testing.T) {
	t.Parallel()
	r, addr := startSecure(t, Config{Limits: Limits{Drain: time.Second}})
	r.serve(t, goDyno(t, func(w http.ResponseWriter, q *http.Request) {
		_ = http.NewResponseController(w).EnableFullDuplex()
		w.Header().Set("X-Length", fmt.Sprint(q.ContentLength))
		_, _ = io.Copy(w, q.Body)
	}))
	client := secureClient(t, addr, true)
	var all sync.WaitGroup
	for i := range 24 {
		size := []int{0, 1, 1000, 16384, 70_000, 300_000, 3_000_000, 65535}[i%8]
		all.Go(func() {
			body := bytes.Repeat([]byte{byte(i), 'x', byte(size)}, size/3+1)[:size]
			var in io.Reader = bytes.NewReader(body)
			if i%2 == 0 {
				in = struct{ io.Reader }{in} // of unknown length
			}
			res, err := client.Post("https://demo.test/", "a/b", in)
			if err != nil {
				t.Errorf("%d bytes: %v", size, err)
				return
			}
			defer res.Body.Close()
			got, err := io.ReadAll(res.Body)
			if err != nil || sha256.Sum256(got) != sha256.Sum256(body) {
				t.Errorf("%d bytes came back as %d, %v", size, len(got), err)
			}
		})
	}
	all.Wait()
}

// TestHTTP2CallsLikeGRPCs sends and receives message by message on one stream,
// with trailers at both ends.
func TestHTTP2CallsLikeGRPCs(t *testing.T) {
	t.Parallel()
	r, addr := startSecure(t, Config{Limits: Limits{Drain: time.Second}})
	r.serve(t, goDyno(t, func(w http.ResponseWriter, q *http.Request) {
		_ = http.NewResponseController(w).EnableFullDuplex()
		w.Header().Set("Trailer", "Grpc-Status, Seen")
		_ = http.NewResponseController(w).Flush()
		message := make([]byte, 5)
		for {
			if _, err := io.ReadFull(q.Body, message); err != nil {
				break
			}
			fmt.Fprintf(w, "re %s", message)
			_ = http.NewResponseController(w).Flush()
		}
		w.Header().Set("Grpc-Status", "0")
		w.Header().Set("Seen", q.Trailer.Get("X-End"))
	}))
	out, in := io.Pipe()
	q, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://demo.test/call", out)
	q.Trailer = http.Header{"X-End": nil}
	res, err := secureClient(t, addr, true).Do(q)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 50 {
		fmt.Fprintf(in, "ms%03d", i)
		answer := make([]byte, 8)
		if _, err := io.ReadFull(res.Body, answer); err != nil || string(answer) != fmt.Sprintf("re ms%03d", i) {
			t.Fatalf("answer %q, %v", answer, err)
		}
	}
	q.Trailer.Set("X-End", "yes")
	_ = in.Close()
	if rest, err := io.ReadAll(res.Body); err != nil || len(rest) > 0 {
		t.Errorf("rest %q, %v", rest, err)
	}
	if res.Trailer.Get("Grpc-Status") != "0" || res.Trailer.Get("Seen") != "yes" {
		t.Errorf("trailers %v", res.Trailer)
	}
}

func TestAnEndingRouterFinishesItsStreamsAndSendsClientsAway(t *testing.T) {
	t.Parallel()
	limits := Limits{Drain: 20 * time.Second, Leave: 300 * time.Millisecond}
	r, addr := startSecure(t, Config{Limits: limits})
	arrived, release := make(chan struct{}), make(chan struct{})
	r.serve(t, goDyno(t, func(w http.ResponseWriter, _ *http.Request) {
		close(arrived)
		<-release
		_, _ = io.WriteString(w, "late")
	}))
	idle := dialHTTP2(t, addr)
	got := make(chan string, 1)
	go func() {
		res, err := secureClient(t, addr, true).Get("https://demo.test/")
		if err != nil {
			got <- err.Error()
			return
		}
		b, err := io.ReadAll(res.Body)
		got <- fmt.Sprint(string(b), err)
	}()
	<-arrived
	ended := make(chan struct{})
	go func() { r.stop(); close(ended) }()
	if code, err := idle.ending(); code != http2.ErrCodeNo {
		t.Errorf("an idle client was sent away with %v, %v", code, err)
	}
	close(release)
	if s := <-got; s != "late<nil>" {
		t.Errorf("the answer under way: %s", s)
	}
	<-ended
}

// FuzzHTTP2 feeds a session anything after the preface: it ends, and never stands still.
func FuzzHTTP2(f *testing.F) {
	var seed bytes.Buffer
	k := &h2Client{Framer: http2.NewFramer(&seed, nil)}
	k.enc = hpack.NewEncoder(&k.head)
	_ = k.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 10})
	_ = k.open(1, k.block(), true)
	_ = k.open(3, k.block(":method POST", ":scheme https", ":authority demo.test", ":path /x", "content-length 3"), false)
	_ = k.WriteData(3, true, []byte("abc"))
	_ = k.WriteWindowUpdate(1, 100)
	_ = k.WriteRSTStream(3, http2.ErrCodeCancel)
	_ = k.WritePing(false, [8]byte{})
	f.Add(seed.Bytes())
	f.Fuzz(func(t *testing.T, frames []byte) {
		r, err := New(Config{Limits: quick})
		if err != nil {
			t.Fatal(err)
		}
		client, server := net.Pipe()
		c := r.newConn(r.clock.newWire(server, nil), newDoor(&net.TCPAddr{}, true))
		ended := make(chan struct{})
		go func() { defer close(ended); c.serveHTTP2(nil) }()
		go func() { _, _ = io.Copy(io.Discard, client) }()
		_ = client.SetDeadline(time.Now().Add(10 * time.Second))
		_, _ = io.WriteString(client, http2.ClientPreface)
		_, _ = client.Write(frames)
		_ = client.Close()
		select {
		case <-ended:
		case <-time.After(20 * time.Second):
			t.Fatal("the session outlived its client")
		}
	})
}

// FuzzHTTP2Head has any fields become a head: it is refused, or says what they said
// and nothing else.
func FuzzHTTP2Head(f *testing.F) {
	f.Add("GET", "demo.test", "/", "x-a", "b", true)
	f.Add("POST", "demo.test", "/?a b", "content-length", "3", false)
	f.Add("GET", "a\r\nHost: b", "/ HTTP/1.1\r\nX: y", "x\r\ny", "b\r\nz: c", true)
	f.Add("CONNECT", "demo.test", "*", "transfer-encoding", "chunked", false)
	f.Fuzz(func(t *testing.T, method, host, path, name, value string, end bool) {
		var h h2Head
		h.reset(false)
		for _, field := range [][2]string{{":method", method}, {":scheme", "https"}, {":authority", host}, {":path", path}, {name, value}, {"x-last", "1"}} {
			h.field(hpack.HeaderField{Name: field[0], Value: field[1]})
		}
		if h.finish(!end); h.bad != "" {
			return
		}
		text := h.out.data()
		if bytes.Index(text, headEnd) != len(text)-len(headEnd) {
			t.Fatalf("more than one head: %q", text)
		}
		if lines := bytes.Count(text, lineEnd); lines > 8 {
			t.Fatalf("%d lines: %q", lines, text)
		}
		var q request
		if incomplete(text, 0) != nil || q.parse(text) != nil {
			return
		}
		if string(q.method) != method && !h.tunnel() || string(q.target) != path || q.chunked && (end || h.length >= 0) {
			t.Fatalf("%q was made of %q %q %q", text, method, host, path)
		}
	})
}
