package dyno

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/reconcile"
	"github.com/kigo-dev/kigo/store"
)

// Logs takes lines of an app's merged stream; it never blocks.
type Logs interface {
	Write(app kigo.AppID, lines ...kigo.LogLine)
	// WriteFrom is Write for an origin that can repeat its lines; seq is its own
	// number of the last of them, and Position the number to go on after.
	WriteFrom(app kigo.AppID, origin string, seq uint64, lines ...kigo.LogLine)
	Position(app kigo.AppID, origin string) uint64
	Forget(app kigo.AppID, origin string)
}

// Agent is the dyno loop of this node. Set the fields before Run.
type Agent struct {
	Engine  Engine
	Store   *store.Store
	Logs    Logs
	Log     *slog.Logger
	Stack   func(name, base string) (kigo.Image, error) // root image of a stack: that of the digest, or its newest
	Binds   []kigo.Bind                                 // host settings that each dyno gets
	Env     map[string]string                           // the same, as variables
	Settle  func(context.Context, kigo.DynoID) bool     // waits a moment for the router to leave a dyno: no new requests go there, and none is without its answer
	Output  func(kigo.Dyno, kigo.OutputLine)            // also gets the output of release-phase dynos; may be nil
	Machine func() Machine                              // the memory there is; nil: nobody asks
	Workers int

	LeaveMost time.Duration // how long a stop waits for the router to leave the dyno; 0: 5 s
	Pool      time.Duration // of dyno-hours on sizes that sleep, for each account and month; 0: they are not bounded
	IdleAfter time.Duration // without traffic, until dynos on sizes that sleep do; 0: never, and those that sleep wake

	loop    reconcile.Loop
	pumps   pumps
	clients clients

	checks   checks
	starts   starts
	sessions sessions
	traffic  traffic
	poolUse  chan struct{}   // a hint to look at pools
	leaving  sync.Map        // since when the router has been leaving a dyno, by its id
	said     sync.Map        // launches whose end the log tells, until they are removed
	ctx      context.Context // of Run, for what outlives one call of Reconcile
}

// Run works until ctx is done. Dynos go on running.
func (a *Agent) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	a.init(ctx)
	var wg sync.WaitGroup
	wg.Go(func() { a.watchMemory(ctx) })
	wg.Go(func() { a.watchTraffic(ctx) })
	wg.Go(func() { a.watchPools(ctx) })
	wg.Go(func() {
		for ctx.Err() == nil {
			if err := a.Engine.Watch(ctx, func(s kigo.RunStatus) { a.seen(ctx, s) }); err != nil && ctx.Err() == nil {
				a.Log.ErrorContext(ctx, "watch engine", "err", err)
				time.Sleep(time.Second)
			}
		}
	})
	err := a.loop.Run(ctx)
	wg.Wait()
	a.checks.wg.Wait()
	a.pumps.wait()
	return err
}

func (a *Agent) init(ctx context.Context) {
	a.ctx, a.checks.all = ctx, map[kigo.DynoID]*check{}
	a.LeaveMost = cmp.Or(a.LeaveMost, leaveMost)
	a.traffic.began, a.poolUse = time.Now(), make(chan struct{}, 1)
	a.loop.Settings = reconcile.Settings{
		Name: "dyno", Reconciler: a, Keys: a.keys, Resync: 30 * time.Second, Workers: max(4, a.Workers),
		MinBackoff: 200 * time.Millisecond, MaxBackoff: 30 * time.Second, Log: a.Log,
	}
	a.pumps.init()
}

// Mark hints that a dyno may have changed.
func (a *Agent) Mark(id kigo.DynoID) { a.loop.Mark(string(id)) }

func (a *Agent) seen(_ context.Context, s kigo.RunStatus) {
	if id := dynoOf(s.ID); id != "" {
		a.Mark(id)
	}
}

// keys are all dynos that should exist and all that do.
func (a *Agent) keys(ctx context.Context) ([]string, error) {
	var keys []string
	err := a.Store.View(ctx, func(tx *store.Tx) error {
		dynos, err := tx.AllDynos()
		for _, d := range dynos {
			keys = append(keys, string(d.ID))
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	runs, err := a.Engine.List(ctx)
	for _, r := range runs {
		if id := dynoOf(r.ID); id != "" {
			keys = append(keys, string(id))
		}
	}
	return keys, err
}

// Reconcile takes one dyno a step further.
func (a *Agent) Reconcile(ctx context.Context, key string) (reconcile.Result, error) {
	var d kigo.Dyno
	err := a.Store.View(ctx, func(tx *store.Tx) (err error) {
		d, err = tx.Dyno(kigo.DynoID(key))
		return err
	})
	if errors.Is(err, kigo.ErrNotFound) {
		return reconcile.Result{}, a.forget(ctx, kigo.DynoID(key))
	}
	if err != nil {
		return reconcile.Result{}, fmt.Errorf("read dyno: %w", err)
	}
	if d.Inside != "" {
		return a.inside(ctx, d)
	}
	run, err := a.Engine.Status(ctx, RunID(d))
	known := err == nil
	if err != nil && !errors.Is(err, kigo.ErrNotFound) {
		return reconcile.Result{}, fmt.Errorf("ask engine: %w", err)
	}
	if known {
		a.pump(ctx, d, run)
	}
	if d.Stop {
		return a.stop(ctx, d, run, known)
	}
	unclean := a.endFormer(ctx, d)
	result, err := a.step(ctx, d, run, known)
	if unclean != nil { // which holds up nothing: not the dyno, nor hints at it
		a.Log.WarnContext(ctx, "clean up after a dyno", "dyno", d.Name(), "app", d.App, "err", unclean)
		result.After = cmp.Or(min(result.After, cleanAgain), cleanAgain)
	}
	return result, err
}

// cleanAgain is when what could not be cleaned up is tried again.
const cleanAgain = 5 * time.Second

// step takes a dyno on that is not told to stop; run is its present launch, if it is known.
func (a *Agent) step(ctx context.Context, d kigo.Dyno, run kigo.RunStatus, known bool) (reconcile.Result, error) {
	switch {
	case d.State == kigo.DynoCrashed:
		return a.revive(ctx, d)
	case d.State == kigo.DynoComplete:
		return reconcile.Result{}, a.finish(ctx, d)
	case d.State == kigo.DynoIdle:
		return a.idle(ctx, d)
	case !known:
		return a.start(ctx, d)
	case run.Ended():
		return reconcile.Result{}, a.ended(ctx, d, run)
	case run.State == kigo.RunReady:
		return a.serves(ctx, d, run)
	case run.State == kigo.RunStopping && d.State == kigo.DynoUp: // by its checks, or its time is over
		if d.OneOff {
			return reconcile.Result{}, nil
		}
		forgive(&d)
		return reconcile.Result{}, a.move(ctx, &d, kigo.DynoStarting)
	}
	return reconcile.Result{}, nil
}

// serves keeps a dyno that runs as it should be.
func (a *Agent) serves(ctx context.Context, d kigo.Dyno, run kigo.RunStatus) (reconcile.Result, error) {
	ready, bad, err := a.checked(ctx, d, run)
	if bad != "" {
		return reconcile.Result{}, a.endUnwell(ctx, d, run)
	}
	if err != nil || !ready {
		return reconcile.Result{}, err
	}
	if d.State != kigo.DynoUp || d.Address != a.address(d, run) {
		if err := a.up(ctx, d, run); err != nil {
			return reconcile.Result{}, err
		}
	}
	if spent, err := a.spent(ctx, d); spent || err != nil {
		if err == nil {
			err = a.putDown(ctx, d)
		}
		return reconcile.Result{}, err
	}
	if a.sleepy(d, time.Now()) {
		if can, err := a.canWake(ctx, d.App); !can || err != nil {
			return reconcile.Result{}, err
		}
		return reconcile.Result{}, a.sleep(ctx, d)
	}
	if !d.OneOff || d.Type == releaseType {
		return reconcile.Result{}, nil
	}
	left := remaining(life(d), run.StartedAt)
	if left > 0 {
		return reconcile.Result{After: left}, nil
	}
	a.say(d, "Time to live of %s is over", life(d))
	a.say(d, "Stopping all processes with SIGTERM")
	return reconcile.Result{}, a.Engine.Stop(ctx, run.ID)
}

// life is how long a one-off may run.
func life(d kigo.Dyno) time.Duration {
	if d.TTL > 0 {
		return d.TTL
	}
	return kigo.MaxLife
}

// forget ends and cleans every launch of a dyno that has no row.
func (a *Agent) forget(ctx context.Context, id kigo.DynoID) error {
	runs, err := a.Engine.List(ctx)
	if err != nil {
		return fmt.Errorf("list launches: %w", err)
	}
	for _, r := range runs {
		if dynoOf(r.ID) != id {
			continue
		}
		if !r.Ended() {
			if err := a.Engine.Kill(ctx, r.ID); err != nil {
				return fmt.Errorf("kill launch without a dyno: %w", err)
			}
			continue // its end marks the key again
		}
		if err := a.remove(ctx, "", r.ID); err != nil {
			return err
		}
	}
	return nil
}

// remove forgets one ended launch; app is empty when nobody knows it any more.
func (a *Agent) remove(ctx context.Context, app kigo.AppID, run kigo.DynoID) error {
	a.pumps.forget(run)
	a.forgetCheck(run)
	if app != "" {
		a.Logs.Forget(app, string(run))
	}
	if err := a.Engine.Remove(ctx, run); err != nil && !errors.Is(err, kigo.ErrNotFound) {
		return fmt.Errorf("remove launch: %w", err)
	}
	a.said.Delete(run)
	return nil
}

// say writes a line of the dyno manager.
func (a *Agent) say(d kigo.Dyno, format string, args ...any) {
	a.Logs.Write(d.App, kigo.LogLine{Time: time.Now(), Source: "heroku", Process: d.Name(), Message: fmt.Sprintf(format, args...)})
}

// move changes a dyno's state, if that is a legal move, in one transaction with
// its event, and says so in the log.
func (a *Agent) move(ctx context.Context, d *kigo.Dyno, to kigo.DynoState) error {
	return a.moveSaying(ctx, d, to, to)
}

// moveSaying is move, but tells another state than it writes: of a dyno that is
// replaced nobody wants to hear that it went down.
func (a *Agent) moveSaying(ctx context.Context, d *kigo.Dyno, to, told kigo.DynoState) error {
	from := d.State
	if from != to && !kigo.CanMove(from, to) {
		return fmt.Errorf("dyno %s cannot go from %s to %s", d.Name(), from, to)
	}
	d.State, d.UpdatedAt = to, time.Now()
	err := a.Store.Update(ctx, func(tx *store.Tx) error {
		if err := tx.UpdateDynoState(d); err != nil {
			return err
		}
		return tx.Emit(kigo.Event{Kind: "dyno.update", App: d.App, Key: string(d.ID)})
	})
	if err != nil {
		return fmt.Errorf("write dyno state: %w", err)
	}
	if from != to {
		a.say(*d, "State changed from %s to %s", from, told)
	}
	return nil
}
