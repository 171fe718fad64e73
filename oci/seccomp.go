package oci

import (
	"errors"
	"slices"

	"github.com/moby/profiles/seccomp"
	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// denied are calls that Docker's profile allows and no dyno needs: ways to look
// into other processes, and parts of the kernel with a history of holes.
var denied = []string{
	"ptrace", "process_vm_readv", "process_vm_writev", "userfaultfd",
	"add_key", "keyctl", "request_key", "name_to_handle_at", "open_by_handle_at",
	"vmsplice", "memfd_secret", "modify_ldt", "chroot", "mknod", "mknodat",
	"io_uring_setup", "io_uring_enter", "io_uring_register",
	"fanotify_init", "fanotify_mark", "statmount", "listmount", "map_shadow_stack",
	"socket", "socketcall", "personality", "clone3", // ruled below
}

// seccompProfile is Docker's profile, tightened: see denied, and sockets of
// four families only. 32-bit programs do not run: their calls would pass by
// the rules about sockets.
func seccompProfile() (*specs.LinuxSeccomp, error) {
	empty := &specs.Spec{Process: &specs.Process{Capabilities: &specs.LinuxCapabilities{}}, Linux: &specs.Linux{}}
	profile, err := seccomp.GetDefaultProfile(empty)
	if err != nil {
		return nil, err
	}
	if len(profile.Architectures) == 0 {
		return nil, errors.New("oci: no seccomp profile for this processor")
	}
	profile.Architectures = profile.Architectures[:1] // the native one comes first
	var rules []specs.LinuxSyscall
	for _, rule := range profile.Syscalls {
		rule.Names = slices.DeleteFunc(slices.Clone(rule.Names), func(name string) bool { return slices.Contains(denied, name) })
		if len(rule.Names) > 0 {
			rules = append(rules, rule)
		}
	}
	profile.Syscalls = append(rules, ownRules()...)
	return profile, nil
}

func ownRules() []specs.LinuxSyscall {
	nosys := uint(unix.ENOSYS)
	rules := []specs.LinuxSyscall{
		// Flags of clone3 are behind a pointer, where no filter sees them; C libraries fall back to clone.
		{Names: []string{"clone3"}, Action: specs.ActErrno, ErrnoRet: &nosys},
		allowIf("personality", equal(0, 0)),
		allowIf("personality", equal(0, 0xffffffff)),
		allowIf("socket", equal(0, unix.AF_UNIX)),
		allowIf("socket", equal(0, unix.AF_NETLINK), equal(2, unix.NETLINK_ROUTE)),
	}
	for _, family := range []uint64{unix.AF_INET, unix.AF_INET6} { // TCP and UDP: neither MPTCP, SCTP nor what comes next
		for _, protocol := range []uint64{0, unix.IPPROTO_TCP, unix.IPPROTO_UDP} {
			rules = append(rules, allowIf("socket", equal(0, family), equal(2, protocol)))
		}
	}
	return rules
}

func allowIf(name string, args ...specs.LinuxSeccompArg) specs.LinuxSyscall {
	return specs.LinuxSyscall{Names: []string{name}, Action: specs.ActAllow, Args: args}
}

func equal(index uint, value uint64) specs.LinuxSeccompArg {
	return specs.LinuxSeccompArg{Index: index, Value: value, Op: specs.OpEqualTo}
}
