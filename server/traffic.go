package server

import (
	"context"

	"github.com/kigo-dev/kigo/router"
)

// traffic tells the dyno loop which apps are asked for something: those without
// requests may sleep, those with requests that wait are woken.
func (n *node) traffic(ctx context.Context) error {
	return router.Watch(ctx, n.cfg.Path("run", "router.sock"), func(d router.Demand) {
		for app, at := range d.Used {
			n.agent.Traffic(app, at)
		}
		for _, app := range d.Waiting {
			n.agent.Wake(app)
		}
	})
}
