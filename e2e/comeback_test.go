package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/kigo-dev/kigo/internal/testenv"
)

// appsVariable says how many apps TestEverythingComesBackAfterAPowerCut has; the whole is 100.
const appsVariable = "KIGO_APPS"

// TestEverythingComesBackAfterAPowerCut kills every process of the platform and of its
// dynos and takes away all that a machine forgets when it starts: run/, mounts, control
// groups, links, the packet filter. Then the server is started, and all apps serve again.
func TestEverythingComesBackAfterAPowerCut(t *testing.T) {
	testenv.NeedsRoot(t)
	t.Parallel()
	apps := 12
	if n, err := strconv.Atoi(os.Getenv(appsVariable)); err == nil {
		apps = n
	}
	s := startServer(t, setup{args: []string{"--idle-after", "0"}})
	var names []string
	for i := range apps {
		names = append(names, fmt.Sprintf("back-%d", i))
		s.deploy(t, names[i], map[string]string{"web": "bin/testapp web"}, map[string]string{"GREETING": names[i]})
	}
	for _, app := range names {
		s.steady(t, app, "web.1")
	}
	s.cutPower(t)
	began := time.Now()
	s.start(t)
	first, last := s.serveAgain(t, names, began)
	t.Logf("%d apps: the first 200 after %.2f s, the last after %.2f s", apps, first.Seconds(), last.Seconds())
	s.await(t)
	for _, app := range names {
		s.steady(t, app, "web.1")
	}
	s.clean(t, names...)
}

// serveAgain waits until each app has answered with its name, and returns when the
// first and the last did.
func (s *server) serveAgain(t *testing.T, names []string, began time.Time) (first, last time.Duration) {
	t.Helper()
	took := make([]time.Duration, len(names))
	var wait sync.WaitGroup
	for i, app := range names {
		wait.Go(func() {
			for c := visitor(); time.Since(began) < limit; breathe(t.Context()) {
				body, err := s.visit(c, app, "/")
				if err == nil && strings.Contains(body, "greeting="+app+" ") {
					took[i] = time.Since(began)
					return
				}
			}
		})
	}
	wait.Wait()
	first = limit
	for i, d := range took {
		if d == 0 {
			t.Fatalf("%s does not serve %v after the start", names[i], limit)
		}
		first, last = min(first, d), max(last, d)
	}
	return first, last
}

// cutPower leaves nothing of the server but its data folder, and of that not run/.
func (s *server) cutPower(t *testing.T) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(s.data, "instance"))
	if err != nil {
		t.Fatal(err)
	}
	id := strings.TrimSpace(string(b))
	var pids []int
	for _, name := range []string{"control", "router"} {
		pids = append(pids, s.child(name))
	}
	for _, k := range s.shims() {
		pids = append(pids, k.pid)
	}
	groups, _ := filepath.Glob("/sys/fs/cgroup/*/kigo_" + id + "/*/cgroup.procs")
	unified, _ := filepath.Glob("/sys/fs/cgroup/kigo_" + id + "/*/cgroup.procs")
	groups = append(groups, unified...)
	_ = s.cmd.Process.Kill() // first, as it would start the others again
	<-s.exited
	for _, group := range groups {
		list, _ := os.ReadFile(group)
		for _, pid := range strings.Fields(string(list)) {
			n, _ := strconv.Atoi(pid)
			pids = append(pids, n)
		}
	}
	for _, pid := range pids {
		if pid > 1 {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}
	eventually(t, "all processes to be gone", func() error {
		for _, group := range groups {
			if list, _ := os.ReadFile(group); len(list) > 0 {
				return fmt.Errorf("%s has %q", group, list)
			}
		}
		return nil
	})
	for _, group := range groups {
		_ = unix.Rmdir(filepath.Dir(group))
	}
	s.unmount(t)
	links, _ := filepath.Glob("/sys/class/net/kg" + id + "-*")
	for _, link := range links {
		_ = exec.Command("ip", "link", "del", filepath.Base(link)).Run()
	}
	tables, err := exec.Command("nft", "list", "tables").Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(tables)) { // "table inet kigo_0123"
		if f := strings.Fields(line); len(f) == 3 && strings.HasSuffix(f[2], id) {
			if err := exec.Command("nft", "delete", "table", f[1], f[2]).Run(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := os.RemoveAll(filepath.Join(s.data, "run")); err != nil {
		t.Fatal(err)
	}
}
