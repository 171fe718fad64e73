package control

import (
	"context"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/store"
)

const execFeature = "runtime-heroku-exec"

// OpenExec lets an actor into a dyno that is up (ps:exec) and writes down that it did.
// The log of the app tells it, for what is done in there is told nowhere.
func (c *Control) OpenExec(ctx context.Context, a Actor, id kigo.AppID, which string) (d kigo.Dyno, err error) {
	err = c.update(ctx, a, func(tx *change) error {
		app, err := tx.app(id)
		if err != nil {
			return err
		}
		if err := execAllowed(tx.Tx, app); err != nil {
			return err
		}
		if d, err = tx.FindDyno(id, which); err != nil {
			return err
		}
		if d.Stop || d.State != kigo.DynoUp || d.Inside != "" {
			return kigo.Conflict("%s is %s, not up: ps:exec needs a dyno that runs.", d.Name(), d.State)
		}
		tx.byf(id, "Exec session in %s", d.Name())
		return tx.emit("exec.create", id, string(d.ID), map[string]string{"dyno": d.Name()})
	})
	return d, err
}

// execAllowed checks the app's feature.
func execAllowed(tx *store.Tx, app kigo.App) error {
	set, err := tx.Features(app.ID)
	if err != nil {
		return err
	}
	for _, f := range merge(app, set) {
		if f.Name == execFeature && !f.Enabled {
			return kigo.Invalid("ps:exec is turned off for %s: features:enable %s turns it on.", app.Name, execFeature)
		}
	}
	return nil
}

// MayExec says whether an account that was let into a dyno may still be there: it may
// operate the app, and the authorization that it came by is good.
func (c *Control) MayExec(ctx context.Context, id kigo.AccountID, authorization string, dyno kigo.DynoID) error {
	var app kigo.App
	err := c.Store.View(ctx, func(tx *store.Tx) error {
		d, err := tx.Dyno(dyno)
		if err != nil {
			return instead(err, kigo.Conflict("The dyno has ended."))
		}
		if app, err = tx.App(d.App); err != nil {
			return err
		}
		return execAllowed(tx, app)
	})
	if err != nil {
		return err
	}
	return c.mayStay(ctx, id, authorization, app)
}

// MayAttach says whether who made an attached one-off may still be at its terminal.
func (c *Control) MayAttach(ctx context.Context, d kigo.Dyno) error {
	if d.Attach.By == "" {
		return nil // made before that was written down
	}
	var app kigo.App
	err := c.Store.View(ctx, func(tx *store.Tx) (err error) {
		app, err = tx.App(d.App)
		return err
	})
	if err != nil {
		return err
	}
	return c.mayStay(ctx, d.Attach.By, d.Attach.Authorization, app)
}

var errEnded = kigo.Error{ID: kigo.IDForbidden, Message: "The authorization that this was begun with has been revoked, or has expired."}

// mayStay checks an authorization, if there was one, and what its account may do.
func (c *Control) mayStay(ctx context.Context, id kigo.AccountID, authorization string, app kigo.App) error {
	var who kigo.Account
	err := c.Store.View(ctx, func(tx *store.Tx) (err error) {
		if who, err = tx.Account(id); err != nil || authorization == "" {
			return err
		}
		a, err := tx.Authorization(authorization)
		ended := errEnded
		if err == nil && !a.ExpiresAt.IsZero() && !a.ExpiresAt.After(tx.Now()) {
			return &ended
		}
		return instead(err, &ended)
	})
	if err != nil {
		return err
	}
	return c.Can(ctx, Actor{ID: who.ID, Email: who.Email}, kigo.PermissionOperate, app)
}
