package server

import (
	"context"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/control"
	"github.com/kigo-dev/kigo/webhook"
)

// webhooks tells addresses outside what happens to apps, in the API's own words.
func (n *node) webhooks() *webhook.Loop {
	return &webhook.Loop{Store: n.store, Outbound: n.control.Outbound, Log: n.log,
		Peek: func(ctx context.Context, owner kigo.Account, path string) ([]byte, error) {
			return n.platform.Peek(ctx, control.Actor{ID: owner.ID, Email: owner.Email, Scope: []string{"global"}}, path)
		}}
}
