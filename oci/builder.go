package oci

import (
	"slices"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"github.com/kigo-dev/kigo"
)

// A launch that makes container images (kigo.Launch.Builder) is the one kind of launch
// that is root of its app's users, and may mount within namespaces of its own: what a
// Dockerfile's RUN needs. Whatever else confines launches holds for it as well
// (docs/decisions/0026-dockerfile-builds.md).

// builderRights are its capabilities, which reach its own users and namespaces alone. Those
// over networks, processes, modules, clocks and devices are not among them.
var builderRights = map[string]uint{
	"CAP_CHOWN": unix.CAP_CHOWN, "CAP_DAC_OVERRIDE": unix.CAP_DAC_OVERRIDE, "CAP_FOWNER": unix.CAP_FOWNER, "CAP_FSETID": unix.CAP_FSETID,
	"CAP_KILL": unix.CAP_KILL, "CAP_SETGID": unix.CAP_SETGID, "CAP_SETUID": unix.CAP_SETUID, "CAP_SETPCAP": unix.CAP_SETPCAP,
	"CAP_SETFCAP": unix.CAP_SETFCAP, "CAP_NET_BIND_SERVICE": unix.CAP_NET_BIND_SERVICE, "CAP_SYS_CHROOT": unix.CAP_SYS_CHROOT,
	"CAP_SYS_ADMIN": unix.CAP_SYS_ADMIN,
}

func builderCapabilities() *specs.LinuxCapabilities {
	var names []string
	for name := range builderRights {
		names = append(names, name)
	}
	slices.Sort(names)
	return &specs.LinuxCapabilities{Bounding: names, Effective: names, Permitted: names}
}

// builderMask are the same rights as the kernel shows them.
func builderMask() (mask uint64) {
	for _, n := range builderRights {
		mask |= 1 << n
	}
	return mask
}

// filter is the list of system calls of a launch.
func (e *Engine) filter(l kigo.Launch) *specs.LinuxSeccomp {
	if l.Builder {
		return e.nested
	}
	return e.seccomp
}

// namespaceFlags are namespaces that a builder may not make: new users above all, as
// those would come with every capability.
const namespaceFlags = unix.CLONE_NEWUSER | unix.CLONE_NEWNET | unix.CLONE_NEWPID | unix.CLONE_NEWIPC | unix.CLONE_NEWCGROUP

// builderSeccomp is the profile of dynos and, above it, mounts by path, chroot, and
// namespaces of mounts and host names. The newer calls for mounts stay closed.
func builderSeccomp(dynos *specs.LinuxSeccomp) *specs.LinuxSeccomp {
	profile := *dynos
	profile.Syscalls = slices.Clone(dynos.Syscalls)
	allow := func(names ...string) {
		profile.Syscalls = append(profile.Syscalls, specs.LinuxSyscall{Names: names, Action: specs.ActAllow})
	}
	allow("mount", "umount2", "chroot", "sethostname", "setdomainname", "mknod", "mknodat")
	without := func(name string, flags uint64) {
		profile.Syscalls = append(profile.Syscalls, allowIf(name, specs.LinuxSeccompArg{Index: 0, Value: flags, ValueTwo: 0, Op: specs.OpMaskedEqual}))
	}
	without("unshare", namespaceFlags|unix.CLONE_NEWTIME)
	without("clone", namespaceFlags) // where the flag for time means something else
	return &profile
}
