package main

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

func namespaces() []try {
	var all []try
	for _, n := range []struct {
		name string
		flag int
	}{
		{"cgroup", unix.CLONE_NEWCGROUP}, {"ipc", unix.CLONE_NEWIPC}, {"mnt", unix.CLONE_NEWNS}, {"net", unix.CLONE_NEWNET},
		{"pid", unix.CLONE_NEWPID}, {"time", unix.CLONE_NEWTIME}, {"user", unix.CLONE_NEWUSER}, {"uts", unix.CLONE_NEWUTS},
	} {
		all = append(all,
			try{"make a namespace: " + n.name, func() error { return reach(unix.Unshare(n.flag)) }},
			try{"clone into a namespace: " + n.name, func() error { return cloned(uintptr(n.flag)) }},
			try{"enter process 1's namespace: " + n.name, func() error {
				fd, err := unix.Open("/proc/1/ns/"+n.name, unix.O_RDONLY|unix.O_CLOEXEC, 0)
				if err != nil {
					return err
				}
				defer func() { _ = unix.Close(fd) }()
				return reach(unix.Setns(fd, n.flag))
			}},
			try{"enter the own namespace again: " + n.name, func() error {
				fd, err := unix.Open("/proc/self/ns/"+n.name, unix.O_RDONLY|unix.O_CLOEXEC, 0)
				if err != nil {
					return err
				}
				defer func() { _ = unix.Close(fd) }()
				return reach(unix.Setns(fd, n.flag))
			}},
		)
	}
	return append(all, try{"clone3", call(unix.SYS_CLONE3, 0, 0)})
}

// cloned starts a copy of this program in a new namespace; the copy is never waited for long.
func cloned(flags uintptr) error {
	pid, err := syscall.ForkExec("/proc/self/exe", []string{"probe", "quit"}, &syscall.ProcAttr{Sys: &syscall.SysProcAttr{Cloneflags: flags}})
	if err != nil {
		return reach(err)
	}
	_ = syscall.Kill(pid, syscall.SIGKILL)
	_, _ = syscall.Wait4(pid, nil, 0, nil)
	return nil
}

func processes() []try {
	return []try{
		{"trace process 1", call(unix.SYS_PTRACE, unix.PTRACE_ATTACH, 1)},
		{"be traced", call(unix.SYS_PTRACE, unix.PTRACE_TRACEME)},
		{"read another process's memory", call(unix.SYS_PROCESS_VM_READV, 1)},
		{"write another process's memory", call(unix.SYS_PROCESS_VM_WRITEV, 1)},
		{"take another process's file", func() error {
			fd, err := unix.PidfdOpen(1, 0)
			if err != nil {
				return err
			}
			defer func() { _ = unix.Close(fd) }()
			_, err = unix.PidfdGetfd(fd, 0, 0)
			return err
		}},
		{"compare with process 1", call(unix.SYS_KCMP, 1, uintptr(os.Getpid()))},
		{"stop process 1", func() error {
			if err := syscall.Kill(1, syscall.SIGSTOP); err != nil {
				return err
			}
			return syscall.EPERM // ignored by the kernel: process 1 is not stopped
		}},
		{"become root", func() error { return unix.Setresuid(0, 0, 0) }},
		{"become another user", func() error { return unix.Setresuid(1001, 1001, 1001) }},
		{"join root's group", func() error { return unix.Setresgid(0, 0, 0) }},
		{"set groups", func() error { return unix.Setgroups([]int{0}) }},
		{"regain capabilities", func() error {
			header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
			data := [2]unix.CapUserData{{Effective: 1 << unix.CAP_NET_RAW, Permitted: 1 << unix.CAP_NET_RAW}}
			return unix.Capset(&header, &data[0])
		}},
		{"give up no_new_privs", func() error {
			if n, err := unix.PrctlRetInt(unix.PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0); err != nil || n != 0 {
				return errors.New("still set")
			}
			return nil
		}},
		{"more open files", func() error { return raise(unix.RLIMIT_NOFILE) }},
		{"more locked memory", func() error { return raise(unix.RLIMIT_MEMLOCK) }},
		{"a higher priority", func() error { return unix.Setpriority(unix.PRIO_PROCESS, 0, -5) }},
		{"real-time scheduling", func() error {
			priority := int32(1)
			_, _, errno := syscall.Syscall(unix.SYS_SCHED_SETSCHEDULER, 0, 1, uintptr(unsafe.Pointer(&priority)))
			if errno != 0 {
				return errno
			}
			return nil
		}},
	}
}

func raise(resource int) error {
	var l unix.Rlimit
	if err := unix.Getrlimit(resource, &l); err != nil {
		return err
	}
	l.Max++
	return unix.Setrlimit(resource, &l)
}

// kernel are calls into parts of the kernel that no app needs, or that are for the host's root.
func kernel() []try {
	var all []try
	for _, c := range []struct {
		name   string
		number uintptr
		args   []uintptr
	}{
		{"acct", unix.SYS_ACCT, nil}, {"add_key", unix.SYS_ADD_KEY, nil}, {"bpf", unix.SYS_BPF, nil}, {"clock_settime", unix.SYS_CLOCK_SETTIME, nil},
		{"delete_module", unix.SYS_DELETE_MODULE, nil}, {"fanotify_init", unix.SYS_FANOTIFY_INIT, nil}, {"finit_module", unix.SYS_FINIT_MODULE, []uintptr{^uintptr(0)}},
		{"init_module", unix.SYS_INIT_MODULE, nil}, {"io_uring_enter", unix.SYS_IO_URING_ENTER, []uintptr{^uintptr(0)}}, {"io_uring_register", unix.SYS_IO_URING_REGISTER, []uintptr{^uintptr(0)}},
		{"io_uring_setup", unix.SYS_IO_URING_SETUP, []uintptr{1}}, {"kexec_load", unix.SYS_KEXEC_LOAD, nil}, {"keyctl", unix.SYS_KEYCTL, []uintptr{0, ^uintptr(2)}},
		{"memfd_create", unix.SYS_MEMFD_CREATE, nil}, {"memfd_secret", unix.SYS_MEMFD_SECRET, nil}, {"move_pages", unix.SYS_MOVE_PAGES, nil}, {"nfsservctl", unix.SYS_NFSSERVCTL, nil},
		{"open_by_handle_at", unix.SYS_OPEN_BY_HANDLE_AT, nil}, {"perf_event_open", unix.SYS_PERF_EVENT_OPEN, nil}, {"personality without randomness", unix.SYS_PERSONALITY, []uintptr{0x0040000}},
		{"reboot", unix.SYS_REBOOT, nil}, {"request_key", unix.SYS_REQUEST_KEY, nil}, {"setdomainname", unix.SYS_SETDOMAINNAME, nil}, {"sethostname", unix.SYS_SETHOSTNAME, nil},
		{"settimeofday", unix.SYS_SETTIMEOFDAY, []uintptr{1}}, {"syslog", unix.SYS_SYSLOG, []uintptr{3}}, {"userfaultfd", unix.SYS_USERFAULTFD, []uintptr{1}},
		{"vhangup", unix.SYS_VHANGUP, nil}, {"vmsplice", unix.SYS_VMSPLICE, []uintptr{1}}, {"map_shadow_stack", 453, nil}, {"lookup_dcookie", unix.SYS_LOOKUP_DCOOKIE, nil},
	} {
		all = append(all, try{"call " + c.name, call(c.number, c.args...)})
	}
	return append(all, old()...)
}

func sockets() []try {
	var all []try
	for family := 1; family <= 45; family++ {
		if family == unix.AF_NETLINK {
			continue
		}
		all = append(all, try{fmt.Sprintf("socket of family %d", family), func() error {
			var last error
			for _, kind := range []int{unix.SOCK_STREAM, unix.SOCK_DGRAM, unix.SOCK_SEQPACKET, unix.SOCK_RAW} {
				if last = socket(family, kind, 0); last == nil {
					return nil
				}
			}
			return last
		}})
	}
	for protocol := range 23 {
		all = append(all, try{fmt.Sprintf("netlink socket of protocol %d", protocol), func() error { return socket(unix.AF_NETLINK, unix.SOCK_RAW, protocol) }})
	}
	return append(all,
		try{"raw socket", func() error { return socket(unix.AF_INET, unix.SOCK_RAW, unix.IPPROTO_TCP) }},
		try{"raw ICMP", func() error { return socket(unix.AF_INET, unix.SOCK_RAW, unix.IPPROTO_ICMP) }},
		try{"ping socket", func() error { return socket(unix.AF_INET, unix.SOCK_DGRAM, unix.IPPROTO_ICMP) }},
		try{"raw IPv6 socket", func() error { return socket(unix.AF_INET6, unix.SOCK_RAW, unix.IPPROTO_ICMPV6) }},
		try{"MPTCP", func() error { return socket(unix.AF_INET, unix.SOCK_STREAM, unix.IPPROTO_MPTCP) }},
		try{"SCTP", func() error { return socket(unix.AF_INET, unix.SOCK_STREAM, unix.IPPROTO_SCTP) }},
	)
}

func socket(family, kind, protocol int) error {
	fd, err := unix.Socket(family, kind, protocol)
	if err == nil {
		_ = unix.Close(fd)
	}
	return err
}
