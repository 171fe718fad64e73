package shim

import (
	"bytes"
	"os"
	"strconv"
	"strings"
	"time"
)

// pollAfter is how long to wait before the nth look for a listening socket: a
// fast program is seen at once, a slow one costs little.
func pollAfter(n int) time.Duration {
	switch {
	case n < 40:
		return time.Millisecond
	case n < 100:
		return 5 * time.Millisecond
	}
	return 50 * time.Millisecond
}

// listening reports whether a process of pid's network listens on port on an
// address that others can reach.
func listening(pid, port int) bool {
	for _, table := range []string{"tcp", "tcp6"} {
		data, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/net/" + table)
		if err == nil && listens(data, port) {
			return true
		}
	}
	return false
}

// listens looks for port in the text of /proc/net/tcp or tcp6:
//
//	sl  local_address rem_address   st …
//	 0: 00000000:1F90 00000000:0000 0A …
func listens(table []byte, port int) bool {
	for line := range bytes.Lines(table) {
		fields := bytes.Fields(line)
		if len(fields) < 4 || string(fields[3]) != "0A" {
			continue
		}
		address, hex, ok := strings.Cut(string(fields[1]), ":")
		n, err := strconv.ParseUint(hex, 16, 16)
		if ok && err == nil && int(n) == port && !loopback(address) {
			return true
		}
	}
	return false
}

// loopback knows 127.0.0.0/8 and ::1 in the kernel's byte order.
func loopback(address string) bool {
	return len(address) == 8 && strings.HasSuffix(address, "7F") || address == "00000000000000000000000001000000"
}
