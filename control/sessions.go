package control

import (
	"context"
	"slices"

	"github.com/kigo-dev/kigo"
)

// Sessions returns the actor's authorizations that a login in a browser, or a code that an
// OAuth client exchanged, has made, and whose tokens are good or can be renewed: the oldest
// first.
func (c *Control) Sessions(ctx context.Context, a Actor) ([]kigo.Authorization, error) {
	all, err := c.Authorizations(ctx, a)
	return slices.DeleteFunc(all, func(x kigo.Authorization) bool { return x.Session == "" }), err
}

// EndSession ends one of the actor's own, by its id: its tokens are refused from then on.
// "~" is the session of the token in use, which any token may end.
func (c *Control) EndSession(ctx context.Context, a Actor, id string) (auth kigo.Authorization, err error) {
	if id != "~" {
		if err := a.Allows("global"); err != nil {
			return auth, err
		}
	}
	err = c.update(ctx, a, func(tx *change) error {
		if id == "~" {
			auth, err = tx.Authorization(a.Authorization)
		} else {
			auth, err = tx.AuthorizationBySession(id)
		}
		if err != nil {
			return instead(err, kigo.NotFound("session"))
		}
		if auth.Session == "" || auth.Account != a.ID {
			return kigo.NotFound("session")
		}
		if err := tx.DeleteAuthorization(auth.ID); err != nil {
			return err
		}
		return tx.emit("authorization.delete", "", auth.ID, map[string]string{"session": auth.Session})
	})
	return auth, err
}
