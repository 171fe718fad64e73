package server

import (
	"context"
	"time"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/store"
)

// egressRules reads what apps may reach, for the engine's packet filter.
func (n *node) egressRules(ctx context.Context) (rules map[kigo.AppID][]kigo.EgressRule, err error) {
	err = n.store.View(ctx, func(tx *store.Tx) error {
		rules, err = tx.AllEgressRules()
		return err
	})
	return rules, err
}

// refreshEgress makes a changed rule true at once; the engine's own look, every
// few seconds, would too.
func (n *node) refreshEgress() {
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := n.engine.RefreshEgress(ctx); err != nil {
			n.log.Warn("egress rules cannot be made true", "err", err)
		}
	}()
}
