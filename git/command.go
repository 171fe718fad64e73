package git

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"time"

	"github.com/kigo-dev/kigo"
)

// uidOffset is which of an app's user ids owns its repository: none that a dyno
// or a build uses inside its sandbox.
const uidOffset = 999

// Limits of each git process.
const (
	maxMemory  = 2 << 30 // of data: a small pack can ask for a huge object
	maxCPU     = 900     // seconds
	killAfter  = 5 * time.Second
	queryLimit = 10 * time.Minute // reading one push's objects
)

// settings are in force for every git process, before anything in a repository's
// own config file.
func (s *Server) settings() [][2]string {
	return [][2]string{
		{"core.hooksPath", s.hook},
		{"core.fsync", "committed"},
		{"core.bigFileThreshold", "32m"}, // larger files are streamed, not held
		{"gc.auto", "0"},                 // background gc and uploads in flight do not mix
		{"pack.windowMemory", "64m"},
		{"pack.threads", "2"},
		{"protocol.allow", "never"}, // a repository can send us nowhere
		{"receive.advertisePushOptions", "false"},
		{"receive.autogc", "false"},
		{"receive.denyDeletes", "true"},
		{"receive.fsckObjects", "true"},
		// Harmless faults of old commits that no one can repair any more.
		{"receive.fsck.badTimezone", "warn"},
		{"receive.fsck.missingSpaceBeforeDate", "warn"},
		{"receive.fsck.zeroPaddedFilemode", "warn"},
		{"receive.keepAlive", "5"},
		{"receive.maxInputSize", strconv.FormatInt(s.MaxPush, 10)},
		{"receive.shallowUpdate", "true"},
		{"safe.directory", "*"},
		{"transfer.hideRefs", "refs/internal"},
		{"uploadpack.allowAnySHA1InWant", "false"},
	}
}

// command prepares a git process in a repository: under its user id, in a session
// of its own, and with nothing of our environment.
func (s *Server) command(ctx context.Context, r repo, args ...string) *exec.Cmd {
	// prlimit(1) limits itself, then becomes git: no moment without limits, and no
	// privilege needed to set them.
	cmd := exec.CommandContext(ctx, "prlimit", append([]string{
		fmt.Sprintf("--data=%d", int64(maxMemory)), fmt.Sprintf("--cpu=%d", maxCPU), "--core=0",
		fmt.Sprintf("--fsize=%d", 4*s.MaxPush+1<<20), "--", "git"}, args...)...)
	cmd.Dir = r.path
	cmd.Env = []string{
		"PATH=/usr/local/bin:/usr/bin:/bin", "HOME=/nonexistent", "LANG=C.UTF-8",
		"GIT_DIR=" + r.path, "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null",
		"GIT_ATTR_NOSYSTEM=1", "GIT_TERMINAL_PROMPT=0", "GIT_NO_LAZY_FETCH=1", "GIT_NO_REPLACE_OBJECTS=1",
	}
	settings := s.settings()
	for i, kv := range settings {
		cmd.Env = append(cmd.Env, fmt.Sprintf("GIT_CONFIG_KEY_%d=%s", i, kv[0]), fmt.Sprintf("GIT_CONFIG_VALUE_%d=%s", i, kv[1]))
	}
	cmd.Env = append(cmd.Env, "GIT_CONFIG_COUNT="+strconv.Itoa(len(settings)))
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if r.owned() {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: r.uid, Gid: r.uid}
	}
	// All processes of the session, politely: git then removes its temporary files.
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = killAfter
	return cmd
}

// start starts a prepared process.
func (s *Server) start(cmd *exec.Cmd) error {
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start git: %w", err)
	}
	return nil
}

// offline cuts a process that parses a client's bytes off from the network.
func (r repo) offline(cmd *exec.Cmd) {
	if r.owned() {
		cmd.SysProcAttr.Cloneflags = syscall.CLONE_NEWNET
	}
}

func (s *Server) kill(cmd *exec.Cmd) {
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // ESRCH: it has ended
	_ = cmd.Wait()
}

// repo is where an app's repository is and whose.
type repo struct {
	app  kigo.App
	path string
	uid  uint32
}

// owned reports whether the repository has its own user: not where we are not
// root, as in some tests.
func (r repo) owned() bool { return os.Geteuid() == 0 }
