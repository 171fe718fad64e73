package oci_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"github.com/kigo-dev/kigo"
)

// A launch that makes images is root of the app's users with the rights that it was given,
// and no launch beside it has any of them.
func TestALaunchThatMakesImagesHasItsRightsAndNoOthers(t *testing.T) {
	r := newRig(t)
	l := r.launch("testapp", "trap")
	l.Builder = true
	r.start(l)
	r.awaitLine(l.ID, "ready")
	status, err := r.engine.Status(t.Context(), l.ID)
	if err != nil {
		t.Fatal(err)
	}
	rights := uint64(0)
	for _, n := range []int{
		unix.CAP_CHOWN, unix.CAP_DAC_OVERRIDE, unix.CAP_FOWNER, unix.CAP_FSETID, unix.CAP_KILL, unix.CAP_SETGID, unix.CAP_SETUID, unix.CAP_SETPCAP,
		unix.CAP_SETFCAP, unix.CAP_NET_BIND_SERVICE, unix.CAP_SYS_CHROOT, unix.CAP_SYS_ADMIN,
	} {
		rights |= 1 << n
	}
	root, may := fmt.Sprint(l.UIDBase), fmt.Sprintf("%016x", rights)
	root = strings.Join([]string{root, root, root, root}, "\t")
	for _, pid := range append([]int{status.Pid}, children(t, status.Pid)...) {
		want := map[string]string{
			"Uid": root, "Gid": root, "Groups": "", "NoNewPrivs": "1", "Seccomp": "2",
			"CapInh": zero, "CapPrm": may, "CapEff": may, "CapBnd": may, "CapAmb": zero,
		}
		if diff := cmp.Diff(want, procStatus(t, pid, want)); diff != "" {
			t.Errorf("process %d (-want +got):\n%s", pid, diff)
		}
		if got := strings.Fields(read(t, pid, "uid_map")); !slices.Equal(got, []string{"0", fmt.Sprint(l.UIDBase), "65536"}) {
			t.Errorf("uid map %v", got)
		}
	}
}

func TestImagesAreNotMadeWithHardenedIsolation(t *testing.T) {
	r := newRig(t)
	l := r.launch("testapp", "trap")
	l.Builder, l.Isolate = true, kigo.IsolationHardened
	if err := r.engine.Start(t.Context(), l); err == nil || !strings.Contains(err.Error(), "not made with hardened isolation") {
		t.Errorf("%v", err)
	}
}

// What a launch that makes images may call beside what dynos may, and that dynos may not.
func TestOnlyLaunchesThatMakeImagesMayMount(t *testing.T) {
	r := newRig(t)
	l := r.launch("testapp")
	dyno := r.engine.Spec(l, "/stage").Linux.Seccomp
	l.Builder = true
	builder := r.engine.Spec(l, "/stage").Linux.Seccomp
	if diff := cmp.Diff(dyno.Syscalls, builder.Syscalls[:len(dyno.Syscalls)]); diff != "" {
		t.Errorf("the profile does not begin as that of dynos (-want +got):\n%s", diff)
	}
	var more []string
	for _, rule := range builder.Syscalls[len(dyno.Syscalls):] {
		for _, name := range rule.Names {
			for _, a := range rule.Args {
				name += fmt.Sprintf(" without %#x", a.Value)
			}
			more = append(more, name)
			for _, d := range dyno.Syscalls {
				if slices.Contains(d.Names, rule.Names[0]) && d.Action == specs.ActAllow && len(d.Args) == 0 {
					t.Errorf("dynos may call %s as well", rule.Names[0])
				}
			}
		}
	}
	want := []string{"mount", "umount2", "chroot", "sethostname", "setdomainname", "mknod", "mknodat", "unshare without 0x7a000080", "clone without 0x7a000000"}
	if diff := cmp.Diff(want, more); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
