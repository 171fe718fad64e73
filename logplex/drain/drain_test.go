package drain_test

import (
	"context"
	"crypto/x509"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	otlp "go.opentelemetry.io/proto/otlp/logs/v1"
	"google.golang.org/protobuf/proto"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/control"
	"github.com/kigo-dev/kigo/logplex"
	"github.com/kigo-dev/kigo/logplex/drain"
	"github.com/kigo-dev/kigo/outbound"
	"github.com/kigo-dev/kigo/outbound/outboundtest"
	"github.com/kigo-dev/kigo/secret"
	"github.com/kigo-dev/kigo/store"
)

var loopback = outbound.Policy{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}

// site is a platform with one app.
type site struct {
	t     testing.TB
	dir   string
	store *store.Store
	hub   *logplex.Hub
	app   kigo.AppID
	roots *x509.CertPool
	allow outbound.Policy
	loop  *drain.Loop
	spill int64
	owner kigo.AccountID
}

func newSite(t testing.TB) *site {
	dir := t.TempDir()
	box, err := secret.OpenBox(filepath.Join(dir, "key"))
	if err != nil {
		t.Fatal(err)
	}
	db, err := store.Open(t.Context(), "sqlite:"+filepath.Join(dir, "kigo.db"), store.Options{Box: box, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	s := &site{t: t, dir: dir, store: db, hub: &logplex.Hub{Dir: filepath.Join(dir, "logs")}, allow: loopback}
	c := control.Control{Store: s.store, Domain: "localhost"}
	account, err := c.EnsureOperator(t.Context(), "op@example.com", secret.NewToken())
	if err != nil {
		t.Fatal(err)
	}
	app, err := c.CreateApp(t.Context(), control.Actor{ID: account.ID, Email: account.Email}, control.NewApp{Name: "myapp"})
	if err != nil {
		t.Fatal(err)
	}
	s.app, s.owner = app.ID, account.ID
	return s
}

// drainTo adds a drain.
func (s *site) drainTo(url string) kigo.Drain {
	s.t.Helper()
	d := kigo.Drain{App: s.app, URL: url}
	if err := s.store.Update(s.t.Context(), func(tx *store.Tx) error { return tx.CreateDrain(&d) }); err != nil {
		s.t.Fatal(err)
	}
	return d
}

// start runs hub and drains; the returned function ends them.
func (s *site) start() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	s.loop = &drain.Loop{Store: s.store, Hub: s.hub, Outbound: s.allow, Roots: s.roots, Log: slog.New(slog.DiscardHandler),
		FirstTry: 5 * time.Millisecond, LastTry: 50 * time.Millisecond, Spill: s.spill}
	done := make(chan error, 2)
	go func() { done <- s.loop.Run(ctx) }()
	go func() { done <- s.hub.Run(ctx) }()
	stop = func() {
		cancel()
		for range 2 {
			if err := <-done; err != nil {
				s.t.Error(err)
			}
		}
	}
	return stop
}

// ready waits until the drains have their place in the stream.
func (s *site) ready(d kigo.Drain) {
	eventually(s.t, time.Minute, func() error {
		if _, err := filepath.Glob(s.hub.File(s.app, "drain-"+d.ID)); err != nil {
			return err
		}
		if found, _ := filepath.Glob(s.hub.File(s.app, "drain-"+d.ID)); len(found) == 0 {
			return fmt.Errorf("drain %s has not begun", d.ID)
		}
		return nil
	})
}

func (s *site) write(process string, from, n int) {
	lines := make([]kigo.LogLine, n)
	for i := range lines {
		lines[i] = kigo.LogLine{Source: "app", Process: process, Message: fmt.Sprint(from + i)}
	}
	s.hub.Write(s.app, lines...)
}

func TestLinesArriveInLogplexFrames(t *testing.T) {
	t.Parallel()
	r, s := newReceiver(t), newSite(t)
	s.roots = r.roots()
	d := s.drainTo("https://user:p%40ss@" + r.addr + "/logs?key=1")
	s.write("web.1", 0, 7) // from before the drain began
	defer s.start()()
	s.ready(d)
	s.write("web.1", 7, 5000)
	s.hub.Write(s.app, kigo.LogLine{Source: "heroku", Process: "router", Message: "at=info"},
		kigo.LogLine{Source: "app", Process: "a b\n", Message: "snow ☃ \x1b[31m\x00\xff"})
	r.waitFor(5002)
	if len(r.tokens) != 1 || !r.tokens[d.Token] || !r.users["user:p@ss"] {
		t.Errorf("tokens %v users %v, want %s", r.tokens, r.users, d.Token)
	}
	if got := r.texts[5000:]; got[0] != "router at=info" || got[1] != "a_b_ snow ☃ \x1b[31m\uFFFD\uFFFD" {
		t.Errorf("last lines %q", got)
	}
	r.texts = r.texts[:5000]
	r.inOrder()
}

func TestAReceiverThatLosesDelaysAndRestartsIsToldWhatIsMissing(t *testing.T) {
	t.Parallel()
	r, s := newReceiver(t), newSite(t)
	s.roots = r.roots()
	d := s.drainTo("https://" + r.addr)
	defer s.start()()
	s.ready(d)
	r.mu.Lock()
	r.fate = func(n int) int { return []int{204, 503, 0, 429, 204, 500, 404, 204}[n%8] } // three in eight taken with an answer
	r.mu.Unlock()
	total := 0
	for round := range 60 {
		s.write("web.1", total, 700)
		total += 700
		if round == 30 {
			r.restart(300 * time.Millisecond)
		}
		time.Sleep(5 * time.Millisecond) // the writer's own pace, so that rounds meet different fates
	}
	r.waitFor(total)
	r.inOrder()
	if delivered, dropped := r.total(); delivered == 0 || dropped == 0 || r.repeated() == 0 {
		t.Errorf("%d delivered, %d dropped, %d frames came again: the test met no trouble", delivered, dropped, r.repeated())
	}
}

func TestAnOutageCostsAllButTheBuffer(t *testing.T) {
	t.Parallel()
	r, s := newReceiver(t), newSite(t)
	s.roots = r.roots()
	d := s.drainTo("https://" + r.addr)
	defer s.start()()
	s.ready(d)
	r.mu.Lock()
	down := true
	r.fate = func(int) int {
		if down {
			return 503
		}
		return 204
	}
	r.mu.Unlock()
	s.write("web.1", 0, 1)
	eventually(t, time.Minute, func() error {
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.n < 3 {
			return fmt.Errorf("%d tries", r.n)
		}
		return nil
	})
	place := s.hub.Cursor(s.app, s.hub.End(s.app))
	s.write("web.1", 1, 10_000)
	eventually(t, time.Minute, func() error {
		if n := place.Waiting(); n != 10_000 {
			return fmt.Errorf("%d lines are on disk", n)
		}
		return nil
	})
	place.Close()
	r.mu.Lock()
	down = false
	r.mu.Unlock()
	r.waitFor(10_001)
	if delivered, dropped := r.total(); delivered != 1+1024 || dropped != 10_000-1024 {
		t.Errorf("%d delivered and %d dropped", delivered, dropped)
	}
	r.inOrder()
}

func TestARestartGoesOnWhereItStood(t *testing.T) {
	t.Parallel()
	r, s := newReceiver(t), newSite(t)
	s.roots = r.roots()
	d := s.drainTo("https://" + r.addr)
	total := 0
	for range 5 {
		stop := s.start()
		s.ready(d)
		s.write("web.1", total, 250) // all of it fits into what is kept
		total += 250
		stop()
		s.hub = &logplex.Hub{Dir: s.hub.Dir}
	}
	defer s.start()()
	r.waitFor(total)
	r.inOrder()
	if _, dropped := r.total(); dropped != 0 {
		t.Errorf("%d lines were dropped", dropped)
	}
}

func TestABadFrameIsGivenUpAndCounted(t *testing.T) {
	t.Parallel()
	r, s := newReceiver(t), newSite(t)
	s.roots = r.roots()
	d := s.drainTo("https://" + r.addr)
	defer s.start()()
	s.ready(d)
	r.mu.Lock()
	r.fate = func(n int) int {
		if n <= 3 {
			return 422
		}
		return 204
	}
	r.mu.Unlock()
	s.write("web.1", 0, 10)
	r.waitFor(10)
	if _, dropped := r.total(); dropped != 10 {
		t.Errorf("%d dropped", dropped)
	}
}

func TestWrongCertificatesAreToldInTheLog(t *testing.T) {
	t.Parallel()
	r, s := newReceiver(t), newSite(t)
	_, port, _ := net.SplitHostPort(r.addr)
	s.drainTo("https://user:secret@" + r.addr + "/")
	s.drainTo("syslog+tls://" + r.addr)
	defer s.start()()
	var told []string
	eventually(t, time.Minute, func() error {
		s.write("web.1", 0, 1)
		told = nil
		err := s.hub.Tail(t.Context(), s.app, logplex.Filter{Process: "logplex", Lines: 100}, func(_ uint64, l kigo.LogLine) error {
			told = append(told, l.Message)
			return nil
		})
		if err == nil && len(told) < 2 {
			err = fmt.Errorf("told %q", told)
		}
		return err
	})
	for _, line := range told {
		if !strings.HasPrefix(line, `Error L14 (certificate validation): error="unknown ca" uri="`) || strings.Contains(line, "secret") || !strings.Contains(line, port) {
			t.Errorf("told %q", line)
		}
	}
	if delivered, _ := r.total(); delivered != 0 {
		t.Error("lines went to a receiver that nobody vouches for")
	}
}

func TestANameThatLeadsElsewhereAfterItWasTakenGetsNothing(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	s := newSite(t)
	resolver, asked := outboundtest.Rebinding(t, "8.8.8.8", "127.0.0.1")
	s.allow = outbound.Policy{Resolver: resolver}
	const name = "rebind.example.com"
	if _, err := resolver.LookupHost(t.Context(), name); err != nil { // as who looks at it first
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	schemes := []string{"https://", "syslog://", "syslog+tls://"}
	for _, scheme := range schemes {
		before := asked()
		d := s.drainTo(scheme + name + ":" + port)
		stop := s.start()
		s.ready(d)
		s.write("web.1", before*10, 10)
		eventually(t, time.Minute, func() error { // after a first try there is a second
			if n := asked() - before; n < 2 {
				return fmt.Errorf("%s was tried %d times", scheme, n)
			}
			return nil
		})
		stop()
	}
	own, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer own.Close()
	if first, err := l.Accept(); err != nil || first.RemoteAddr().String() != own.LocalAddr().String() {
		t.Errorf("a drain has connected: %v", err)
	}
}

func TestAStuckReceiverHoldsUpNobodyElse(t *testing.T) {
	t.Parallel()
	stuck, err := net.Listen("tcp", "127.0.0.1:0") // accepts by the kernel's grace, and never reads
	if err != nil {
		t.Fatal(err)
	}
	defer stuck.Close()
	r, s := newReceiver(t), newSite(t)
	s.roots = r.roots()
	s.drainTo("https://" + stuck.Addr().String())
	s.drainTo("syslog://" + stuck.Addr().String())
	d := s.drainTo("https://" + r.addr)
	defer s.start()()
	s.ready(d)
	for i := range 20 {
		s.write("web.1", i*500, 500)
		r.waitFor((i + 1) * 500)
	}
}

func TestARemovedDrainEndsAndLeavesNothing(t *testing.T) {
	t.Parallel()
	r, s := newReceiver(t), newSite(t)
	s.roots = r.roots()
	d := s.drainTo("https://" + r.addr)
	defer s.start()()
	s.ready(d)
	if err := s.store.Update(t.Context(), func(tx *store.Tx) error { return tx.DeleteDrain(d.ID) }); err != nil {
		t.Fatal(err)
	}
	s.loop.Mark()
	eventually(t, time.Minute, func() error {
		if left, _ := filepath.Glob(s.hub.File(s.app, "drain-*")); len(left) > 0 {
			return fmt.Errorf("left: %v", left)
		}
		return nil
	})
	s.write("web.1", 0, 10)
	if r.n > 0 {
		t.Errorf("%d requests arrived", r.n)
	}
}

func TestLinesArriveAsRecordsOfOpenTelemetry(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	var mu sync.Mutex
	var texts []string
	status := http.StatusServiceUnavailable
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		var data otlp.LogsData
		if err := proto.Unmarshal(body, &data); err != nil || r.URL.Path != "/v1/logs" || r.Header.Get("Api-Key") != "hunter2" {
			t.Errorf("%s %v %v", r.URL.Path, r.Header, err)
		}
		if status == http.StatusOK {
			for _, record := range data.ResourceLogs[0].ScopeLogs[0].LogRecords {
				texts = append(texts, record.Attributes[1].Value.GetStringValue()+" "+record.Body.GetStringValue())
			}
		}
		w.WriteHeader(status)
		status = http.StatusOK
	}))
	defer srv.Close()
	d := kigo.TelemetryDrain{App: s.app, Signals: []string{"logs"}, Exporter: kigo.Exporter{Type: kigo.ExporterHTTP, Endpoint: srv.URL, Headers: map[string]string{"Api-Key": "hunter2"}}}
	if err := s.store.Update(t.Context(), func(tx *store.Tx) error { return tx.CreateTelemetryDrain(&d) }); err != nil {
		t.Fatal(err)
	}
	defer s.start()()
	s.ready(kigo.Drain{ID: d.ID})
	s.write("web.1", 0, 100)
	s.hub.Write(s.app, kigo.LogLine{Source: "heroku", Process: "router", Message: "snow ☃ \x1b[31m\x00\xff"})
	eventually(t, time.Minute, func() error {
		mu.Lock()
		defer mu.Unlock()
		if len(texts) < 101 {
			return fmt.Errorf("%d records", len(texts))
		}
		return nil
	})
	if len(texts) != 101 || texts[0] != "web.1 0" || texts[99] != "web.1 99" || texts[100] != "router snow ☃ \x1b[31m\uFFFD\uFFFD" {
		t.Errorf("%d records, the last is %q", len(texts), texts[len(texts)-1])
	}
}
