package server

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Waits of a program that ends by itself: the first, and the longest.
const (
	minRestart  = 50 * time.Millisecond
	maxRestart  = 5 * time.Second
	stableStart = 10 * time.Second // after that long the next wait is the first again
	firstTries  = 3                // a program that has never served is given up then
)

// keeper keeps one program of the platform running.
type keeper struct {
	supervisor *supervisor
	program    program
	serving    chan struct{} // closed when it serves for the first time
	hopeless   chan struct{} // closed when it has ended firstTries times without ever having served
	renewals   chan chan struct{}
	stop       chan struct{}
	ended      chan struct{}
	retired    sync.WaitGroup // old processes that still answer what they have
	adopted    *process       // to go on with; nil: start one
	pid        atomic.Int64   // of the process that runs; 0: none
}

func newKeeper(s *supervisor, p program) *keeper {
	return &keeper{supervisor: s, program: p, serving: make(chan struct{}), hopeless: make(chan struct{}),
		renewals: make(chan chan struct{}), stop: make(chan struct{}), ended: make(chan struct{})}
}

// replace renews the program and waits until the new process serves.
func (k *keeper) replace(ctx context.Context) {
	done := make(chan struct{})
	select {
	case k.renewals <- done:
	case <-ctx.Done():
		return
	}
	select {
	case <-done:
	case <-ctx.Done():
	}
}

// end stops the program and waits for its end.
func (k *keeper) end() {
	close(k.stop)
	<-k.ended
	k.retired.Wait()
}

// run is the program's life: started again whenever it ends by itself.
func (k *keeper) run() {
	defer close(k.ended)
	announce := sync.OnceFunc(func() { close(k.serving) })
	wait := minRestart
	current := k.adopted
	for tries := 1; ; tries++ {
		began := time.Now()
		var err error
		if current == nil {
			current, err = k.supervisor.start(k.program)
		}
		if err == nil {
			var again bool
			if current, again, err = k.watch(current, announce); !again {
				return
			}
			if current != nil {
				continue // a new process, which serves
			}
		}
		if time.Since(began) > stableStart {
			wait = minRestart
		}
		k.supervisor.log.Error("a process of the platform ended, starting it again", "process", k.program.name, "err", err, "wait", wait)
		if tries == firstTries && !k.hasServed() {
			close(k.hopeless)
		}
		select {
		case <-time.After(wait):
		case <-k.stop:
			return
		}
		wait = min(2*wait, maxRestart)
	}
}

func (k *keeper) hasServed() bool {
	select {
	case <-k.serving:
		return true
	default:
		return false
	}
}

// watch waits for something to happen to a process. It returns the process that
// runs from then on, nil when there is none, and false when all shall end.
func (k *keeper) watch(p *process, announce func()) (next *process, again bool, err error) {
	k.pid.Store(int64(p.proc.Pid))
	defer k.pid.Store(0)
	ready := p.ready
	for {
		select {
		case <-ready:
			announce()
			ready = nil
		case <-p.done:
			return nil, true, p.err
		case <-k.stop:
			k.supervisor.finish(p, k.program)
			return nil, false, nil
		case done := <-k.renewals:
			next := k.renew(p)
			close(done)
			if next != p {
				return next, true, nil
			}
		}
	}
}

// renew puts a new process in the place of p. Where it does not come to serve, an
// overlapping program keeps the old one.
func (k *keeper) renew(p *process) *process {
	if !k.program.overlap {
		k.supervisor.finish(p, k.program)
	}
	next, err := k.supervisor.start(k.program)
	if err == nil {
		select {
		case <-next.ready:
		case <-next.done:
			err = next.err
		}
	}
	switch {
	case err != nil && k.program.overlap:
		k.supervisor.log.Error("the new process does not serve, the old one stays", "process", k.program.name, "err", err)
		return p
	case err != nil:
		k.supervisor.log.Error("the new process does not serve", "process", k.program.name, "err", err)
		return nil
	case k.program.overlap:
		k.retired.Go(func() { k.supervisor.finish(p, k.program) })
	}
	return next
}

// process is one running child.
type process struct {
	proc  *os.Process
	ready chan struct{} // closed when it serves
	done  chan struct{} // closed when it has ended, with err
	err   error
}

// start runs a program with its listeners.
func (s *supervisor) start(p program) (*process, error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find own program: %w", err)
	}
	names := s.bound(p.listeners)
	spec, err := json.Marshal(childSpec{Config: s.cfg, Listeners: names, Addresses: s.addresses})
	if err != nil {
		return nil, fmt.Errorf("describe process: %w", err)
	}
	readyRead, readyWrite, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("make ready pipe: %w", err)
	}
	cmd := exec.Command(exe, p.name)
	cmd.Env = append(os.Environ(), childVar+"="+string(spec))
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	cmd.ExtraFiles = []*os.File{s.lifeline, readyWrite}
	for _, name := range names {
		cmd.ExtraFiles = append(cmd.ExtraFiles, s.listeners[name])
	}
	err = cmd.Start()
	_ = readyWrite.Close()
	if err != nil {
		_ = readyRead.Close()
		return nil, fmt.Errorf("start %s: %w", p.name, err)
	}
	c := &process{proc: cmd.Process, ready: make(chan struct{}), done: make(chan struct{})}
	go func() {
		defer func() { _ = readyRead.Close() }()
		if line, _ := bufio.NewReader(readyRead).ReadString('\n'); line == "ready\n" {
			close(c.ready)
		}
	}()
	go func() {
		c.err = cmd.Wait()
		close(c.done)
	}()
	return c, nil
}

// finish tells a process to end and waits; after its grace it is killed.
func (s *supervisor) finish(c *process, p program) {
	sig, grace := syscall.SIGTERM, p.grace
	if s.interrupted.Load() {
		sig, grace = syscall.SIGUSR1, p.hurry
	}
	_ = c.proc.Signal(sig)
	select {
	case <-c.done:
	case <-time.After(grace):
		_ = c.proc.Kill()
		<-c.done
	}
}
