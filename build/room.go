package build

import (
	"bufio"
	"bytes"
	"os"
	"strconv"
	"strings"
)

// memoryReserve is what has to stay available for dynos when a build begins.
const memoryReserve = 256 << 20

// room reports whether a build may begin now. One may always run beside nothing but
// dynos, as long as the machine is not at its end; another one only when all that it
// is allowed fits into the memory that is available, so that builds never push dynos
// out.
func (l *Loop) room(running int) bool {
	available := l.Available()
	switch {
	case available == 0: // unknown
		return true
	case running == 0:
		return available > memoryReserve
	}
	return available > memoryReserve+l.Memory
}

// begin takes a slot, when there is room for one more build.
func (l *Loop) begin() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.room(l.running) {
		return false
	}
	l.running++
	return true
}

func (l *Loop) ended() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.running--
}

// alone runs f while no build does; it is not run otherwise.
func (l *Loop) alone(f func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.running == 0 {
		f()
	}
}

// availableMemory is how much memory the machine could give away without pushing
// out what runs, in bytes; 0 when it does not say.
func availableMemory() int64 {
	text, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0
	}
	lines := bufio.NewScanner(bytes.NewReader(text))
	for lines.Scan() {
		if rest, ok := strings.CutPrefix(lines.Text(), "MemAvailable:"); ok {
			kb, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(rest, "kB")), 10, 64)
			if err != nil {
				return 0
			}
			return kb << 10
		}
	}
	return 0
}
