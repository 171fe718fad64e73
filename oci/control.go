package oci

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/dyno/shim"
	"github.com/kigo-dev/kigo/internal/cgroup"
	"github.com/kigo-dev/kigo/internal/killpoint"
)

// Stop sends SIGTERM to all processes of the launch, then SIGKILL after its Grace.
func (e *Engine) Stop(ctx context.Context, id kigo.DynoID) error { return e.command(ctx, id, "stop") }

// Kill ends all processes of the launch now.
func (e *Engine) Kill(ctx context.Context, id kigo.DynoID) error { return e.command(ctx, id, "kill") }

// command is done when the shim has it; a launch that has ended needs none.
func (e *Engine) command(ctx context.Context, id kigo.DynoID, verb string) error {
	if err := e.table.waitStarted(ctx, id); err != nil {
		return err
	}
	s, err := e.Status(ctx, id)
	if err != nil || s.Ended() {
		return err
	}
	conn, err := order(e.bundle(id), verb)
	if err == nil {
		return conn.Close()
	}
	if running, e2 := alive(e.bundle(id)); e2 == nil && running {
		return err
	}
	return nil // its end is being written down
}

// Remove forgets a launch that has ended. Its folder is deleted in the background.
func (e *Engine) Remove(ctx context.Context, id kigo.DynoID) error {
	s, err := e.Status(ctx, id)
	if err != nil {
		return err
	}
	if !s.Ended() {
		return kigo.Conflict("Dyno %s is still running: stop it first.", id)
	}
	e.table.drop(id)
	e.discard(id)
	return nil
}

// discard moves a bundle out of sight and deletes it in the background.
func (e *Engine) discard(id kigo.DynoID) {
	e.release(id)
	e.sandboxed.Delete(id)
	if group := cgroup.Find(e.cgroupPath(id)); group.Exists() { // its shim was killed when all but this was done
		if err := errors.Join(group.Kill(), group.Remove()); err != nil {
			e.config.Log.Error("control group cannot be removed", "dyno", id, "error", err)
		}
	}
	trash := filepath.Join(e.dynos(), ".gone-"+string(id))
	if err := os.Rename(e.bundle(id), trash); err != nil {
		trash = filepath.Join(e.dynos(), ".new-"+string(id))
	}
	killpoint.At("engine-folder-discarded")
	e.goWork(func() {
		if err := os.RemoveAll(trash); err != nil {
			e.config.Log.Error("dyno folder cannot be deleted", "dyno", id, "error", err)
		}
	})
}

// Stats reads what a launch uses now.
func (e *Engine) Stats(ctx context.Context, id kigo.DynoID) (kigo.RunStats, error) {
	s, err := e.Status(ctx, id)
	if err != nil {
		return kigo.RunStats{}, err
	}
	if s.Ended() {
		return kigo.RunStats{}, nil
	}
	u, err := cgroup.Find(e.cgroupPath(id)).Stats()
	if err != nil {
		return kigo.RunStats{}, fmt.Errorf("read usage: %w", err)
	}
	stats := kigo.RunStats{
		MemoryRSS: u.RSS, MemoryCache: u.Cache, MemorySwap: u.Swap, MemoryPeak: u.Peak,
		PagesIn: u.PagesIn, PagesOut: u.PagesOut, CPU: u.CPU, Pids: u.Pids,
	}
	if _, err := os.Stat(filepath.Join(e.bundle(id), shim.DiskFile)); err == nil {
		stats.Disk, stats.DiskSize, stats.Files, stats.MaxFiles = diskUse(s.Pid)
	}
	return stats, nil
}

// Logs calls f with the output lines after a sequence number, and follows.
func (e *Engine) Logs(ctx context.Context, id kigo.DynoID, after uint64, f func(kigo.OutputLine)) error {
	if _, err := e.Status(ctx, id); err != nil {
		return err
	}
	bundle := e.bundle(id)
	reader := shim.NewLogReader(bundle, after)
	defer func() { _ = reader.Close() }()
	pass := func(l shim.Line) {
		f(kigo.OutputLine{Seq: l.Seq, Time: l.Time, Text: l.Text, Dropped: l.Dropped, More: l.More})
	}
	for {
		finished, err := e.followLogs(ctx, id, reader, pass)
		if finished || err != nil {
			return err
		}
	}
}

// followLogs reads all there is, now and whenever the shim says that there is
// more; finished: the launch had ended before all was read.
func (e *Engine) followLogs(ctx context.Context, id kigo.DynoID, reader *shim.LogReader, pass func(shim.Line)) (finished bool, err error) {
	conn, callErr := call(e.bundle(id), "logs")
	if callErr == nil {
		defer func() { _ = conn.Close() }()
		defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
		defer context.AfterFunc(e.ctx, func() { _ = conn.Close() })()
	}
	wake := make([]byte, 256)
	for {
		s, known := e.table.status(id)
		_, ended2 := e.final(id)
		over := !known || s.Ended() || ended2
		if err := reader.ReadNew(pass); err != nil {
			return true, err
		}
		if over {
			return true, nil
		}
		if callErr == nil {
			_, err = conn.Read(wake)
		}
		switch {
		case ctx.Err() != nil:
			return true, ctx.Err()
		case e.ctx.Err() != nil:
			return true, errClosed
		case callErr != nil || err != nil: // no shim, or no more: the end is near
			e.pause(callPause)
			return false, nil
		}
	}
}
