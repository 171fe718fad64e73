// Package pid1 is process 1 of every dyno: it starts the command, reaps what the
// command leaves behind, hands termination signals to every process of the dyno
// and ends with the command's status. It runs inside the sandbox under the
// dyno's own user, without capabilities and under the same seccomp filter.
//
// It imports the standard library, x/sys and two small packages only, to stay small: each running
// dyno pays for its memory. Start reading at Run.
package pid1

import (
	"os"
	"os/signal"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/kigo-dev/kigo/internal/priority"
	"github.com/kigo-dev/kigo/internal/procname"
)

// Exit statuses as shells use them.
const (
	notExecutable = 126
	notFound      = 127
)

// Run executes argv and returns the status that the process should exit with:
// the command's own, or 128+n when signal n ended it. A signal to process 1 of
// the kinds in forwarded reaches all processes of the dyno. The end of the command
// is the end of the dyno, but for one case: after SIGTERM all processes may finish
// their work, as the command is often a shell that ends before what it started.
func Run(argv []string) int {
	runtime.GOMAXPROCS(1)
	// Readable by its own user or not, this process holds nothing: but a tenant
	// must not be able to write into it either.
	_ = unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0)
	if len(argv) == 0 {
		return complain("no command", notFound)
	}
	if priority.Now() < 0 { // that of the start
		_ = priority.Set(0)
	}
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, forwarded...)
	_ = procname.Set(procname.Listening) // the shim sends none before
	path, status := lookup(argv[0], os.Getenv("PATH"))
	if path == "" {
		return complain(argv[0]+": "+reason(status), status)
	}
	pid, err := syscall.ForkExec(path, argv, &syscall.ProcAttr{
		Env:   os.Environ(),
		Files: []uintptr{0, 1, 2},
		Sys:   session(),
	})
	if err != nil {
		return complain(argv[0]+": "+err.Error(), notExecutable)
	}
	var terminating atomic.Bool
	go func() {
		for s := range signals {
			if s == syscall.SIGTERM {
				terminating.Store(true)
			}
			_ = unix.Kill(-1, s.(syscall.Signal))
		}
	}()
	return reap(pid, &terminating)
}

var forwarded = []os.Signal{
	syscall.SIGTERM, syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGUSR1, syscall.SIGUSR2,
}

// session puts the command into a process group of its own, in the foreground
// when there is a terminal, so that a shell's job control works.
func session() *syscall.SysProcAttr {
	_, err := unix.IoctlGetTermios(0, unix.TCGETS)
	return &syscall.SysProcAttr{Setpgid: true, Foreground: err == nil, Ctty: 0}
}

// reap waits for children until the command has ended, or when terminating until
// all have.
func reap(command int, terminating *atomic.Bool) int {
	status, ended := 0, false
	for {
		var ws unix.WaitStatus
		pid, err := unix.Wait4(-1, &ws, 0, nil)
		switch {
		case err == unix.EINTR:
			continue
		case err != nil: // no children are left
			return status
		case pid == command:
			status, ended = ws.ExitStatus(), true
			if ws.Signaled() {
				status = 128 + int(ws.Signal())
			}
		}
		if ended && !terminating.Load() {
			return status
		}
	}
}

// lookup finds name as a shell would; the status says why there is no path.
func lookup(name, path string) (string, int) {
	if strings.Contains(name, "/") {
		return executable(name)
	}
	status := notFound
	for _, dir := range strings.Split(path, ":") {
		if dir == "" {
			dir = "."
		}
		found, s := executable(dir + "/" + name)
		if found != "" {
			return found, 0
		}
		status = min(status, s)
	}
	return "", status
}

func executable(path string) (string, int) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return "", notFound
	case info.IsDir() || info.Mode()&0o111 == 0:
		return "", notExecutable
	}
	return path, 0
}

func reason(status int) string {
	if status == notFound {
		return "command not found"
	}
	return "Permission denied"
}

func complain(text string, status int) int {
	_, _ = os.Stderr.WriteString("kigo: " + text + "\n")
	return status
}
