package cgroup

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// OOMEvents is a file from which eight bytes can be read after each time that a v1
// group was out of memory, and at its end. Version 2 needs none.
func (g Group) OOMEvents() (*os.File, error) {
	if g.v2 {
		return nil, fmt.Errorf("watch control group: not on version 2")
	}
	control, err := os.Open(g.file("memory", "memory.oom_control"))
	if err != nil {
		return nil, fmt.Errorf("watch control group: %w", err)
	}
	defer control.Close()
	fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return nil, fmt.Errorf("watch control group: %w", err)
	}
	events := os.NewFile(uintptr(fd), "oom")
	if err := os.WriteFile(g.file("memory", "cgroup.event_control"), fmt.Appendf(nil, "%d %d", fd, control.Fd()), 0); err != nil {
		_ = events.Close()
		return nil, fmt.Errorf("watch control group: %w", err)
	}
	return events, nil
}
