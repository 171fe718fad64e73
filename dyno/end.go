package dyno

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/internal/killpoint"
	"github.com/kigo-dev/kigo/reconcile"
	"github.com/kigo-dev/kigo/store"
)

// releaseType is the process type of release phases.
const releaseType = "release"

// awaited reports whether somebody reads how a one-off ended, and what it said: the
// release loop or the set-up of an app, which deletes its row then.
func awaited(d kigo.Dyno) bool {
	return d.OneOff && (d.Type == releaseType || d.Type == kigo.PostdeployType)
}

// stop ends a dyno that is told to stop and forgets its row.
func (a *Agent) stop(ctx context.Context, d kigo.Dyno, run kigo.RunStatus, known bool) (reconcile.Result, error) {
	switch {
	case !known:
		return reconcile.Result{}, a.dispose(ctx, d)
	case a.clients.arriving(d.ID) && run.Ended():
		return reconcile.Result{}, nil // as in finish
	case run.Ended():
		a.pumps.drain(ctx, run.ID)
		a.sayEnd(d, run)
		killpoint.At("stop-ended")
		if d.OneOff && d.State != kigo.DynoComplete {
			a.say(d, "State changed from %s to complete", d.State)
		}
		if err := a.remove(ctx, d.App, run.ID); err != nil {
			return reconcile.Result{}, err
		}
		killpoint.At("stop-removed")
		err := a.dispose(ctx, d)
		killpoint.At("stop-forgotten")
		return reconcile.Result{}, err
	case run.State == kigo.RunStopping:
		return reconcile.Result{}, nil
	}
	if d.State != kigo.DynoDown {
		if d.Address != "" && !a.left(ctx, d.ID) {
			return reconcile.Result{After: leaveEvery}, nil
		}
		killpoint.At("stop-settled")
		told := kigo.DynoDown
		if d.Why != "" {
			a.say(d, "%s", d.Why)
			told = kigo.DynoStarting
		}
		if err := a.moveSaying(ctx, &d, kigo.DynoDown, told); err != nil {
			return reconcile.Result{}, err
		}
		killpoint.At("stop-written-down")
		a.say(d, "Stopping all processes with SIGTERM")
	}
	if err := a.Engine.Stop(ctx, run.ID); err != nil {
		return reconcile.Result{}, fmt.Errorf("stop %s: %w", d.Name(), err)
	}
	killpoint.At("stop-sent")
	return reconcile.Result{}, nil
}

const (
	leaveMost  = 5 * time.Second
	leaveEvery = 20 * time.Millisecond
)

// left reports whether a dyno may be told to stop: what the router had asked it is
// answered, or has not been for long. Many programs end at once on SIGTERM, in the middle of
// an answer.
func (a *Agent) left(ctx context.Context, id kigo.DynoID) bool {
	if a.Settle == nil {
		return true
	}
	since, _ := a.leaving.LoadOrStore(id, time.Now())
	if !a.Settle(ctx, id) && time.Since(since.(time.Time)) < a.LeaveMost {
		return false
	}
	a.leaving.Delete(id)
	return true
}

// ended decides what becomes of a dyno whose process is gone by itself.
func (a *Agent) ended(ctx context.Context, d kigo.Dyno, run kigo.RunStatus) error {
	if run.ID != "" {
		a.pumps.drain(ctx, run.ID)
	}
	a.sayEnd(d, run)
	d.ExitCode, d.Reason = run.ExitCode, reason(run)
	if why := a.forgetCheck(run.ID); why != "" {
		d.Reason = why
	}
	if d.OneOff {
		if err := a.move(ctx, &d, kigo.DynoComplete); err != nil {
			return err
		}
		killpoint.At("phase-complete")
		return a.finish(ctx, d)
	}
	killpoint.At("crash-seen")
	old := RunID(d)
	d.Restarts++
	d.Address = ""
	if run.State == kigo.RunLost { // not the app's fault: no delay
		if err := a.move(ctx, &d, kigo.DynoStarting); err != nil {
			return err
		}
		a.Mark(d.ID)
		return a.remove(ctx, d.App, old)
	}
	forgive(&d)
	if err := a.crash(ctx, d); err != nil {
		return err
	}
	killpoint.At("crash-written")
	return a.remove(ctx, d.App, old)
}

// forgive forgets the earlier crashes of a dyno that has been up for long.
func forgive(d *kigo.Dyno) {
	if d.State == kigo.DynoUp && time.Since(d.StartedAt) > stableAfter {
		d.Crashes = 0
	}
}

// finish cleans up after a one-off that is complete, and forgets it unless somebody reads
// how it ended. What is cut short is finished the next time. A client that is about to
// have the terminal comes first, since what the dyno said goes with its launch: Attach
// marks the dyno again.
func (a *Agent) finish(ctx context.Context, d kigo.Dyno) error {
	if a.clients.arriving(d.ID) {
		if _, err := a.Engine.Status(ctx, RunID(d)); err == nil {
			return nil
		}
	}
	if err := a.remove(ctx, d.App, RunID(d)); err != nil {
		return err
	}
	if awaited(d) {
		return nil
	}
	return a.dispose(ctx, d)
}

// crash writes down that a dyno crashed, and when it starts again.
func (a *Agent) crash(ctx context.Context, d kigo.Dyno) error {
	d.Crashes++
	d.RetryAt = time.Now().Add(RestartDelay(d.Crashes))
	if err := a.move(ctx, &d, kigo.DynoCrashed); err != nil {
		return err
	}
	a.Mark(d.ID)
	return nil
}

// reason is how a launch ended, in a few words.
func reason(run kigo.RunStatus) string {
	switch {
	case run.BootTimedOut:
		return "Boot timeout"
	case run.Starved:
		return "The machine ran out of memory"
	case run.OOM:
		return "Memory quota vastly exceeded"
	case run.State == kigo.RunLost:
		return "Lost"
	case run.Reason != "":
		return run.Reason
	}
	return exited(run.ExitCode)
}

// exited tells of an exit status; one above 128 is the end by a signal.
func exited(code int) string {
	text := fmt.Sprintf("Process exited with status %d", code)
	if name := unix.SignalName(unix.Signal(code - 128)); code > 128 && name != "" {
		text += " (" + name + ")"
	}
	return text
}

// revive starts a crashed dyno again when its wait is over.
func (a *Agent) revive(ctx context.Context, d kigo.Dyno) (reconcile.Result, error) {
	if left := retryIn(time.Now(), d); left > 0 {
		return reconcile.Result{After: left}, nil
	}
	if err := a.move(ctx, &d, kigo.DynoStarting); err != nil {
		return reconcile.Result{}, err
	}
	return a.start(ctx, d)
}

// sayEnd tells how a process ended, in the dyno manager's words, and once: what follows
// may have to be tried again.
func (a *Agent) sayEnd(d kigo.Dyno, run kigo.RunStatus) {
	if _, told := a.said.LoadOrStore(run.ID, true); told && run.ID != "" {
		return
	}
	switch {
	case run.BootTimedOut:
		a.say(d, "Error R10 (Boot timeout) -> Web process failed to bind to $PORT within %d seconds of launch", int(kigo.BootTimeout.Seconds()))
		a.say(d, "Stopping process with SIGKILL")
	case run.StopTimedOut:
		a.say(d, "Error R12 (Exit timeout) -> At least one process failed to exit within %d seconds of SIGTERM", int(kigo.StopGrace.Seconds()))
		a.say(d, "Stopping remaining processes with SIGKILL")
	case run.Starved:
		a.say(d, "Error R99 (Platform error) -> The dyno was killed below its own limit: this machine ran out of memory")
	case run.OOM:
		if size, err := kigo.FindSize(d.Size); err == nil {
			a.say(d, "%s", memoryLine(hardFactor*size.Memory, size.Memory))
		}
		a.say(d, "Error R15 (Memory quota vastly exceeded)")
		a.say(d, "Stopping process with SIGKILL")
	case run.Reason != "" && run.State == kigo.RunExited && run.ExitCode > 0:
		a.say(d, "Error R99 (Platform error) -> The dyno was stopped: %s", run.Reason)
	case run.Reason != "":
		a.say(d, "Error R99 (Platform error) -> Failed to launch the dyno: %s", run.Reason)
	}
	if run.State == kigo.RunLost && d.OneOff {
		a.say(d, "The dyno was lost with its host process. One-off dynos are not started again")
		return
	} else if run.State == kigo.RunLost {
		a.say(d, "The dyno was lost with its host process and is replaced")
		return
	}
	a.say(d, "Process exited with status %d", run.ExitCode)
}

// dispose deletes the row of a dyno that is over.
func (a *Agent) dispose(ctx context.Context, d kigo.Dyno) error {
	a.clients.forget(d.ID)
	a.leaving.Delete(d.ID)
	err := a.Store.Update(ctx, func(tx *store.Tx) error {
		if err := tx.DeleteDyno(d.ID); err != nil {
			return err
		}
		return tx.Emit(kigo.Event{Kind: "dyno.delete", App: d.App, Key: string(d.ID)})
	})
	if err != nil {
		return fmt.Errorf("delete dyno: %w", err)
	}
	return nil
}
