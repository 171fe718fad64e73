package cgroup

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/kigo-dev/kigo/internal/testenv"
)

func TestAGroupIsReadKilledAndRemoved(t *testing.T) {
	testenv.NeedsRoot(t)
	path := "/kigo_test_" + testenv.NewPlace(t).Instance
	g := Find(path)
	if g.Exists() {
		t.Fatalf("%s exists", path)
	}
	if Unified() { // as the runtime does
		if err := os.WriteFile(filepath.Join(root, "cgroup.subtree_control"), []byte("+memory +pids +cpu"), 0); err != nil {
			t.Fatal(err)
		}
	}
	for _, folder := range g.folders {
		if err := os.Mkdir(folder, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { _ = g.Kill(); _ = g.Remove() })
	cmd := exec.Command("sleep", "1000")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for _, folder := range g.folders {
		_ = os.WriteFile(filepath.Join(folder, "cgroup.procs"), []byte(fmt.Sprint(cmd.Process.Pid)), 0)
	}
	if pids := g.Processes(); len(pids) != 1 || pids[0] != cmd.Process.Pid {
		t.Errorf("processes %v, want %d", pids, cmd.Process.Pid)
	}
	if s, err := g.Stats(); err != nil || s.Pids != 1 {
		t.Errorf("stats %+v, %v", s, err)
	}
	if n := g.OOMKills(); n != 0 {
		t.Errorf("%d killed for memory", n)
	}
	go func() { _ = cmd.Wait() }()
	if err := g.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := g.Remove(); err != nil || g.Exists() {
		t.Errorf("remove: %v, exists %v", err, g.Exists())
	}
	if err := g.Remove(); err != nil {
		t.Errorf("second remove: %v", err)
	}
}

func TestBothVersionsFilesAreUnderstood(t *testing.T) {
	one := fake(t, false, map[string]string{
		"memory/memory.stat":               "cache 1\nrss 2\ntotal_rss 20\ntotal_cache 10\ntotal_swap 5\n",
		"memory/memory.max_usage_in_bytes": "99\n", "cpuacct/cpuacct.usage": "7000\n", "pids/pids.current": "3\n",
		"memory/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n",
	})
	two := fake(t, true, map[string]string{
		"memory.stat": "anon 20\nfile 10\n", "memory.swap.current": "5\n", "memory.peak": "99\n",
		"cpu.stat": "usage_usec 7\nuser_usec 1\n", "pids.current": "3\n", "memory.events": "low 0\noom 1\noom_kill 2\n",
	})
	want := Stats{RSS: 20, Cache: 10, Swap: 5, Peak: 99, CPU: 7 * time.Microsecond, Pids: 3}
	for _, g := range []Group{one, two} {
		if got, err := g.Stats(); err != nil || got != want {
			t.Errorf("v2 %v: %+v, %v; want %+v", g.v2, got, err, want)
		}
		if n := g.OOMKills(); n != 2 {
			t.Errorf("v2 %v: %d killed, want 2", g.v2, n)
		}
	}
	if _, err := fake(t, true, nil).Stats(); err == nil {
		t.Error("a group that is not there has stats")
	}
}

func TestRoomIsWhatTheLimitLeaves(t *testing.T) {
	for what, g := range map[string]Group{
		"1": fake(t, false, map[string]string{
			"memory/memory.limit_in_bytes": "1000\n", "memory/memory.usage_in_bytes": "700\n", "memory/memory.max_usage_in_bytes": "900\n",
			"memory/memory.stat": "inactive_file 1\ntotal_inactive_file 50\ntotal_active_file 30\n",
		}),
		"2": fake(t, true, map[string]string{
			"memory.max": "1000\n", "memory.current": "700\n", "memory.stat": "inactive_file 50\nactive_file 30\n", "memory.peak": "900\n",
		}),
	} {
		if total, free, limited := g.Room(); total != 1000 || free != 380 || !limited {
			t.Errorf("version %s: %d of %d free, limited %v", what, free, total, limited)
		}
		if !g.Starved() {
			t.Errorf("version %s: 900 of 1000 is its own limit", what)
		}
	}
	for what, g := range map[string]Group{
		"none":         fake(t, true, nil),
		"2 unlimited":  fake(t, true, map[string]string{"memory.max": "max\n", "memory.current": "7\n", "memory.stat": "anon 1\n"}),
		"1 unlimited":  fake(t, false, map[string]string{"memory/memory.limit_in_bytes": "9223372036854771712\n", "memory/memory.stat": "rss 1\n"}),
		"at its limit": fake(t, false, map[string]string{"memory/memory.limit_in_bytes": "-1\n", "memory/memory.max_usage_in_bytes": "0\n", "memory/memory.stat": "rss 1\n"}),
	} {
		if total, free, limited := g.Room(); limited || g.Starved() {
			t.Errorf("%s: %d of %d, limited %v, starved %v", what, free, total, limited, g.Starved())
		}
	}
}

// fake is a group "g" below a folder that looks like the kernel's.
func fake(t *testing.T, v2 bool, files map[string]string) Group {
	t.Helper()
	top := t.TempDir()
	for name, text := range files {
		path := filepath.Join(top, filepath.Dir(name), "g", filepath.Base(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return Group{root: top, path: "/g", v2: v2}
}
