package oci

import (
	"fmt"
	"path/filepath"
	"strings"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/dyno/shim"
)

// User is the uid and gid of every process of a dyno, within its app's range.
const User = 1000

// Spec is the container of a launch, whose file systems the shim builds at stage.
func (e *Engine) Spec(l kigo.Launch, stage string) *specs.Spec {
	s := &specs.Spec{
		Version:  "1.2.0",
		Hostname: hostname(l),
		Root:     &specs.Root{Path: filepath.Join(stage, shim.StageRoot), Readonly: !l.Mutable},
		Process:  e.process(l),
		Mounts:   append(e.mounts(stage), binds(l.Binds)...),
		Linux: &specs.Linux{
			CgroupsPath:   e.cgroupPath(l.ID),
			Namespaces:    namespaces(filepath.Join(stage, shim.StageNet)),
			UIDMappings:   []specs.LinuxIDMapping{{HostID: l.UIDBase, Size: kigo.UIDRange}},
			GIDMappings:   []specs.LinuxIDMapping{{HostID: l.UIDBase, Size: kigo.UIDRange}},
			Resources:     e.resources(l),
			MaskedPaths:   masked,
			ReadonlyPaths: []string{"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"},
			Seccomp:       e.filter(l),
		},
	}
	return s
}

func (e *Engine) process(l kigo.Launch) *specs.Process {
	score := oomScore(l.ID)
	dir := l.Dir
	if dir == "" {
		dir = "/app"
	}
	p := &specs.Process{
		Args: append([]string{shim.InitPath, "init"}, l.Command...),
		Env:  l.Env, Cwd: dir,
		User:            specs.User{UID: User, GID: User},
		Capabilities:    &specs.LinuxCapabilities{},
		NoNewPrivileges: true,
		Rlimits:         e.rlimits,
		OOMScoreAdj:     &score,
	}
	if l.Builder {
		p.User, p.Capabilities = specs.User{}, builderCapabilities()
	}
	if l.TTY != nil {
		p.Terminal = true
		p.ConsoleSize = &specs.Box{Height: uint(max(l.TTY.Rows, 0)), Width: uint(max(l.TTY.Cols, 0))}
	}
	return p
}

func namespaces(network string) []specs.LinuxNamespace {
	return []specs.LinuxNamespace{
		{Type: specs.PIDNamespace}, {Type: specs.IPCNamespace}, {Type: specs.UTSNamespace},
		{Type: specs.MountNamespace}, {Type: specs.UserNamespace}, {Type: specs.CgroupNamespace},
		{Type: specs.NetworkNamespace, Path: network},
	}
}

// MemoryFile is where a profile script reads the dyno's memory limit, as on Heroku.
const MemoryFile = "/sys/fs/cgroup/memory/memory.limit_in_bytes"

// hostFiles are the small files that a dyno sees, by their names below the stage.
var hostFiles = map[string]string{
	"hosts": "/etc/hosts", "hostname": "/etc/hostname", "resolv.conf": "/etc/resolv.conf", "memory": MemoryFile,
}

// mounts is the dyno's tree. There is no sysfs: /sys holds the memory file alone.
func (e *Engine) mounts(stage string) []specs.Mount {
	at := func(name string) string { return filepath.Join(stage, name) }
	mounts := []specs.Mount{
		{Destination: "/proc", Type: "proc", Source: "proc", Options: []string{"nosuid", "noexec", "nodev"}},
		{Destination: "/dev", Type: "tmpfs", Source: "tmpfs", Options: []string{"nosuid", "noexec", "mode=755", "size=64k"}},
		{Destination: "/dev/pts", Type: "devpts", Source: "devpts", Options: []string{"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"}},
		{Destination: "/dev/shm", Type: "tmpfs", Source: "shm", Options: []string{"nosuid", "noexec", "nodev", "mode=1777", "size=64m"}},
		{Destination: shim.InitPath, Type: "bind", Source: e.program, Options: []string{"bind", "ro", "nosuid", "nodev"}},
		{Destination: FilesProgram, Type: "bind", Source: e.sftp, Options: []string{"bind", "ro", "nosuid", "nodev"}},
		{Destination: "/sys", Type: "tmpfs", Source: "tmpfs", Options: []string{"nosuid", "noexec", "nodev", "mode=755", "size=64k", "ro"}},
		{Destination: "/app", Type: "bind", Source: at(shim.StageApp), Options: []string{"bind", "nosuid", "nodev"}},
		{Destination: "/tmp", Type: "bind", Source: at(shim.StageTmp), Options: []string{"bind", "nosuid", "nodev"}},
	}
	for _, name := range []string{"hosts", "hostname", "resolv.conf", "memory"} {
		mounts = append(mounts, specs.Mount{
			Destination: hostFiles[name], Type: "bind", Source: filepath.Join(stage, shim.StageFiles, name),
			Options: []string{"bind", "ro", "nosuid", "nodev", "noexec"},
		})
	}
	return mounts
}

func binds(list []kigo.Bind) []specs.Mount {
	var mounts []specs.Mount
	for _, b := range list {
		options := []string{"bind", "nosuid", "nodev"}
		if !b.Writable {
			options = append(options, "ro")
		}
		mounts = append(mounts, specs.Mount{Destination: b.Target, Type: "bind", Source: b.Source, Options: options})
	}
	return mounts
}

func (e *Engine) resources(l kigo.Launch) *specs.LinuxResources {
	r := &specs.LinuxResources{
		Devices: []specs.LinuxDeviceCgroup{{Allow: false, Access: "rwm"}},
		CPU:     &specs.LinuxCPU{},
	}
	if l.Memory > 0 {
		memory := max(l.Memory, l.Most)
		r.Memory = &specs.LinuxMemory{Limit: &memory, Swap: &memory} // Swap is the sum: none
		if e.unified {
			r.Unified = map[string]string{"memory.oom.group": "1"}
		}
	}
	if l.CPU.Shares > 0 {
		shares := uint64(l.CPU.Shares)
		r.CPU.Shares = &shares
	}
	if l.CPU.Quota > 0 {
		quota, period := int64(l.CPU.Quota)*100, uint64(100_000)
		r.CPU.Quota, r.CPU.Period = &quota, &period
	}
	if l.Pids > 0 {
		pids := int64(l.Pids + shim.InitThreads)
		r.Pids = &specs.LinuxPids{Limit: &pids}
	}
	return r
}

// rlimits are those of every dyno; none may be above what this process has.
func rlimits() []specs.POSIXRlimit {
	same := func(name string, n uint64) specs.POSIXRlimit { return specs.POSIXRlimit{Type: name, Hard: n, Soft: n} }
	return []specs.POSIXRlimit{
		same("RLIMIT_NOFILE", fileLimit()), same("RLIMIT_CORE", 0),
		same("RLIMIT_MEMLOCK", 64<<10), same("RLIMIT_MSGQUEUE", 0), same("RLIMIT_SIGPENDING", 512),
	}
}

func fileLimit() uint64 {
	files := uint64(10_000)
	var own unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &own) == nil {
		files = min(files, own.Max)
	}
	return files
}

// masked are files of /proc that tell of the host or of other dynos.
var masked = []string{
	"/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
	"/proc/sched_debug", "/proc/scsi", "/proc/timer_list", "/proc/timer_stats",
	"/proc/kallsyms", "/proc/config.gz", "/proc/cmdline", "/proc/kpagecount", "/proc/kpageflags", "/proc/kpagecgroup",
	"/proc/pagetypeinfo", "/proc/slabinfo", "/proc/vmallocinfo", "/proc/zoneinfo", "/proc/modules", "/proc/kmsg",
	"/proc/iomem", "/proc/ioports", "/proc/key-users", "/proc/mtrr", "/proc/softirqs",
	"/proc/partitions", "/proc/diskstats", "/proc/swaps", "/proc/mdstat", "/proc/driver", "/proc/tty",
	"/proc/sysvipc", "/proc/pressure", "/proc/schedstat",
}

// hostname is the dyno's own name as a host may have it, such as web-1; a launch
// without one is called by its id.
func hostname(l kigo.Launch) string {
	name := strings.Map(func(r rune) rune {
		switch {
		case r >= '0' && r <= '9', r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z':
			return r
		}
		return '-'
	}, l.Name)
	name = strings.Trim(name[:min(len(name), maxHostname)], "-")
	if name == "" {
		return string(l.ID)
	}
	return name
}

// maxHostname is how long a label may be.
const maxHostname = 63

// files are the contents of hostFiles for one launch.
func (e *Engine) files(l kigo.Launch, address string) map[string]string {
	memory := l.Memory
	if memory <= 0 {
		memory = 1<<63 - 4096 // what the kernel shows for no limit
	}
	return map[string]string{
		"hosts":       fmt.Sprintf("127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n%s\t%s\n", address, hostname(l)),
		"hostname":    hostname(l) + "\n",
		"resolv.conf": e.network.ResolvConf(),
		"memory":      fmt.Sprintf("%d\n", memory),
	}
}

func (e *Engine) cgroupPath(id kigo.DynoID) string { return e.cgroupParent() + "/" + string(id) }

func (e *Engine) cgroupParent() string { return "/kigo_" + e.config.Instance }
