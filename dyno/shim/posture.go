package shim

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/kigo-dev/kigo/internal/cgroup"
)

// Posture is what a dyno must look like from outside, beyond what holds for all:
// what the engine asked the runtime for, said a second time.
type Posture struct {
	Files    uint64 // open at a time
	Memory   int64  // of its control group; 0: not limited, as are the next two
	Pids     int64
	Quota    int64 // microseconds of processor time in each 100,000
	Shares   int64 // weight; 0: whatever
	OOMScore int
	// Builder is a launch that makes container images: root of the app's own users, with
	// these capabilities, as bits, over them and its own namespaces.
	Builder      bool
	Capabilities uint64
	Sandbox      bool // the runtime puts a kernel of its own around the dyno: its processes are not the host's
}

// InitPath is where a dyno sees its process 1 (package pid1), and InitThreads how
// many threads that may have: what a limit of processes grants above the command's own.
const (
	InitPath    = "/dev/kigo-init"
	InitThreads = 8
)

// errUnconfined is the end of a dyno that the runtime confined less than it was told.
var errUnconfined = errors.New("check confinement")

// hardened waits until the runtime has executed the dyno's process 1 and checks
// from outside that it is confined (see checkPosture). A dyno that is not must not
// run; one that has ended already is none of its business.
func hardened(pid int, order *Order) error {
	if order.Posture.Sandbox {
		return checkSandbox(pid, order)
	}
	deadline := time.Now().Add(10 * time.Second)
	for {
		argv, _ := os.ReadFile(proc(pid, "cmdline"))
		if len(argv) == 0 && over(pid) { // empty it is for a moment of execve, too
			return nil
		}
		if bytes.HasPrefix(argv, []byte(InitPath)) {
			break
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%w: the runtime never started process 1", errUnconfined)
		}
		time.Sleep(200 * time.Microsecond)
	}
	return checkPosture(pid, order)
}

// checkSandbox looks at the kernel that a runtime such as gVisor's runs around the
// dyno: its process is held by the dyno's control group, limits and network. What the
// dyno may do is that kernel's affair.
func checkSandbox(pid int, order *Order) error {
	for _, check := range []func(int, *Order) error{checkGroup, checkNetwork} {
		if err := check(pid, order); err != nil && !over(pid) {
			return fmt.Errorf("%w: %w", errUnconfined, err)
		}
	}
	return nil
}

// checkPosture looks at one process of the dyno as the kernel shows it to the
// host: who it is, what it may do, which namespaces, limits and control groups
// hold it. It takes a fraction of a millisecond.
func checkPosture(pid int, order *Order) error {
	for _, check := range checks(pid, order) {
		if err := check(); err != nil {
			if over(pid) {
				return nil
			}
			return fmt.Errorf("%w: %w", errUnconfined, err)
		}
	}
	return nil
}

func checks(pid int, order *Order) []func() error {
	id, capabilities := int(order.UIDBase)+dynoUser, uint64(0)
	if order.Posture.Builder {
		id, capabilities = int(order.UIDBase), order.Posture.Capabilities
	}
	user, may := strconv.Itoa(id), fmt.Sprintf("%016x", capabilities)
	ids := strings.Join([]string{user, user, user, user}, "\t")
	mapping := fmt.Sprintf("0 %d 65536", order.UIDBase)
	const none = "0000000000000000"
	return []func() error{
		func() error {
			return fields(pid, "status", ":", map[string]string{
				"Uid": ids, "Gid": ids, "Groups": "", "NoNewPrivs": "1", "Seccomp": "2",
				"CapInh": none, "CapPrm": may, "CapEff": may, "CapBnd": may, "CapAmb": none,
			})
		},
		func() error { return content(pid, "uid_map", mapping) },
		func() error { return content(pid, "gid_map", mapping) },
		func() error { return content(pid, "oom_score_adj", strconv.Itoa(order.Posture.OOMScore)) },
		func() error {
			files := strconv.FormatUint(order.Posture.Files, 10)
			return fields(pid, "limits", "  ", map[string]string{
				"Max open files": files + " " + files + " files", "Max core file size": "0 0 bytes", "Max locked memory": "65536 65536 bytes",
				"Max msgqueue size": "0 0 bytes", "Max pending signals": "512 512 signals",
			})
		},
		func() error { return checkNamespaces(pid, order) },
		func() error { return checkGroup(pid, order) },
	}
}

func proc(pid int, name string) string { return "/proc/" + strconv.Itoa(pid) + "/" + name }

// exiting is the kernel's PF_EXITING among the flags of a process.
const exiting = 0x4

// over reports whether a process has ended or is about to, so that what was read of it
// means nothing: one that ends leaves its control groups before it is a zombie.
func over(pid int) bool {
	stat, err := os.ReadFile(proc(pid, "stat"))
	if err != nil {
		return true
	}
	after := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:])) // from the state, the third field, on
	if len(after) < 7 || after[0] == "Z" || after[0] == "X" {
		return true
	}
	flags, err := strconv.ParseUint(after[6], 10, 64)
	return err == nil && flags&exiting != 0
}

// fields compares lines of a name and a value; runs of blanks count as one.
func fields(pid int, file, separator string, want map[string]string) error {
	data, err := os.ReadFile(proc(pid, file))
	if err != nil {
		return err
	}
	found := 0
	for line := range strings.Lines(string(data)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), separator)
		wanted, ok := want[name]
		if !ok {
			continue
		}
		found++
		if got := words(value); got != words(wanted) {
			return fmt.Errorf("%s is %q, want %q", name, got, words(wanted))
		}
	}
	if found != len(want) {
		return fmt.Errorf("the kernel tells %d of %d settings in %s", found, len(want), file)
	}
	return nil
}

func content(pid int, file, want string) error {
	data, err := os.ReadFile(proc(pid, file))
	if err != nil {
		return err
	}
	if got := words(string(data)); got != want {
		return fmt.Errorf("%s is %q, want %q", file, got, want)
	}
	return nil
}

func words(s string) string { return strings.Join(strings.Fields(s), " ") }

// checkNamespaces wants the network that was made for the dyno, and otherwise
// namespaces that are not the shim's.
func checkNamespaces(pid int, order *Order) error {
	for _, name := range []string{"cgroup", "ipc", "mnt", "pid", "user", "uts"} {
		theirs, err := os.Readlink(proc(pid, "ns/"+name))
		if err != nil {
			return err
		}
		if own, err := os.Readlink("/proc/self/ns/" + name); err != nil || own == theirs {
			return fmt.Errorf("it shares the host's %s namespace", name)
		}
	}
	return checkNetwork(pid, order)
}

func checkNetwork(pid int, order *Order) error {
	var made, used unix.Stat_t
	if err := unix.Stat(order.Stage+"/"+StageNet, &made); err != nil {
		return fmt.Errorf("find network namespace: %w", err)
	}
	if err := unix.Stat(proc(pid, "ns/net"), &used); err != nil {
		return err
	}
	if made.Ino != used.Ino || made.Dev != used.Dev {
		return errors.New("it is not in its own network namespace")
	}
	return nil
}

// checkGroup wants the process in the dyno's control group wherever there is one
// that limits something, and the limits there.
func checkGroup(pid int, order *Order) error {
	data, err := os.ReadFile(proc(pid, "cgroup"))
	if err != nil {
		return err
	}
	inside := map[string]bool{}
	for line := range strings.Lines(string(data)) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(parts) == 3 && strings.HasSuffix(parts[2], order.Cgroup) {
			for name := range strings.SplitSeq(parts[1], ",") {
				inside[name] = true
			}
		}
	}
	wanted := []string{"memory", "pids", "cpu", "devices"}
	if cgroup.Unified() {
		wanted = []string{""}
	}
	for _, name := range wanted {
		if !inside[name] {
			return fmt.Errorf("it is not in its control group (%s)", name)
		}
	}
	return checkLimits(cgroup.Find(order.Cgroup).Limits(), order.Posture)
}

func checkLimits(got cgroup.Limits, want Posture) error {
	page := int64(os.Getpagesize())
	for _, l := range []struct {
		name      string
		got, want int64
	}{
		{"memory", got.Memory, want.Memory / page * page}, {"processes", got.Pids, want.Pids}, {"processor time", got.Quota, want.Quota},
		{"processor shares", got.Shares, want.Shares},
	} {
		if l.want > 0 && l.got != l.want && (l.name != "processor shares" || l.got >= 0) {
			return fmt.Errorf("its limit of %s is %d, want %d", l.name, l.got, l.want)
		}
	}
	return nil
}
