// Package killpoint lets tests kill this process at a named step, as the kernel or a
// power cut might: so they reach moments that last for microseconds. Nothing happens
// unless the variable KIGO_KILL_AT names a file when the process starts; then a process that comes
// by the step that the file holds removes the file and dies by SIGKILL. e2e/steps_test.go does
// that at every step that the source names.
//
// The same steps tell benchmarks where time goes: with KIGO_STEP_LOG, a file, each process adds a
// line `nanoseconds pid step` for every one that it comes by.
package killpoint

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"
)

// Variable names the file.
const Variable = "KIGO_KILL_AT"

// LogVariable names the file of the steps that were passed.
const LogVariable = "KIGO_STEP_LOG"

// Both are empty but in tests and benchmarks.
var path, log = os.Getenv(Variable), os.Getenv(LogVariable)

// At kills this process if a test has asked for it.
func At(step string) {
	if path != "" {
		at(path, step)
	}
	Pass(step)
}

// Pass notes a step at which nobody needs to be killed, if a benchmark has asked for it.
func Pass(step string) {
	if log == "" {
		return
	}
	if f, err := os.OpenFile(log, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600); err == nil {
		_, _ = fmt.Fprintln(f, time.Now().UnixNano(), os.Getpid(), step)
		_ = f.Close()
	}
}

// Environment is what a child needs so that it can be killed as well.
func Environment() (env []string) {
	if path != "" {
		env = append(env, Variable+"="+path)
	}
	if log != "" {
		env = append(env, LogVariable+"="+log)
	}
	return env
}

func at(path, step string) {
	wanted, err := os.ReadFile(path)
	if err != nil || strings.TrimSpace(string(wanted)) != step {
		return
	}
	if os.Remove(path) != nil { // another process, or goroutine, came by first
		return
	}
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {}
}
