package control

import (
	"context"
	"errors"
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
		}
		all = append(all, Member{part, account.Email, role})
	}
	return all, nil
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

// Offer is a transfer with the names that it is shown with.
type Offer struct {
	kigo.Transfer
	AppName, OwnerEmail, RecipientEmail string
}

// OfferApp offers an app of the actor's own to another account. The recipient
// becomes the owner by accepting it, and the former one a collaborator.
func (c *Control) OfferApp(ctx context.Context, a Actor, id kigo.AppID, recipient string) (o Offer, err error) {
	err = c.update(ctx, a, func(tx *change) error {
		app, err := tx.app(id)
		if err != nil {
			return err
		}
		if app.Owner != a.ID {
			return &kigo.Error{ID: kigo.IDForbidden, Message: "Only the owner of " + app.Name + " may transfer it."}
		}
		to, err := findAccount(tx.Tx, a, recipient)
		if err != nil {
			return err
		}
		if to.ID == a.ID {
			return kigo.Invalid("%s owns %s already.", to.Email, app.Name)
		}
		have, err := tx.Transfers(a.ID)
		if err != nil {
			return err
		}
		for _, t := range have {
			if t.App == id && t.State == kigo.TransferPending {
				return kigo.Invalid("%s is being transferred already: withdraw that first.", app.Name)
			}
		}
		t := kigo.Transfer{App: id, Owner: a.ID, Recipient: to.ID, State: kigo.TransferPending}
		if err := tx.CreateTransfer(&t); err != nil {
			return err
		}
		if o, err = offer(tx.Tx, t); err != nil {
			return err
		}
		return tx.emit("app-transfer.create", id, t.ID, map[string]string{"recipient": to.Email})
	})
	return o, err
}

// Offers returns those from and to the actor.
func (c *Control) Offers(ctx context.Context, a Actor) (all []Offer, err error) {
	err = c.Store.View(ctx, func(tx *store.Tx) error {
		transfers, err := tx.Transfers(a.ID)
		for _, t := range transfers {
			o, oerr := offer(tx, t)
			if errors.Is(oerr, kigo.ErrNotFound) {
				continue // its app is being destroyed
			}
			all, err = append(all, o), errors.Join(err, oerr)
		}
		return err
	})
	return all, err
}

func offer(tx *store.Tx, t kigo.Transfer) (Offer, error) {
	app, err := tx.App(t.App)
	if err == nil && app.Destroying {
		err = kigo.NotFound("app")
	}
	if err != nil {
		return Offer{}, err
	}
	owner, err := tx.Account(t.Owner)
	if err != nil {
		return Offer{}, err
	}
	to, err := tx.Account(t.Recipient)
	return Offer{t, app.Name, owner.Email, to.Email}, err
}

// AnswerOffer accepts or declines an app that was offered to the actor.
func (c *Control) AnswerOffer(ctx context.Context, a Actor, which string, accept bool) (Offer, error) {
	return c.changeOffer(ctx, a, which, func(tx *change, o *Offer) error {
		if o.Recipient != a.ID {
			return &kigo.Error{ID: kigo.IDForbidden, Message: "Only " + o.RecipientEmail + " may answer that transfer."}
		}
		o.State = kigo.TransferDeclined
		if accept {
			o.State = kigo.TransferAccepted
			if err := tx.handOver(o.Transfer); err != nil {
				return err
			}
			tx.logf(o.App, "Transfer %s to %s by user %s", o.AppName, o.RecipientEmail, a.Email)
		}
		return errors.Join(tx.UpdateTransfer(&o.Transfer), tx.emit("app-transfer.update", o.App, o.ID, map[string]string{"state": o.State}))
	})
}

// handOver makes the recipient the owner and the former owner a collaborator.
func (c *change) handOver(t kigo.Transfer) error {
	part, err := c.Collaborator(t.App, t.Recipient)
	if err == nil {
		err = c.DeleteCollaborator(part.ID)
	} else if errors.Is(err, kigo.ErrNotFound) {
		err = nil
	}
	if err != nil {
		return err
	}
	former := kigo.Collaborator{App: t.App, Account: t.Owner, Permissions: kigo.CollaboratorPermissions}
	return errors.Join(c.SetAppOwner(t.App, t.Recipient), c.CreateCollaborator(&former), c.emit("app.update", t.App, string(t.App), nil))
}

// WithdrawOffer takes back an offer of the actor's own.
func (c *Control) WithdrawOffer(ctx context.Context, a Actor, which string) (Offer, error) {
	return c.changeOffer(ctx, a, which, func(tx *change, o *Offer) error {
		if o.Owner != a.ID {
			return &kigo.Error{ID: kigo.IDForbidden, Message: "Only " + o.OwnerEmail + " may withdraw that transfer."}
		}
		return errors.Join(tx.DeleteTransfer(o.ID), tx.emit("app-transfer.delete", o.App, o.ID, nil))
	})
}

// changeOffer runs f on a pending transfer from or to the actor, by its id or its app's name.
func (c *Control) changeOffer(ctx context.Context, a Actor, which string, f func(*change, *Offer) error) (o Offer, err error) {
	err = c.update(ctx, a, func(tx *change) error {
		all, err := tx.Transfers(a.ID)
		if err != nil {
			return err
		}
		for _, t := range all {
			if o, err = offer(tx.Tx, t); errors.Is(err, kigo.ErrNotFound) || err == nil && which != t.ID && which != o.AppName {
				continue
			}
			if err != nil {
				return err
			}
			if t.State != kigo.TransferPending {
				if which == t.ID {
					return kigo.Invalid("That transfer was %s already.", t.State)
				}
				continue
			}
			return f(tx, &o)
		}
		return kigo.NotFound("app transfer")
	})
	return o, err
}
