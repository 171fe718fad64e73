package run

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// env is the whole environment of a buildpack: what Heroku gives and, after it,
// where this installation's certificates and registries are. Config vars are not
// in it, they are files in ENV_DIR.
func (r *Runner) env() []string {
	env := []string{
		"PATH=/usr/local/bin:/usr/bin:/bin",
		"HOME=/app",
		"STACK=" + r.Job.Stack,
		"SOURCE_VERSION=" + r.Job.SourceVersion,
		"REQUEST_ID=" + r.Job.RequestID,
		"DYNO=" + r.Job.Dyno,
		"LANG=C.UTF-8",
	}
	return append(env, r.Job.HostEnv...)
}

// step prepares one program of a buildpack. Its folder is the buildpack's own,
// and what earlier buildpacks exported comes before compile.
func (r *Runner) step(p *pack, name string, args ...string) *exec.Cmd {
	program := filepath.Join(p.dir, "bin", name)
	argv := append([]string{program}, args...)
	if name == "compile" && len(r.exports) > 0 {
		// Sourced by bash with nothing of ours in the script but file names as arguments.
		const script = `n=$1; shift; while [ "$n" -gt 0 ]; do . "$1"; shift; n=$((n-1)); done; exec "$@"`
		head := append([]string{"/bin/bash", "-c", script, "bash", itoa(len(r.exports))}, r.exports...)
		argv = append(head, argv...)
	}
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Dir, cmd.Env = p.dir, r.env()
	if officialGo(p) {
		cmd.Env = append(cmd.Env, "GOCACHE="+filepath.Join(r.Job.Layout.Cache, ".heroku", "go", "go-build-cache"))
	}
	return cmd
}

// officialGo finds Heroku's own buildpack for Go. It loses, now and then, a race (go env
// into grep -q, under pipefail), and then keeps nothing that it compiled: unless
// GOCACHE is set already, as it would have set it.
func officialGo(p *pack) bool {
	return p.ref.Builtin == "" && (p.ref.Name == "heroku/go" || strings.Contains(p.ref.Name, "heroku-buildpack-go"))
}

// runStep runs a program to its end; what it left in the background dies with it.
func runStep(ctx context.Context, cmd *exec.Cmd) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.WaitDelay = 2 * time.Second
	if err := cmd.Start(); err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }) //nolint:errcheck // it may be gone
	defer stop()
	err := cmd.Wait()
	syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) //nolint:errcheck // what it left behind, if anything
	if errors.Is(err, exec.ErrWaitDelay) {
		return nil
	}
	return err
}

// heard is what a program said on both of its streams, each read by a goroutine
// of its own. It keeps the first megabyte.
type heard struct {
	mu          sync.Mutex
	stdout, all []byte
}

const maxHeard = 1 << 20

func (h *heard) write(p []byte, stdout bool) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.all) < maxHeard {
		h.all = append(h.all, p...)
		if stdout {
			h.stdout = append(h.stdout, p...)
		}
	}
	return len(p), nil
}

// text returns what came on standard output, and on both.
func (h *heard) text() (stdout, all string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return string(h.stdout), string(h.all)
}

// stream is one of the two.
type stream struct {
	*heard
	stdout bool
}

func (s stream) Write(p []byte) (int, error) { return s.write(p, s.stdout) }

// listen makes cmd heard.
func listen(cmd *exec.Cmd) *heard {
	h := &heard{}
	cmd.Stdout, cmd.Stderr = stream{h, true}, stream{h, false}
	return h
}

// watcher passes output on and remembers whether its last lines give a reason.
type watcher struct {
	w    io.Writer
	tail []byte
}

func (w *watcher) Write(p []byte) (int, error) {
	w.tail = append(w.tail, p...)
	if len(w.tail) > 4096 {
		w.tail = w.tail[len(w.tail)-4096:]
	}
	return w.w.Write(p)
}

// endLine ends a last line that has no line end.
func (w *watcher) endLine() {
	if len(w.tail) > 0 && w.tail[len(w.tail)-1] != '\n' {
		io.WriteString(w.w, "\n") //nolint:errcheck // nobody is left to tell
	}
}

// reasoned reports whether one of the last ten lines is an error message.
func (w *watcher) reasoned() bool {
	lines := bytes.Split(bytes.TrimRight(w.tail, " \r\n"), []byte("\n"))
	for _, line := range lines[max(0, len(lines)-10):] {
		if strings.Contains(string(line), " !  ") || bytes.Contains(bytes.ToLower(line), []byte("error")) {
			return true
		}
	}
	return false
}
