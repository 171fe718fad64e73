package drain_test

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kigo-dev/kigo/internal/testenv"
)

// receiver is an HTTPS server that takes Logplex frames, and can be told to fail.
type receiver struct {
	t    testing.TB
	srv  *httptest.Server
	addr string

	away sync.WaitGroup // restarts under way

	mu      sync.Mutex
	fate    func(n int) int // status for the n-th request; 0: take it and hang up without an answer
	n       int
	frames  map[string][]byte
	again   int // frames that came more than once
	texts   []string
	dropped int // as told by L10
	tokens  map[string]bool
	users   map[string]bool
}

func newReceiver(t testing.TB) *receiver {
	r := &receiver{t: t, frames: map[string][]byte{}, tokens: map[string]bool{}, users: map[string]bool{}}
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", testenv.Port(t))) // which restart takes again
	if err != nil {
		t.Fatal(err)
	}
	r.addr = l.Addr().String()
	r.serve(l)
	t.Cleanup(func() {
		r.away.Wait()
		r.srv.Close()
	})
	return r
}

func (r *receiver) serve(l net.Listener) {
	r.srv = httptest.NewUnstartedServer(r)
	r.srv.Listener.Close()
	r.srv.Listener = l
	r.srv.StartTLS()
}

// restart is away for a while.
func (r *receiver) restart(away time.Duration) {
	r.away.Wait()
	r.srv.CloseClientConnections()
	r.srv.Close()
	r.away.Add(1)
	time.AfterFunc(away, func() {
		defer r.away.Done()
		for {
			l, err := net.Listen("tcp", r.addr)
			if err == nil {
				r.mu.Lock()
				defer r.mu.Unlock()
				r.serve(l)
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
	})
}

func (r *receiver) roots() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(r.srv.Certificate())
	return pool
}

func (r *receiver) certificate() tls.Certificate { return r.srv.TLS.Certificates[0] }

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.n++
	status := http.StatusNoContent
	if r.fate != nil {
		status = r.fate(r.n)
	}
	if status == 0 || status/100 == 2 {
		r.take(req, body)
	}
	if status == 0 {
		panic(http.ErrAbortHandler)
	}
	w.WriteHeader(status)
}

func (r *receiver) take(req *http.Request, body []byte) {
	h := req.Header
	if req.Method != http.MethodPost || h.Get("Content-Type") != "application/logplex-1" || !strings.HasPrefix(h.Get("User-Agent"), "Logplex/") {
		r.t.Errorf("request %s %v", req.Method, h)
	}
	r.tokens[h.Get("Logplex-Drain-Token")] = true
	if user, password, ok := req.BasicAuth(); ok {
		r.users[user+":"+password] = true
	}
	id := h.Get("Logplex-Frame-Id")
	if old, ok := r.frames[id]; ok {
		if r.again++; string(old) != string(body) {
			r.t.Errorf("frame %s came again with other content", id)
		}
		return
	}
	r.frames[id] = body
	messages := parse(r.t, body)
	if got := h.Get("Logplex-Msg-Count"); got != strconv.Itoa(len(messages)) {
		r.t.Errorf("Logplex-Msg-Count is %s for %d messages", got, len(messages))
	}
	for _, m := range messages {
		r.add(m)
	}
}

var (
	form = regexp.MustCompile(`(?s)^<\d+>1 \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00 (\S+) (\S+) (\S+) - (.*)$`)
	l10  = regexp.MustCompile(`^Error L10 \(output buffer overflow\): (\d+) messages dropped since \d{4}-.*\.$`)
)

// add takes one message apart; the caller holds mu.
func (r *receiver) add(message string) {
	m := form.FindStringSubmatch(message)
	if m == nil {
		r.t.Errorf("message %q", message)
		return
	}
	if m[2] == "heroku" && m[3] == "logplex" {
		if n := l10.FindStringSubmatch(m[4]); n != nil {
			count, _ := strconv.Atoi(n[1])
			r.dropped += count
			return
		}
	}
	r.texts = append(r.texts, m[3]+" "+m[4])
}

// parse cuts octet-counted messages.
func parse(t testing.TB, body []byte) (all []string) {
	for left := string(body); left != ""; {
		length, rest, ok := strings.Cut(left, " ")
		n, err := strconv.Atoi(length)
		if !ok || err != nil || n > len(rest) {
			t.Errorf("frame breaks off at %.60q", left)
			return all
		}
		all = append(all, rest[:n])
		left = rest[n:]
	}
	return all
}

// total is how many lines are accounted for.
func (r *receiver) total() (delivered, dropped int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.texts), r.dropped
}

// waitFor polls until delivered and dropped lines are want in all.
func (r *receiver) waitFor(want int) {
	r.t.Helper()
	eventually(r.t, 4*time.Minute, func() error {
		if delivered, dropped := r.total(); delivered+dropped < want {
			return fmt.Errorf("%d delivered and %d dropped of %d", delivered, dropped, want)
		}
		return nil
	})
	if delivered, dropped := r.total(); delivered+dropped != want {
		r.t.Errorf("%d delivered and %d dropped: that is not %d", delivered, dropped, want)
	}
}

// inOrder checks that each process's lines, which are numbers, only grow.
func (r *receiver) inOrder() {
	r.t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	last := map[string]int{}
	for _, text := range r.texts {
		process, number, _ := strings.Cut(text, " ")
		n, err := strconv.Atoi(number)
		if before, seen := last[process]; err != nil || seen && n <= before {
			r.t.Fatalf("%s: line %q after number %d", process, number, before)
		}
		last[process] = n
	}
}

func eventually(t testing.TB, within time.Duration, f func() error) {
	t.Helper()
	deadline := time.Now().Add(within)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		err := f()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
		<-tick.C
	}
}

// safeBuffer is a buffer for a command's output that is read meanwhile.
type safeBuffer struct {
	mu sync.Mutex
	b  strings.Builder
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}
