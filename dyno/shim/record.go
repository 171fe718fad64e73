package shim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// Version is that of the socket's protocol and of the files. A shim lives as
// long as its dyno, so that newer engines meet older shims.
const Version = 1

// File descriptors that the engine hands to a new shim.
const (
	fdOrder  = 3 // the Order, JSON
	fdLock   = 4 // bundle/lock, already locked
	fdNet    = 5 // the dyno's network namespace
	fdUser   = 6 // a user namespace with the app's mapping, for idmapped mounts
	fdReport = 7 // the shim writes one Report here, then closes it
)

// Order is all that a shim must know. It comes through memory, not through a
// file: it holds the dyno's environment within Spec.
type Order struct {
	ID        string
	Runtime   string // path of runc
	Spec      json.RawMessage
	Stage     string            // folder that the shim covers with its own mounts
	Stack     string            // where the stack's image is mounted
	Slug      string            // where the slug's image is mounted; empty: /app starts empty
	Files     map[string]string // small files below Stage/files, bound by Spec
	Cgroup    string            // cgroupsPath of Spec
	Address   string
	UIDBase   uint32
	Port      int
	Boot      time.Duration
	Grace     time.Duration
	TTY       bool
	Stdin     bool
	KillOnOOM bool // the kernel killing one process for memory ends the dyno
	Posture   Posture
	Disk      string // an empty file system for all that the dyno writes; empty: that is not limited
	Mutable   bool   // the root may be written to, too
}

// Names below Order.Stage that a Spec refers to.
const (
	StageRoot  = "root"  // the stack, idmapped
	StageApp   = "app"   // /app
	StageTmp   = "tmp"   // /tmp
	StageNet   = "net"   // the network namespace
	StageFiles = "files" // Order.Files
)

// Attached reports whether output goes to an attached client and not to the log.
func (o *Order) Attached() bool { return o.TTY || o.Stdin }

// Report is the shim's one word to the engine that started it.
type Report struct {
	Error      string
	Unconfined bool  // the error is that the dyno was not confined as it should be
	State      State // when there is no error
}

// State is what a shim knows of its dyno. The values of Phase are those of kigo.RunState.
type State struct {
	Version      int
	ID           string
	Phase        string
	BootID       string // of the machine's start during which all this is true
	ShimPid      int
	ShimStart    uint64 // clock ticks after the machine's start; with the pid it names a process for ever
	Pid          int
	PidStart     uint64
	Address      string
	StartedAt    time.Time
	ReadyAt      time.Time
	ExitedAt     time.Time
	ExitCode     int
	OOM          bool
	Starved      bool // OOM below its own limit: the machine had no more
	BootTimedOut bool
	StopTimedOut bool
	Reason       string
}

// Phases of a dyno, as kigo.RunState has them.
const (
	Starting = "starting"
	Ready    = "ready"
	Stopping = "stopping"
	Exited   = "exited"
	Lost     = "lost"
)

// NotRunning is why a shim refuses an exec in a dyno that has ended or is ending.
const NotRunning = "the dyno does not run"

// Names in a bundle folder.
const (
	LaunchFile = "launch.json"
	LockFile   = "lock"
	SocketFile = "sock"
	StateFile  = "state.json"
	ExitFile   = "exit.json"
	AttachFile = "attach.out"
	DiskFolder = "disk"
	ErrorFile  = "shim.log"
)

// WriteJSON replaces bundle/name by v. It is not synced to disk: after a power
// cut no process that it describes is there any more.
func WriteJSON(bundle, name string, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode %s: %w", name, err)
	}
	tmp := filepath.Join(bundle, "."+name)
	if err := os.WriteFile(tmp, data, 0o600); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return os.Rename(tmp, filepath.Join(bundle, name))
}

// ReadJSON fills v from bundle/name.
func ReadJSON(bundle, name string, v any) error {
	data, err := os.ReadFile(filepath.Join(bundle, name))
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, v); err != nil {
		return fmt.Errorf("decode %s: %w", name, err)
	}
	return nil
}

// BootID names the present start of the machine.
func BootID() string {
	data, _ := os.ReadFile("/proc/sys/kernel/random/boot_id")
	return string(bytes.TrimSpace(data))
}

// ProcessStart is when a process started, in clock ticks; 0 when there is none.
func ProcessStart(pid int) uint64 {
	data, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return 0
	}
	fields := bytes.Fields(data[bytes.LastIndexByte(data, ')')+1:])
	if len(fields) < 20 {
		return 0
	}
	start, _ := strconv.ParseUint(string(fields[19]), 10, 64)
	return start
}
