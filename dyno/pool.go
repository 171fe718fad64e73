package dyno

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/store"
)

// How often pools are looked at: as soon as one can be empty, but within these bounds.
const (
	poolSeldom = time.Minute
	poolOften  = time.Second
)

// poolReason is why a dyno sleeps that was put down. It starts again by itself.
const poolReason = "Dyno hours used up"

// Spent reports whether the dynos of an account's apps may not run on sizes that sleep
// until the month ends: its pool is used up.
func (a *Agent) Spent(tx *store.Tx, owner kigo.AccountID) (bool, error) {
	p, err := a.poolOf(tx, owner)
	return p.Empty(), err
}

func (a *Agent) poolOf(tx *store.Tx, owner kigo.AccountID) (kigo.Pool, error) {
	if a.Pool <= 0 {
		return kigo.Pool{}, nil
	}
	month, err := tx.Usage(owner, kigo.Month(tx.Now()))
	return kigo.CountPool(a.Pool, month), err
}

// pooled reports whether a dyno uses its account's pool and can be put down. One-offs
// use it, but are somebody's work at hand.
func (a *Agent) pooled(d kigo.Dyno) bool {
	size, err := kigo.FindSize(d.Size)
	return a.Pool > 0 && err == nil && size.Sleeps && !d.OneOff
}

// spent reports whether a dyno may not run for now.
func (a *Agent) spent(ctx context.Context, d kigo.Dyno) (spent bool, err error) {
	if !a.pooled(d) {
		return false, nil
	}
	err = a.Store.View(ctx, func(tx *store.Tx) error {
		app, err := tx.App(d.App)
		if err == nil {
			spent, err = a.Spent(tx, app.Owner)
		}
		return err
	})
	if err != nil {
		return false, fmt.Errorf("look at the pool of dyno hours: %w", err)
	}
	return spent, nil
}

// putDown sends a dyno to sleep until there are dyno hours again.
func (a *Agent) putDown(ctx context.Context, d kigo.Dyno) error {
	hours := strconv.FormatFloat(math.Round(a.Pool.Hours()*1000)/1000, 'f', -1, 64)
	a.say(d, "The account has used up its %s dyno hours of %s", hours, time.Now().UTC().Format("January 2006"))
	d.Reason = poolReason
	a.hintPools(d)
	return a.sleep(ctx, d)
}

// watchPools sees to it that pools hold until ctx is done.
func (a *Agent) watchPools(ctx context.Context) {
	if a.Pool <= 0 {
		return
	}
	was := map[kigo.AccountID]bool{}
	for ctx.Err() == nil {
		now, next, err := a.lookAtPools(ctx, was)
		if err != nil {
			if ctx.Err() == nil {
				a.Log.WarnContext(ctx, "look at pools of dyno hours", "err", err)
			}
			next = poolSeldom
		} else {
			was = now
		}
		pause(ctx, poolOften)
		select {
		case <-ctx.Done():
		case <-a.poolUse:
		case <-time.After(next - poolOften):
		}
	}
}

// hintPools says that a dyno began to use a pool, or ought not to.
func (a *Agent) hintPools(d kigo.Dyno) {
	if !a.pooled(d) {
		return
	}
	select {
	case a.poolUse <- struct{}{}:
	default:
	}
}

// lookAtPools finds out whose pools are empty. Where that has changed it hints at the
// dynos, and by an event at the routes. It says when to look again.
func (a *Agent) lookAtPools(ctx context.Context, was map[kigo.AccountID]bool) (map[kigo.AccountID]bool, time.Duration, error) {
	now, next := map[kigo.AccountID]bool{}, poolSeldom
	var changed []kigo.Dyno
	err := a.Store.View(ctx, func(tx *store.Tx) error {
		owners, err := a.poolUsers(tx)
		if err != nil {
			return err
		}
		for owner, dynos := range owners {
			p, err := a.poolOf(tx, owner)
			if err != nil {
				return err
			}
			if p.Empty() {
				now[owner] = true
			} else {
				next = min(next, p.Lasts(up(dynos), poolSeldom))
			}
			if now[owner] != was[owner] {
				changed = append(changed, dynos...)
			}
		}
		return nil
	})
	if err != nil || len(changed) == 0 {
		return now, next, err
	}
	apps := map[kigo.AppID]bool{}
	for _, d := range changed {
		apps[d.App] = true
	}
	err = a.Store.Update(ctx, func(tx *store.Tx) error {
		for _, app := range slices.Sorted(maps.Keys(apps)) {
			if err := tx.Emit(kigo.Event{Kind: "pool.update", App: app}); err != nil {
				return err
			}
		}
		return nil
	})
	for _, d := range changed {
		a.Mark(d.ID)
	}
	return now, next, err
}

// poolUsers are the dynos that pools are for, by account.
func (a *Agent) poolUsers(tx *store.Tx) (map[kigo.AccountID][]kigo.Dyno, error) {
	all, err := tx.AllDynos()
	if err != nil {
		return nil, err
	}
	owners := map[kigo.AccountID][]kigo.Dyno{}
	ownerOf := map[kigo.AppID]kigo.AccountID{}
	for _, d := range all {
		if !a.pooled(d) {
			continue
		}
		if _, ok := ownerOf[d.App]; !ok {
			app, err := tx.App(d.App)
			if err != nil {
				return nil, err
			}
			ownerOf[d.App] = app.Owner
		}
		owners[ownerOf[d.App]] = append(owners[ownerOf[d.App]], d)
	}
	return owners, nil
}

func up(dynos []kigo.Dyno) (n int) {
	for _, d := range dynos {
		if d.State == kigo.DynoUp {
			n++
		}
	}
	return n
}
