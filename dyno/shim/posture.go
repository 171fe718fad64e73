package shim

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// hardened waits until the runtime has executed the dyno's process 1 and checks
// from outside that it is confined: own user namespace, no capabilities, no new
// privileges, a seccomp filter. A dyno that is not must not run; one that has
// ended already is none of its business.
func hardened(pid int, uidBase uint32) error {
	proc := "/proc/" + strconv.Itoa(pid)
	deadline := time.Now().Add(10 * time.Second)
	for {
		argv, _ := os.ReadFile(proc + "/cmdline")
		if len(argv) == 0 {
			return nil
		}
		if bytes.HasPrefix(argv, []byte(InitPath)) {
			break
		}
		if time.Now().After(deadline) {
			return errors.New("check confinement: the runtime never started process 1")
		}
		time.Sleep(200 * time.Microsecond)
	}
	status, _ := os.ReadFile(proc + "/status")
	maps, _ := os.ReadFile(proc + "/uid_map")
	if len(status) == 0 || len(maps) == 0 {
		return nil
	}
	return checkPosture(string(status), string(maps), uidBase)
}

// InitPath is where a dyno sees its process 1 (package pid1), and InitThreads how
// many threads that may have: what a limit of processes grants above the command's own.
const (
	InitPath    = "/dev/kigo-init"
	InitThreads = 8
)

func checkPosture(status, uidMap string, uidBase uint32) error {
	want := map[string]string{
		"CapInh": "0000000000000000", "CapPrm": "0000000000000000", "CapEff": "0000000000000000",
		"CapBnd": "0000000000000000", "CapAmb": "0000000000000000", "NoNewPrivs": "1", "Seccomp": "2",
	}
	if strings.Contains(status, "\nState:\tZ") {
		return nil
	}
	for line := range strings.Lines(status) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		if wanted, ok := want[name]; ok {
			if strings.TrimSpace(value) != wanted {
				return fmt.Errorf("check confinement: %s is %s, want %s", name, strings.TrimSpace(value), wanted)
			}
			delete(want, name)
		}
	}
	if len(want) > 0 {
		return fmt.Errorf("check confinement: the kernel does not tell %d of its settings", len(want))
	}
	mapping := strings.Join(strings.Fields(uidMap), " ")
	if wanted := fmt.Sprintf("0 %d 65536", uidBase); mapping != wanted {
		return fmt.Errorf("check confinement: uids are mapped %q, want %q", mapping, wanted)
	}
	return nil
}
