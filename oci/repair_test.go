package oci_test

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/dyno/shim"
)

// Somebody deletes a dyno's link, its route, or what is in its network namespace: each is
// there again within ten seconds, and the dyno has not been restarted.
func TestALinkThatWasDeletedIsMadeAgain(t *testing.T) {
	r := newRig(t)
	damages := []func(w wired) []string{
		func(w wired) []string { return []string{"ip", "link", "del", w.link} },
		func(w wired) []string { return []string{"ip", "link", "set", w.link, "down"} },
		func(w wired) []string { return []string{"ip", "route", "del", w.before.Address} },
		func(w wired) []string { return w.inside("link", "del", "eth0") },
		func(w wired) []string { return w.inside("address", "flush", "dev", "eth0") },
		func(w wired) []string { return w.inside("route", "del", "default") },
		func(w wired) []string { return w.inside("link", "set", "lo", "down") },
	}
	var dynos []wired
	for range damages {
		l := r.launch("testapp", "serve")
		l.Port = 5000
		r.start(l)
		w := wired{before: r.await(l.ID, kigo.RunReady)}
		w.link = strings.Fields(output(t, "ip", "-o", "route", "show", w.before.Address))[2]
		conn, err := net.DialTimeout("tcp", w.before.Address+":5000", 5*time.Second)
		if err != nil {
			t.Fatal(err)
		}
		link, err := net.InterfaceByName(w.link)
		if err != nil {
			t.Fatal(err)
		}
		w.index = link.Index
		w.gateway = conn.LocalAddr().(*net.TCPAddr).IP.String()
		_ = conn.Close()
		dynos = append(dynos, w)
	}
	start := time.Now()
	for i, w := range dynos {
		damage := damages[i](w)
		output(t, damage[0], damage[1:]...)
	}
	for i, w := range dynos {
		for !w.whole() {
			if time.Since(start) > time.Minute { // 10 s are promised, and not timed here
				t.Fatalf("not healed a minute after %v", damages[i](w))
			}
			time.Sleep(20 * time.Millisecond)
		}
		if after := r.await(w.before.ID, kigo.RunReady); after.Pid != w.before.Pid {
			t.Errorf("pid %d, before %d", after.Pid, w.before.Pid)
		}
	}
	t.Logf("all healed after %v", time.Since(start).Round(time.Millisecond))
}

// wired is a running launch and its way to the host.
type wired struct {
	before        kigo.RunStatus
	link, gateway string
	index         int // of the link that it had at first
}

// inside is an ip command in the launch's network namespace.
func (w wired) inside(args ...string) []string {
	return append([]string{"nsenter", fmt.Sprintf("--net=/proc/%d/ns/net", w.before.Pid), "ip"}, args...)
}

// whole reports whether the launch is reached, by a new link of its own, and has its loopback and a way out.
func (w wired) whole() bool {
	if link, err := net.InterfaceByName(w.link); err != nil || link.Index == w.index {
		return false
	}
	for _, args := range [][]string{{"route", "show", "default"}, {"link", "show", "up", "dev", "lo"}} {
		command := w.inside(args...)
		if out, err := exec.Command(command[0], command[1:]...).Output(); err != nil || len(out) == 0 {
			return false
		}
	}
	conn, err := net.DialTimeout("tcp", w.before.Address+":5000", 200*time.Millisecond)
	if err != nil {
		return false
	}
	defer conn.Close()
	return conn.LocalAddr().(*net.TCPAddr).IP.String() == w.gateway // or somebody else answers
}

func output(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %v: %v: %s", name, args, err, out)
	}
	return string(out)
}

// The runtime's state folder lies in the shim's own mounts. Without it a dyno runs on, takes
// commands and stops in order.
func TestADynoOutlivesTheRemovalOfTheRuntimesFolder(t *testing.T) {
	r := newRig(t)
	l := r.launch("testapp", "serve")
	l.Port = 5000
	r.start(l)
	before := r.await(l.ID, kigo.RunReady)
	var s shim.State
	if err := shim.ReadJSON(filepath.Join(r.config.Dir, "dynos", string(l.ID)), shim.StateFile, &s); err != nil {
		t.Fatal(err)
	}
	folders, _ := filepath.Glob(fmt.Sprintf("/proc/%d/root/*/runc/%s", s.ShimPid, l.ID))
	if len(folders) != 1 {
		t.Fatalf("runtime's folders %q", folders)
	}
	folder := filepath.Dir(folders[0])
	for range 2 {
		if err := os.RemoveAll(folder); err != nil {
			t.Fatal(err)
		}
		conn, err := r.engine.Exec(t.Context(), l.ID, kigo.Exec{Command: []string{"echo", "still here"}, Env: []string{"PATH=/bin"}})
		if err != nil {
			t.Fatal(err)
		}
		out, _ := io.ReadAll(conn)
		_ = conn.Close()
		if string(out) != "still here\n" {
			t.Errorf("output %q", out)
		}
	}
	if now := r.await(l.ID, kigo.RunReady); now.Pid != before.Pid {
		t.Errorf("pid %d, before %d", now.Pid, before.Pid)
	}
	if err := os.RemoveAll(folder); err != nil {
		t.Fatal(err)
	}
	if err := r.engine.Stop(t.Context(), l.ID); err != nil {
		t.Fatal(err)
	}
	if end := r.await(l.ID, kigo.RunExited); end.ExitCode != 143 {
		t.Errorf("end %+v", end)
	}
}
