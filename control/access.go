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

// Can says whether an actor may do something with an object: a kigo.App, kigo.Team,
// kigo.Enterprise or kigo.Pipeline. What the actor has no part in is not found, so that
// nobody learns which exist; what it was not given is forbidden. How far the authorization
// reaches is for Allows to say.
func (c *Control) Can(ctx context.Context, a Actor, verb string, object any) error {
	var have []string
	err := c.Store.View(ctx, func(tx *store.Tx) (err error) {
		have, err = rights(tx, a, object)
		return err
	})
	if err != nil {
		return err
	}
	return allowed(have, verb, object)
}

// Rights lists all that an actor may do with an object of Can's; none: it has no part in it.
func (c *Control) Rights(ctx context.Context, a Actor, object any) (have []string, err error) {
	err = c.Store.View(ctx, func(tx *store.Tx) error {
		have, err = rights(tx, a, object)
		return err
	})
	return have, err
}

// can is Can inside a change.
func (c *change) can(verb string, object any) error {
	have, err := rights(c.Tx, c.actor, object)
	if err != nil {
		return err
	}
	return allowed(have, verb, object)
}

func allowed(have []string, verb string, object any) error {
	noun, name, verbs := "app", "", kigo.Permissions
	switch o := object.(type) {
	case kigo.App:
		name = o.Name
	case kigo.Team:
		noun, name, verbs = "team", o.Name, teamVerbs
	case kigo.Enterprise:
		noun, name, verbs = "enterprise account", o.Name, kigo.EnterprisePermissions
	case kigo.Pipeline:
		noun, name = "pipeline", "the pipeline "+o.Name
	}
	switch {
	case !slices.Contains(verbs, verb):
		return fmt.Errorf("check access: %q is no permission of any %s", verb, noun)
	case len(have) == 0:
		return kigo.NotFound(noun)
	case slices.Contains(have, verb):
		return nil
	}
	return &kigo.Error{ID: kigo.IDForbidden, Message: fmt.Sprintf(
		"You do not have access to do that with %s: the permission %s is needed, and you have %s.", name, verb, strings.Join(have, ", "))}
}

// What may be done with a team: see it, make apps in it, and everything else.
var teamVerbs = []string{kigo.PermissionCreate, kigo.PermissionManage, kigo.PermissionView}

// teamRights says what each role allows with a team itself and with its apps.
var teamRights = map[string]struct{ team, apps []string }{
	kigo.RoleAdmin:  {teamVerbs, kigo.Permissions},
	kigo.RoleMember: {[]string{kigo.PermissionCreate, kigo.PermissionView}, []string{kigo.PermissionView}},
	kigo.RoleViewer: {[]string{kigo.PermissionView}, []string{kigo.PermissionView}},
}

// rights lists the verbs that an actor has with an object; none: it has no part in it.
func rights(tx *store.Tx, a Actor, object any) ([]string, error) {
	switch o := object.(type) {
	case kigo.App:
		return appRights(tx, a, o)
	case kigo.Team:
		role, err := teamRole(tx, a, o.ID)
		return teamRights[role].team, err
	case kigo.Enterprise:
		m, err := tx.EnterpriseMember(o.ID, a.ID)
		return m.Permissions, absent(err)
	case kigo.Pipeline:
		return pipelineRights(tx, a, o)
	}
	return nil, fmt.Errorf("check access: %T is no object", object)
}

// appRights of an app: all for its owner; for a collaborator what it was given, and
// for one of the team that owns it what the role says.
func appRights(tx *store.Tx, a Actor, app kigo.App) ([]string, error) {
	if app.Owner == a.ID {
		return kigo.Permissions, nil
	}
	part, err := tx.Collaborator(app.ID, a.ID)
	if absent(err) != nil {
		return nil, err
	}
	role, err := teamRole(tx, a, app.Owner)
	have := slices.Concat(part.Permissions, teamRights[role].apps)
	slices.Sort(have)
	return slices.Compact(have), err
}

// pipelineRights of a pipeline: all for its owner and the admins of the team that owns
// it, all but manage for members, and view for who has an app in it.
func pipelineRights(tx *store.Tx, a Actor, p kigo.Pipeline) ([]string, error) {
	if p.Owner == a.ID {
		return kigo.Permissions, nil
	}
	role, err := teamRole(tx, a, p.Owner)
	switch {
	case err != nil:
		return nil, err
	case role == kigo.RoleAdmin:
		return kigo.Permissions, nil
	case role == kigo.RoleMember:
		return kigo.CollaboratorPermissions, nil
	}
	mine, err := tx.PipelinesOf(a.ID)
	if slices.ContainsFunc(mine, func(m kigo.Pipeline) bool { return m.ID == p.ID }) {
		return []string{kigo.PermissionView}, err
	}
	return nil, err
}

// teamRole is the actor's in a team; empty when owner is no team, or none of the
// actor's. Who manages the enterprise account above a team is its admin, who sees it, a viewer.
func teamRole(tx *store.Tx, a Actor, owner kigo.AccountID) (string, error) {
	t, err := tx.FindTeam(string(owner))
	if err != nil {
		return "", absent(err)
	}
	m, err := tx.TeamMember(t.ID, a.ID)
	if err == nil && m.Role == kigo.RoleAdmin || absent(err) != nil || t.Enterprise == "" {
		return m.Role, absent(err)
	}
	above, err := tx.EnterpriseMember(t.Enterprise, a.ID)
	switch {
	case slices.Contains(above.Permissions, kigo.PermissionManage):
		return kigo.RoleAdmin, nil
	case m.Role == "" && len(above.Permissions) > 0:
		return kigo.RoleViewer, nil
	}
	return m.Role, absent(err)
}

// absent is nil for not found.
func absent(err error) error {
	if errors.Is(err, kigo.ErrNotFound) {
		return nil
	}
	return err
}

// instead is what a user is told when something is not found; any other error stays.
func instead(err, told error) error {
	if errors.Is(err, kigo.ErrNotFound) {
		return told
	}
	return err
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
