package api

import (
	"context"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/client"
	"github.com/kigo-dev/kigo/control"
	"github.com/kigo-dev/kigo/store"
)

// Patches moves apps to new images of their stacks.
type Patches interface {
	Status(ctx context.Context) ([]client.StackPatch, error)
	Again(ctx context.Context, stack string) error
}

// forOperators refuses everybody else. Heroku patches its stacks without telling.
func (c *call) forOperators() error {
	return c.view(func(tx *store.Tx) error { return control.CheckOperator(tx, c.actor) })
}

func patchList(c *call) (reply, error) {
	if err := c.forOperators(); err != nil || c.s.Patches == nil {
		return ok([]client.StackPatch{}), err
	}
	all, err := c.s.Patches.Status(c.ctx())
	return ok(all), err
}

func patchAgain(c *call) (reply, error) {
	if err := c.forOperators(); err != nil {
		return reply{}, err
	}
	if c.s.Patches == nil {
		return reply{}, kigo.NotFound("stack")
	}
	return ok(empty), c.s.Patches.Again(c.ctx(), c.param("stack"))
}
