package main

import (
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// escapes prints the name of each thing that a confined process must not be able
// to do and that this one could.
func escapes([]string) {
	for _, try := range []struct {
		name string
		do   func() error
	}{
		{"unshare user", func() error { return unix.Unshare(unix.CLONE_NEWUSER) }},
		{"unshare mount", func() error { return unix.Unshare(unix.CLONE_NEWNS) }},
		{"mount", func() error { return unix.Mount("none", "/tmp", "tmpfs", 0, "") }},
		{"fsopen", func() error { _, err := unix.Fsopen("tmpfs", 0); return err }},
		{"open_tree", func() error { _, err := unix.OpenTree(unix.AT_FDCWD, "/", 0); return err }},
		{"chroot", func() error { return unix.Chroot("/tmp") }},
		{"mknod", func() error { return unix.Mknod("/tmp/null", unix.S_IFCHR|0o666, 0x103) }},
		{"setuid", func() error { return unix.Setresuid(0, 0, 0) }},
		{"setgroups", func() error { return unix.Setgroups([]int{0}) }},
		{"ptrace", raw(unix.SYS_PTRACE, unix.PTRACE_TRACEME)},
		{"personality", raw(unix.SYS_PERSONALITY, 0x0040000)},
		{"keyctl", raw(unix.SYS_KEYCTL, 0, ^uintptr(2), 0)},
		{"bpf", raw(unix.SYS_BPF, 0, 0, 0)},
		{"perf", raw(unix.SYS_PERF_EVENT_OPEN, 0, 0, 0)},
		{"io_uring", raw(unix.SYS_IO_URING_SETUP, 1, 0, 0)},
		{"userfaultfd", raw(unix.SYS_USERFAULTFD, 1, 0, 0)},
		{"memfd_secret", raw(unix.SYS_MEMFD_SECRET, 0, 0, 0)},
		{"vmsplice", raw(unix.SYS_VMSPLICE, 1, 0, 0)},
		{"reboot", raw(unix.SYS_REBOOT, 0, 0, 0)},
		{"sethostname", func() error { return unix.Sethostname([]byte("x")) }},
		{"settime", func() error { return unix.Settimeofday(&unix.Timeval{Sec: 1}) }},
		{"init's memory", opens("/proc/1/mem", os.O_RDWR)},
		{"init's environment", opens("/proc/1/environ", os.O_RDONLY)},
		{"init's files", func() error { _, err := os.ReadDir("/proc/1/fd"); return err }},
		{"sysctl", opens("/proc/sys/kernel/hostname", os.O_WRONLY)},
		{"sysrq", opens("/proc/sysrq-trigger", os.O_WRONLY)},
		{"kernel memory", reads("/proc/kcore")},
		{"kernel symbols", reads("/proc/kallsyms")},
		{"kernel command line", reads("/proc/cmdline")},
		{"kernel log", reads("/proc/kmsg")},
		{"keys", reads("/proc/keys")},
		{"host's disks", reads("/proc/partitions")},
		{"sysfs", opens("/sys/kernel", os.O_RDONLY)},
		{"fuse", opens("/dev/fuse", os.O_RDWR)},
		{"kvm", opens("/dev/kvm", os.O_RDWR)},
		{"disk", opens("/dev/vda", os.O_RDONLY)},
		{"kill init", func() error {
			if err := syscall.Kill(1, syscall.SIGSTOP); err != nil {
				return err
			}
			return syscall.EPERM // ignored by the kernel: process 1 is not stopped
		}},
	} {
		if err := try.do(); err == nil {
			fmt.Println("escaped:", try.name)
		}
	}
	fmt.Println("tried all")
}

func raw(call uintptr, args ...uintptr) func() error {
	return func() error {
		var a [3]uintptr
		copy(a[:], args)
		_, _, errno := syscall.RawSyscall(call, a[0], a[1], a[2])
		if errno != 0 {
			return errno
		}
		return nil
	}
}

func opens(path string, mode int) func() error {
	return func() error {
		f, err := os.OpenFile(path, mode, 0)
		if err == nil {
			_ = f.Close()
		}
		return err
	}
}

// reads succeeds when a file has contents: masked ones are empty.
func reads(path string) func() error {
	return func() error {
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		_, err = f.Read(make([]byte, 1))
		return err
	}
}
