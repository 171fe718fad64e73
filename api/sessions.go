package api

import (
	"time"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/client"
)

func (c *call) serializeSession(a kigo.Authorization) client.Session {
	return client.Session{
		Authorization: client.IDRef{ID: a.ID},
		CreatedAt:     second(a.CreatedAt),
		Description:   a.Description,
		ExpiresIn:     c.expiresIn(a),
		ID:            a.Session,
		UpdatedAt:     second(a.UpdatedAt),
	}
}

func sessionList(c *call) (reply, error) {
	all, err := ctrl(c).Sessions(c.ctx(), c.actor)
	if err != nil {
		return reply{}, err
	}
	return page(c, all, each(c.serializeSession),
		textKey("id", func(a kigo.Authorization) string { return a.Session }),
		timeKey("updated_at", func(a kigo.Authorization) time.Time { return a.UpdatedAt }))
}

// sessionDelete ends a session; `heroku logout` ends its own, "~".
func sessionDelete(c *call) (reply, error) {
	a, err := ctrl(c).EndSession(c.ctx(), c.actor, c.param("session"))
	return ok(c.serializeSession(a)), err
}
