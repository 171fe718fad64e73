package alert

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/internal/lanes"
	"github.com/kigo-dev/kigo/store"
)

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
	l.lanes().Wait()
	return errors.Join(err, failed)
}

// lanes are the ways out: an app has one notice on its way at a time.
func (l *Loop) lanes() *lanes.Lanes {
	l.once.Do(func() { l.tells = lanes.New(lanes.Places, lanes.Share, nil) })
	return l.tells
}

// begin starts to send the notices that are due, and tells report what failed. A receiver
// that hangs holds up its own app, and its owner's others when there are many of them.
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
		l.lanes().Go(string(app), func() {
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

// tellAll sends what of an alert is due, each when there is a place for it.
func (l *Loop) tellAll(ctx context.Context, a kigo.Alert) error {
	for l.due(a) {
		var app kigo.App
		err := l.Store.View(ctx, func(tx *store.Tx) (err error) {
			app, err = tx.App(a.App)
			return err
		})
		if err == nil {
			err = l.lanes().Place(ctx, string(app.Owner), func() (err error) {
				a.State.Outbox, err = l.tell(ctx, app, a)
				return err
			})
		}
		if errors.Is(err, kigo.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// tell sends an alert's first notice and writes down what became of it.
func (l *Loop) tell(ctx context.Context, app kigo.App, a kigo.Alert) ([]kigo.Notice, error) {
	err := l.Store.View(ctx, func(tx *store.Tx) (err error) {
		a, err = tx.Alert(a.ID) // it may have waited for its turn
		return err
	})
	if errors.Is(err, kigo.ErrNotFound) || err == nil && len(a.State.Outbox) == 0 {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	n := a.State.Outbox[0]
	if kept, ok := l.unwritten.Load(a.ID); ok && kept.(kigo.Notice).ID == n.ID {
		n.Mailed, n.Called = kept.(kigo.Notice).Mailed, kept.(kigo.Notice).Called // which the store refused to take
	}
	before := n
	why, detail := l.Senders.send(ctx, app, a, &n)
	stopped := why != "" && ctx.Err() != nil
	if stopped && n.Mailed == before.Mailed && n.Called == before.Called {
		return nil, ctx.Err() // it is sent again
	}
	var left []kigo.Notice
	ctx, cancel := store.Outcome(ctx)
	defer cancel()
	err = l.Store.Update(ctx, func(tx *store.Tx) error {
		now, err := tx.Alert(a.ID)
		if err != nil {
			return err
		}
		s := now.State
		if len(s.Outbox) == 0 || s.Outbox[0].ID != n.ID {
			return nil
		}
		if stopped { // of what it was to do the rest is done by the next process
			s.Outbox[0] = n
			left = s.Outbox
			return tx.SetAlertState(a.ID, s)
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
	if err != nil && !errors.Is(err, kigo.ErrNotFound) {
		l.unwritten.Store(a.ID, n)
	} else {
		l.unwritten.Delete(a.ID)
	}
	if errors.Is(err, kigo.ErrNotFound) {
		return nil, nil
	}
	if why != "" {
		l.Log.InfoContext(ctx, "notice of an alert was not delivered", "alert", a.ID, "app", a.App, "tries", n.Tries, "err", detail)
	}
	return left, err
}
