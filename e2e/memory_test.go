package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/kigo-dev/kigo/client"
	"github.com/kigo-dev/kigo/internal/cgroup"
	"github.com/kigo-dev/kigo/internal/testenv"
)

// machineMemory is what the machine of TestAMachineWithoutMemoryLosesDynosFirst has.
const machineMemory = 768 << 20

// TestAMachineWithoutMemoryLosesDynosFirst gives a server and its dynos a control group
// for a machine. Dynos that take all its memory, each within its own quota, die, with a
// reason; the platform and another app live; what no longer fits waits and says for what.
func TestAMachineWithoutMemoryLosesDynosFirst(t *testing.T) {
	testenv.NeedsRoot(t)
	t.Parallel()
	machine, wrap := smallMachine(t)
	s := startServer(t, setup{wrap: wrap, args: []string{"--idle-after", "0"}})
	s.deploy(t, "calm", map[string]string{"web": "bin/testapp web"}, map[string]string{"GREETING": "calm"})
	s.deploy(t, "hungry", map[string]string{"web": "bin/testapp web"}, map[string]string{"GREETING": "hungry"})
	s.deploy(t, "late", map[string]string{"web": "bin/testapp web", "worker": "bin/testapp worker"}, nil)
	c, k, three, one := s.client(t), newOperator(t, s), 3, 1
	if _, err := c.Scale(t.Context(), "hungry", []client.FormationChange{{Type: "web", Quantity: &three}}); err != nil {
		t.Fatal(err)
	}
	s.steady(t, "calm", "web.1")
	s.steady(t, "hungry", "web.1", "web.2", "web.3")
	s.steady(t, "late", "web.1")
	platform := []int{s.cmd.Process.Pid, s.child("control"), s.child("router")}
	calm, err := s.visit(visitor(), "calm", "/started")
	if err != nil {
		t.Fatal(err)
	}
	lost := (&victim{server: s}).watch(t, "calm")

	eventually(t, "the kernel to kill a dyno", func() error {
		var all sync.WaitGroup
		for range 6 { // at random dynos: two or three hold more than there is
			all.Go(func() { _, _ = s.visit(visitor(), "hungry", "/hold/340") })
		}
		all.Wait()
		return k.logged("hungry", `R99 \(Platform error\) -> The dyno was killed below its own limit: this machine ran out of memory`)
	})
	again := func() {
		t.Helper()
		if err := c.RestartDynos(t.Context(), "hungry"); err != nil { // gives back what they hold
			t.Fatal(err)
		}
		s.steady(t, "hungry", "web.1", "web.2", "web.3")
	}
	again() // those that crashed twice wait for ten minutes
	_, free, _ := machine.Room()
	if _, err := s.visit(visitor(), "hungry", fmt.Sprintf("/hold/%d", free>>20-110)); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Scale(t.Context(), "late", []client.FormationChange{{Type: "worker", Quantity: &one}}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a dyno that finds no room", func() error {
		return k.logged("late", `R99 \(Platform error\) -> No room for this dyno: \w+ needs 128 MB of free memory to start, and \d+ MB of this machine's 768 MB are free`)
	})

	if n, first := lost(); n > 0 {
		t.Errorf("%d requests of another app were lost, the first: %v", n, first)
	}
	if now, err := s.visit(visitor(), "calm", "/started"); now != calm {
		t.Errorf("another app's dyno was started again: %q, before %q; %v", now, calm, err)
	}
	if now := []int{s.cmd.Process.Pid, s.child("control"), s.child("router")}; fmt.Sprint(now) != fmt.Sprint(platform) {
		t.Errorf("the platform's processes are %v, were %v", now, platform)
	}
	again()
	s.steady(t, "late", "web.1", "worker.1")
	s.clean(t, "calm", "hungry", "late")
}

// smallMachine makes a control group with little memory, and returns it and the command
// that runs a program in it to which it is the machine's top.
func smallMachine(t *testing.T) (cgroup.Group, []string) {
	t.Helper()
	name := "kigo_small_" + testenv.NewPlace(t).Instance
	mount, limit := "/sys/fs/cgroup/memory", "memory.limit_in_bytes"
	if cgroup.Unified() {
		mount, limit = "/sys/fs/cgroup", "memory.max"
	}
	group := filepath.Join(mount, name)
	if err := os.Mkdir(group, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		g := cgroup.Find("/" + name)
		if err := g.Kill(); err != nil {
			t.Error(err)
		}
		eventually(t, "the group to go", func() error { return unix.Rmdir(group) })
	})
	if err := os.WriteFile(filepath.Join(group, limit), []byte(strconv.Itoa(machineMemory)), 0o644); err != nil {
		t.Fatal(err)
	}
	return cgroup.Find("/" + name), []string{"unshare", "--mount", "--propagation", "slave", "sh", "-c",
		`echo $$ > "$0/cgroup.procs" && mount --bind "$0" "$1" && shift && exec "$@"`, group, mount}
}

// logged tells whether an app's log has a line.
func (k *operatorCLI) logged(app, pattern string) error {
	text := k.run("logs", "-a", app, "-n", "200")
	if !regexp.MustCompile(pattern).MatchString(text) {
		return fmt.Errorf("no line %q in %s", pattern, text[max(0, len(text)-1500):])
	}
	return nil
}
