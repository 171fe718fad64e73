package alert

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/internal/lanes"
	"github.com/kigo-dev/kigo/metrics"
	"github.com/kigo-dev/kigo/store"
)

// Pace of the loop. A minute is looked at when its last counts have come.
const (
	lookEvery = time.Minute
	lateness  = 20 * time.Second
	sendEvery = 5 * time.Second
	firstTry  = 10 * time.Second
	lastTry   = time.Hour
	maxTries  = 30 // about a day
)

// Loop watches all alerts. Set the fields before Run.
type Loop struct {
	Store   *store.Store
	History *metrics.History
	Senders Senders
	Log     *slog.Logger
	Now     func() time.Time // nil: time.Now
	Every   time.Duration    // between looks; 0: a minute

	once      sync.Once
	tells     *lanes.Lanes
	unwritten sync.Map // by alert, the notice that was tried and whose outcome the store did not take
}

func (l *Loop) now() time.Time {
	if l.Now != nil {
		return l.Now()
	}
	return time.Now()
}

// Run watches and tells until ctx ends.
func (l *Loop) Run(ctx context.Context) error {
	every := l.Every
	if every == 0 {
		every = lookEvery
	}
	look := time.NewTicker(every)
	defer look.Stop()
	send := time.NewTicker(min(every, sendEvery))
	defer send.Stop()
	defer l.lanes().Wait()
	report := func(err error) {
		if err != nil && ctx.Err() == nil {
			l.Log.ErrorContext(ctx, "send notices of alerts", "err", err)
		}
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-look.C:
			if err := l.Look(ctx); err != nil && ctx.Err() == nil {
				l.Log.ErrorContext(ctx, "look at alerts", "err", err)
			}
		case <-send.C:
		}
		report(l.begin(ctx, report))
	}
}

func (l *Loop) all(ctx context.Context) (all []kigo.Alert, err error) {
	err = l.Store.View(ctx, func(tx *store.Tx) error {
		all, err = tx.AllAlerts()
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read alerts: %w", err)
	}
	return all, nil
}

// Look takes every alert a step further.
func (l *Loop) Look(ctx context.Context) error {
	all, err := l.all(ctx)
	if err != nil {
		return err
	}
	now := l.now()
	var failed error
	for _, a := range all {
		o, err := l.observe(ctx, a, now)
		if err == nil {
			err = l.step(ctx, a.ID, o)
		}
		failed = errors.Join(failed, err)
	}
	return failed
}

// observe takes an alert's metric from the last whole minute.
func (l *Loop) observe(ctx context.Context, a kigo.Alert, now time.Time) (Observation, error) {
	to := now.Add(-lateness).Truncate(time.Minute)
	from := to.Add(-time.Minute)
	if a.Rule.Metric == kigo.AlertRestarts {
		from = to.Add(-a.Rule.For)
	}
	p, err := l.History.Over(ctx, a.App, from, to)
	if err != nil {
		return Observation{}, err
	}
	return measure(a.Rule, p, now), nil
}

// measure is a rule's metric in a point.
func measure(r kigo.AlertRule, p *metrics.Point, at time.Time) Observation {
	o := Observation{At: at}
	switch r.Metric {
	case kigo.AlertResponseTime:
		o.Known = p.Requests.Service.Count() > 0
		o.Value = float64(p.Requests.Service.Quantile(0.95).Microseconds()) / 1000
	case kigo.AlertFailed:
		if o.Known = p.Requests.Count > 0; o.Known {
			o.Value = float64(p.Requests.Failed()) / float64(p.Requests.Count) * 100
		}
	}
	for name, process := range p.Processes {
		if r.Process != "" && r.Process != name {
			continue
		}
		switch r.Metric {
		case kigo.AlertMemory:
			if process.Quota > 0 && process.Memory.N > 0 {
				o.Known, o.Value = true, max(o.Value, process.Memory.Max/float64(process.Quota)*100)
			}
		case kigo.AlertRestarts:
			o.Known, o.Value = true, o.Value+float64(process.Restarts)
		}
	}
	return o
}

// step writes the next state, with what is to be told.
func (l *Loop) step(ctx context.Context, id string, o Observation) error {
	err := l.Store.Update(ctx, func(tx *store.Tx) error {
		a, err := tx.Alert(id)
		if err != nil {
			return err
		}
		next, kind := Step(a.Rule, a.State, o)
		if kind != "" {
			next = enqueue(next, kigo.Notice{ID: uuid.NewString(), Kind: kind, At: o.At, Since: next.Since, Value: o.Value})
		}
		return tx.SetAlertState(id, next)
	})
	if errors.Is(err, kigo.ErrNotFound) {
		return nil // it was removed meanwhile
	}
	return err
}
