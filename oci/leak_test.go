package oci_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/dyno/enginetest"
	"github.com/kigo-dev/kigo/dyno/shim"
)

func TestNothingIsLeftBehind(t *testing.T) {
	r := newRig(t)
	var ids []kigo.DynoID
	for i, command := range [][]string{
		{"sh", "-c", "exit 0"}, {"testapp", "trap"}, {"testapp", "deaf"}, {"testapp", "eat"},
		{"sh", "-c", "sleep 1000 & sleep 1000"}, {"testapp", "serve"},
	} {
		l := r.launch(command...)
		l.Slug, l.Scratch, l.Stdin = r.images.Slug, int64(i%2)*(32<<20), i == 1
		r.start(l)
		ids = append(ids, l.ID)
	}
	var s shim.State
	if err := shim.ReadJSON(filepath.Join(r.config.Dir, "dynos", string(ids[5])), shim.StateFile, &s); err != nil {
		t.Fatal(err)
	}
	_ = unix.Kill(s.ShimPid, unix.SIGKILL)
	for _, id := range ids {
		_ = r.engine.Kill(context.Background(), id)
		state := kigo.RunExited
		if id == ids[5] {
			state = kigo.RunLost
		}
		r.await(id, state)
		if err := r.engine.Remove(context.Background(), id); err != nil {
			t.Error(err)
		}
	}
	nothingLeft(t, r)
}

// A shim, or the runtime that it has started, is killed at any moment of a start, which may
// be made again.
func TestAStartThatIsKilledLeavesNothing(t *testing.T) {
	r := newRig(t)
	for n := range 200 {
		l := r.launch("testapp", "serve")
		ended := make(chan error, 1)
		go func() { ended <- r.engine.Start(t.Context(), l) }()
		victims := func() (pids []int) {
			for _, pid := range starters(l.ID) {
				if words, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid)); strings.Contains(string(words), "\x00shim\x00") == (n%2 == 0) {
					pids = append(pids, pid)
				}
			}
			return pids
		}
		for len(victims()) == 0 && len(ended) == 0 {
			<-time.After(time.Millisecond)
		}
		<-time.After(time.Duration(rand.IntN(30000)) * time.Microsecond)
		for _, pid := range victims() {
			_ = unix.Kill(pid, unix.SIGKILL)
		}
		switch err := <-ended; {
		case err != nil:
			r.start(l)
			r.end(l.ID)
		case n%2 == 0:
			r.await(l.ID, kigo.RunLost)
			if err := r.engine.Remove(t.Context(), l.ID); err != nil {
				t.Error(err)
			}
		default:
			r.end(l.ID)
		}
	}
	nothingLeft(t, r)
}

// starters are the shim of a launch and the runtime that starts its container.
func starters(id kigo.DynoID) (pids []int) {
	paths, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, path := range paths {
		words, _ := os.ReadFile(path)
		if !strings.HasSuffix(string(words), string(id)+"\x00") {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path))); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}

func nothingLeft(t *testing.T, r *rig) {
	t.Helper()
	deadline := time.Now().Add(enginetest.Deadline)
	for {
		left := leftovers(t, r)
		if len(left) == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("left behind:\n%s", strings.Join(left, "\n"))
		}
		<-time.After(10 * time.Millisecond)
	}
}

func leftovers(t *testing.T, r *rig) []string {
	t.Helper()
	var left []string
	groups, _ := filepath.Glob("/sys/fs/cgroup/*/kigo_" + r.config.Instance + "/*/cgroup.procs")
	bundles, _ := filepath.Glob(filepath.Join(r.config.Dir, "dynos", "*"))
	hidden, _ := filepath.Glob(filepath.Join(r.config.Dir, "dynos", ".*-*"))
	left = append(append(append(left, groups...), bundles...), hidden...)
	links, err := exec.Command("ip", "-br", "link").Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(links)) {
		if strings.HasPrefix(line, "kg"+r.config.Instance) {
			left = append(left, line)
		}
	}
	processes, _ := filepath.Glob("/proc/[0-9]*")
	for _, p := range processes {
		words, _ := os.ReadFile(p + "/cmdline")
		mounts, _ := os.ReadFile(p + "/mountinfo")
		if strings.Contains(string(words), r.config.Dir) || strings.Contains(string(mounts), r.config.Dir+"/dynos/") {
			left = append(left, p+" "+string(words))
		}
	}
	loops, _ := filepath.Glob("/sys/block/loop*/loop/backing_file")
	for _, l := range loops {
		if file, _ := os.ReadFile(l); strings.Contains(string(file), r.config.Dir) {
			left = append(left, l)
		}
	}
	return left
}
