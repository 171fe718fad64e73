package server

import (
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/dyno"
	"github.com/kigo-dev/kigo/internal/cgroup"
)

// machineWith returns a function that reads this machine's memory, and how full
// the disk is that holds a folder.
func machineWith(folder string) func() dyno.Machine {
	return func() dyno.Machine {
		text, _ := os.ReadFile("/proc/meminfo")
		m := parseMachine(string(text))
		if total, free, limited := cgroup.Room(); limited { // a container's
			m.Total, m.Available = min(m.Total, total), min(m.Available, free)
		}
		var fs unix.Statfs_t
		if unix.Statfs(folder, &fs) == nil {
			m.DiskTotal, m.DiskFree = int64(fs.Blocks)*fs.Bsize, int64(fs.Bavail)*fs.Bsize
			m.Files, m.FilesFree = int64(fs.Files), int64(fs.Ffree)
		}
		return m
	}
}

// room refuses what a user would store when the disk is almost full.
func room(machine func() dyno.Machine) func() error {
	return func() error {
		err := machine().DiskRoom()
		if err == nil {
			return nil
		}
		return &kigo.Error{ID: kigo.IDUnavailable, Message: "The platform's disk is almost full: " + err.Error() +
			". Nothing was stored. Try again when its operator has freed some space."}
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
