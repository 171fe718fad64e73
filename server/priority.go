package server

import (
	"log/slog"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// routerNice is the router's priority: above that of dynos, so that one that keeps
// all processors busy delays requests of other apps by as little as can be.
const routerNice = -10

// prefer gives all threads of this process, and those that they start, a priority.
// Without the right to do that things stay as they are.
func prefer(nice int, log *slog.Logger) {
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return
	}
	for _, t := range threads {
		id, err := strconv.Atoi(t.Name())
		if err != nil {
			continue
		}
		if err := unix.Setpriority(unix.PRIO_PROCESS, id, nice); err != nil {
			log.Debug("priority cannot be set", "err", err)
			return
		}
	}
}
