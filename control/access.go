package control

import (
	"slices"
	"strings"

	"github.com/kigo-dev/kigo"
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

// Can says whether an actor may do something with an app. Another's app is not
// found, so that nobody learns which exist; what the authorization's scope does
// not reach is forbidden. Verbs are "read", "write", "read-protected", "write-protected".
func (c *Control) Can(a Actor, verb string, app kigo.App) error {
	if app.Owner != a.ID {
		return kigo.NotFound("app")
	}
	return a.Allows(verb)
}

// Allows says whether the actor's authorization reaches as far as a verb:
// "identity" for the account itself, "global" for authorizations and passwords, or a verb of Can.
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
