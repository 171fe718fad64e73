package e2e

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/kigo-dev/kigo/internal/testenv"
)

// calls are system calls that change something outside of the process.
var calls = []string{
	"renameat,renameat2,rename", "fsync,fdatasync,pwrite64", "unlinkat,unlink,rmdir", "mkdirat,mkdir", "clone,clone3,vfork,execve",
	"mount,umount2,move_mount,fsopen,open_tree", "setns,unshare", "sendto,sendmsg", "openat", "write",
}

// TestAKillAtASystemCallLosesNoApp has the kernel kill the control process, or a
// shim or runtime that it starts, at a random call of each kind while a release goes on.
func TestAKillAtASystemCallLosesNoApp(t *testing.T) {
	testenv.NeedsRoot(t)
	strace := testenv.NeedsProgram(t, "strace")
	t.Parallel()
	v := newVictim(t)
	for i, set := range calls {
		name, _, _ := strings.Cut(set, ",")
		if !t.Run(name, func(t *testing.T) { v.injected(t, strace, set, 1+rand.IntN(12), strconv.Itoa(1000+i)) }) {
			return
		}
	}
}

// injection is how long processes are killed at most: every launch may die of it.
const injection = 2 * time.Second

// injected changes a config var while each process that control has, or starts, dies
// at its n-th call of the set.
func (v *victim) injected(t *testing.T, strace, set string, n int, next string) {
	v.settle(t)
	old, err := v.visit(visitor(), v.app, "/")
	if err != nil {
		t.Fatal(err)
	}
	control := v.child("control")
	cmd := exec.Command(strace, "-f", "-p", strconv.Itoa(control), "-e", "trace="+set, "-e", fmt.Sprintf("inject=%s:signal=SIGKILL:when=%d", set, n), "-o", "/dev/null")
	said, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	attached := bufio.NewScanner(said)
	if !attached.Scan() || !strings.Contains(attached.Text(), "attached") {
		t.Fatalf("strace says %q", attached.Text())
	}
	go func() { // it must not wait for a reader
		for attached.Scan() {
			continue
		}
	}()
	_, refused := v.client(t).SetConfigVars(t.Context(), v.app, map[string]*string{"GREETING": &next})
	ctx, cancel := context.WithTimeout(t.Context(), injection)
	defer cancel()
	for c := visitor(); ctx.Err() == nil && v.child("control") == control; breathe(ctx) {
		if body, err := v.visit(c, v.app, "/"); err == nil && strings.Contains(body, "greeting="+next+" ") {
			break
		}
	}
	died := v.child("control") != control
	_ = cmd.Process.Kill() // the kernel lets go of all that still run; asked to end, it may wait for one of them
	_ = cmd.Wait()
	v.settle(t)
	v.clean(t, v.app, v.phased)
	now, err := v.visit(visitor(), v.app, "/")
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("call %d of %s: control died: %v, change refused: %v", n, set, died, refused)
	switch fresh := strings.Contains(now, "greeting="+next+" "); {
	case refused == nil && !fresh:
		t.Errorf("it answers %q, although the change to %s was accepted", now, next)
	case !fresh && now != old:
		t.Errorf("it answers %q: neither the old release %q nor the new one", now, old)
	}
}
