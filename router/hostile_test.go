package router

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// witness is a dyno that reads requests with net/http and remembers them.
type witness struct {
	mu   sync.Mutex
	seen []string
}

func (w *witness) ServeHTTP(out http.ResponseWriter, q *http.Request) {
	body, err := io.ReadAll(q.Body)
	w.mu.Lock()
	w.seen = append(w.seen, fmt.Sprintf("%s %s host=%s body=%q err=%v header=%v", q.Method, q.RequestURI, q.Host, body, err, q.Header)+trailers(q))
	w.mu.Unlock()
	fmt.Fprint(out, "seen")
}

func trailers(q *http.Request) string {
	if len(q.Trailer) == 0 {
		return ""
	}
	return fmt.Sprintf(" trailer=%v", q.Trailer)
}

func (w *witness) take() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := w.seen
	w.seen = nil
	return s
}

const host = "Host: demo.test\r\n"

// refused are requests that no dyno may see.
var refused = []struct {
	name, text string
	status     string // allowed answers
}{
	{"NUL in a header", "GET / HTTP/1.1\r\n" + host + "A: b\x00c\r\n\r\n", "400"},
	{"bare CR in a header", "GET / HTTP/1.1\r\n" + host + "A: b\rc\r\n\r\n", "400"},
	{"bare CR in the target", "GET /\r HTTP/1.1\r\n" + host + "\r\n", "400"},
	{"control in a header", "GET / HTTP/1.1\r\n" + host + "A: \x01\r\n\r\n", "400"},
	{"DEL in a header", "GET / HTTP/1.1\r\n" + host + "A: \x7f\r\n\r\n", "400"},
	{"bare LF ends", "GET / HTTP/1.1\nHost: demo.test\n\n", "400"},
	{"bare LF after a header", "GET / HTTP/1.1\r\n" + host + "A: b\nC: d\r\n\r\n", "400"},
	{"bare LF before the empty line", "GET / HTTP/1.1\r\nHost: demo.test\n\r\n", "400"},
	{"folded header", "GET / HTTP/1.1\r\n" + host + "A: b\r\n c\r\n\r\n", "400"},
	{"folded host", "GET / HTTP/1.1\r\nHost:\r\n demo.test\r\n\r\n", "400"},
	{"folded first header", "GET / HTTP/1.1\r\n " + host + "\r\n", "400"},
	{"blank before the colon", "GET / HTTP/1.1\r\n" + host + "A : b\r\n\r\n", "400"},
	{"tab before the colon", "POST / HTTP/1.1\r\n" + host + "Content-Length\t: 3\r\n\r\nabc", "400"},
	{"no colon", "GET / HTTP/1.1\r\n" + host + "nonsense\r\n\r\n", "400"},
	{"empty name", "GET / HTTP/1.1\r\n" + host + ": x\r\n\r\n", "400"},
	{"bracket in a name", "GET / HTTP/1.1\r\n" + host + "A[b]: x\r\n\r\n", "400"},
	{"byte over 0x7f in a name", "GET / HTTP/1.1\r\n" + host + "\xc3\xa4: x\r\n\r\n", "400"},
	{"no host", "GET / HTTP/1.1\r\n\r\n", "400"},
	{"no host in 1.0", "GET / HTTP/1.0\r\n\r\n", "400"},
	{"empty host", "GET / HTTP/1.1\r\nHost:\r\n\r\n", "400"},
	{"two hosts", "GET / HTTP/1.1\r\n" + host + "Host: other.test\r\n\r\n", "400"},
	{"two equal hosts", "GET / HTTP/1.1\r\n" + host + host + "\r\n", "400"},
	{"host with user", "GET / HTTP/1.1\r\nHost: demo.test@evil\r\n\r\n", "400"},
	{"host with path", "GET / HTTP/1.1\r\nHost: demo.test/x\r\n\r\n", "400"},
	{"host with comma", "GET / HTTP/1.1\r\nHost: demo.test,evil\r\n\r\n", "400"},
	{"host with blank", "GET / HTTP/1.1\r\nHost: demo.test evil\r\n\r\n", "400"},
	{"host with bad port", "GET / HTTP/1.1\r\nHost: demo.test:80x\r\n\r\n", "400"},
	{"absolute form of another host", "GET http://other.test/ HTTP/1.1\r\n" + host + "\r\n", "400"},
	{"absolute form with user", "GET http://a@demo.test/ HTTP/1.1\r\n" + host + "\r\n", "400"},
	{"strange scheme", "GET gopher://demo.test/ HTTP/1.1\r\n" + host + "\r\n", "400"},
	{"target without slash", "GET x HTTP/1.1\r\n" + host + "\r\n", "400"},
	{"asterisk of a GET", "GET * HTTP/1.1\r\n" + host + "\r\n", "400"},
	{"blank in the target", "GET /a b HTTP/1.1\r\n" + host + "\r\n", "400"},
	{"two blanks", "GET  / HTTP/1.1\r\n" + host + "\r\n", "400"},
	{"tab as blank", "GET\t/\tHTTP/1.1\r\n" + host + "\r\n", "400"},
	{"blank before the method", " GET / HTTP/1.1\r\n" + host + "\r\n", "400"},
	{"blank after the version", "GET / HTTP/1.1 \r\n" + host + "\r\n", "400"},
	{"fragment", "GET /a#b HTTP/1.1\r\n" + host + "\r\n", "400"},
	{"bad escape", "GET /%zz HTTP/1.1\r\n" + host + "\r\n", "400"},
	{"half an escape", "GET /%4 HTTP/1.1\r\n" + host + "\r\n", "400"},
	{"HTTP/0.9", "GET /\r\n\r\n", "400"},
	{"HTTP/1.2", "GET / HTTP/1.2\r\n" + host + "\r\n", "505"},
	{"HTTP/2.0", "GET / HTTP/2.0\r\n" + host + "\r\n", "505"},
	{"preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "505"},
	{"long version", "GET / HTTP/1.10\r\n" + host + "\r\n", "400"},
	{"lower-case version", "GET / http/1.1\r\n" + host + "\r\n", "400"},
	{"CONNECT", "CONNECT demo.test:443 HTTP/1.1\r\n" + host + "\r\n", "405"},
	{"TRACE", "TRACE / HTTP/1.1\r\n" + host + "\r\n", "405"},
	{"method with a slash", "G/T / HTTP/1.1\r\n" + host + "\r\n", "400"},
	{"long method", strings.Repeat("A", 128) + " / HTTP/1.1\r\n" + host + "\r\n", "400"},
	{"long request line", "GET /" + strings.Repeat("a", 8192) + " HTTP/1.1\r\n" + host + "\r\n", "414"},
	{"long header line", "GET / HTTP/1.1\r\n" + host + "A: " + strings.Repeat("a", 8192) + "\r\n\r\n", "431"},
	{"long header name", "GET / HTTP/1.1\r\n" + host + strings.Repeat("a", 1001) + ": b\r\n\r\n", "431"},
	{"1001 headers", "GET / HTTP/1.1\r\n" + host + strings.Repeat("A: b\r\n", 1001) + "\r\n", "431"},
	{"large head", "GET / HTTP/1.1\r\n" + host + strings.Repeat("A: "+strings.Repeat("b", 1000)+"\r\n", 70) + "\r\n", "431"},
	{"differing lengths", "POST / HTTP/1.1\r\n" + host + "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", "400"},
	{"list of lengths", "POST / HTTP/1.1\r\n" + host + "Content-Length: 3, 3\r\n\r\nabc", "400"},
	{"length with plus", "POST / HTTP/1.1\r\n" + host + "Content-Length: +3\r\n\r\nabc", "400"},
	{"length with minus", "POST / HTTP/1.1\r\n" + host + "Content-Length: -3\r\n\r\nabc", "400"},
	{"length in hex", "POST / HTTP/1.1\r\n" + host + "Content-Length: 0x3\r\n\r\nabc", "400"},
	{"length with blank", "POST / HTTP/1.1\r\n" + host + "Content-Length: 3 3\r\n\r\nabc", "400"},
	{"empty length", "POST / HTTP/1.1\r\n" + host + "Content-Length:\r\n\r\nabc", "400"},
	{"huge length", "POST / HTTP/1.1\r\n" + host + "Content-Length: 99999999999999999999\r\n\r\nabc", "400"},
	{"coding xchunked", "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", "400 501"},
	{"coding in quotes", "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n", "400 501"},
	{"coding with vertical tab", "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n", "400"},
	{"coding twice", "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400"},
	{"coding identity then chunked", "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: identity, chunked\r\n\r\n0\r\n\r\n", "400 501"},
	{"coding chunked, gzip", "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n", "400 501"},
	{"coding gzip", "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: gzip\r\n\r\n0\r\n\r\n", "400 501"},
	{"empty coding", "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding:\r\n\r\n0\r\n\r\n", "400 501"},
	{"empty coding with length", "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding:\r\nContent-Length: 3\r\n\r\nabc", "400 501"},
	{"coding in 1.0", "POST / HTTP/1.0\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400"},
}

func TestNoDynoSeesARequestThatBreaksARule(t *testing.T) {
	w := &witness{}
	r := startRouter(t, Config{Limits: quick})
	r.serve(t, goDyno(t, w.ServeHTTP))
	for _, c := range refused {
		t.Run(c.name, func(t *testing.T) {
			conn, in := dialRaw(t, r.addr)
			go func() { _, _ = io.WriteString(conn, c.text+"GET /smuggled HTTP/1.1\r\n"+host+"\r\n") }()
			res, err := http.ReadResponse(in, nil)
			if err != nil {
				t.Fatal(err)
			}
			_ = bodyOf(t, res)
			if !strings.Contains(c.status, fmt.Sprint(res.StatusCode)) {
				t.Errorf("status %d, want %s", res.StatusCode, c.status)
			}
			if rest, _ := io.ReadAll(in); len(rest) > 0 {
				t.Errorf("the connection goes on: %q", rest)
			}
			if seen := w.take(); len(seen) > 0 {
				t.Errorf("a dyno saw %v", seen)
			}
		})
	}
}

// TestABodyThatBreaksARuleEndsBothConnections covers faults after the head: the
// dyno may see the request begin, but never whole, and nothing after it.
func TestABodyThatBreaksARuleEndsBothConnections(t *testing.T) {
	bodies := map[string]string{
		"size in 0x":          "0x3\r\nabc\r\n0\r\n\r\n",
		"size with plus":      "+3\r\nabc\r\n0\r\n\r\n",
		"no size":             "\r\nabc\r\n0\r\n\r\n",
		"huge size":           "ffffffffffffffffff\r\nabc",
		"blank before size":   " 3\r\nabc\r\n0\r\n\r\n",
		"bare LF after size":  "3\nabc\r\n0\r\n\r\n",
		"bare LF after data":  "3\r\nabc\n0\r\n\r\n",
		"LF in an extension":  "3;a\nb\r\nabc\r\n0\r\n\r\n",
		"data too long":       "3\r\nabcd\r\n0\r\n\r\n",
		"data too short":      "5\r\nabc\r\n0\r\n\r\n",
		"underscore in size":  "1_0\r\nabc\r\n0\r\n\r\n",
		"bad trailer":         "3\r\nabc\r\n0\r\n A: b\r\n\r\n",
		"long extension":      "3;" + strings.Repeat("a", 500) + "\r\nabc\r\n0\r\n\r\n",
		"length in a trailer": "3\r\nabc\r\n0\r\nContent-Length: 5\r\n\r\n",
		"coding in a trailer": "3\r\nabc\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n",
		"host in a trailer":   "3\r\nabc\r\n0\r\nHost: other.test\r\n\r\n",
	}
	for name, body := range bodies {
		for _, split := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, split %v", name, split), func(t *testing.T) {
				t.Parallel()
				w := &witness{}
				r := startRouter(t, Config{Limits: quick})
				r.serve(t, goDyno(t, w.ServeHTTP))
				conn, in := dialRaw(t, r.addr)
				head := "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n"
				if split {
					fmt.Fprint(conn, head)
					eventually(t, "the head at the router", func() bool { return r.table.app("a1").active.Load() == 1 })
					head = ""
				}
				fmt.Fprint(conn, head+body+"GET /smuggled HTTP/1.1\r\n"+host+"\r\n")
				all, _ := io.ReadAll(in)
				if !strings.HasPrefix(string(all), "HTTP/1.1 400 ") || strings.Count(string(all), "HTTP/1.1 ") != 1 {
					t.Errorf("answer %q", all)
				}
				r.logs.find(t, "code=H26", `cause="bad chunk"`)
				for _, s := range w.take() {
					if !strings.Contains(s, "err=unexpected EOF") {
						t.Errorf("a dyno saw %s", s)
					}
				}
			})
		}
	}
}

// served are legal requests, and what the dyno must see of each.
var served = []struct {
	name, text, seen, not string
}{
	{name: "plain", text: plainGet, seen: "GET /p host=demo.test"},
	{name: "lower-case names", text: "GET / HTTP/1.1\r\nhost: demo.test\r\nx-a: 1\r\n\r\n", seen: "X-A:[1]"},
	{name: "no blank after the colon", text: "GET / HTTP/1.1\r\nHost:demo.test\r\nX-A:1\r\n\r\n", seen: "X-A:[1]"},
	{name: "blanks around the value", text: "GET / HTTP/1.1\r\nHost: \t demo.test \t\r\nX-A: \t 1 \t\r\n\r\n", seen: "X-A:[1]"},
	{name: "empty value", text: "GET / HTTP/1.1\r\n" + host + "X-A:\r\n\r\n", seen: "X-A:[]"},
	{name: "bytes over 0x7f in a value", text: "GET / HTTP/1.1\r\n" + host + "X-A: \xc3\xa4\r\n\r\n", seen: "X-A:[\xc3\xa4]"},
	{name: "empty lines first", text: "\r\n" + plainGet, seen: "GET /p"},
	{name: "host with port, capitals and dot", text: "GET / HTTP/1.1\r\nHost: DEMO.Test.:8080\r\n\r\n", seen: "host=DEMO.Test.:8080"},
	{name: "absolute form", text: "GET http://demo.test/x?y HTTP/1.1\r\n" + host + "\r\n", seen: "GET /x?y host=demo.test"},
	{name: "absolute form without path", text: "GET http://demo.test HTTP/1.1\r\n" + host + "\r\n", seen: "GET / host=demo.test"},
	{name: "asterisk", text: "OPTIONS * HTTP/1.1\r\n" + host + "\r\n", seen: "OPTIONS *"},
	{name: "HTTP/1.0 with host", text: "GET / HTTP/1.0\r\n" + host + "\r\n", seen: "GET /"},
	{name: "odd method", text: "G!T / HTTP/1.1\r\n" + host + "\r\n", seen: "G!T /"},
	{name: "odd target", text: "GET /a|b\"<>{}^`\\?c[]=;'%20 HTTP/1.1\r\n" + host + "\r\n", seen: "GET /a|b\"<>{}^`\\?c[]=;'%20"},
	{name: "body with length", text: "POST / HTTP/1.1\r\n" + host + "Content-Length: 3\r\n\r\nabc", seen: `body="abc" err=<nil>`},
	{name: "length zero", text: "POST / HTTP/1.1\r\n" + host + "Content-Length: 0\r\n\r\n", seen: `body="" err=<nil>`},
	{name: "two equal lengths", text: "POST / HTTP/1.1\r\n" + host + "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc", seen: `body="abc"`},
	{name: "chunks", text: "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: Chunked\r\n\r\n3\r\nabc\r\n00A\r\n0123456789\r\n0\r\n\r\n", seen: `body="abc0123456789" err=<nil>`},
	{name: "chunk extensions", text: "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n3;a=\"b\"\r\nabc\r\n0;x\r\n\r\n", seen: `body="abc" err=<nil>`},
	{name: "trailers", text: "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-T: 1\r\nCookie: x\r\nA_B: c\r\n\r\n", seen: `trailer=map[X-T:[1]]`},
	{name: "chunks and length", text: "POST / HTTP/1.1\r\n" + host + "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", seen: `body="abc" err=<nil>`, not: "Content-Length"},
	{name: "expectation", text: "POST / HTTP/1.1\r\n" + host + "Content-Length: 3\r\nExpect: 100-continue\r\n\r\nabc", seen: `body="abc"`, not: "Expect"},
	{name: "forwarded address is appended", text: "GET / HTTP/1.1\r\n" + host + "X-Forwarded-For: 9.9.9.9\r\nX-Forwarded-For: 8.8.8.8\r\n\r\n", seen: "X-Forwarded-For:[9.9.9.9, 8.8.8.8, 127.0.0.1]"},
	{name: "forwarded scheme and port are ours", text: "GET / HTTP/1.1\r\n" + host + "X-Forwarded-Proto: https\r\nX-Forwarded-Port: 1\r\nX-Forwarded-Host: evil\r\n\r\n", seen: "X-Forwarded-Proto:[http]", not: "evil"},
	{name: "names with underscore are dropped", text: "GET / HTTP/1.1\r\n" + host + "X_Forwarded_For: 6.6.6.6\r\nContent_Length: 7\r\n\r\n", seen: "GET /", not: "6.6.6.6"},
	{name: "spoofed headers of ours are dropped", text: "GET / HTTP/1.1\r\n" + host + "X-Real-IP: 6.6.6.6\r\nForwarded: for=6.6.6.6\r\nX-Request-Start: 6666\r\n\r\n", seen: "GET /", not: "6.6.6.6"},
	{name: "Connection names end-to-end headers", text: "GET / HTTP/1.1\r\n" + host + "Connection: Cookie, X-Request-Id, X-Forwarded-For, keep-alive\r\nCookie: a=b\r\n\r\n", seen: "Cookie:[a=b]"},
	{name: "h2c is not upgraded", text: "GET / HTTP/1.1\r\n" + host + "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n", seen: "GET /", not: "h2c"},
	{name: "hop-by-hop headers end here", text: "GET / HTTP/1.1\r\n" + host + "Keep-Alive: 5\r\nProxy-Connection: x\r\nTE: trailers\r\nTrailer: X\r\nProxy-Authorization: y\r\n\r\n", seen: "GET /", not: "Keep-Alive"},
	{name: "own request id", text: "GET / HTTP/1.1\r\n" + host + "X-Request-Id: 01234567890123456789-abc\r\n\r\n", seen: "X-Request-Id:[01234567890123456789-abc]"},
	{name: "invalid request id", text: "GET / HTTP/1.1\r\n" + host + "X-Request-Id: short\r\n\r\n", seen: "X-Request-Id:[", not: "short"},
	{name: "via is appended", text: "GET / HTTP/1.1\r\n" + host + "Via: 1.0 fred\r\n\r\n", seen: "Via:[1.0 fred, 1.1 heroku-router]"},
}

func TestLegalRequestsArriveOnceAndClean(t *testing.T) {
	w := &witness{}
	r := startRouter(t, Config{Limits: quick})
	r.serve(t, goDyno(t, w.ServeHTTP))
	for _, c := range served {
		t.Run(c.name, func(t *testing.T) {
			conn, in := dialRaw(t, r.addr)
			_, _ = io.WriteString(conn, c.text)
			res, err := http.ReadResponse(in, nil)
			if err == nil && res.StatusCode == http.StatusContinue {
				res, err = http.ReadResponse(in, nil)
			}
			if err != nil || res.StatusCode != http.StatusOK {
				t.Fatalf("%+v %v", res, err)
			}
			seen := w.take()
			if len(seen) != 1 || !strings.Contains(seen[0], c.seen) || c.not != "" && strings.Contains(seen[0], c.not) {
				t.Errorf("dyno saw %v, want one with %s and without %q", seen, c.seen, c.not)
			}
		})
	}
}

func TestPipelinedRequestsAreAnsweredInOrder(t *testing.T) {
	r := startRouter(t, Config{Limits: quick})
	r.serve(t, goDyno(t, func(w http.ResponseWriter, q *http.Request) {
		body, _ := io.ReadAll(q.Body)
		fmt.Fprint(w, q.URL.Path, string(body))
	}))
	conn, in := dialRaw(t, r.addr)
	var want []string
	var text strings.Builder
	for i := range 50 {
		switch i % 3 {
		case 0:
			fmt.Fprintf(&text, "GET /%d HTTP/1.1\r\n%s\r\n", i, host)
			want = append(want, fmt.Sprintf("/%d", i))
		case 1:
			fmt.Fprintf(&text, "POST /%d HTTP/1.1\r\n%sContent-Length: 4\r\n\r\nbody", i, host)
			want = append(want, fmt.Sprintf("/%dbody", i))
		case 2:
			fmt.Fprintf(&text, "POST /%d HTTP/1.1\r\n%sTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n", i, host)
			want = append(want, fmt.Sprintf("/%dbody", i))
		}
	}
	go func() { // in pieces that cut heads and bodies anywhere
		s := text.String()
		for len(s) > 0 {
			n := min(7, len(s))
			_, _ = io.WriteString(conn, s[:n])
			s = s[n:]
		}
	}()
	for _, w := range want {
		res, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := bodyOf(t, res); got != w {
			t.Fatalf("got %q, want %q", got, w)
		}
	}
}

func TestASecondAnswerIsNeverReadAsTheNextOne(t *testing.T) {
	r := startRouter(t, Config{Limits: quick})
	var late sync.WaitGroup
	r.serve(t, rawDyno(t, func(c net.Conn, in *bufio.Reader) {
		for n := 0; ; n++ {
			if _, err := readHeadText(in); err != nil {
				return
			}
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood")
			if n%2 == 0 {
				<-time.After(20 * time.Millisecond) // the connection lies in the pool by now
			}
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
			late.Done()
		}
	}))
	conn, in := dialRaw(t, r.addr)
	for range 10 {
		late.Add(1)
		fmt.Fprint(conn, plainGet)
		res, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := bodyOf(t, res); got != "good" {
			t.Fatalf("got %q", got)
		}
		late.Wait()
	}
}

func TestASlowHeadIsCut(t *testing.T) {
	limits := quick
	limits.Head = 300 * time.Millisecond
	r := startRouter(t, Config{Limits: limits})
	r.serve(t, goDyno(t, func(http.ResponseWriter, *http.Request) {}))
	conn, in := dialRaw(t, r.addr)
	fmt.Fprint(conn, "GET / HTTP/1.1\r\nHost: ")
	all, _ := io.ReadAll(in)
	if !strings.HasPrefix(string(all), "HTTP/1.1 408 ") {
		t.Errorf("answer %q", all)
	}
}
