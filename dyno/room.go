package dyno

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/reconcile"
	"github.com/kigo-dev/kigo/store"
)

// roomEvery is how often a dyno without room asks again.
const roomEvery = 5 * time.Second

// starts are the launches that have been let in and that the engine does not list yet.
type starts struct {
	mu    sync.Mutex
	sizes map[kigo.DynoID]kigo.Size
}

func (s *starts) done(run kigo.DynoID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.sizes, run)
}

// admit lets a launch in, or says what is missing.
func (a *Agent) admit(ctx context.Context, d kigo.Dyno) error {
	if a.Machine == nil {
		return nil
	}
	size, err := kigo.FindSize(d.Size)
	if err != nil {
		return err
	}
	var dynos []kigo.Dyno
	err = a.Store.View(ctx, func(tx *store.Tx) (err error) {
		dynos, err = tx.AllDynos()
		return err
	})
	if err != nil {
		return fmt.Errorf("list dynos: %w", err)
	}
	a.starts.mu.Lock()
	defer a.starts.mu.Unlock()
	running, err := a.Engine.List(ctx)
	if err != nil {
		return fmt.Errorf("list launches: %w", err)
	}
	runs := map[kigo.DynoID]bool{}
	for _, r := range running {
		runs[r.ID] = !r.Ended()
	}
	var p Promised
	for _, other := range dynos {
		s, err := kigo.FindSize(other.Size)
		if run := RunID(other); err == nil && runs[run] && a.starts.sizes[run].Name == "" {
			p.add(s)
		}
	}
	for _, s := range a.starts.sizes {
		p.add(s)
	}
	if err := a.Machine().Admit(size, p); err != nil {
		return noRoom{err}
	}
	if a.starts.sizes == nil {
		a.starts.sizes = map[kigo.DynoID]kigo.Size{}
	}
	a.starts.sizes[RunID(d)] = size
	return nil
}

const noRoomReason = "No room: "

// noRoom is the error of a launch that has to wait.
type noRoom struct{ error }

// wait says once why a dyno does not start, keeps that with its row, and tries again soon.
func (a *Agent) wait(ctx context.Context, d kigo.Dyno, why error) (reconcile.Result, error) {
	if strings.HasPrefix(d.Reason, noRoomReason) {
		return reconcile.Result{After: roomEvery}, nil
	}
	a.say(d, "Error R99 (Platform error) -> No room for this dyno: %s. It starts when there is.", why)
	d.Reason = noRoomReason + why.Error()
	return reconcile.Result{After: roomEvery}, a.move(ctx, &d, d.State)
}
