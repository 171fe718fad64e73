package e2e

import (
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestRenewals runs what replaces the server's processes, and so cannot share it.
func TestRenewals(t *testing.T) { runFiles(t, testscript.Params{Files: scripts(t, "renew")}) }

// renewLimit bounds the replacement of all processes.
const renewLimit = time.Minute

// renew replaces the server's processes as an upgrade does, and waits until both
// are new ones.
func (s *server) renew(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 0 {
		ts.Fatalf("usage: renew")
	}
	control, router := s.child("control"), s.child("router")
	ts.Check(syscall.Kill(s.cmd.Process.Pid, syscall.SIGHUP))
	for deadline := time.Now().Add(renewLimit); ; time.Sleep(20 * time.Millisecond) {
		newControl, newRouter := s.child("control"), s.child("router")
		if newControl != 0 && newControl != control && newRouter != 0 && newRouter != router {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("not replaced within %s: control %d → %d, router %d → %d", renewLimit, control, newControl, router, newRouter)
		}
	}
}
