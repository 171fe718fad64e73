package dyno

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/internal/killpoint"
	"github.com/kigo-dev/kigo/reconcile"
	"github.com/kigo-dev/kigo/store"
)

// idleEvery is how often apps without traffic are looked for, at most.
const idleEvery = time.Minute

// traffic is when apps were last asked for something.
type traffic struct {
	mu    sync.Mutex
	began time.Time // nothing is known of the time before
	last  map[kigo.AppID]time.Time
}

func (t *traffic) note(app kigo.AppID, at time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.last == nil {
		t.last = map[kigo.AppID]time.Time{}
	}
	if at.After(t.last[app]) {
		t.last[app] = at
	}
}

// since is the last moment at which an app may have been asked.
func (t *traffic) since(app kigo.AppID) time.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	if at := t.last[app]; at.After(t.began) {
		return at
	}
	return t.began
}

// asked is when an app was asked, as far as this process has heard.
func (t *traffic) asked(app kigo.AppID) time.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.last[app]
}

// Traffic says that an app was asked for something.
func (a *Agent) Traffic(app kigo.AppID, at time.Time) { a.traffic.note(app, at) }

// Wake says that a request waits for an app whose dynos sleep. It may be said often.
func (a *Agent) Wake(app kigo.AppID) {
	killpoint.Pass("wake-asked")
	a.traffic.note(app, time.Now())
	dynos, err := a.dynosOf(context.Background(), app)
	if err != nil {
		a.Log.Error("wake app", "app", app, "err", err)
		return
	}
	for _, d := range dynos {
		if d.State == kigo.DynoIdle {
			a.Mark(d.ID)
		}
	}
}

func (a *Agent) dynosOf(ctx context.Context, app kigo.AppID) (dynos []kigo.Dyno, err error) {
	err = a.Store.View(ctx, func(tx *store.Tx) error {
		if app == "" {
			dynos, err = tx.AllDynos()
		} else {
			dynos, err = tx.Dynos(app)
		}
		return err
	})
	return dynos, err
}

// watchTraffic sends apps to sleep until ctx is done.
func (a *Agent) watchTraffic(ctx context.Context) {
	if a.IdleAfter <= 0 {
		return
	}
	for ctx.Err() == nil {
		pause(ctx, min(idleEvery, a.IdleAfter/2))
		dynos, err := a.dynosOf(ctx, "")
		if err != nil {
			continue // the next time
		}
		for _, d := range dynos {
			if a.sleepy(d, time.Now()) {
				a.Mark(d.ID)
			}
		}
	}
}

// sleepy reports whether a dyno that is up should sleep: its app's web and all
// else of it that runs on a size that sleeps.
func (a *Agent) sleepy(d kigo.Dyno, now time.Time) bool {
	size, err := kigo.FindSize(d.Size)
	if a.IdleAfter <= 0 || err != nil || !size.Sleeps || d.OneOff || d.Stop || d.State != kigo.DynoUp {
		return false
	}
	awake := a.traffic.since(d.App)
	if d.StartedAt.After(awake) {
		awake = d.StartedAt
	}
	return now.Sub(awake) >= a.IdleAfter
}

// canWake reports whether an app can be asked for something: without web dynos none of
// its others sleep (Heroku's documentation of Eco dynos).
func (a *Agent) canWake(ctx context.Context, app kigo.AppID) (bool, error) {
	dynos, err := a.dynosOf(ctx, app)
	return slices.ContainsFunc(dynos, func(d kigo.Dyno) bool { return d.Type == "web" && !d.OneOff && !d.Stop }), err
}

// sleep sends a dyno to sleep. The router holds requests for an idle dyno, so it is
// told first; its launch ends on its own, under a number that the next one does not have.
func (a *Agent) sleep(ctx context.Context, d kigo.Dyno) error {
	a.say(d, "Idling")
	d.Restarts++
	d.Address = ""
	if err := a.move(ctx, &d, kigo.DynoIdle); err != nil {
		return err
	}
	if a.Settle != nil && d.Type == "web" {
		a.Settle(ctx, d.ID)
	}
	a.Mark(d.ID)
	return nil
}

// idle keeps a dyno asleep until its app has been asked for something.
func (a *Agent) idle(ctx context.Context, d kigo.Dyno) (reconcile.Result, error) {
	if spent, err := a.spent(ctx, d); spent || err != nil {
		return reconcile.Result{}, err
	}
	if a.traffic.asked(d.App).Before(d.UpdatedAt) && a.IdleAfter > 0 && d.Reason != poolReason {
		return reconcile.Result{}, nil
	}
	killpoint.Pass("wake-begun")
	a.say(d, "Unidling")
	d.Crashes = 0
	if err := a.move(ctx, &d, kigo.DynoStarting); err != nil {
		return reconcile.Result{}, err
	}
	return a.start(ctx, d)
}

// endFormer ends what is left of the launches before the present one: a dyno that fell
// asleep leaves one that runs, any other only what could not be removed when it ended.
func (a *Agent) endFormer(ctx context.Context, d kigo.Dyno) error {
	if d.Restarts == 0 {
		return nil
	}
	runs, err := a.Engine.List(ctx)
	if err != nil {
		return fmt.Errorf("list launches: %w", err)
	}
	for _, run := range runs {
		if dynoOf(run.ID) != d.ID || run.ID == RunID(d) {
			continue
		}
		if e := a.endLaunch(ctx, d, run); e != nil {
			err = errors.Join(err, e)
		}
	}
	return err
}

func (a *Agent) endLaunch(ctx context.Context, d kigo.Dyno, run kigo.RunStatus) error {
	switch run.State {
	case kigo.RunStopping:
		return nil
	case kigo.RunExited, kigo.RunLost:
		a.pumps.drain(ctx, run.ID)
		a.sayEnd(d, run)
		return a.remove(ctx, d.App, run.ID)
	}
	a.say(d, "Stopping all processes with SIGTERM")
	if err := a.Engine.Stop(ctx, run.ID); err != nil {
		return fmt.Errorf("stop %s to sleep: %w", d.Name(), err)
	}
	return nil
}
