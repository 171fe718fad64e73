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

// Somebody deletes a dyno's link, then its route, then the packet filter: each is
// there again within ten seconds, and the dyno has not been restarted.
func TestALinkThatWasDeletedIsMadeAgain(t *testing.T) {
	r := newRig(t)
	l := r.launch("testapp", "serve")
	l.Port = 5000
	r.start(l)
	before := r.await(l.ID, kigo.RunReady)
	gateway := ""
	reach := func() bool { // a route to the world may lead to somebody else who answers
		conn, err := net.DialTimeout("tcp", before.Address+":5000", 200*time.Millisecond)
		if err != nil {
			return false
		}
		defer conn.Close()
		from := conn.LocalAddr().(*net.TCPAddr).IP.String()
		if gateway == "" {
			gateway = from
		}
		return from == gateway
	}
	if !reach() {
		t.Fatal("the dyno is not reached at the start")
	}
	link := strings.Fields(output(t, "ip", "-o", "route", "show", before.Address))
	name := link[2]
	for _, damage := range [][]string{
		{"ip", "link", "del", name},
		{"ip", "link", "set", name, "down"},
		{"ip", "route", "del", before.Address},
	} {
		output(t, damage[0], damage[1:]...)
		if reach() {
			t.Fatalf("%v did no damage", damage)
		}
		start := time.Now()
		for !reach() {
			if time.Since(start) > 10*time.Second {
				t.Fatalf("not healed 10 s after %v", damage)
			}
			time.Sleep(20 * time.Millisecond)
		}
		t.Logf("healed %v after %v", time.Since(start).Round(time.Millisecond), damage)
	}
	if after := r.await(l.ID, kigo.RunReady); after.Pid != before.Pid {
		t.Errorf("pid %d, before %d", after.Pid, before.Pid)
	}
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
