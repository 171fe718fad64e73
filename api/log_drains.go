package api

import (
	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/client"
	"github.com/kigo-dev/kigo/store"
)

// serializeDrain shows a drain; what may be a credential in its URL is masked.
func (c *call) serializeDrain(d kigo.Drain) client.Drain {
	out := client.Drain{
		App:       appRef(c.app),
		CreatedAt: second(d.CreatedAt),
		ID:        d.ID,
		Token:     d.Token,
		UpdatedAt: second(d.UpdatedAt),
		URL:       d.Masked(),
	}
	if c.r.URL.Query().Get("extended") == "true" {
		out.Extended = &client.DrainExtended{DrainID: d.ID}
	}
	return out
}

func drainList(c *call) (reply, error) {
	var all []kigo.Drain
	err := c.view(func(tx *store.Tx) (err error) {
		all, err = tx.Drains(c.app.ID)
		return err
	})
	if err != nil {
		return reply{}, err
	}
	return page(c, all, each(c.serializeDrain), textKey("id", func(d kigo.Drain) string { return d.ID }))
}

func drainInfo(c *call) (reply, error) {
	var d kigo.Drain
	err := c.view(func(tx *store.Tx) (err error) {
		d, err = tx.FindDrain(c.app.ID, c.param("drain"))
		return err
	})
	return ok(c.serializeDrain(d)), err
}

func drainCreate(c *call) (reply, error) {
	var in struct {
		URL *string `json:"url"`
	}
	if err := c.decode(&in); err != nil {
		return reply{}, err
	}
	if value(in.URL) == "" {
		return reply{}, kigo.Invalid("url is required: where the lines shall go, such as https://logs.example.com/.")
	}
	d, err := ctrl(c).AddDrain(c.ctx(), c.actor, c.app.ID, *in.URL)
	return created(c.serializeDrain(d)), err
}

func drainDelete(c *call) (reply, error) {
	d, err := ctrl(c).RemoveDrain(c.ctx(), c.actor, c.app.ID, c.param("drain"))
	return ok(c.serializeDrain(d)), err
}
