package build_test

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/build"
)

// deadEngine stands for the process that was killed: launches go on, but nobody
// can end or forget them.
type deadEngine struct {
	build.Engine
	dead  atomic.Bool
	ended chan struct{} // closed with it
}

func (e *deadEngine) Logs(ctx context.Context, id kigo.DynoID, after uint64, f func(kigo.OutputLine)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-e.ended:
			cancel()
		case <-ctx.Done():
		}
	}()
	return e.Engine.Logs(ctx, id, after, f)
}

func (e *deadEngine) Kill(ctx context.Context, id kigo.DynoID) error {
	if e.dead.Load() {
		return errors.New("dead")
	}
	return e.Engine.Kill(ctx, id)
}

func (e *deadEngine) Remove(ctx context.Context, id kigo.DynoID) error {
	if e.dead.Load() {
		return errors.New("dead")
	}
	return e.Engine.Remove(ctx, id)
}

func (e *deadEngine) Status(ctx context.Context, id kigo.DynoID) (kigo.RunStatus, error) {
	if e.dead.Load() {
		return kigo.RunStatus{}, errors.New("dead")
	}
	return e.Engine.Status(ctx, id)
}
