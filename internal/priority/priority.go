// Package priority sets how this process counts against others that want the processor.
// Start reading at Set.
package priority

import (
	"errors"
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// Starting is the priority at which a dyno is started: somebody may be waiting for it, and
// it is soon done. Its own processes have none of that.
const Starting = -10

// Now is that of the calling thread.
func Now() int {
	raw, err := unix.Getpriority(unix.PRIO_PROCESS, 0) // the kernel answers 20 less it
	if err != nil {
		return 0
	}
	return 20 - raw
}

// Set gives all threads of this process, and those that they start, a priority. Less of
// it is always granted, more needs a right: without that things stay as they are.
func Set(nice int) error {
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return fmt.Errorf("list threads: %w", err)
	}
	for _, t := range threads {
		id, err := strconv.Atoi(t.Name())
		if err != nil {
			continue
		}
		if err := unix.Setpriority(unix.PRIO_PROCESS, id, nice); err != nil && !errors.Is(err, unix.ESRCH) {
			return fmt.Errorf("set priority %d: %w", nice, err)
		}
	}
	return nil
}
