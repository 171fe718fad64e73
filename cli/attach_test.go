package cli_test

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kigo-dev/kigo/cli"
)

// dynoServer is a fake whose run.1234 speaks over a real TLS rendezvous: what
// the client sends is kept, and say is what the dyno answers.
type dynoServer struct {
	*fake
	env           map[string]string
	secret, stdin string
	say           func(w io.Writer, stdin string)
	done          chan struct{}
}

func newDynoServer(t *testing.T, say func(io.Writer, string)) *dynoServer {
	t.Helper()
	f := newFake(t)
	d := &dynoServer{fake: f, env: environment(t, f), say: say, done: make(chan struct{})}
	certs := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(certs.Close)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certs.Certificate().Raw})
	if err := os.WriteFile(ca, block, 0o600); err != nil {
		t.Fatal(err)
	}
	d.env["NODE_EXTRA_CA_CERTS"] = ca
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: certs.TLS.Certificates, MinVersion: tls.VersionTLS12})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close(); <-d.done })
	f.attach = "rendezvous://" + l.Addr().String() + "/secret?x=1"
	go d.serve(l)
	return d
}

func (d *dynoServer) serve(l net.Listener) {
	defer close(d.done)
	conn, err := l.Accept()
	if err != nil {
		return
	}
	defer conn.Close()
	in := bufio.NewReader(conn)
	d.secret, _ = in.ReadString('\n')
	io.WriteString(conn, "rendezvous\r\n")
	d.stdin, _ = in.ReadString('\x04')
	d.say(conn, d.stdin)
}

func (d *dynoServer) run(t *testing.T, stdin string, args ...string) (out, errs string, code int) {
	t.Helper()
	for k, v := range d.env {
		t.Setenv(k, v)
	}
	var o, e bytes.Buffer
	code = cli.Main(t.Context(), args, strings.NewReader(stdin), &o, &e)
	return o.String(), e.String(), code
}

func TestRunGivesInputToTheDynoAndShowsItsOutput(t *testing.T) {
	d := newDynoServer(t, func(w io.Writer, stdin string) { fmt.Fprintf(w, "got %q\n\r\n\r", stdin) })
	out, errs, code := d.run(t, "hello", "run", "-a", "myapp", "--no-tty", "cat")
	if want := "got \"hello\\x04\"\n\r\n\r"; out != want || code != 0 {
		t.Errorf("stdout %q, status %d; want %q, 0\n%s", out, code, want, errs)
	}
	<-d.done
	if want := "secret?x=1\r\n"; d.secret != want {
		t.Errorf("the client sent the secret %q, want %q", d.secret, want)
	}
	if want := "Running cat on myapp... up, run.1234\n"; errs != want {
		t.Errorf("stderr %q, want %q", errs, want)
	}
}

func TestRunEndsWithTheExitStatusOfTheCommand(t *testing.T) {
	for _, tt := range []struct {
		name, say, out string
		code           int
	}{
		{"zero", "hi\r\n\uFFFF heroku-command-exit-status: 0\r\n", "hi\n", 0},
		{"three", "hi\r\n\uFFFF heroku-command-exit-status: 3\r\n", "hi\n", 3},
		{"no status", "hi\r\n", "hi\n", 1},
		{"nearly one", "\xef\xbf hi \uFFFF heroku-command-exit-status: none\n\uFFFF her", "\xef\xbf hi \uFFFF heroku-command-exit-status: none\n\uFFFF her", 1},
		{"after what looks like it", strings.Repeat("\xef", 50) + "\uFFFF heroku-command-exit-status: 255\r\n", strings.Repeat("\xef", 50), 255},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := newDynoServer(t, func(w io.Writer, _ string) {
				for i := range len(tt.say) { // in pieces, as a network may
					io.WriteString(w, tt.say[i:i+1])
				}
			})
			out, errs, code := d.run(t, "", "run", "-x", "-a", "myapp", "--", "sh", "-c", "exit 3")
			if out != tt.out || code != tt.code {
				t.Errorf("stdout %q, status %d; want %q, %d\n%s", out, code, tt.out, tt.code, errs)
			}
		})
	}
}

func TestRunTakesItsOwnFlagsAnywhereAndLeavesTheCommands(t *testing.T) {
	for _, tt := range []struct {
		args, command string
	}{
		{"run bash -a myapp", "bash"},
		{"run -a myapp ls -l /app", "ls -l /app"},
		{"run -a myapp -- ls -a", "ls -a"},
		{"run:detached rake db:migrate --app myapp --size Standard-2X", "rake db:migrate"},
		{"run --app=myapp --trace echo", "--trace echo"},
	} {
		t.Run(tt.args, func(t *testing.T) {
			d := newDynoServer(t, func(io.Writer, string) {})
			d.run(t, "", strings.Fields(tt.args)...)
			if got := d.ran().Command; got != tt.command {
				t.Errorf("the dyno's command is %q, want %q", got, tt.command)
			}
		})
	}
}
