package server

import (
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/kigo-dev/kigo/dyno"
)

// machineWith returns a function that reads this machine's memory, and how full
// the disk is that holds a folder.
func machineWith(folder string) func() dyno.Machine {
	return func() dyno.Machine {
		text, _ := os.ReadFile("/proc/meminfo")
		m := parseMachine(string(text))
		var fs unix.Statfs_t
		if unix.Statfs(folder, &fs) == nil {
			m.DiskTotal, m.DiskFree = int64(fs.Blocks)*fs.Bsize, int64(fs.Bavail)*fs.Bsize
		}
		return m
	}
}

func parseMachine(text string) (m dyno.Machine) {
	for line := range strings.Lines(text) {
		name, rest, _ := strings.Cut(line, ":")
		n, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
		switch name {
		case "MemTotal":
			m.Total = n << 10
		case "MemAvailable":
			m.Available = n << 10
		}
	}
	return m
}
