package server

import (
	"context"
	"time"

	"github.com/kigo-dev/kigo/store"
)

// meterInterval is how much of a dyno's time a failing machine may lose.
const meterInterval = time.Minute

// meterDynos adds what running dynos use to the sums of their apps, now and then.
func (n *node) meterDynos(ctx context.Context) error {
	for tick := time.NewTicker(meterInterval); ; {
		select {
		case <-ctx.Done():
			tick.Stop()
			return nil
		case <-tick.C:
		}
		if err := n.store.Update(ctx, (*store.Tx).CheckpointUsage); err != nil && ctx.Err() == nil {
			n.log.WarnContext(ctx, "record usage", "err", err)
		}
	}
}
