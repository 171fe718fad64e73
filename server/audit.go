package server

import (
	"context"
	"time"

	"github.com/kigo-dev/kigo/store"
)

// The record of changes is kept for auditKeep. What is removed then leaves an anchor, from
// which the rest is verified.
const (
	auditKeep  = 400 * 24 * time.Hour
	auditEvery = time.Hour
	auditBatch = 5000 // events in one transaction
)

// trimAudit removes old events now and then until ctx is done.
func (n *node) trimAudit(ctx context.Context) error {
	tick := time.NewTicker(auditEvery)
	defer tick.Stop()
	for {
		for removed := auditBatch; removed == auditBatch && ctx.Err() == nil; {
			err := n.store.Update(ctx, func(tx *store.Tx) (err error) {
				removed, err = tx.TrimEvents(tx.Now().Add(-auditKeep), auditBatch)
				return err
			})
			if err != nil && ctx.Err() == nil {
				n.log.Warn("remove old events", "err", err)
				break
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}
