package shim

import (
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/kigo-dev/kigo/internal/cgroup"
	"github.com/kigo-dev/kigo/internal/killpoint"
	"github.com/kigo-dev/kigo/internal/procname"
)

// keeper is a shim at work.
type keeper struct {
	order  Order
	bundle string
	ports  ports       // nil when it need not listen
	log    *logWriter  // nil when output is attached
	attach *attachment // nil when output is logged

	mu      sync.Mutex
	state   State
	changed chan struct{} // closed and replaced at each change
	stop    bool          // asked for, perhaps before there was a process
	kill    bool          // the same
	term    sync.Once
	over    chan struct{} // closed when the dyno has ended and all is written down

	runtime   []byte         // what the runtime keeps of the dyno, which an exec needs
	restoring sync.Mutex     // of the runtime's record
	execs     atomic.Int64   // how many Execs there were
	visits    sync.Map       // their processes by number: *visit
	readers   sync.WaitGroup // connections that still deliver something
	watchers  map[chan struct{}]bool
}

func newKeeper(order Order, bundle string) *keeper {
	k := &keeper{order: order, bundle: bundle, changed: make(chan struct{}), over: make(chan struct{}), watchers: map[chan struct{}]bool{}}
	pid := os.Getpid()
	k.state = State{
		Version: Version, ID: order.ID, Phase: Starting, BootID: BootID(), Address: order.Address,
		ShimPid: pid, ShimStart: ProcessStart(pid), StartedAt: time.Now().UTC(),
	}
	return k
}

// now is the present state and a channel that closes when it is the past.
func (k *keeper) now() (State, <-chan struct{}) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.state, k.changed
}

// update changes the state, writes it down and tells all who watch. After the
// end nothing changes any more.
func (k *keeper) update(f func(*State)) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.state.Phase == Exited {
		return
	}
	f(&k.state)
	name := StateFile
	if k.state.Phase == Exited {
		name = ExitFile
	}
	_ = WriteJSON(k.bundle, name, k.state)
	close(k.changed)
	k.changed = make(chan struct{})
}

// signal sends to process 1, which hands termination signals on to all. A
// SIGKILL of process 1 makes the kernel kill the whole dyno.
func (k *keeper) signal(s unix.Signal) {
	state, _ := k.now()
	if state.Pid != 0 && state.Phase != Exited {
		_ = unix.Kill(state.Pid, s) // our own child, not yet reaped: the pid is its
	}
}

// heardWithin is how long process 1 may take before it is signalled all the same.
const heardWithin = 5 * time.Second

// signalWhenHeard is signal for a process 1 that may have begun just now.
func (k *keeper) signalWhenHeard(s unix.Signal) {
	for end := time.Now().Add(heardWithin); !k.order.Posture.Sandbox && time.Now().Before(end); time.Sleep(time.Millisecond) {
		state, _ := k.now()
		if state.Phase == Exited || procname.Has(state.Pid, procname.Listening) {
			break
		}
	}
	k.signal(s)
}

// end kills the dyno.
func (k *keeper) end() {
	k.mu.Lock()
	k.kill = true
	k.mu.Unlock()
	k.signal(unix.SIGKILL)
}

// terminate begins the dyno's orderly end.
func (k *keeper) terminate() {
	k.mu.Lock()
	now := !k.stop && k.state.Pid != 0
	k.stop = true
	k.mu.Unlock()
	if now {
		k.sendTerm()
	}
}

func (k *keeper) sendTerm() {
	k.term.Do(func() {
		k.update(func(s *State) { s.Phase = Stopping })
		killpoint.At("shim-written-stopping")
		go k.signalWhenHeard(unix.SIGTERM)
		time.AfterFunc(k.order.Grace, func() {
			k.update(func(s *State) { s.StopTimedOut = true })
			k.signal(unix.SIGKILL)
		})
	})
}

// watchPort makes the dyno ready once it listens, or ends it after Boot.
func (k *keeper) watchPort() {
	if k.ports == nil {
		return
	}
	defer k.ports.close()
	var deadline time.Time
	if k.order.Boot > 0 {
		deadline = time.Now().Add(k.order.Boot)
	}
	for n := 0; ; n++ {
		state, _ := k.now()
		if state.Phase != Starting {
			return
		}
		if k.ports.listening(k.order.Port) {
			k.becomeReady()
			return
		}
		if !deadline.IsZero() && time.Now().After(deadline) {
			k.update(func(s *State) { s.BootTimedOut = true })
			k.signal(unix.SIGKILL)
			return
		}
		time.Sleep(pollAfter(n))
	}
}

func (k *keeper) becomeReady() {
	killpoint.At("shim-seen-listening")
	defer killpoint.At("shim-written-ready")
	k.update(func(s *State) {
		if s.Phase == Starting {
			s.Phase, s.ReadyAt = Ready, time.Now().UTC()
		}
	})
}

// started takes over a running process 1, and does what was asked for before.
func (k *keeper) started(pid int) {
	k.update(func(s *State) { s.Pid, s.PidStart = pid, ProcessStart(pid) })
	k.mu.Lock()
	stop, kill := k.stop && k.state.Phase == Starting, k.kill
	k.mu.Unlock()
	if kill {
		k.signal(unix.SIGKILL)
	} else if stop {
		k.sendTerm()
	}
}

// wait reaps process 1 and writes down the end.
func (k *keeper) wait(pid int) {
	var ws unix.WaitStatus
	for {
		got, err := unix.Wait4(pid, &ws, 0, nil)
		if got == pid || (err != nil && err != unix.EINTR) {
			break
		}
	}
	killpoint.At("shim-reaped")
	code := ws.ExitStatus()
	if ws.Signaled() {
		code = 128 + int(ws.Signal())
	}
	group := cgroup.Find(k.order.Cgroup)
	k.finish(func(s *State) {
		s.ExitCode, s.OOM = code, group.OOMKills() > 0
		s.Starved = s.OOM && group.Starved()
	})
}

// finish drains the output, then makes the end known.
func (k *keeper) finish(f func(*State)) {
	if k.log != nil {
		k.log.end()
	}
	if k.attach != nil {
		k.attach.end(filepath.Join(k.bundle, AttachFile))
	}
	k.update(func(s *State) {
		f(s)
		s.Phase, s.ExitedAt = Exited, time.Now().UTC()
	})
	close(k.over)
}
