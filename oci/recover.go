package oci

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/dyno/shim"
	"github.com/kigo-dev/kigo/internal/cgroup"
)

// recoverAtOnce is how many bundles are taken over side by side.
const recoverAtOnce = 16

// recover takes over all bundles of the data folder.
func (e *Engine) recover() error {
	entries, err := os.ReadDir(e.dynos())
	if err != nil {
		return fmt.Errorf("list dynos: %w", err)
	}
	var wait sync.WaitGroup
	defer wait.Wait()
	turns := make(chan struct{}, recoverAtOnce)
	for _, entry := range entries {
		id := kigo.DynoID(entry.Name())
		if strings.HasPrefix(entry.Name(), ".") { // half made, or half removed
			_ = os.RemoveAll(filepath.Join(e.dynos(), entry.Name()))
			continue
		}
		turns <- struct{}{}
		wait.Go(func() {
			defer func() { <-turns }()
			if err := e.adopt(id); err != nil {
				e.config.Log.Error("dyno folder cannot be taken over", "dyno", id, "error", err)
			}
		})
	}
	return nil
}

// claimAddresses takes the addresses of launches that may still run.
func (e *Engine) claimAddresses() error {
	entries, err := os.ReadDir(e.dynos())
	if err != nil {
		return fmt.Errorf("list dynos: %w", err)
	}
	for _, entry := range entries {
		var r record
		if strings.HasPrefix(entry.Name(), ".") || shim.ReadJSON(e.bundle(kigo.DynoID(entry.Name())), shim.LaunchFile, &r) != nil {
			continue
		}
		if _, over := e.final(kigo.DynoID(entry.Name())); !over {
			e.network.Claim(r.Address)
			e.network.Owner(r.Address, r.Launch.App)
		}
	}
	return nil
}

// adopt learns the state of one bundle; if its shim lives it is followed from now on.
func (e *Engine) adopt(id kigo.DynoID) error {
	var r record
	if err := shim.ReadJSON(e.bundle(id), shim.LaunchFile, &r); err != nil {
		return err
	}
	if r.Launch.Isolate == kigo.IsolationHardened {
		e.sandboxed.Store(id, true)
	}
	status := kigo.RunStatus{ID: id, State: kigo.RunStarting, Address: r.Address.String()}
	if final, ok := e.final(id); ok {
		status = final
	} else {
		if conn, err := call(e.bundle(id), "status"); err == nil {
			_ = conn.SetReadDeadline(time.Now().Add(time.Second))
			watchShim(conn, func(s shim.State) { status = runStatus(s) })
			_ = conn.Close()
		} else if running, err := alive(e.bundle(id)); err == nil && !running {
			e.end(id)
			status, _ = e.final(id)
		}
	}
	entry, _ := e.table.begin(status)
	close(entry.started)
	if !status.Ended() {
		e.goWork(func() { e.follow(id) })
	}
	return nil
}

// final is the last state of a launch that has ended.
func (e *Engine) final(id kigo.DynoID) (kigo.RunStatus, bool) {
	var s shim.State
	if shim.ReadJSON(e.bundle(id), shim.ExitFile, &s) != nil {
		return kigo.RunStatus{}, false
	}
	return runStatus(s), true
}

// follow listens to a launch's shim until the launch has ended.
func (e *Engine) follow(id kigo.DynoID) {
	for {
		conn, err := call(e.bundle(id), "watch")
		if err == nil {
			e.listen(id, conn)
		}
		if e.ctx.Err() != nil {
			return
		}
		if s, ok := e.table.status(id); !ok || s.Ended() {
			break
		}
		running, err := alive(e.bundle(id))
		if err == nil && !running {
			e.end(id)
			break
		}
		if errors.Is(err, fs.ErrNotExist) {
			break
		}
		if !e.pause(callPause) {
			return
		}
	}
	e.release(id)
}

// listen passes on what the shim tells until it ends or the engine closes.
func (e *Engine) listen(id kigo.DynoID, conn net.Conn) {
	defer func() { _ = conn.Close() }()
	stop := context.AfterFunc(e.ctx, func() { _ = conn.Close() })
	defer stop()
	watchShim(conn, func(s shim.State) {
		if s.ID == string(id) {
			e.table.set(runStatus(s))
		}
	})
}

// release frees what an ended launch needs no more.
func (e *Engine) release(id kigo.DynoID) {
	var r record
	if shim.ReadJSON(e.bundle(id), shim.LaunchFile, &r) == nil {
		e.network.Free(r.Address)
	}
}

// end makes the end of a launch known whose shim is gone: what the shim wrote
// down, or that it was lost, after all its processes have been killed.
func (e *Engine) end(id kigo.DynoID) {
	status, ok := e.final(id)
	if !ok {
		status = e.lose(id)
	}
	e.table.set(status)
}

// lose ends what is left of a launch without a shim and writes that down.
func (e *Engine) lose(id kigo.DynoID) kigo.RunStatus {
	bundle := e.bundle(id)
	s := shim.State{Version: shim.Version, ID: string(id), BootID: shim.BootID()}
	known := shim.ReadJSON(bundle, shim.StateFile, &s) == nil
	if !known || s.Pid == 0 { // it died while the runtime was at work
		killRuntime(id)
	}
	group := cgroup.Find(e.cgroupPath(id))
	oom := group.OOMKills() > 0
	if err := errors.Join(group.Kill(), group.Remove()); err != nil {
		e.config.Log.Error("lost dyno cannot be ended", "dyno", id, "error", err)
	}
	s.Phase, s.ExitedAt, s.OOM, s.ExitCode = shim.Lost, time.Now().UTC(), oom, -1
	s.Reason = "its shim was killed"
	if err := shim.WriteJSON(bundle, shim.ExitFile, s); err != nil {
		e.config.Log.Error("end of a lost dyno cannot be written", "dyno", id, "error", err)
	}
	return runStatus(s)
}

// killRuntime ends a runtime that still starts the container of a dead shim, and waits until
// it is gone: what it begins later nobody would end.
func killRuntime(id kigo.DynoID) {
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		pids := runtimes(id)
		if len(pids) == 0 {
			return
		}
		for _, pid := range pids {
			_ = unix.Kill(pid, unix.SIGKILL)
		}
	}
}

// runtimes are the processes that start a launch's container: ids are unique for ever, so
// their last argument names it. One that the shim has made just now still has the shim's.
func runtimes(id kigo.DynoID) (pids []int) {
	paths, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, path := range paths {
		data, err := os.ReadFile(path)
		words := strings.Split(strings.TrimRight(string(data), "\x00"), "\x00")
		if err != nil || len(words) < 2 || filepath.Base(words[len(words)-1]) != string(id) {
			continue
		}
		if !strings.HasPrefix(filepath.Base(words[0]), "run") && words[1] != "shim" {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path))); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}

// pause waits; false: the engine closes.
func (e *Engine) pause(d time.Duration) bool {
	select {
	case <-e.ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}
