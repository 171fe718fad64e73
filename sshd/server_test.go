package sshd

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/dyno"
)

const (
	someone = kigo.AccountID("11111111-1111-4111-8111-111111111111")
	web1    = kigo.DynoID("22222222-2222-4222-8222-222222222222")
)

var grant = Grant{Account: someone, Authorization: "33333333-3333-4333-8333-333333333333", Dyno: web1}

// dynos is a place to run in: a command's output is itself, its status what a test says.
type dynos struct {
	mu     sync.Mutex
	asked  []dyno.Visitor
	sizes  []kigo.TTY
	status int
	full   error
}

// end says how commands end from now on.
func (d *dynos) end(status int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.status = status
}

func (d *dynos) ended() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.status
}

// visitors are who has asked to run something.
func (d *dynos) visitors() []dyno.Visitor {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.asked)
}

func (d *dynos) resized() []kigo.TTY {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.sizes)
}

type talk struct {
	net.Conn
	d *dynos
}

func (t talk) CloseWrite() error { return nil }
func (t talk) Wait() int         { return t.d.ended() }
func (t talk) Resize(s kigo.TTY) {
	t.d.mu.Lock()
	defer t.d.mu.Unlock()
	t.d.sizes = append(t.d.sizes, s)
}

func (d *dynos) Exec(_ context.Context, id kigo.DynoID, v dyno.Visitor) (*dyno.Guest, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.full != nil || id != web1 {
		return nil, d.full
	}
	d.asked = append(d.asked, v)
	near, far := net.Pipe()
	go func() {
		_, _ = io.WriteString(far, v.Command+"\n")
		if strings.HasPrefix(v.Command, "cat") {
			line := make([]byte, 6)
			_, _ = io.ReadFull(far, line)
			_, _ = far.Write(line)
		}
		_ = far.Close()
	}()
	return dyno.NewGuest(near, talk{near, d}, func() string {
		if d.ended() == 137 {
			return "web.1 has ended"
		}
		return ""
	}), nil
}

func (d *dynos) Dial(_ context.Context, _ kigo.DynoID, host string, port int) (net.Conn, error) {
	if port == 1 {
		return nil, kigo.Conflict("web.1 is crashed, not up.")
	}
	near, far := net.Pipe()
	go func() {
		_, _ = io.WriteString(far, "you asked for "+host)
		_ = far.Close()
	}()
	return near, nil
}

type fixture struct {
	*Server
	dynos  *dynos
	addr   string
	signer ssh.Signer
	mu     sync.Mutex
	denied error
	now    time.Time
}

func (f *fixture) refusal() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.denied
}

func (f *fixture) clock() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.now
}

// change sets what others read meanwhile.
func (f *fixture) change(to func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	to()
}

func serve(t *testing.T, change ...func(*Server)) *fixture {
	t.Helper()
	f := &fixture{dynos: &dynos{}, now: time.Now()}
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if f.signer, err = ssh.NewSignerFromKey(private); err != nil {
		t.Fatal(err)
	}
	f.Server = &Server{Key: bytes.Repeat([]byte{1}, 32), Seed: bytes.Repeat([]byte{2}, 32), Dynos: f.dynos, Files: []string{"/files"},
		Check: func(context.Context, Grant) error { return f.refusal() }, Now: f.clock}
	for _, c := range change {
		c(f.Server)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f.addr = l.Addr().String()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- f.Run(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return f
}

func (f *fixture) user(t *testing.T) string {
	t.Helper()
	user, err := f.User(grant, ssh.MarshalAuthorizedKey(f.signer.PublicKey()))
	if err != nil {
		t.Fatal(err)
	}
	return user
}

func (f *fixture) dial(t *testing.T, user string, signer ssh.Signer) (*ssh.Client, error) {
	t.Helper()
	host, err := f.HostKey()
	if err != nil {
		t.Fatal(err)
	}
	key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(host))
	if err != nil {
		t.Fatal(err)
	}
	c, err := ssh.Dial("tcp", f.addr, &ssh.ClientConfig{User: user, Auth: []ssh.AuthMethod{ssh.PublicKeys(signer)}, HostKeyCallback: ssh.FixedHostKey(key)})
	if err == nil {
		t.Cleanup(func() { _ = c.Close() })
	}
	return c, err
}

func (f *fixture) session(t *testing.T) *ssh.Session {
	t.Helper()
	c, err := f.dial(t, f.user(t), f.signer)
	if err != nil {
		t.Fatal(err)
	}
	s, err := c.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestAGrantOpensADynoToOneKeyOnly(t *testing.T) {
	t.Parallel()
	f := serve(t)
	if out, err := f.session(t).Output("echo hi"); err != nil || string(out) != "echo hi\n" {
		t.Errorf("got %q %v", out, err)
	}
	other := serve(t)
	user := f.user(t)
	for name, try := range map[string]func() error{
		"another key":     func() error { _, err := f.dial(t, user, other.signer); return err },
		"a made-up name":  func() error { _, err := f.dial(t, "root", f.signer); return err },
		"a changed grant": func() error { _, err := f.dial(t, "A"+user[1:]+"", f.signer); return err },
		"an expired grant": func() error {
			f.change(func() { f.now = f.now.Add(GrantTime + time.Minute) })
			_, err := f.dial(t, user, f.signer)
			return err
		},
	} {
		if user[0] == 'A' && name == "a changed grant" {
			continue
		}
		if try() == nil {
			t.Errorf("%s was let in", name)
		}
	}
}

func TestTheExitStatusAndTheTerminalGoThrough(t *testing.T) {
	t.Parallel()
	f := serve(t)
	f.dynos.end(3)
	s := f.session(t)
	if err := s.RequestPty("xterm", 40, 100, nil); err != nil {
		t.Fatal(err)
	}
	in, err := s.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	s.Stdout = &out
	if err := s.Start("cat it"); err != nil {
		t.Fatal(err)
	}
	if err := s.WindowChange(50, 120); err != nil {
		t.Fatal(err)
	}
	for len(f.dynos.resized()) == 0 { // it is not answered, and what is typed ends the command
		time.Sleep(time.Millisecond)
	}
	_, _ = io.WriteString(in, "typed\n")
	var exit *ssh.ExitError
	if err := s.Wait(); !errors.As(err, &exit) || exit.ExitStatus() != 3 {
		t.Errorf("ended with %v, want status 3", err)
	}
	if out.String() != "cat it\ntyped\n" {
		t.Errorf("output %q", out.String())
	}
	v := f.dynos.visitors()[0]
	if v.TTY == nil || *v.TTY != (kigo.TTY{Rows: 40, Cols: 100}) || v.Env["TERM"] != "xterm" {
		t.Errorf("asked for %+v", v)
	}
	if sizes := f.dynos.resized(); len(sizes) != 1 || sizes[0] != (kigo.TTY{Rows: 50, Cols: 120}) {
		t.Errorf("resized to %v", sizes)
	}
}

// The official client fails when the channel is closed before it has said that its input,
// which is no terminal, has ended.
func TestTheOfficialClientMaySayTheEndOfItsInput(t *testing.T) {
	t.Parallel()
	f := serve(t, func(s *Server) { s.Farewell = time.Hour })
	s := f.session(t)
	if err := s.RequestPty("vt100", 24, 80, nil); err != nil {
		t.Fatal(err)
	}
	in, err := s.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := s.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start("echo hi"); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(out, make([]byte, len("echo hi\n"))); err != nil {
		t.Fatal(err)
	}
	if _, err := in.Write([]byte{eot}); err != nil {
		t.Errorf("its last byte: %v", err)
	}
	if err := s.Wait(); err != nil { // not an hour later
		t.Error(err)
	}
}

func TestADynoThatEndsSaysSo(t *testing.T) {
	t.Parallel()
	f := serve(t)
	f.dynos.end(137)
	s := f.session(t)
	var told bytes.Buffer
	s.Stderr = &told
	err := s.Run("sleep 600")
	var exit *ssh.ExitError
	if !errors.As(err, &exit) || exit.ExitStatus() != 137 || told.String() != "web.1 has ended.\n" {
		t.Errorf("ended with %v and told %q", err, told.String())
	}
}

func TestWhoMayNoLongerIsToldWhy(t *testing.T) {
	t.Parallel()
	f := serve(t)
	f.change(func() { f.denied = kigo.Invalid("ps:exec is turned off for myapp.") })
	s := f.session(t)
	var told bytes.Buffer
	s.Stderr = &told
	if err := s.Run("id"); err == nil || told.String() != "ps:exec is turned off for myapp.\n" {
		t.Errorf("ended with %v and told %q", err, told.String())
	}
	c, err := f.dial(t, f.user(t), f.signer)
	if err != nil {
		t.Fatal(err)
	}
	if conn, err := c.Dial("tcp", "127.0.0.1:80"); err == nil || !strings.Contains(err.Error(), "turned off") {
		t.Errorf("forward: %v %v", conn, err)
	}
	if ran := f.dynos.visitors(); len(ran) > 0 {
		t.Errorf("it ran %v", ran)
	}
}

func TestForwardsAndFilesBeginInTheDyno(t *testing.T) {
	t.Parallel()
	f := serve(t)
	c, err := f.dial(t, f.user(t), f.signer)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := c.Dial("tcp", "db.internal:5432")
	if err != nil {
		t.Fatal(err)
	}
	if out, err := io.ReadAll(conn); err != nil || string(out) != "you asked for db.internal" {
		t.Errorf("got %q %v", out, err)
	}
	if _, err := c.Dial("tcp", "0.0.0.0:1"); err == nil || !strings.Contains(err.Error(), "web.1 is crashed, not up.") {
		t.Errorf("a dyno that is down: %v", err)
	}
	s, err := c.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.RequestSubsystem("nosuch"); err == nil {
		t.Error("a subsystem that is not there was started")
	}
	if err := s.RequestSubsystem("sftp"); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(time.Minute); len(f.dynos.visitors()) == 0 && time.Now().Before(end); {
		<-time.After(time.Millisecond) // the subsystem is granted before it runs
	}
	if ran := f.dynos.visitors(); len(ran) != 1 || ran[0].Program[0] != "/files" {
		t.Errorf("sftp ran %v", ran)
	}
}

func TestABadKeyIsTold(t *testing.T) {
	t.Parallel()
	f := serve(t)
	if _, err := f.User(grant, []byte("hello")); !errors.Is(err, kigo.ErrInvalid) {
		t.Errorf("got %v", err)
	}
}
