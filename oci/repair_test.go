package oci_test

import (
	"net"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/kigo-dev/kigo"
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
