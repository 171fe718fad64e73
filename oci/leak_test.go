package oci_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
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
