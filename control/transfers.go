package control

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/store"
)

// offerMailed is how long the letter of an offer is tried; the offer itself stands until it is
// answered.
const offerMailed = 7 * 24 * time.Hour

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
		post := tx.postSpaced("transfer", to.Email, "The app "+app.Name+" is offered to you", offerMailed, `%s offers you the app %s. Take it by

    kigo apps:transfers:accept %s

or turn it down by kigo apps:transfers:decline %s.`, o.OwnerEmail, app.Name, app.Name, app.Name)
		return errors.Join(post, tx.emit("app-transfer.create", id, t.ID, map[string]string{"recipient": to.Email}))
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
	former, err := c.Account(t.Owner)
	if err == nil && !former.Team { // a team has no part but as the owner
		err = c.CreateCollaborator(&kigo.Collaborator{App: t.App, Account: t.Owner, Permissions: kigo.CollaboratorPermissions})
	}
	if err != nil {
		return err
	}
	return errors.Join(c.SetAppOwner(t.App, t.Recipient), c.emit("app.update", t.App, string(t.App), nil))
}

// MoveApp gives an app at once to a team in which the actor may make apps, or, out
// of a team, to one of its members.
func (c *Control) MoveApp(ctx context.Context, a Actor, id kigo.AppID, to string) (app kigo.App, err error) {
	err = c.update(ctx, a, func(tx *change) error {
		if app, err = tx.app(id); err != nil {
			return err
		}
		if err := tx.mayGive(app); err != nil {
			return err
		}
		recipient, name, err := tx.newOwner(app, to)
		if err != nil || recipient == app.Owner {
			return err
		}
		pending, err := tx.Transfers(app.Owner)
		if err != nil {
			return err
		}
		for _, t := range pending {
			if t.App == id && t.State == kigo.TransferPending {
				if err := tx.DeleteTransfer(t.ID); err != nil {
					return err
				}
			}
		}
		app.Locked = false
		if err := tx.UpdateApp(&app); err != nil {
			return err
		}
		if err := tx.handOver(kigo.Transfer{App: id, Owner: app.Owner, Recipient: recipient}); err != nil {
			return err
		}
		tx.logf(id, "Transfer %s to %s by user %s", app.Name, name, a.Email)
		app, err = tx.App(id)
		return err
	})
	return app, err
}

func (c *change) newOwner(app kigo.App, to string) (kigo.AccountID, string, error) {
	t, err := c.FindTeam(strings.TrimSuffix(to, kigo.TeamDomain))
	if err == nil {
		return t.ID, t.Name, c.can(kigo.PermissionCreate, t)
	}
	if absent(err) != nil {
		return "", "", err
	}
	if _, err := c.FindTeam(string(app.Owner)); err != nil {
		return "", "", instead(err, kigo.Invalid("%.80q is no team of yours: offer the app to a person with `heroku apps:transfer`.", to))
	}
	who, err := findAccount(c.Tx, c.actor, to)
	if err != nil {
		return "", "", err
	}
	if _, err := c.TeamMember(app.Owner, who.ID); err != nil {
		return "", "", instead(err, kigo.Invalid("%s is no member of the team that owns %s.", who.Email, app.Name))
	}
	return who.ID, who.Email, nil
}

// LockApp keeps members of an app's team from joining it by themselves, or lets them again.
func (c *Control) LockApp(ctx context.Context, a Actor, id kigo.AppID, locked bool) (app kigo.App, err error) {
	err = c.update(ctx, a, func(tx *change) error {
		if app, err = tx.app(id); err != nil {
			return err
		}
		if _, err := tx.FindTeam(string(app.Owner)); err != nil {
			return instead(err, kigo.Invalid("%s belongs to no team: only its collaborators reach it.", app.Name))
		}
		if err := tx.can(kigo.PermissionManage, app); err != nil {
			return err
		}
		app.Locked = locked
		return errors.Join(tx.UpdateApp(&app), tx.emit("app.update", id, string(id), map[string]any{"locked": locked}))
	})
	return app, err
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

// mayGive lets only the owner of an app, or who manages the team that owns it, give
// it away: who manages the app alone could make it theirs.
func (c *change) mayGive(app kigo.App) error {
	if app.Owner == c.actor.ID {
		return nil
	}
	t, err := c.FindTeam(string(app.Owner))
	if errors.Is(err, kigo.ErrNotFound) {
		return &kigo.Error{ID: kigo.IDForbidden, Message: "Only the owner of " + app.Name + " can transfer it."}
	}
	if err != nil {
		return err
	}
	return c.can(kigo.PermissionManage, t)
}
