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

	"github.com/kigo-dev/kigo/router/hostile"
)

const host = hostile.Host

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

func TestNoDynoSeesARequestThatBreaksARule(t *testing.T) {
	t.Parallel()
	w := &witness{}
	r := startRouter(t, Config{Limits: quick})
	r.serve(t, goDyno(t, w.ServeHTTP))
	for _, c := range hostile.Heads {
		t.Run(c.Name, func(t *testing.T) {
			conn, in := dialRaw(t, r.addr)
			go func() { _, _ = io.WriteString(conn, c.Text+"GET /smuggled HTTP/1.1\r\n"+host+"\r\n") }()
			res, err := http.ReadResponse(in, nil)
			if err != nil {
				t.Fatal(err)
			}
			_ = bodyOf(t, res)
			if !strings.Contains(c.Status, fmt.Sprint(res.StatusCode)) {
				t.Errorf("status %d, want %s", res.StatusCode, c.Status)
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
	t.Parallel()
	for name, body := range hostile.Bodies {
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

func TestLegalRequestsArriveOnceAndClean(t *testing.T) {
	t.Parallel()
	w := &witness{}
	r := startRouter(t, Config{Limits: calm})
	r.serve(t, goDyno(t, w.ServeHTTP))
	for _, c := range hostile.Legal {
		t.Run(c.Name, func(t *testing.T) {
			conn, in := dialRaw(t, r.addr)
			_, _ = io.WriteString(conn, c.Text)
			res, err := http.ReadResponse(in, nil)
			if err == nil && res.StatusCode == http.StatusContinue {
				res, err = http.ReadResponse(in, nil)
			}
			if err != nil || res.StatusCode != http.StatusOK {
				t.Fatalf("%+v %v", res, err)
			}
			seen := w.take()
			if len(seen) != 1 || !strings.Contains(seen[0], c.Seen) || c.Not != "" && strings.Contains(seen[0], c.Not) {
				t.Errorf("dyno saw %v, want one with %s and without %q", seen, c.Seen, c.Not)
			}
		})
	}
}

func TestPipelinedRequestsAreAnsweredInOrder(t *testing.T) {
	t.Parallel()
	r := startRouter(t, Config{Limits: calm})
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
	t.Parallel()
	r := startRouter(t, Config{Limits: calm})
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
	t.Parallel()
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
