package dyno

import (
	"context"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/reconcile"
	"github.com/kigo-dev/kigo/store"
)

// inside takes a step with a one-off that runs in another dyno (run:inside). Its
// process belongs to its client's connection: there is nothing to start again.
func (a *Agent) inside(ctx context.Context, d kigo.Dyno) (reconcile.Result, error) {
	if d.State == kigo.DynoStarting && !d.Stop {
		wait, err := a.awaitClient(ctx, d)
		return reconcile.Result{After: wait}, err
	}
	if !d.Stop && a.clients.arrived(d.ID) { // its client is there
		left := remaining(life(d), d.StartedAt)
		if left > 0 {
			return reconcile.Result{After: left}, nil
		}
		a.say(d, "Time to live of %s is over", life(d))
	}
	a.sessions.end(d.ID)
	return reconcile.Result{}, a.complete(ctx, d)
}

func (a *Agent) complete(ctx context.Context, d kigo.Dyno) error {
	if d.State != kigo.DynoComplete {
		if err := a.move(ctx, &d, kigo.DynoComplete); err != nil {
			return err
		}
	}
	return a.dispose(ctx, d)
}

// enter starts the command of a one-off in the dyno that it names.
func (a *Agent) enter(ctx context.Context, d kigo.Dyno) (io.ReadWriteCloser, error) {
	var host kigo.Dyno
	err := a.Store.View(ctx, func(tx *store.Tx) (err error) {
		host, err = tx.Dyno(d.Inside)
		return err
	})
	if err != nil {
		return nil, err
	}
	p, err := a.plan(ctx, host)
	if err != nil {
		return nil, err
	}
	p.Dyno.Env, p.Dyno.Attach, p.Dyno.Command = d.Env, d.Attach, d.Command
	l, err := p.Launch()
	if err != nil {
		return nil, err
	}
	a.say(d, "Starting process with command `%s` in %s", d.Command, host.Name())
	conn, err := a.Engine.Exec(ctx, RunID(host), kigo.Exec{Command: l.Command, Env: l.Env, TTY: l.TTY})
	if err == nil {
		d.StartedAt = time.Now()
		err = a.move(ctx, &d, kigo.DynoUp)
	}
	if err != nil {
		a.say(d, "Error R13 (Attach error) -> Failed to attach to process")
		if e := a.complete(ctx, d); e != nil {
			a.Log.ErrorContext(ctx, "end one-off", "dyno", d.Name(), "err", e)
		}
		return nil, fmt.Errorf("run inside %s: %w", host.Name(), err)
	}
	visit := &visit{hangup: hangup{conn, a, d, new(atomic.Bool)}}
	a.sessions.set(d.ID, visit)
	a.Mark(d.ID) // which sets the end of its time
	return visit, nil
}

// visit is the connection to a command inside another dyno; its end is the end of
// the one-off.
type visit struct {
	hangup
	closed atomic.Bool
}

// Close ends the command.
func (v *visit) Close() error {
	if v.closed.Swap(true) {
		return nil
	}
	err := v.hangup.Close()
	v.agent.clients.forget(v.dyno.ID)
	v.agent.sessions.forget(v.dyno.ID)
	v.agent.Mark(v.dyno.ID)
	return err
}
