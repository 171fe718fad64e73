package api

import (
	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/client"
	"github.com/kigo-dev/kigo/control"
	"github.com/kigo-dev/kigo/store"
)

func serializeAccount(a kigo.Account) client.Account {
	return client.Account{
		AllowTracking:           false,
		CreatedAt:               second(a.CreatedAt),
		Email:                   a.Email,
		ID:                      string(a.ID),
		LastLogin:               optionalTime(a.LastLogin),
		TwoFactorAuthentication: a.TwoFactor,
		Name:                    optional(a.Name),
		UpdatedAt:               second(a.UpdatedAt),
		Verified:                true, // there is nothing to pay with: no command may ask for a credit card
	}
}

func accountInfo(c *call) (reply, error) {
	a, err := c.account()
	if err != nil {
		return reply{}, err
	}
	shown := serializeAccount(a)
	id, err := c.defaultTeam()
	if err != nil || id == "" {
		return ok(shown), err
	}
	t, err := ctrl(c).Team(c.ctx(), c.actor, kigo.PermissionView, id)
	shown.DefaultTeam = &client.Ref{ID: id, Name: t.Name}
	shown.DefaultOrganization = shown.DefaultTeam
	return ok(shown), err
}

func accountUpdate(c *call) (reply, error) {
	var in struct {
		Name        *string `json:"name"`
		Email       *string `json:"email"`
		Password    *string `json:"password"`
		NewPassword *string `json:"new_password"`
	}
	if err := c.decode(&in); err != nil {
		return reply{}, err
	}
	if in.NewPassword != nil || in.Email != nil && *in.Email != c.actor.Email {
		if err := c.sensitive(); err != nil {
			return reply{}, err
		}
	}
	if in.NewPassword != nil {
		if err := ctrl(c).ChangePassword(c.ctx(), c.actor, value(in.Password), *in.NewPassword); err != nil {
			return reply{}, err
		}
	}
	if in.Email != nil && *in.Email != c.actor.Email {
		if err := ctrl(c).AskEmail(c.ctx(), c.actor, *in.Email, value(in.Password)); err != nil {
			return reply{}, err
		}
		warning := "Confirm " + *in.Email + " by the letter that is on its way there; until then your address stays."
		if !ctrl(c).Mail {
			warning = "An operator has to confirm " + *in.Email + " with `kigo accounts:confirm " + c.actor.Email + "`; until then your address stays."
		}
		c.w.Header().Set("X-Heroku-Warning", warning)
	}
	a, err := ctrl(c).UpdateAccount(c.ctx(), c.actor, control.AccountChange{Name: in.Name})
	return ok(serializeAccount(a)), err
}

func userInfo(c *call) (reply, error) {
	if err := c.user(); err != nil {
		return reply{}, err
	}
	return accountInfo(c)
}

func userUpdate(c *call) (reply, error) {
	if err := c.user(); err != nil {
		return reply{}, err
	}
	return accountUpdate(c)
}

// accountDelete is refused while the account owns apps.
func accountDelete(c *call) (reply, error) {
	a, err := ctrl(c).DeleteAccount(c.ctx(), c.actor)
	return ok(serializeAccount(a)), err
}

func userDelete(c *call) (reply, error) {
	if err := c.user(); err != nil {
		return reply{}, err
	}
	return accountDelete(c)
}

// account reads the account of who asks.
func (c *call) account() (a kigo.Account, err error) {
	err = c.view(func(tx *store.Tx) error {
		a, err = tx.Account(c.actor.ID)
		return err
	})
	return a, err
}

func rateLimitInfo(c *call) (reply, error) {
	return ok(client.RateLimit{Remaining: c.left}), nil
}

// Account features: there are none yet, so that every name is unknown.

func accountFeatureInfo(*call) (reply, error) { return reply{}, kigo.NotFound("account feature") }

func accountFeatureUpdate(*call) (reply, error) { return reply{}, kigo.NotFound("account feature") }
