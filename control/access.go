package control

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/store"
)

// grants lists what each scope of an authorization allows (Heroku's OAuth
// documentation): the protected verbs reach config vars and what else is secret.
var grants = map[string][]string{
	"global":          {"identity", "read", "write", "read-protected", "write-protected", "global"},
	"identity":        {"identity"},
	"read":            {"identity", "read"},
	"write":           {"identity", "read", "write"},
	"read-protected":  {"identity", "read", "read-protected"},
	"write-protected": {"identity", "read", "write", "read-protected", "write-protected"},
}

// Can says whether an actor may do something with an app: verb is one of
// kigo.Permissions. The owner may do everything, a collaborator what it was
// given. Anybody else's app is not found, so that nobody learns which exist; what a
// collaborator was not given is forbidden. How far the authorization reaches is
// for Allows to say.
func (c *Control) Can(ctx context.Context, a Actor, verb string, app kigo.App) error {
	if !slices.Contains(kigo.Permissions, verb) {
		return fmt.Errorf("check access: %q is no permission", verb)
	}
	if app.Owner == a.ID {
		return nil
	}
	var part kigo.Collaborator
	err := c.Store.View(ctx, func(tx *store.Tx) (err error) {
		part, err = tx.Collaborator(app.ID, a.ID)
		return err
	})
	switch {
	case errors.Is(err, kigo.ErrNotFound):
		return kigo.NotFound("app")
	case err != nil:
		return err
	case slices.Contains(part.Permissions, verb):
		return nil
	}
	return &kigo.Error{ID: kigo.IDForbidden, Message: fmt.Sprintf(
		"You do not have access to do that with %s: the permission %s is needed, and you have %s.", app.Name, verb, strings.Join(part.Permissions, ", "))}
}

// Allows says whether the actor's authorization reaches as far as a verb:
// "identity" for the account itself, "global" for authorizations and passwords, "read", "write", "read-protected" or
// "write-protected" for apps.
func (a Actor) Allows(verb string) error {
	if len(a.Scope) == 0 {
		return nil
	}
	for _, scope := range a.Scope {
		if slices.Contains(grants[scope], verb) {
			return nil
		}
	}
	return &kigo.Error{ID: kigo.IDForbidden, Message: "The scope of this authorization (" + strings.Join(a.Scope, ", ") +
		") does not allow that: " + verb + " is needed."}
}
