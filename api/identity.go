package api

import (
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/client"
	"github.com/kigo-dev/kigo/control"
	"github.com/kigo-dev/kigo/store"
)

// epoch is when things that have no history of their own were made.
var epoch = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)

// namespace makes the ids of things that are known by name alone: stacks,
// regions, dyno sizes. The same name has the same id on every server.
var namespace = uuid.MustParse("6b69676f-0000-5000-8000-000000000000")

func fixedID(kind, name string) string {
	return uuid.NewSHA1(namespace, []byte(kind+"/"+name)).String()
}

func fixedRef(kind, name string) client.Ref { return client.Ref{ID: fixedID(kind, name), Name: name} }

func appRef(a kigo.App) client.Ref { return client.Ref{ID: string(a.ID), Name: a.Name} }

// findApp loads an app into c.app, when the actor may do with it what the route
// does. Another's is not found: its name is nobody's business.
func (c *call) findApp(nameOrID string) error {
	err := c.view(func(tx *store.Tx) (err error) {
		c.app, err = tx.FindApp(nameOrID)
		return err
	})
	if err != nil {
		return err
	}
	return c.s.Control.Can(c.ctx(), c.actor, c.needs(), c.app)
}

// user checks that {user} of the path is the one who asks: "~", id or e-mail address.
func (c *call) user() error {
	switch c.param("user") {
	case "~", string(c.actor.ID), c.actor.Email:
		return nil
	}
	return kigo.NotFound("user")
}

// optional is nil for the empty value.
func optional[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}

// second is a time as Heroku tells it, without fractions.
func second(t time.Time) time.Time { return t.UTC().Truncate(time.Second) }

func optionalTime(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = second(t)
	return &t
}

// idRef is nil for the empty id.
func idRef[T ~string](id T) *client.IDRef {
	if id == "" {
		return nil
	}
	return &client.IDRef{ID: string(id)}
}

func userRef(id kigo.AccountID, email string) client.UserRef {
	return client.UserRef{ID: string(id), Email: email}
}

func ctrl(c *call) *control.Control { return c.s.Control }

// emptyList answers for what nobody has any of.
// It is sorted by whatever the client likes.
func emptyList(c *call) (reply, error) {
	_, err := parseRange(c.r.Header.Get("Range"))
	return reply{status: http.StatusOK, header: http.Header{"Accept-Ranges": {"id"}}, body: []any{}}, err
}

func emptyListOfUser(c *call) (reply, error) {
	if err := c.user(); err != nil {
		return reply{}, err
	}
	return emptyList(c)
}
