package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

func devices() []try {
	var all []try
	for _, name := range []string{
		"autofs", "btrfs-control", "console", "cpu/0/msr", "dri/card0", "fuse", "hwrng", "input/event0", "kmem", "kmsg", "kvm", "loop-control", "loop0", "mapper/control",
		"mem", "net/tun", "nvme0n1", "port", "ppp", "rtc0", "sda", "snapshot", "snd/timer", "tpm0", "uhid", "uinput", "userfaultfd",
		"vda", "vfio/vfio", "vhost-net", "vhost-vsock", "vsock", "watchdog", "xen/xenbus", "zram0",
		"full", "null", "ptmx", "random", "tty", "urandom", "zero", "kigo-init",
	} {
		all = append(all, try{"device " + name, opens("/dev/"+name, os.O_RDONLY)})
	}
	return append(all,
		try{"make a character device", func() error { return unix.Mknod("/tmp/probe-null", unix.S_IFCHR|0o666, 0x103) }},
		try{"make a block device", func() error { return unix.Mknod("/tmp/probe-disk", unix.S_IFBLK|0o666, 0x700) }},
		try{"write to process 1's program", opens("/dev/kigo-init", os.O_WRONLY)},
		try{"make a file in /dev", opens("/dev/probe", os.O_CREATE|os.O_WRONLY)},
	)
}

func processFiles() []try {
	var all []try
	for _, name := range []string{
		"1/environ", "1/maps", "1/mem", "1/stack", "acpi", "asound", "cgroups", "cmdline", "config.gz", "cpuinfo", "devices", "diskstats", "driver/rtc", "filesystems",
		"interrupts", "iomem", "ioports", "kallsyms", "kcore", "key-users", "keys", "kmsg", "kpagecgroup", "kpagecount", "kpageflags", "latency_stats",
		"loadavg", "mdstat", "meminfo", "modules", "mtrr", "net/dev", "net/unix", "pagetypeinfo", "partitions", "pressure/cpu", "sched_debug", "schedstat", "self/mountinfo",
		"slabinfo", "softirqs", "stat", "swaps", "sys/kernel/random/boot_id", "sysvipc/shm", "timer_list", "timer_stats", "tty/drivers", "uptime", "version", "vmallocinfo", "vmstat", "zoneinfo",
	} {
		all = append(all, try{"read /proc/" + name, reads("/proc/" + name)})
	}
	for _, name := range []string{
		"1/mem", "irq/default_smp_affinity", "sys/kernel/core_pattern", "sys/kernel/hostname", "sys/kernel/modprobe", "sys/kernel/ns_last_pid", "sys/kernel/shmmax",
		"sys/net/ipv4/ip_forward", "sys/net/ipv4/ping_group_range", "sys/vm/drop_caches", "sys/fs/binfmt_misc/register", "sysrq-trigger", "self/uid_map", "self/gid_map", "self/setgroups",
	} {
		all = append(all, try{"open /proc/" + name + " for writing", func() error {
			if err := opens("/proc/"+name, os.O_WRONLY)(); err != nil || !strings.HasPrefix(name, "self/") {
				return err
			}
			return writes("/proc/"+name, "0 0 1")()
		}})
	}
	return append(all,
		try{"lower the own oom_score_adj", writes("/proc/self/oom_score_adj", "-1000")},
		try{"list process 1's open files", func() error { _, err := os.ReadDir("/proc/1/fd"); return err }},
		try{"enter process 1's root", func() error { _, err := os.ReadDir("/proc/1/root/"); return err }},
		try{"see processes of others", func() error {
			folders, _ := filepath.Glob("/proc/[0-9]*")
			for _, folder := range folders {
				var st syscall.Stat_t
				if syscall.Stat(folder, &st) == nil && st.Uid != uint32(os.Getuid()) && filepath.Base(folder) != "1" {
					return nil
				}
			}
			return errors.New("none")
		}},
	)
}

// places are files outside the dyno's own, and files of others by arguments NAME=/PATH.
func places(args []string) []try {
	var all []try
	for _, folder := range []string{"/", "/app", "/bin", "/boot", "/dev/shm", "/etc", "/home", "/opt", "/proc", "/root", "/run", "/srv", "/sys", "/tmp", "/usr", "/var", "/var/tmp"} {
		all = append(all, try{"make a file in " + folder, func() error {
			name := filepath.Join(folder, "probe-file")
			err := os.WriteFile(name, nil, 0o600)
			_ = os.Remove(name)
			return err
		}})
	}
	for _, path := range []string{"/etc/shadow", "/sys/kernel", "/sys/class", "/sys/devices", "/sys/firmware", "/sys/fs/bpf", "/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/cgroup.procs", "/sys/fs/cgroup/pids", "/run/docker.sock", "/var/run", "/lost+found"} {
		all = append(all, try{"read " + path, func() error {
			if _, err := os.ReadDir(path); err == nil {
				return nil
			}
			return reads(path)()
		}})
	}
	for _, path := range []string{"/etc/hosts", "/etc/resolv.conf", "/etc/passwd", "/sys/fs/cgroup/memory/memory.limit_in_bytes"} {
		all = append(all, try{"open " + path + " for writing", opens(path, os.O_WRONLY)})
	}
	for _, arg := range args {
		if name, path, _ := strings.Cut(arg, "="); strings.HasPrefix(path, "/") {
			all = append(all, try{"see " + name, func() error { _, err := os.Stat(path); return err }})
		}
	}
	return append(all, try{"become root by a set-user-id file", func() error {
		const name = "/tmp/probe-suid"
		defer os.Remove(name)
		self, err := os.ReadFile("/proc/self/exe")
		if err != nil {
			return err
		}
		if err := os.WriteFile(name, self, 0o755); err != nil {
			return err
		}
		if err := os.Chown(name, 0, 0); err != nil {
			return err
		}
		return os.Chmod(name, 0o4755)
	}}, try{"hard link to a file of the stack", func() error { return os.Link("/etc/passwd", "/tmp/probe-link") }},
		try{"set a security attribute", func() error {
			defer os.Remove("/tmp/probe-cap")
			if err := os.WriteFile("/tmp/probe-cap", nil, 0o755); err != nil {
				return err
			}
			return unix.Setxattr("/tmp/probe-cap", "security.capability", []byte{0, 0, 0, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, 0)
		}},
		try{"open a file by its handle", func() error {
			_, _, err := unix.NameToHandleAt(unix.AT_FDCWD, "/", 0)
			return reach(err)
		}},
	)
}

func mounts() []try {
	mount := func(source, target, kind string, flags uintptr) func() error {
		return func() error { return reach(unix.Mount(source, target, kind, flags, "")) }
	}
	fd := func(f func() (int, error)) func() error {
		return func() error {
			n, err := f()
			if err == nil {
				_ = unix.Close(n)
			}
			return reach(err)
		}
	}
	return []try{
		{"mount a tmpfs", mount("none", "/tmp", "tmpfs", 0)},
		{"mount proc", mount("proc", "/tmp", "proc", 0)},
		{"mount sysfs", mount("sysfs", "/tmp", "sysfs", 0)},
		{"mount cgroup", mount("cgroup", "/tmp", "cgroup", 0)},
		{"mount cgroup2", mount("cgroup2", "/tmp", "cgroup2", 0)},
		{"bind mount", mount("/app", "/tmp", "", unix.MS_BIND)},
		{"make the root writable", mount("", "/", "", unix.MS_REMOUNT|unix.MS_BIND)},
		{"unmount a mask", func() error { return reach(unix.Unmount("/proc/kcore", unix.MNT_DETACH)) }},
		{"unmount /sys", func() error { return reach(unix.Unmount("/sys", unix.MNT_DETACH)) }},
		{"fsopen", fd(func() (int, error) { return unix.Fsopen("tmpfs", 0) })},
		{"fspick", fd(func() (int, error) { return unix.Fspick(unix.AT_FDCWD, "/", 0) })},
		{"open_tree clone", fd(func() (int, error) { return unix.OpenTree(unix.AT_FDCWD, "/", unix.OPEN_TREE_CLONE) })},
		{"move_mount", call(unix.SYS_MOVE_MOUNT)},
		{"mount_setattr", call(unix.SYS_MOUNT_SETATTR)},
		{"statmount", call(457)},
		{"listmount", call(458)},
		{"pivot_root", func() error { return reach(unix.PivotRoot("/tmp", "/tmp")) }},
		{"chroot", func() error { return reach(unix.Chroot("/tmp")) }},
		{"quotactl", call(unix.SYS_QUOTACTL)},
		{"swapon", call(unix.SYS_SWAPON)},
	}
}
