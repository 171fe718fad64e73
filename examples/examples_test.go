package examples

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"
	"golang.org/x/sys/unix"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/internal/testenv"
	"github.com/kigo-dev/kigo/stack"
	"github.com/kigo-dev/kigo/stack/stacktest"
)

// lines is a process's output, which may be read while it grows.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) { l.mu.Lock(); defer l.mu.Unlock(); return l.b.Write(p) }
func (l *lines) String() string              { l.mu.Lock(); defer l.mu.Unlock(); return l.b.String() }

// start runs a web process on a free port and returns its address and output.
func start(t *testing.T, cmd *exec.Cmd) (addr string, out *lines) {
	t.Helper()
	port := testenv.Port(t)
	addr = net.JoinHostPort("127.0.0.1", port)
	out = &lines{}
	cmd.Env = append(cmd.Env, "PATH=/usr/local/bin:/usr/bin:/bin", "PORT="+port, "DYNO=web.1", "GREETING=Bonjour")
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("it wrote:\n%s", out)
		}
	})
	until(t, func() bool {
		c, err := net.Dial("tcp", addr)
		if err == nil {
			c.Close()
		}
		return err == nil
	})
	return addr, out
}

// until waits for a condition.
func until(t *testing.T, ok func() bool) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-deadline:
			t.Fatal("not within 20 seconds")
		case <-tick.C:
		}
	}
}

func wantAnswer(t *testing.T, url string, status int, want string) {
	t.Helper()
	res, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != status || !strings.Contains(string(body), want) {
		t.Errorf("%s: %d %q, %v; want %d %q", url, res.StatusCode, body, err, status, want)
	}
}

func TestGoHelloGreetsLogsEchoesAndStops(t *testing.T) {
	bin := t.TempDir()
	build := exec.CommandContext(t.Context(), "go", "build", "-o", bin, "./...")
	build.Dir = "go-hello"
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-buildvcs=false")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	cmd := exec.Command(filepath.Join(bin, "web"))
	addr, out := start(t, cmd)
	wantAnswer(t, "http://"+addr+"/", 200, "Bonjour from web.1\n")
	wantAnswer(t, "http://"+addr+"/sleep?s=0.01", 200, "slept 0.01s")
	wantAnswer(t, "http://"+addr+"/sleep?s=x", 400, "number of seconds")
	echoes(t, "ws://"+addr+"/ws")
	until(t, func() bool { return strings.Contains(out.String(), "GET /sleep") })
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil || !strings.Contains(out.String(), "stopping") {
		t.Errorf("after SIGTERM: %v, %q", err, out)
	}
}

func echoes(t *testing.T, url string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	c, _, err := websocket.Dial(ctx, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.CloseNow()
	c.SetReadLimit(1 << 20)
	for _, size := range []int{0, 5, 125, 126, 60_000, 70_000} {
		want := strings.Repeat("x", size)
		if err := c.Write(ctx, websocket.MessageText, []byte(want)); err != nil {
			t.Fatal(err)
		}
		if _, got, err := c.Read(ctx); err != nil || string(got) != want {
			t.Fatalf("echo of %d bytes: %d bytes, %v", size, len(got), err)
		}
	}
	if err := c.Close(websocket.StatusNormalClosure, "done"); err != nil {
		t.Errorf("close: %v", err)
	}
}

func TestTheProcfileOnlyServerNeedsNothingButTheSmallStack(t *testing.T) {
	testenv.NeedsRoot(t)
	_, path, err := stacktest.Small(t).Image(stack.DefaultName, stack.VariantRun)
	if err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	if err := unix.Mount(path, root, "erofs", unix.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Unmount(root, unix.MNT_DETACH) })
	script, err := os.Open("procfile-only/server.pl")
	if err != nil {
		t.Fatal(err)
	}
	defer script.Close()
	cmd := exec.Command("perl", "-") // the root is read-only: the script comes by standard input
	cmd.Path = "/usr/bin/perl"
	cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: root, Credential: &syscall.Credential{Uid: 1000, Gid: 1000}}
	cmd.Dir = "/"
	cmd.Stdin = script
	addr, out := start(t, cmd)
	for range 3 {
		wantAnswer(t, "http://"+addr+"/", 200, "Bonjour from web.1\n")
	}
	wantAnswer(t, "http://"+addr+"/none", 404, "no /none")
	until(t, func() bool { return strings.Contains(out.String(), "GET /none 404") })
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("after SIGTERM: %v, %q", err, out)
	}
}

func TestEveryExampleHasItsReadmeAndAProcfileThatIsOne(t *testing.T) {
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !e.IsDir() {
			continue
		}
		if _, err := os.Stat(filepath.Join(e.Name(), "README.md")); err != nil {
			t.Error(err)
		}
		text, err := os.ReadFile(filepath.Join(e.Name(), "Procfile"))
		if err != nil {
			continue
		}
		if types, err := kigo.ParseProcfile(text); err != nil || types[0].Name != "web" {
			t.Errorf("%s/Procfile: %v, %v", e.Name(), types, err)
		}
	}
}

func TestTheLockfileNamesNoRegistry(t *testing.T) {
	lock, err := os.ReadFile("node-express/package-lock.json")
	if err != nil || bytes.Contains(lock, []byte(`"resolved"`)) {
		t.Errorf("%v; made with npm install --package-lock-only --omit-lockfile-registry-resolved?", err)
	}
	if !bytes.Contains(lock, []byte(fmt.Sprintf("%q", "node_modules/express"))) {
		t.Error("express is not in it")
	}
}
