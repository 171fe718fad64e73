package api

import (
	"github.com/kigo-dev/kigo"
)

func acmEnable(c *call) (reply, error) {
	a, err := ctrl(c).EnableACM(c.ctx(), c.actor, c.app.ID)
	return c.acmReply(a, err)
}

func acmDisable(c *call) (reply, error) {
	a, err := ctrl(c).DisableACM(c.ctx(), c.actor, c.app.ID)
	return c.acmReply(a, err)
}

// acmRefresh wants {"acm_refresh": true}, which the schema does not say.
func acmRefresh(c *call) (reply, error) {
	var in struct {
		Refresh *bool `json:"acm_refresh"`
	}
	if err := c.decode(&in); err != nil {
		return reply{}, err
	}
	if in.Refresh == nil || !*in.Refresh {
		return reply{}, kigo.Invalid("acm_refresh must be true.")
	}
	a, err := ctrl(c).RefreshACM(c.ctx(), c.actor, c.app.ID)
	return c.acmReply(a, err)
}

func (c *call) acmReply(a kigo.App, err error) (reply, error) {
	if err != nil {
		return reply{}, err
	}
	return c.appReply(a, ok)
}
