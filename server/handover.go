package server

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"
)

// handoverVar carries a handover to the program that takes a supervisor's place.
const handoverVar = "KIGO_HANDOVER"

// handover is what a supervisor leaves to the program that replaces it in the
// same process: what it holds open, by descriptor, and the children that run.
type handover struct {
	Files     map[string]int
	Addresses map[string]string
	Children  map[string]int // program → pid
}

// Names of what a handover holds besides the listeners.
const (
	heldLifeline = "lifeline"
	heldHold     = "hold"
	heldLock     = "lock"
)

// succeed replaces this program by the one that is on disk now: same process,
// same sockets, same children. It returns only when that cannot be done.
func (s *supervisor) succeed(keepers []*keeper) error {
	exe, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find own program: %w", err)
	}
	if out, err := exec.Command(exe, "version").CombinedOutput(); err != nil {
		return fmt.Errorf("try the new program: %w: %s", err, out)
	}
	h := handover{Files: map[string]int{}, Addresses: s.addresses, Children: map[string]int{}}
	for _, k := range keepers {
		k.retired.Wait() // nobody would wait for them afterwards
		if pid := int(k.pid.Load()); pid != 0 {
			h.Children[k.program.name] = pid
		}
	}
	held := map[string]*os.File{heldLifeline: s.lifeline, heldHold: s.hold, heldLock: s.lock}
	for name, f := range s.listeners {
		held[name] = f
	}
	for name, f := range held {
		fd := int(f.Fd())
		if _, err := unix.FcntlInt(uintptr(fd), unix.F_SETFD, 0); err != nil {
			return fmt.Errorf("keep %s open: %w", name, err)
		}
		h.Files[name] = fd
	}
	text, err := json.Marshal(h)
	if err != nil {
		return fmt.Errorf("describe handover: %w", err)
	}
	err = syscall.Exec(exe, os.Args, append(os.Environ(), handoverVar+"="+string(text)))
	return fmt.Errorf("start the new program: %w", err)
}

// inheritSupervisor takes over from a supervisor that was this process before;
// nil when there was none.
func (s *supervisor) inheritSupervisor() (*handover, error) {
	text := os.Getenv(handoverVar)
	if text == "" {
		return nil, nil
	}
	if err := os.Unsetenv(handoverVar); err != nil {
		return nil, fmt.Errorf("clear environment: %w", err)
	}
	h := new(handover)
	if err := json.Unmarshal([]byte(text), h); err != nil {
		return nil, fmt.Errorf("read %s: %w", handoverVar, err)
	}
	s.addresses = h.Addresses
	for name, fd := range h.Files {
		syscall.CloseOnExec(fd)
		f := os.NewFile(uintptr(fd), name)
		switch name {
		case heldLifeline:
			s.lifeline = f
		case heldHold:
			s.hold = f
		case heldLock:
			s.lock = f
		default:
			s.listeners[name] = f
		}
	}
	return h, nil
}

// adopt watches a child that an earlier program of this process started.
func adopt(pid int) (*process, error) {
	p, err := os.FindProcess(pid)
	if err != nil {
		return nil, fmt.Errorf("find child %d: %w", pid, err)
	}
	c := &process{proc: p, ready: make(chan struct{}), done: make(chan struct{})}
	close(c.ready) // it has served since before our time
	go func() {
		state, err := p.Wait()
		if c.err = err; err == nil {
			c.err = fmt.Errorf("ended: %s", state)
		}
		close(c.done)
	}()
	return c, nil
}
