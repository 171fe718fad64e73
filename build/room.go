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

// room tells what a build that wants to begin waits for; empty: it may. One may always
// run beside nothing but dynos, as long as the machine is not at its end; another one
// only when all that every build is allowed fits into the memory that is available, also
// what those under way have not taken yet, so that builds never push dynos out.
func (l *Loop) room(running int) string {
	available := l.Available()
	needed := int64(memoryReserve)
	if running > 0 {
		needed += l.Memory * int64(running+1)
	}
	switch {
	case running >= l.Slots:
		return "other builds to end"
	case available != 0 && available <= needed: // 0: unknown
		return "memory"
	}
	return ""
}

// begin takes a slot, when there is room for one more build; otherwise it tells what is
// waited for.
func (l *Loop) begin() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	what := l.room(l.running)
	if what == "" {
		l.running++
	}
	return what
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
