package oci

import (
	"fmt"
	"os"
	"os/exec"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/kigo-dev/kigo"
)

// mappings keeps a user namespace per uid range: the kernel wants one to map the
// owners of a mount, and making one takes longer than everything else about it.
type mappings struct {
	program string

	mu   sync.Mutex
	open map[uint32]*os.File
}

const maxMappings = 256

// get returns a descriptor of its own for the range's namespace.
func (m *mappings) get(base uint32) (*os.File, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	file := m.open[base]
	if file == nil {
		var err error
		if file, err = m.make(base); err != nil {
			return nil, fmt.Errorf("make user namespace: %w", err)
		}
		for old, f := range m.open {
			if len(m.open) < maxMappings {
				break
			}
			_ = f.Close()
			delete(m.open, old)
		}
		m.open[base] = file
	}
	fd, err := unix.FcntlInt(file.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("duplicate user namespace: %w", err)
	}
	return os.NewFile(uintptr(fd), "user namespace"), nil
}

// make borrows the namespace of a process that waits for its input to end.
func (m *mappings) make(base uint32) (*os.File, error) {
	ids := []syscall.SysProcIDMap{{ContainerID: 0, HostID: int(base), Size: int(kigo.UIDRange)}}
	cmd := exec.Command(m.program, "hold", "-")
	cmd.Env = []string{}
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWUSER, UidMappings: ids, GidMappings: ids, GidMappingsEnableSetgroups: true,
	}
	input, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	file, err := os.Open(fmt.Sprintf("/proc/%d/ns/user", cmd.Process.Pid))
	_ = input.Close()
	_ = cmd.Wait()
	return file, err
}

func (m *mappings) close() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for base, f := range m.open {
		_ = f.Close()
		delete(m.open, base)
	}
}
