package shim

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/kigo-dev/kigo/internal/cgroup"
	"github.com/kigo-dev/kigo/internal/killpoint"
	"github.com/kigo-dev/kigo/internal/priority"
)

// lastReaders bounds how long a shim outlives its dyno to deliver output to an
// attached client that reads slowly.
const lastReaders = 30 * time.Second

// Main is the whole life of the shim of one bundle. It returns the exit status
// of the shim itself, which says nothing of the dyno's.
func Main(bundle string) int {
	debug.SetGCPercent(25)
	debug.SetMemoryLimit(16 << 20)
	signal.Ignore(syscall.SIGHUP, syscall.SIGINT, syscall.SIGTERM, syscall.SIGPIPE)
	for fd := fdOrder; fd <= fdReport; fd++ {
		unix.CloseOnExec(fd)
	}
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return fail(fmt.Errorf("become subreaper: %w", err))
	}
	var order Order
	input := os.NewFile(fdOrder, "order")
	if err := json.NewDecoder(input).Decode(&order); err != nil {
		return fail(fmt.Errorf("read order: %w", err))
	}
	_ = input.Close()
	k := newKeeper(order, bundle)
	socket, err := listenUnix(bundle, SocketFile)
	if err != nil {
		return fail(err)
	}
	go k.serve(socket)
	killpoint.At("shim-serves")
	if err := k.run(); err != nil {
		k.finish(func(s *State) { s.Reason, s.ExitCode = err.Error(), -1 })
		group := cgroup.Find(order.Cgroup) // a runtime that was killed leaves there what it has begun
		_, _ = group.Kill(), group.Remove()
		return fail(err)
	}
	k.waitReaders()
	return 0
}

// run starts the dyno, reports, and returns after its end.
func (k *keeper) run() error {
	usual := priority.Now()
	if !k.order.Posture.Sandbox { // process 1 gives it up again, where it is ours
		_ = priority.Set(priority.Starting)
	}
	if err := stage(&k.order, k.bundle); err != nil {
		return err
	}
	killpoint.At("shim-staged")
	if k.order.Port != 0 && k.order.Posture.Sandbox {
		k.ports = caller(k.order.Address)
	} else if k.order.Port != 0 {
		ports, err := openDiagnosis(fdNet)
		if err != nil {
			return err
		}
		k.ports = ports
	}
	input, output, err := k.openOutput()
	if err != nil {
		return err
	}
	pid, terminal, err := launch(&k.order, input, output)
	closeAll(input, output)
	if pid == 0 {
		return err
	}
	if err == nil {
		err = hardened(pid, &k.order)
	}
	if err != nil {
		_ = unix.Kill(pid, unix.SIGKILL)
		_, _ = unix.Wait4(pid, nil, 0, nil)
		return err
	}
	if terminal != nil {
		k.attach = newAttachment(terminal, terminal)
	}
	k.forget()
	k.runtime, _ = os.ReadFile(k.runtimeFile())
	killpoint.At("shim-launched")
	k.started(pid)
	killpoint.At("shim-written-started")
	if k.ports == nil {
		k.becomeReady()
	}
	state, _ := k.now()
	report(Report{State: state})
	killpoint.At("shim-reported")
	if k.order.KillOnOOM {
		go k.watchMemory()
	}
	go func() {
		k.watchPort()
		_ = priority.Set(usual)
		debug.FreeOSMemory() // what the start needed, the long wait does not
	}()
	k.wait(pid)
	killpoint.At("shim-written-exited")
	_ = cgroup.Find(k.order.Cgroup).Remove()
	return nil
}

// openOutput prepares the dyno's standard input and output, but for a terminal,
// which the runtime makes.
func (k *keeper) openOutput() (input, output *os.File, err error) {
	if k.order.TTY {
		return nil, nil, nil
	}
	user := int(k.order.UIDBase) + dynoUser
	read, output, err := outputPipe(user)
	if err != nil {
		return nil, nil, err
	}
	if !k.order.Stdin {
		k.log = newLogWriter(k.bundle, k.wakeWatchers)
		k.log.follow(read)
		return nil, output, nil
	}
	input, write, err := os.Pipe()
	if err != nil {
		return nil, nil, fmt.Errorf("make input pipe: %w", err)
	}
	_ = input.Chown(user, user)
	k.attach = newAttachment(write, read)
	return input, output, nil
}

// forget drops what was needed for the start alone: the environment with the
// app's secrets among it.
func (k *keeper) forget() {
	k.order.Spec, k.order.Files = nil, nil
	_ = os.Remove(filepath.Join(k.order.Stage, "bundle", "config.json"))
	_ = unix.Close(fdNet)
	_ = unix.Close(fdUser)
}

// waitReaders lets connections deliver the end.
func (k *keeper) waitReaders() {
	done := make(chan struct{})
	go func() { k.readers.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(lastReaders):
	}
}

func report(r Report) {
	output := os.NewFile(fdReport, "report")
	_ = json.NewEncoder(output).Encode(r)
	_ = output.Close()
}

func fail(err error) int {
	report(Report{Error: err.Error(), Unconfined: errors.Is(err, errUnconfined)})
	fmt.Fprintln(os.Stderr, "kigo-dyno:", err)
	return 1
}

func closeAll(files ...io.Closer) {
	for _, f := range files {
		if f, ok := f.(*os.File); ok && f != nil {
			_ = f.Close()
		}
	}
}
