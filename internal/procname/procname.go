// Package procname is how a process tells those outside its sandbox how far it is: by
// the name of a thread, which the kernel shows and others in the sandbox cannot change.
package procname

import (
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Listening is the name of a process 1 that takes signals. What it is sent before, the
// kernel drops or the language's runtime ends it for.
const Listening = "kigo-listening"

// Set names the calling thread; the kernel keeps 15 bytes.
func Set(name string) error {
	text, err := unix.BytePtrFromString(name)
	if err != nil {
		return os.NewSyscallError("name thread", err)
	}
	err = unix.Prctl(unix.PR_SET_NAME, uintptr(unsafe.Pointer(text)), 0, 0, 0)
	runtime.KeepAlive(text)
	return os.NewSyscallError("name thread", err)
}

// Has reports whether a thread of a process has that name, or had when it started that one.
func Has(pid int, name string) bool {
	files, _ := filepath.Glob(filepath.Join("/proc", strconv.Itoa(pid), "task", "*", "comm"))
	for _, file := range files {
		if is, err := os.ReadFile(file); err == nil && strings.TrimSuffix(string(is), "\n") == name {
			return true
		}
	}
	return false
}
