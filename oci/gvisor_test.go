package oci_test

import (
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/internal/testenv"
	"github.com/kigo-dev/kigo/oci"
)

// gvisorRig has the runsc that script/setup makes.
func gvisorRig(t *testing.T) *rig {
	t.Helper()
	runsc, err := filepath.Abs("../.cache/bin/runsc")
	if err != nil {
		t.Fatal(err)
	}
	runsc = testenv.NeedsProgram(t, runsc)
	return newRigWith(t, func(c *oci.Config) { c.Hardened = runsc })
}

func TestADynoRunsUnderGVisor(t *testing.T) {
	t.Parallel()
	r := gvisorRig(t)
	l := r.launch("testapp", "serve")
	l.Port, l.Slug, l.Isolate = 5000, r.images.Slug, kigo.IsolationHardened
	r.start(l)
	s := r.await(l.ID, kigo.RunReady)
	ask := func(command string) string {
		t.Helper()
		conn, err := r.engine.Exec(t.Context(), l.ID, kigo.Exec{Command: []string{"sh", "-c", command}, Env: l.Env})
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		return lineReader(t, conn)()
	}
	for command, want := range map[string]string{
		"dmesg | head -1":          "[   0.000000] Starting gVisor...",
		"id -u":                    "1000",
		"hostname":                 string(l.ID),
		"touch /etc/x 2>&1":        "touch: /etc/x: Permission denied",
		"cat /etc/hosts | head -1": "127.0.0.1\tlocalhost",
		"cat " + oci.MemoryFile:    strconv.FormatInt(l.Memory, 10),
		"echo mine > /app/file && echo more > /tmp/file && cat /app/file": "mine",
	} {
		if got := ask(command); got != want {
			t.Errorf("%s: %q, want %q", command, got, want)
		}
	}
	r.engine.Repair(t.Context()) // which leaves to gVisor what is in its network namespace
	conn, err := net.Dial("tcp", net.JoinHostPort(s.Address, "5000"))
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.Close()
	if err := r.engine.Stop(t.Context(), l.ID); err != nil {
		t.Fatal(err)
	}
	if s := r.await(l.ID, kigo.RunExited); s.ExitCode != 143 && s.ExitCode != 2 {
		t.Errorf("end %+v", s)
	}
}

func TestADynoUnderGVisorWritesToAMutableRoot(t *testing.T) {
	t.Parallel()
	r := gvisorRig(t)
	for range 2 {
		l := r.launch("sh", "-c", "rm /etc/group && mkdir /own && echo mine > /own/file && cat /own/file; echo x 2>/dev/null > /etc/hosts || echo refused; dd if=/dev/zero of=/var/big bs=1M count=200 2>/dev/null || echo full")
		l.Stack, l.Slug, l.Mutable, l.Isolate, l.Scratch = r.images.Root, r.images.Slug, true, kigo.IsolationHardened, 32<<20
		if out := r.outputOf(l); out != "mine\nrefused\nfull" {
			t.Errorf("output %q", out)
		}
	}
}

// A link that is made again would be none for gVisor: the dyno ends, and is replaced.
func TestADynoUnderGVisorThatLosesItsLinkEnds(t *testing.T) {
	t.Parallel()
	r := gvisorRig(t)
	l := r.launch("testapp", "trap")
	l.Isolate = kigo.IsolationHardened
	r.start(l)
	s := r.await(l.ID, kigo.RunReady)
	output(t, "ip", "link", "del", strings.Fields(output(t, "ip", "-o", "route", "show", s.Address))[2])
	r.engine.Repair(t.Context())
	if s := r.await(l.ID, kigo.RunExited); s.ExitCode != 137 {
		t.Errorf("end %+v", s)
	}
}
