package e2e

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sys/unix"

	"github.com/kigo-dev/kigo/internal/pebbletest"
	"github.com/kigo-dev/kigo/internal/testenv"
)

// server is a running `kigo server`.
type server struct {
	root, data, testapp string
	path                string // PATH of scripts
	httpPort, httpsPort string
	api                 string
	variables           []string // as `kigo env` prints them
	issuers             string   // file of what automatic certificates lead up to
	args, env           []string // that it is started with
	cmd                 *exec.Cmd
	exited              chan struct{} // closed when cmd has ended
	log                 string
}

// setup is what a test wants of a server beside the usual.
type setup struct {
	data string   // an empty folder, or one that is not there yet; "": a new one
	env  []string // more variables
	args []string // more flags
	wrap []string // a command that runs the server, in its place
	acme bool     // with an authority for automatic certificates
	api  string   // address of the API; "": a free one
}

// ready bounds how long a server may take to start, with a stack to make.
const ready = 8 * time.Minute

// startServer starts a server on free ports and waits until it answers. It ends
// with the test, and what it logged is shown if the test failed.
func startServer(t *testing.T, with setup) *server {
	t.Helper()
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(root, "bin", "kigo")
	if _, err := os.Stat(program); err != nil {
		t.Fatalf("%v: run make build first", err)
	}
	dir := t.TempDir()
	// Container root must be able to pass through on its way to its own files.
	if err := os.Chmod(dir, 0o711); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Dir(dir), 0o711); err != nil {
		t.Fatal(err)
	}
	ports := freePorts(t, 4)
	s := &server{
		root: root, data: filepath.Join(dir, "data"), testapp: buildTestApp(t, root, dir), log: filepath.Join(dir, "server.log"),
		path:     filepath.Join(root, "bin") + ":" + filepath.Join(root, ".cache", "bin") + ":" + os.Getenv("PATH"),
		httpPort: ports[1], httpsPort: ports[2], api: "http://127.0.0.1:" + ports[0],
	}
	if with.data != "" {
		s.data = with.data
	}
	if with.api != "" {
		s.api, with.args = "http://"+with.api, append(with.args, "--api", with.api)
	}
	place := testenv.NewPlace(t)
	sizes := `{"sizes": [{"name": "Tiny", "memory": "64MB", "cpu": 0.5, "pids": 64}]}`
	if err := errors.Join(os.MkdirAll(s.data, 0o711), os.WriteFile(filepath.Join(s.data, "kigo.json"), []byte(sizes), 0o644)); err != nil {
		t.Fatal(err)
	}
	if with.acme {
		port, err := strconv.Atoi(s.httpPort)
		if err != nil {
			t.Fatal(err)
		}
		authority := pebbletest.Start(t, pebbletest.Options{HTTPPort: port})
		s.issuers = filepath.Join(dir, "issuers.pem")
		if err := os.WriteFile(s.issuers, authority.Issuers(t), 0o644); err != nil {
			t.Fatal(err)
		}
		with.args = append(with.args, "--acme", authority.Directory, "--acme-ca", authority.CAFile)
	}
	s.env = with.env
	s.args = append(append(with.wrap, program, "server", "--data", s.data, "--api", "127.0.0.1:"+ports[0], "--http", "127.0.0.1:"+ports[1],
		"--https", "127.0.0.1:"+ports[2], "--rendezvous", "127.0.0.1:"+ports[3], "--network", place.Subnet.String(),
		"--allow-private", "127.0.0.0/8", "--stack-size", "small", "--idle-after", "4s", "--probation", "3s", "--stack-cache", filepath.Join(root, ".cache", "stacks")), with.args...)
	s.start(t)
	t.Cleanup(func() { s.stop(t) })
	s.await(t)
	return s
}

// start runs the program; its log goes on where an earlier one's ended.
func (s *server) start(t *testing.T) {
	t.Helper()
	log, err := os.OpenFile(s.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	s.cmd = exec.Command(s.args[0], s.args[1:]...)
	s.cmd.Env = append(os.Environ(), s.env...)
	s.cmd.Stdout, s.cmd.Stderr = log, log
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	cmd, exited := s.cmd, make(chan struct{})
	s.exited = exited
	go func() { defer close(exited); _ = cmd.Wait() }()
}

// await waits until the API answers, then reads what `kigo env` prints.
func (s *server) await(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), ready)
	defer cancel()
	for tick := time.NewTicker(200 * time.Millisecond); ; {
		if s.answers(ctx) {
			tick.Stop()
			break
		}
		select {
		case <-tick.C:
		case <-s.exited:
			t.Fatal("the server ended while it started")
		case <-ctx.Done():
			t.Fatalf("the server does not answer at %s", s.api)
		}
	}
	out, err := exec.Command(filepath.Join(s.root, "bin", "kigo"), "env", "--data", s.data).Output()
	if err != nil {
		t.Fatalf("kigo env: %v", err)
	}
	s.variables = nil
	for _, m := range regexp.MustCompile(`(?m)^export (\w+)='(.*)'$`).FindAllStringSubmatch(string(out), -1) {
		s.variables = append(s.variables, m[1]+"="+m[2])
	}
	if len(s.variables) < 15 {
		t.Fatalf("kigo env printed %d variables:\n%s", len(s.variables), out)
	}
}

func (s *server) answers(ctx context.Context) bool {
	if _, err := os.Stat(filepath.Join(s.data, "server.json")); err != nil {
		return false
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.api+"/schema", nil)
	if err != nil {
		return false
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	resp.Body.Close()
	return true
}

func (s *server) stop(t *testing.T) {
	t.Helper()
	_ = s.cmd.Process.Signal(syscall.SIGINT) // ends the dynos too; SIGTERM would leave them
	select {
	case <-s.exited:
	case <-time.After(time.Minute):
		t.Errorf("the server did not end within a minute of SIGINT")
		_ = s.cmd.Process.Kill()
		<-s.exited
	}
	s.unmount(t)
	if t.Failed() {
		b, _ := os.ReadFile(s.log)
		if len(b) > 20_000 {
			b = b[len(b)-20_000:]
		}
		t.Logf("the server's log ends:\n%s", b)
	}
}

// unmount gives back the images of the data folder, which a server leaves
// mounted for the next start.
func (s *server) unmount(t *testing.T) {
	t.Helper()
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		t.Error(err)
		return
	}
	for line := range strings.SplitSeq(string(mounts), "\n") {
		if f := strings.Fields(line); len(f) > 1 && strings.HasPrefix(f[1], s.data+"/") {
			if err := unix.Unmount(f[1], unix.MNT_DETACH); err != nil {
				t.Errorf("unmount %s: %v", f[1], err)
			}
		}
	}
}

// kill ends one of the server's processes without warning: kill9 control.
func (s *server) kill(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: kill9 control|router|server")
	}
	pid := s.cmd.Process.Pid
	if args[0] != "server" {
		pid = s.child(args[0])
	}
	if pid == 0 {
		ts.Fatalf("the server has no process %s", args[0])
	}
	ts.Check(syscall.Kill(pid, syscall.SIGKILL))
}

// child is the pid of the server's child that was started as `kigo NAME`.
func (s *server) child(name string) int {
	var pids []string
	lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", s.cmd.Process.Pid))
	for _, file := range lists {
		b, _ := os.ReadFile(file)
		pids = append(pids, strings.Fields(string(b))...)
	}
	for _, pid := range pids {
		line, _ := os.ReadFile("/proc/" + pid + "/cmdline")
		if args := strings.Split(string(line), "\x00"); len(args) > 1 && args[1] == name {
			n, _ := strconv.Atoi(pid)
			return n
		}
	}
	return 0
}

// freePorts finds ports that nobody listens on.
func freePorts(t *testing.T, n int) (ports []string) {
	t.Helper()
	var held []net.Listener // all at once, so that no port comes twice
	defer func() {
		for _, l := range held {
			l.Close()
		}
	}()
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		held = append(held, l)
		ports = append(ports, strconv.Itoa(l.Addr().(*net.TCPAddr).Port))
	}
	return ports
}

// dialLoopback connects to this machine whatever the host's name is.
func dialLoopback(ctx context.Context, network, addr string) (net.Conn, error) {
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	var d net.Dialer
	return d.DialContext(ctx, network, "127.0.0.1:"+port)
}
