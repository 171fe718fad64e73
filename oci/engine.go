package oci

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"sync"
	"sync/atomic"
	"time"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/internal/cgroup"
	"github.com/kigo-dev/kigo/network"
)

// Engine runs launches as OCI containers on this machine.
type Engine struct {
	config   Config
	program  string // kigo-dyno, written out
	sftp     string // kigo-sftp, the same
	stage    string // folder that each shim covers in its own mount namespace
	seccomp  *specs.LinuxSeccomp
	nested   *specs.LinuxSeccomp // of launches that make container images
	rlimits  []specs.POSIXRlimit
	unified  bool // this machine has cgroup v2 alone
	network  *network.Network
	images   *images
	mappings *mappings
	disks    disks
	starts   chan struct{} // one token for each start under way
	readying atomic.Bool

	ctx   context.Context // ends with Close
	close context.CancelFunc
	work  sync.WaitGroup

	table     table
	sandboxed sync.Map // launches under gVisor, which has the inside of their namespace to itself
}

// ensureInterval is how often the packet filter and the links are checked: what is
// deleted by hand is there again within ten seconds.
const ensureInterval = 5 * time.Second

// New makes an engine, loads the packet filter and takes over what an earlier
// engine left in the data folder: running launches go on, those whose shim died
// are ended and known as lost.
func New(ctx context.Context, config Config) (*Engine, error) {
	if err := config.validate(); err != nil {
		return nil, err
	}
	if err := checkRuntime(ctx, config.Runtime); err != nil {
		return nil, err
	}
	if err := checkHardened(ctx, config.Hardened); err != nil {
		return nil, err
	}
	net, err := network.New(network.Config{
		Instance: config.Instance, Subnet: config.Subnet, Allow: config.Allow,
		HostPorts: config.HostPorts, Resolvers: config.Resolvers, Log: config.Log,
	})
	if err != nil {
		return nil, err
	}
	e := &Engine{
		config: config, network: net, rlimits: rlimits(), unified: cgroup.Unified(), starts: make(chan struct{}, config.Parallel),
		images: &images{dir: filepath.Join(config.Dir, "mounts"), find: config.Images}, disks: disks{dir: filepath.Join(config.Dir, "disks")},
	}
	e.table.init()
	if err := e.prepareHost(ctx); err != nil {
		return nil, err
	}
	e.ctx, e.close = context.WithCancel(context.Background())
	if err := e.recover(); err != nil {
		e.Close()
		return nil, err
	}
	e.goWork(func() { e.every(ensureInterval, func() { e.repair(e.ctx) }) })
	e.goWork(func() { e.every(time.Second, e.guardDisk) })
	return e, nil
}

func (e *Engine) prepareHost(ctx context.Context) (err error) {
	if e.program, err = installProgram(e.config.Dir, "kigo-dyno"); err != nil {
		return err
	}
	if e.sftp, err = installProgram(e.config.Dir, "kigo-sftp"); err != nil {
		return err
	}
	e.mappings = &mappings{program: e.program, open: map[uint32]*os.File{}}
	if e.seccomp, err = seccompProfile(); err != nil {
		return err
	}
	e.nested = builderSeccomp(e.seccomp)
	if e.stage, err = stageFolder(e.config.Dir, e.config.Runtime, e.config.Hardened); err != nil {
		return err
	}
	for _, dir := range []string{e.dynos(), e.images.dir} {
		if err := os.MkdirAll(dir, 0o711); err != nil {
			return fmt.Errorf("make data folder: %w", err)
		}
	}
	if servers, _ := e.network.Resolvers(); len(servers) == 0 {
		e.config.Log.Warn("dynos will resolve no names: this machine's resolver is on loopback, name one that dynos can reach")
	}
	if err := e.claimAddresses(); err != nil { // before the rules are loaded, as some are for certain addresses
		return err
	}
	return e.RefreshEgress(ctx)
}

// RefreshEgress reads the apps' egress rules and makes the packet filter true.
func (e *Engine) RefreshEgress(ctx context.Context) error {
	var unread error // the last ones hold on meanwhile
	if e.config.Egress != nil {
		rules, err := e.config.Egress(ctx)
		if err == nil {
			e.network.SetEgress(rules)
		} else {
			unread = fmt.Errorf("read egress rules: %w", err)
		}
	}
	return errors.Join(unread, e.network.Ensure(ctx))
}

// Close stops watching. Launches run on; a new engine finds them.
func (e *Engine) Close() {
	e.close()
	e.table.wakeAll()
	e.work.Wait()
	e.mappings.close()
}

// Uninstall takes the packet filter, the image mounts and the control groups
// away. It is for tests and for the removal of a server, and refuses while a
// launch runs.
func (e *Engine) Uninstall(ctx context.Context) error {
	for _, s := range e.table.all() {
		if !s.Ended() {
			return kigo.Conflict("Dyno %s is still running: stop it first.", s.ID)
		}
	}
	if err := e.Unmount(); err != nil {
		return err
	}
	if err := e.network.Remove(ctx); err != nil {
		return err
	}
	return cgroup.Find(e.cgroupParent()).Remove()
}

// Unmount takes all image mounts away, so that the data folder can be deleted or
// moved. Dynos that run keep theirs; the next Start mounts again.
func (e *Engine) Unmount() error {
	entries, err := os.ReadDir(e.images.dir)
	if err != nil {
		return fmt.Errorf("list mounts: %w", err)
	}
	for _, entry := range entries {
		if err := e.Forget(kigo.Image{Digest: "sha256:" + entry.Name()}); err != nil {
			return err
		}
	}
	return nil
}

func (e *Engine) goWork(f func()) {
	e.work.Add(1)
	go func() {
		defer e.work.Done()
		f()
	}()
}

// every calls f at an interval until the engine closes.
func (e *Engine) every(interval time.Duration, f func()) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-e.ctx.Done():
			return
		case <-ticker.C:
		}
		f()
	}
}

func (e *Engine) dynos() string { return filepath.Join(e.config.Dir, "dynos") }

func (e *Engine) bundle(id kigo.DynoID) string { return filepath.Join(e.dynos(), string(id)) }

// validID keeps ids usable as names of files, containers and hosts.
var validID = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9-]{0,62}$`)

// stageFolder picks a folder that every system has and nobody needs inside a
// shim's mount namespace: not one above our own files.
func stageFolder(needed ...string) (string, error) {
	for _, folder := range []string{"/mnt", "/media", "/srv", "/opt"} {
		info, err := os.Stat(folder)
		if err == nil && info.IsDir() && !above(folder, needed) {
			return folder, nil
		}
	}
	return "", fmt.Errorf("oci: none of /mnt, /media, /srv, /opt can be covered by a dyno's mounts")
}

func above(folder string, paths []string) bool {
	for _, path := range paths {
		if resolved, err := filepath.EvalSymlinks(path); err == nil {
			path = resolved
		}
		if rel, err := filepath.Rel(folder, path); err == nil && filepath.IsLocal(rel) {
			return true
		}
	}
	return false
}
