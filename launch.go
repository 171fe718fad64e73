package kigo

import "time"

// Launch is everything an engine needs to run one process in isolation: a dyno,
// a one-off, a release phase or a build step.
type Launch struct {
	ID      DynoID // names the bundle; unique for ever
	App     AppID
	Name    string   // "web.1", for the host name and messages
	UIDBase uint32   // the app's uid range; the process runs as uid 1000 of it
	Stack   Image    // root file system, read-only unless Mutable
	Slug    Image    // lower layer of /app; the zero Image leaves /app empty
	Command []string // argv, executed as the dyno user
	Dir     string   // its folder; empty: /app
	Env     []string // complete environment, "NAME=value"
	Memory  int64    // bytes: the quota that the process sees
	Most    int64    // bytes of memory at which it is killed whole; 0: Memory, and then only what asked for more
	CPU     CPU
	Pids    int
	Port    int           // where it should listen; 0: nowhere, and it is ready at once
	Boot    time.Duration // how long it has to listen; 0: for ever
	Grace   time.Duration // between SIGTERM and SIGKILL
	TTY     *TTY          // a terminal; nil: plain pipes
	Stdin   bool          // keep standard input open for Engine.Attach
	Binds   []Bind        // builds only: extra folders or files
	Isolate Isolation     // how it is kept apart from the machine; empty: standard
	Builder bool          // it makes container images: root of its own uid range, with mounts (docs/decisions/0026)
	Scratch int64         // bytes for all that it writes; 0: not limited
	Mutable bool          // all of its root may be written to where its modes allow, not only /app and /tmp; what is written ends with it
}

// Exec is one more process in the sandbox of a launch that runs.
type Exec struct {
	Command []string // argv
	Env     []string // complete environment
	TTY     *TTY     // a terminal; nil: plain pipes
}

// Image names a root or slug image by the digest of its file.
type Image struct {
	Digest string // "sha256:…"
}

// CPU is a share against other processes and, where Quota is not 0, a hard limit
// in thousandths of a core.
type CPU struct {
	Shares int
	Quota  int
}

// TTY is a terminal's size in characters.
type TTY struct{ Rows, Cols int }

// Bind puts a host file or folder into a build's sandbox.
type Bind struct {
	Source, Target string
	Writable       bool // writable folders belong to the app's uid range
}

// RunState is where an engine sees a process.
type RunState string

const (
	RunStarting RunState = "starting" // launched, not yet ready
	RunReady    RunState = "ready"    // listens on Port, or has none
	RunStopping RunState = "stopping" // SIGTERM was sent
	RunExited   RunState = "exited"
	RunLost     RunState = "lost" // its shim is gone: nothing is known of its end
)

// RunStatus is what an engine knows of one launched process.
type RunStatus struct {
	ID           DynoID
	State        RunState
	Address      string // ip of the process's own network
	Pid          int    // on the host
	StartedAt    time.Time
	ReadyAt      time.Time
	ExitedAt     time.Time
	ExitCode     int    // 128+n when signal n ended it
	OOM          bool   // the kernel killed it for memory
	Starved      bool   // not its own limit was reached, but the machine's
	BootTimedOut bool   // it did not listen in time and was killed (R10)
	StopTimedOut bool   // it was still there Grace after SIGTERM and was killed (R12)
	Reason       string // why it could not be started; empty otherwise
}

// Ended reports whether the process is over, by itself or with its host process.
func (s RunStatus) Ended() bool { return s.State == RunExited || s.State == RunLost }

// OutputLine is one line that a launched process wrote.
type OutputLine struct {
	Seq     uint64 // 1, 2, 3 … within the launch
	Time    time.Time
	Text    string // without its line end, at most MaxLogLine bytes
	Dropped int    // lines lost just before this one because nobody read them in time
	More    bool   // the next line was there already: it follows at once, whatever happens
}

// RunStats is what a launch uses.
type RunStats struct {
	MemoryRSS   int64 // bytes
	MemoryCache int64
	MemorySwap  int64
	MemoryPeak  int64
	PagesIn     int64         // pages of memory charged since the start; 0 where the kernel does not tell (cgroup v2)
	PagesOut    int64         // the same, given back
	CPU         time.Duration // user and system time since the start
	Pids        int
	Disk        int64 // bytes of /app and /tmp
	DiskSize    int64 // bytes at which they are full; 0: the engine does not tell
	Files       int64 // files and folders in them
	MaxFiles    int64
}
