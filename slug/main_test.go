package slug

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/internal/testenv"
)

// verbPosture is a child of the test alone: it tells what it may do.
const verbPosture = "posture"

// verbGreedy is another: it takes memory until it gets no more.
const verbGreedy = "greedy"

// The test's own binary is the child, as kigo's is in production.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == Verb && os.Args[2] == verbPosture {
		posture()
		os.Exit(0)
	}
	if len(os.Args) > 2 && os.Args[1] == Verb && os.Args[2] == verbGreedy {
		greedy()
	}
	if len(os.Args) > 1 && os.Args[1] == Verb {
		os.Exit(PackMain(os.Args[2:]))
	}
	os.Exit(m.Run())
}

func posture() {
	status, _ := os.ReadFile("/proc/self/status")
	for line := range strings.Lines(string(status)) {
		switch name, _, _ := strings.Cut(line, ":"); name {
		case "Uid", "Gid", "Groups", "NoNewPrivs", "CapInh", "CapPrm", "CapEff", "CapAmb":
			fmt.Println(strings.Join(strings.Fields(line), " "))
		}
	}
	links, _ := net.Interfaces()
	fds, _ := filepath.Glob("/proc/self/fd/[3-9]")
	fmt.Println("pid", os.Getpid(), "interfaces up:", up(links), "environment:", os.Environ())
	for _, fd := range fds {
		if target, _ := os.Readlink(fd); strings.HasPrefix(target, "/") && !kernels(target) {
			fmt.Println("file", filepath.Base(target))
		}
	}
}

// greedy takes four times what it may.
func greedy() {
	b := boundsOf(verbExport)
	if err := b.keep(); err != nil {
		panic(err)
	}
	var all [][]byte
	for range b.memory * 4 >> 20 {
		all = append(all, bytes.Repeat([]byte("x"), 1<<20))
	}
	fmt.Println(len(all))
	os.Exit(0)
}

// kernels reports whether a file is one that Go's own runtime opens.
func kernels(path string) bool {
	return strings.HasPrefix(path, "/proc/") || strings.HasPrefix(path, "/sys/")
}

func up(links []net.Interface) (n int) {
	for _, l := range links {
		if l.Flags&net.FlagUp != 0 {
			n++
		}
	}
	return n
}

func TestTheChildGetsNoMoreMemoryThanItNeeds(t *testing.T) {
	t.Parallel()
	_, err := runChild(t.Context(), child{verb: verbGreedy, uid: testUID, in: archiveFile(t, nil)})
	if err != nil && (strings.Contains(err.Error(), "ThreadSanitizer failed to allocate") || strings.Contains(err.Error(), "pthread_create failed")) {
		return // the race detector or a thread of its noticed first
	}
	if !errors.Is(err, kigo.ErrInvalid) || !strings.Contains(err.Error(), "needs more than 1536 MB of memory") {
		t.Errorf("a child that takes more: %v", err)
	}
}

func TestTheChildHasNoRightsNoNetworkAndNoOtherProcess(t *testing.T) {
	testenv.NeedsRoot(t)
	t.Parallel()
	in := archiveFile(t, nil)
	var out bytes.Buffer
	if _, err := runChild(t.Context(), child{verb: verbPosture, uid: testUID, in: in, stream: &out}); err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf(`Uid: %[1]d %[1]d %[1]d %[1]d
Gid: %[1]d %[1]d %[1]d %[1]d
Groups:
CapInh: 0000000000000000
CapPrm: 0000000000000000
CapEff: 0000000000000000
CapAmb: 0000000000000000
NoNewPrivs: 1
pid 1 interfaces up: 0 environment: [PATH=/usr/bin:/bin LANG=C.UTF-8]
file archive
`, testUID)
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("posture (-want +got):\n%s", diff)
	}
	if mine, _ := os.ReadFile("/proc/thread-self/status"); !strings.Contains(string(mine), "NoNewPrivs:\t0") {
		t.Error("the parent's threads lost their right to gain privileges as well")
	}
}
