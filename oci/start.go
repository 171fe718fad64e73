package oci

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/dyno/shim"
	"github.com/kigo-dev/kigo/internal/cgroup"
	"github.com/kigo-dev/kigo/internal/killpoint"
)

// startTimeout bounds what a shim may need to have its process running.
const startTimeout = 60 * time.Second

// record is launch.json: what was asked, without the environment, and where it runs.
type record struct {
	Launch  kigo.Launch
	Address netip.Addr
	Cgroup  string
}

// Start launches a process and returns once it runs under its shim. After an
// error nothing of the launch is left, and it may be started again.
func (e *Engine) Start(ctx context.Context, l kigo.Launch) error {
	if err := validate(l); err != nil {
		return err
	}
	entry, first := e.table.begin(kigo.RunStatus{ID: l.ID, State: kigo.RunStarting, StartedAt: time.Now().UTC()})
	if !first {
		select {
		case <-entry.started:
			return entry.err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	entry.err = e.start(ctx, l)
	if entry.err != nil {
		e.table.set(kigo.RunStatus{ID: l.ID, State: kigo.RunExited, ExitCode: -1, ExitedAt: time.Now().UTC(), Reason: entry.err.Error()})
		e.table.drop(l.ID)
		killRuntime(l.ID) // its shim may have died before it
		e.discard(l.ID)
	}
	close(entry.started)
	return entry.err
}

func validate(l kigo.Launch) error {
	switch {
	case !validID.MatchString(string(l.ID)):
		return fmt.Errorf("oci: launch id %q is not 1 to 63 letters, digits and dashes", l.ID)
	case len(l.Command) == 0:
		return errors.New("oci: a launch needs a command")
	case l.Stack.Digest == "":
		return errors.New("oci: a launch needs a stack image")
	case l.UIDBase < kigo.UIDRange:
		return fmt.Errorf("oci: uid range at %d would reach into the machine's own users", l.UIDBase)
	case l.Port < 0 || l.Port > 65535:
		return fmt.Errorf("oci: no such port: %d", l.Port)
	}
	return nil
}

func (e *Engine) start(ctx context.Context, l kigo.Launch) error {
	select {
	case e.starts <- struct{}{}:
		defer func() { <-e.starts }()
	case <-ctx.Done():
		return ctx.Err()
	}
	e.goWork(e.makeReady)
	stack, err := e.images.mount(l.Stack)
	if err != nil {
		return err
	}
	slug, err := e.images.mount(l.Slug)
	if err != nil {
		return err
	}
	address, err := e.network.Allocate()
	if err != nil {
		return err
	}
	killpoint.At("engine-address-taken")
	if err = e.network.Own(ctx, address, l.App); err == nil {
		err = e.startAt(l, address, stack, slug)
	}
	if err != nil {
		e.network.Free(address)
	}
	return err
}

// makeReady has the runtime find control groups that take processes at once, when it is
// there in some milliseconds.
func (e *Engine) makeReady() {
	if e.readying.CompareAndSwap(false, true) {
		defer e.readying.Store(false)
		_ = cgroup.MakeReady()
	}
}

func (e *Engine) startAt(l kigo.Launch, address netip.Addr, stack, slug string) error {
	space, err := e.network.Create(address)
	if err != nil {
		return err
	}
	defer space.Close()
	killpoint.At("engine-linked")
	users, err := e.mappings.get(l.UIDBase)
	if err != nil {
		return err
	}
	defer users.Close()
	runtime, err := e.runtime(l)
	if err != nil {
		return err
	}
	disk, err := e.disks.template(l.Scratch)
	if err != nil {
		return err
	}
	spec, err := json.Marshal(e.Spec(l, e.stage))
	if err != nil {
		return fmt.Errorf("encode spec: %w", err)
	}
	order, err := memoryFile(shim.Order{
		ID: string(l.ID), Runtime: runtime, Spec: spec, Stage: e.stage, Stack: stack, Slug: slug,
		Files: e.files(l, address.String()), Cgroup: e.cgroupPath(l.ID), Address: address.String(),
		UIDBase: l.UIDBase, Port: l.Port, Boot: l.Boot, Grace: l.Grace, TTY: l.TTY != nil, Stdin: l.Stdin, Disk: disk, Mutable: l.Mutable, Posture: e.posture(l), KillOnOOM: l.Most > 0,
	})
	if err != nil {
		return err
	}
	defer order.Close()
	lock, err := e.makeBundle(l, address)
	if err != nil {
		return err
	}
	defer lock.Close()
	if l.Isolate == kigo.IsolationHardened {
		e.sandboxed.Store(l.ID, true)
	}
	killpoint.At("engine-folder-made")
	if err := e.runShim(l.ID, order, lock, space, users); err != nil {
		return err
	}
	e.goWork(func() { e.follow(l.ID) })
	return nil
}

// memoryFile holds v as JSON, readable from its start.
func memoryFile(v any) (*os.File, error) {
	fd, err := unix.MemfdCreate("order", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("make order: %w", err)
	}
	file := os.NewFile(uintptr(fd), "order")
	if err := json.NewEncoder(file).Encode(v); err != nil {
		_ = file.Close()
		return nil, fmt.Errorf("write order: %w", err)
	}
	if _, err := file.Seek(0, 0); err != nil {
		_ = file.Close()
		return nil, fmt.Errorf("rewind order: %w", err)
	}
	return file, nil
}

// makeBundle makes the bundle folder in one step, with the lock held.
func (e *Engine) makeBundle(l kigo.Launch, address netip.Addr) (*os.File, error) {
	tmp := filepath.Join(e.dynos(), ".new-"+string(l.ID))
	if err := os.RemoveAll(tmp); err != nil {
		return nil, fmt.Errorf("clear bundle: %w", err)
	}
	if err := os.Mkdir(tmp, 0o700); err != nil {
		return nil, fmt.Errorf("make bundle: %w", err)
	}
	l.Env = nil
	if err := shim.WriteJSON(tmp, shim.LaunchFile, record{Launch: l, Address: address, Cgroup: e.cgroupPath(l.ID)}); err != nil {
		return nil, err
	}
	lock, err := os.OpenFile(filepath.Join(tmp, shim.LockFile), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("make lock: %w", err)
	}
	err = unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if err == nil {
		err = os.Rename(tmp, e.bundle(l.ID))
	}
	if err != nil {
		_ = lock.Close()
		return nil, fmt.Errorf("make bundle: %w", err)
	}
	return lock, nil
}

// runShim starts the shim in a session and a mount namespace of its own and
// waits for its report.
func (e *Engine) runShim(id kigo.DynoID, order, lock, space, users *os.File) error {
	bundle := e.bundle(id)
	complaints, err := os.OpenFile(filepath.Join(bundle, shim.ErrorFile), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("make shim's log: %w", err)
	}
	defer complaints.Close()
	answer, report, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("make report pipe: %w", err)
	}
	defer answer.Close()
	cmd := &exec.Cmd{
		Path: e.program, Args: []string{"kigo-dyno", "shim", bundle}, Dir: "/",
		Env:    append(killpoint.Environment(), "GOMAXPROCS=2", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
		Stdout: complaints, Stderr: complaints,
		ExtraFiles:  []*os.File{order, lock, space, users, report},
		SysProcAttr: &syscall.SysProcAttr{Setsid: true, Cloneflags: syscall.CLONE_NEWNS},
	}
	err = cmd.Start()
	_ = report.Close()
	if err != nil {
		return fmt.Errorf("start shim: %w", err)
	}
	e.goReap(cmd)
	killpoint.At("engine-shim-started")
	_ = answer.SetReadDeadline(time.Now().Add(startTimeout))
	var r shim.Report
	if err := json.NewDecoder(answer).Decode(&r); err != nil {
		_ = cmd.Process.Kill()
		return fmt.Errorf("start dyno: its shim gave no report: %w%s", err, lastLine(complaints.Name()))
	}
	if r.Unconfined {
		return &ErrUnconfined{"start dyno: " + r.Error}
	}
	if r.Error != "" {
		return fmt.Errorf("start dyno: %s", r.Error)
	}
	killpoint.At("engine-shim-reported")
	e.table.set(runStatus(r.State))
	return nil
}

// goReap waits for a shim for as long as this process lives, whether or not the engine does.
func (e *Engine) goReap(cmd *exec.Cmd) { go func() { _ = cmd.Wait() }() }

func lastLine(path string) string {
	data, _ := os.ReadFile(path)
	text := strings.TrimSpace(string(data))
	if text == "" {
		return ""
	}
	return ": " + text[strings.LastIndexByte(text, '\n')+1:]
}
