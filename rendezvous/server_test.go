package rendezvous

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kigo-dev/kigo"
)

// site is a server on loopback whose one session is a fake process.
type site struct {
	t       testing.TB
	addr    string
	config  *tls.Config
	process *process
	noTTY   bool
	open    func(ctx context.Context) error // delays or refuses
	may     func(context.Context) error
	opened  chan struct{}
	gaveUp  chan struct{}
}

// process is the platform's side of a terminal: the test reads what arrives and
// writes what it prints.
type process struct {
	net.Conn
	closed    chan struct{} // hung up
	ended     chan struct{} // standard input has ended
	closeOnce sync.Once
	endOnce   sync.Once
}

func (p *process) Close() error {
	p.closeOnce.Do(func() { close(p.closed) })
	return p.Conn.Close()
}

func (p *process) CloseWrite() error {
	p.endOnce.Do(func() { close(p.ended) })
	return p.Conn.(*net.UnixConn).CloseWrite()
}

func newSite(t testing.TB) (*site, net.Conn) {
	t.Helper()
	helper := httptest.NewTLSServer(nil) // for its certificate
	certificate, cert := helper.TLS.Certificates[0], helper.Certificate()
	helper.Close()
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{certificate}})
	if err != nil {
		t.Fatal(err)
	}
	ours, theirs := unixPair(t)
	roots := x509.NewCertPool()
	roots.AddCert(cert)
	s := &site{t: t, addr: listener.Addr().String(), config: &tls.Config{RootCAs: roots},
		process: &process{Conn: theirs, closed: make(chan struct{}), ended: make(chan struct{})},
		opened:  make(chan struct{}, 10), gaveUp: make(chan struct{}, 10)}
	server := &Server{Listener: listener, Open: s.session}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- server.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		select {
		case err := <-done:
			if err != nil {
				t.Errorf("Run: %v", err)
			}
		case <-time.After(20 * time.Second):
			t.Error("the server does not stop")
		}
	})
	return s, ours
}

func (s *site) session(ctx context.Context, secret string) (Session, error) {
	s.opened <- struct{}{}
	if secret != "s3cret?x=1" {
		return Session{}, kigo.NotFound("dyno")
	}
	if s.open != nil {
		if err := s.open(ctx); err != nil {
			s.gaveUp <- struct{}{}
			return Session{}, err
		}
	}
	return Session{Stream: s.process, NoTTY: s.noTTY, May: s.may}, nil
}

func unixPair(t testing.TB) (a, b net.Conn) {
	t.Helper()
	l, err := net.Listen("unix", t.TempDir()+"/s")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if a, err = net.Dial("unix", l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if b, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close(); b.Close() })
	return a, b
}

func (s *site) dial() *Conn {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 10*time.Second)
	defer cancel()
	c, err := Dial(ctx, "rendezvous://"+s.addr+"/s3cret?x=1", s.config)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(20 * time.Second))
	return c
}

func (s *site) raw() *tls.Conn {
	s.t.Helper()
	c, err := tls.Dial("tcp", s.addr, s.config)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(20 * time.Second))
	return c
}

func expect(t testing.TB, r io.Reader, want string) {
	t.Helper()
	got := make([]byte, len(want))
	if n, err := io.ReadFull(r, got); err != nil || string(got) != want {
		t.Fatalf("got %q, want %q (%v)", got[:n], want, err)
	}
}

func write(t testing.TB, w io.Writer, text string) {
	t.Helper()
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
}

func await(t testing.TB, c <-chan struct{}, what string) {
	t.Helper()
	select {
	case <-c:
	case <-time.After(20 * time.Second):
		t.Fatalf("it did not happen: %s", what)
	}
}

func TestTheGreetingIsARecordOfItsOwn(t *testing.T) {
	s, app := newSite(t)
	write(t, app, "output that is already there")
	c := s.raw()
	write(t, c, "s3cret?x=1\r\n")
	buf := make([]byte, 1000)
	if n, err := c.Read(buf); err != nil || string(buf[:n]) != "rendezvous\r\n" {
		t.Fatalf("first piece %q %v", buf[:n], err)
	}
	expect(t, c, "output that is already there")
}

func TestBytesPassBothWaysUnchanged(t *testing.T) {
	s, app := newSite(t)
	c := s.dial()
	data := make([]byte, 3<<20)
	rand.Read(data)
	for _, way := range []struct {
		from io.Writer
		to   io.Reader
	}{{c, app}, {app, c}} {
		go way.from.Write(data)
		got := make([]byte, len(data))
		if _, err := io.ReadFull(way.to, got); err != nil || !bytes.Equal(got, data) {
			t.Fatalf("bytes changed: %v", err)
		}
	}
	write(t, c, "\x03\x04")
	expect(t, app, "\x03\x04")
}

func TestTheLastOutputArrivesAfterTheProcessHasEnded(t *testing.T) {
	s, app := newSite(t)
	c := s.dial()
	write(t, c, strings.Repeat("input that nobody reads\n", 100))
	write(t, app, "heroku-command-exit-status: 3\r\n")
	app.Close()
	got, err := io.ReadAll(c)
	if err != nil || string(got) != "heroku-command-exit-status: 3\r\n" {
		t.Errorf("%q %v", got, err)
	}
	await(t, s.process.closed, "the stream is closed")
}

func TestAClientThatLeavesHangsUp(t *testing.T) {
	s, _ := newSite(t)
	s.dial().Close()
	await(t, s.process.closed, "hang-up")
}

func TestAClientThatLeavesWhileItsInputIsStuckHangsUp(t *testing.T) {
	s, _ := newSite(t)
	var ours net.Conn
	ours, s.process.Conn = net.Pipe() // takes nothing that is not read
	defer ours.Close()
	c := s.dial()
	write(t, c, strings.Repeat("x", 50_000)) // less than the kernel takes
	c.NetConn().Close()
	await(t, s.process.closed, "hang-up")
}

func TestHalfCloseEndsStandardInputWithoutATerminal(t *testing.T) {
	s, app := newSite(t)
	s.noTTY = true
	c := s.dial()
	write(t, c, "input")
	if err := c.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(app); err != nil || string(got) != "input" {
		t.Fatalf("%q %v", got, err)
	}
	write(t, app, "answer")
	expect(t, c, "answer")
	app.Close()
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("then %v", err)
	}
}

func TestEOTEndsStandardInputWithoutATerminal(t *testing.T) {
	for name, pieces := range map[string][]string{
		"alone in its record":     {"input\x04in the middle", "\x04"},
		"joined to the last data": {"input\x04in the middle\x04"},
		"as data at an end":       {"input\x04", "in the middle", "\x04"},
	} {
		t.Run(name, func(t *testing.T) {
			s, app := newSite(t)
			s.noTTY = true
			c := s.dial()
			for _, piece := range pieces {
				write(t, c, piece)
			}
			if got, err := io.ReadAll(app); err != nil || string(got) != "input\x04in the middle" {
				t.Fatalf("%q %v", got, err)
			}
			write(t, app, "answer")
			expect(t, c, "answer")
			c.Close()
			await(t, s.process.closed, "hang-up")
		})
	}
}

func TestAnUnknownSecretIsRefusedWithALine(t *testing.T) {
	s, _ := newSite(t)
	c := s.raw()
	write(t, c, "guess\r\n")
	got, err := io.ReadAll(c)
	want := "rendezvous\r\n !     There is no such session. It may have ended, or somebody has attached to it already.\r\n"
	if err != nil || string(got) != want {
		t.Errorf("%q %v", got, err)
	}
}

func TestBadSecretsAreRefused(t *testing.T) {
	s, _ := newSite(t)
	for _, secret := range []string{"\r\n", strings.Repeat("x", 2000), "a b\r\n", "\x00\r\n", "é\r\n"} {
		c := s.raw()
		write(t, c, secret)
		if got, err := io.ReadAll(c); err == nil && !strings.Contains(string(got), "too long or damaged") {
			t.Errorf("%.10q: %q", secret, got)
		}
	}
	if len(s.opened) != 0 {
		t.Error("a bad secret reached Open")
	}
}

func TestAClientThatLeavesEarlyEndsTheWait(t *testing.T) {
	s, _ := newSite(t)
	s.open = func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
	c := s.raw()
	write(t, c, "s3cret?x=1\r\n")
	await(t, s.opened, "Open")
	c.Close()
	await(t, s.gaveUp, "Open's context ends")
}

func TestOpensErrorIsShown(t *testing.T) {
	s, _ := newSite(t)
	s.open = func(context.Context) error { return kigo.Conflict("The process could not be started: %s.", "R13") }
	c := s.dial()
	got, err := io.ReadAll(c)
	if err != nil || string(got) != " !     The process could not be started: R13.\r\n" {
		t.Errorf("%q %v", got, err)
	}
}

// Otherwise the official client hides the reason behind a failure of its own.
func TestAClientThatIsRefusedMayStillSayTheEndOfItsInput(t *testing.T) {
	old := farewell
	t.Cleanup(func() { farewell = old }) // after the server's end
	farewell = time.Hour
	s, _ := newSite(t)
	c := s.raw()
	write(t, c, "wrong\r\n")
	expect(t, c, "rendezvous\r\n !     There is no such session. It may have ended, or somebody has attached to it already.\r\n")
	c.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
	if n, err := c.Read(make([]byte, 1)); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the connection ended at once: %d %v", n, err)
	}
}

func TestWhoMayNotStayIsCutOffAndTold(t *testing.T) {
	s, process := newSite(t)
	var gone atomic.Bool
	s.may = func(context.Context) error {
		if gone.Load() {
			return kigo.NotFound("app")
		}
		return errors.New("the store is away, which ends nothing")
	}
	c := s.dial()
	write(t, process, "$ ")
	expect(t, c, "$ ")
	gone.Store(true)
	await(t, s.process.closed, "hang-up")
	if rest, err := io.ReadAll(c); err != nil || !strings.Contains(string(rest), "Couldn't find that app.") {
		t.Errorf("told %q, %v", rest, err)
	}
}

func TestDialSaysWhatIsWrong(t *testing.T) {
	s, _ := newSite(t)
	for _, u := range []string{"", "https://x/y", "rendezvous://", "rendezvous://127.0.0.1:1/x"} {
		if _, err := Dial(t.Context(), u, s.config); err == nil {
			t.Errorf("%q: no error", u)
		}
	}
	if _, err := Dial(t.Context(), fmt.Sprintf("rendezvous://%s/x", s.addr), nil); err == nil {
		t.Error("an unknown certificate was accepted")
	}
}
