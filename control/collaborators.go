package control

import (
	"context"
	"strings"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/store"
)

const maxCollaborators = 500 // of one app

// Member is somebody who may work on an app: its owner or a collaborator.
type Member struct {
	kigo.Collaborator
	Email string
	Role  string // "owner" or "collaborator"
}

// Members returns an app's owner and then its collaborators.
func (c *Control) Members(ctx context.Context, id kigo.AppID) (all []Member, err error) {
	err = c.Store.View(ctx, func(tx *store.Tx) error {
		all, err = members(tx, id)
		return err
	})
	return all, err
}

func members(tx *store.Tx, id kigo.AppID) ([]Member, error) {
	app, err := tx.App(id)
	if err != nil {
		return nil, err
	}
	parts, err := tx.Collaborators(id)
	if err != nil {
		return nil, err
	}
	owner := kigo.Collaborator{App: id, Account: app.Owner, Permissions: kigo.Permissions, CreatedAt: app.CreatedAt, UpdatedAt: app.CreatedAt}
	var all []Member
	for i, part := range append([]kigo.Collaborator{owner}, parts...) {
		account, err := tx.Account(part.Account)
		if err != nil {
			return nil, err
		}
		role := "collaborator"
		if i == 0 {
			role = "owner"
		} else if has, err := teamRole(tx, Actor{ID: part.Account}, app.Owner); err != nil {
			return nil, err
		} else if has == kigo.RoleAdmin { // which Heroku's command line lists once, from the team
			role = kigo.RoleAdmin
		}
		all = append(all, Member{part, account.Email, role})
	}
	return all, nil
}

// JoinApp lets a member of the team that owns an app work on it, when it is not locked.
func (c *Control) JoinApp(ctx context.Context, a Actor, id kigo.AppID) (m Member, err error) {
	err = c.Store.View(ctx, func(tx *store.Tx) error {
		app, err := tx.App(id)
		if err != nil {
			return err
		}
		role, err := teamRole(tx, a, app.Owner)
		switch {
		case err != nil:
			return err
		case role != kigo.RoleAdmin && role != kigo.RoleMember:
			return &kigo.Error{ID: kigo.IDForbidden, Message: "Only members of the team that owns " + app.Name + " may join it."}
		case role == kigo.RoleMember && app.Locked:
			return &kigo.Error{ID: kigo.IDForbidden, Message: app.Name + " is locked: an admin of its team adds people to it."}
		}
		return nil
	})
	if err != nil {
		return m, err
	}
	return c.AddCollaborator(ctx, a, id, string(a.ID), nil)
}

// AddCollaborator lets an account, by id or address, work on an app. No
// permissions are the usual ones.
func (c *Control) AddCollaborator(ctx context.Context, a Actor, id kigo.AppID, who string, permissions []string) (m Member, err error) {
	permissions, err = kigo.NormalPermissions(permissions)
	if err != nil {
		return m, err
	}
	err = c.update(ctx, a, func(tx *change) error {
		app, err := tx.app(id)
		if err != nil {
			return err
		}
		account, err := findAccount(tx.Tx, a, who)
		if err != nil {
			return err
		}
		have, err := tx.Collaborators(id)
		if err != nil {
			return err
		}
		for _, other := range have {
			if other.Account == account.ID {
				return kigo.Invalid("%s is already a collaborator on %s.", account.Email, app.Name)
			}
		}
		switch {
		case account.ID == app.Owner:
			return kigo.Invalid("%s owns %s already.", account.Email, app.Name)
		case len(have) >= maxCollaborators:
			return kigo.Invalid("%s has %d collaborators, and more are not possible.", app.Name, len(have))
		}
		m = Member{kigo.Collaborator{App: id, Account: account.ID, Permissions: permissions}, account.Email, "collaborator"}
		if err := tx.CreateCollaborator(&m.Collaborator); err != nil {
			return err
		}
		tx.byf(id, "Add %s as collaborator", account.Email)
		return tx.emit("collaborator.create", id, m.ID, map[string]string{"email": account.Email, "permissions": strings.Join(permissions, ",")})
	})
	return m, err
}

// UpdateCollaborator gives a collaborator, by id or address, other permissions.
func (c *Control) UpdateCollaborator(ctx context.Context, a Actor, id kigo.AppID, who string, permissions []string) (m Member, err error) {
	permissions, err = kigo.NormalPermissions(permissions)
	if err != nil {
		return m, err
	}
	err = c.update(ctx, a, func(tx *change) error {
		if m, err = tx.collaborator(id, who); err != nil {
			return err
		}
		m.Permissions = permissions
		if err := tx.UpdateCollaborator(&m.Collaborator); err != nil {
			return err
		}
		tx.byf(id, "Update permissions of %s to %s", m.Email, strings.Join(permissions, ", "))
		return tx.emit("collaborator.update", id, m.ID, map[string]string{"email": m.Email, "permissions": strings.Join(permissions, ",")})
	})
	return m, err
}

// RemoveCollaborator ends a collaborator's access, at once.
func (c *Control) RemoveCollaborator(ctx context.Context, a Actor, id kigo.AppID, who string) (m Member, err error) {
	err = c.update(ctx, a, func(tx *change) error {
		if m, err = tx.collaborator(id, who); err != nil {
			return err
		}
		if err := tx.DeleteCollaborator(m.ID); err != nil {
			return err
		}
		tx.byf(id, "Remove %s as collaborator", m.Email)
		return tx.emit("collaborator.delete", id, m.ID, map[string]string{"email": m.Email})
	})
	return m, err
}

// collaborator finds one of an app's, by its id, the account's id or the address.
// The owner is none.
func (c *change) collaborator(id kigo.AppID, who string) (Member, error) {
	if _, err := c.app(id); err != nil {
		return Member{}, err
	}
	all, err := members(c.Tx, id)
	if err != nil {
		return Member{}, err
	}
	for _, m := range all {
		if who != m.ID && who != string(m.Account) && !strings.EqualFold(who, m.Email) && (who != "~" || m.Account != c.actor.ID) {
			continue
		}
		if m.Role == "owner" {
			return m, kigo.Invalid("%s owns the app: transfer it to somebody else first.", m.Email)
		}
		return m, nil
	}
	return Member{}, kigo.NotFound("collaborator")
}
