package alert

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/store"
)

// parallel is how many notices are on their way at once; an app has one.
const parallel = 16

// teller sends notices while the loop goes on looking. An app whose receivers hang
// holds one place at a time, and queues again for each notice: the others go on.
type teller struct {
	mu    sync.Mutex
	busy  map[kigo.AppID]bool
	room  chan struct{}
	under sync.WaitGroup
}

// take reserves an app; false when its notices are on their way already.
func (t *teller) take(app kigo.AppID) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.busy == nil {
		t.busy, t.room = map[kigo.AppID]bool{}, make(chan struct{}, parallel)
	}
	if t.busy[app] {
		return false
	}
	t.busy[app] = true
	return true
}

func (t *teller) release(app kigo.AppID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.busy, app)
}

// Tell sends the notices that are due, of each alert in their order, and returns when
// all were tried.
func (l *Loop) Tell(ctx context.Context) error {
	var mu sync.Mutex
	var failed error
	err := l.begin(ctx, func(err error) {
		mu.Lock()
		defer mu.Unlock()
		failed = errors.Join(failed, err)
	})
	l.tells.under.Wait()
	return errors.Join(err, failed)
}

// begin starts to send the notices that are due, and tells report what failed.
func (l *Loop) begin(ctx context.Context, report func(error)) error {
	all, err := l.all(ctx)
	if err != nil {
		return err
	}
	due := map[kigo.AppID][]kigo.Alert{}
	for _, a := range all {
		if l.due(a) {
			due[a.App] = append(due[a.App], a)
		}
	}
	for app, alerts := range due {
		if !l.tells.take(app) {
			continue
		}
		l.tells.under.Go(func() {
			defer l.tells.release(app)
			for _, a := range alerts {
				if err := l.tellAll(ctx, a); err != nil {
					report(fmt.Errorf("alert %s: %w", a.ID, err))
				}
			}
		})
	}
	return nil
}

func (l *Loop) due(a kigo.Alert) bool {
	return len(a.State.Outbox) > 0 && !a.State.Outbox[0].Next.After(l.now())
}

// tellAll sends what of an alert is due.
func (l *Loop) tellAll(ctx context.Context, a kigo.Alert) error {
	for l.due(a) {
		select {
		case <-ctx.Done():
			return nil
		case l.tells.room <- struct{}{}:
		}
		left, err := l.tell(ctx, a)
		<-l.tells.room
		if err != nil {
			return err
		}
		a.State.Outbox = left
	}
	return nil
}

// tell sends an alert's first notice and writes down what became of it.
func (l *Loop) tell(ctx context.Context, a kigo.Alert) ([]kigo.Notice, error) {
	var app kigo.App
	err := l.Store.View(ctx, func(tx *store.Tx) (err error) {
		if app, err = tx.App(a.App); err == nil {
			a, err = tx.Alert(a.ID) // it may have waited for its turn
		}
		return err
	})
	if errors.Is(err, kigo.ErrNotFound) || err == nil && len(a.State.Outbox) == 0 {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	n := a.State.Outbox[0]
	why, detail := l.Senders.send(ctx, app, a, &n)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	var left []kigo.Notice
	err = l.Store.Update(ctx, func(tx *store.Tx) error {
		now, err := tx.Alert(a.ID)
		if err != nil {
			return err
		}
		s := now.State
		if len(s.Outbox) == 0 || s.Outbox[0].ID != n.ID {
			return nil
		}
		s.Failed = why
		if n.Tries++; why == "" || n.Tries >= maxTries {
			s.Outbox = s.Outbox[1:]
		} else {
			wait := min(firstTry<<min(n.Tries-1, 20), lastTry)
			n.Next = l.now().Add(wait)
			s.Outbox[0] = n
		}
		left = s.Outbox
		return tx.SetAlertState(a.ID, s)
	})
	if errors.Is(err, kigo.ErrNotFound) {
		return nil, nil
	}
	if why != "" {
		l.Log.InfoContext(ctx, "notice of an alert was not delivered", "alert", a.ID, "app", a.App, "tries", n.Tries, "err", detail)
	}
	return left, err
}
