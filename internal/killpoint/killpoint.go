// Package killpoint lets tests kill this process at a named step, as the kernel or a
// power cut might: so they reach moments that last for microseconds. Nothing happens
// unless the variable KIGO_KILL_AT names a file when the process starts; then a process that comes
// by the step that the file holds removes the file and dies by SIGKILL. e2e/steps_test.go does
// that at every step that the source names.
package killpoint

import (
	"os"
	"strings"
	"syscall"
)

// Variable names the file.
const Variable = "KIGO_KILL_AT"

// path is empty but in tests.
var path = os.Getenv(Variable)

// At kills this process if a test has asked for it.
func At(step string) {
	if path != "" {
		at(path, step)
	}
}

// Environment is what a child needs so that it can be killed as well.
func Environment() []string {
	if path == "" {
		return nil
	}
	return []string{Variable + "=" + path}
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
