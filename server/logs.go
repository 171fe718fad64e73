package server

import (
	"context"
	"fmt"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/store"
)

// keepAllLogs tells the hub what apps want kept of their logs.
func (n *node) keepAllLogs(ctx context.Context) error {
	var all map[kigo.AppID]kigo.LogRetention
	err := n.store.View(ctx, func(tx *store.Tx) (err error) {
		all, err = tx.LogRetentions()
		return err
	})
	if err != nil {
		return fmt.Errorf("read what is kept of logs: %w", err)
	}
	for app, r := range all {
		n.hub.Keep(app, r)
	}
	return nil
}

// keepLogs does so for one app, after a change.
func (n *node) keepLogs(app kigo.AppID) error {
	return n.store.View(context.Background(), func(tx *store.Tx) error {
		r, err := tx.LogRetention(app)
		if err == nil {
			n.hub.Keep(app, r)
		}
		return err
	})
}
