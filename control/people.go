package control

import (
	"context"
	"errors"
	"fmt"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/secret"
	"github.com/kigo-dev/kigo/store"
)

// NewAccount is an account that an operator makes.
type NewAccount struct {
	Email, Name string
	Password    string // empty: none, until its owner has one set
}

// CreateAccount makes an account and a token of it, which is told this once. Only
// operators may.
func (c *Control) CreateAccount(ctx context.Context, a Actor, n NewAccount) (account kigo.Account, token string, err error) {
	if err := errors.Join(a.Allows("global"), CheckEmail(n.Email), checkText("Name", n.Name, maxName)); err != nil {
		return account, "", err
	}
	hash := ""
	if n.Password != "" {
		if err := checkPassword(n.Password); err != nil {
			return account, "", err
		}
		if hash, err = c.Passwords.Hash(ctx, n.Password); err != nil {
			return account, "", err
		}
	}
	token = secret.NewToken()
	err = c.update(ctx, a, func(tx *change) error {
		if err := tx.operator(); err != nil {
			return err
		}
		_, err := tx.AccountByEmail(n.Email)
		if err == nil {
			return kigo.Invalid("There is an account of %s already.", n.Email)
		}
		if !errors.Is(err, kigo.ErrNotFound) {
			return err
		}
		account = kigo.Account{Email: n.Email, Name: n.Name}
		if err := tx.CreateAccount(&account); err != nil {
			return err
		}
		if hash != "" {
			if err := tx.SetPasswordHash(account.ID, hash); err != nil {
				return err
			}
		}
		auth := kigo.Authorization{Account: account.ID, Description: "Made with the account", Scope: []string{"global"}, TokenHint: secret.TokenHint(token)}
		return errors.Join(tx.CreateAuthorization(&auth, secret.HashToken(token)), tx.emit("account.create", "", string(account.ID), nil))
	})
	return account, token, err
}

// DeleteAccount removes the actor's own account with its tokens. One that owns
// apps, or that runs the platform, stays.
func (c *Control) DeleteAccount(ctx context.Context, a Actor) (account kigo.Account, err error) {
	if err := a.Allows("global"); err != nil {
		return account, err
	}
	err = c.update(ctx, a, func(tx *change) error {
		if account, err = tx.Account(a.ID); err != nil {
			return err
		}
		if account.Operator {
			return kigo.Invalid("%s runs this platform and cannot be removed.", account.Email)
		}
		if err := tx.ownsNothing(a.ID, account.Email); err != nil {
			return err
		}
		mine, err := tx.TeamsJoined(a.ID)
		if err != nil {
			return err
		}
		for _, m := range mine {
			t, err := tx.FindTeam(string(m.Team))
			if err == nil && m.Role == kigo.RoleAdmin {
				err = tx.anotherAdmin(t, a.ID)
			}
			if err != nil {
				return err
			}
		}
		return errors.Join(tx.DeleteAccount(a.ID), tx.emit("account.delete", "", string(a.ID), nil))
	})
	return account, err
}

// FindAccount returns the account with that id or address; "~" is the actor's own.
func (c *Control) FindAccount(ctx context.Context, a Actor, which string) (account kigo.Account, err error) {
	err = c.Store.View(ctx, func(tx *store.Tx) error {
		account, err = findAccount(tx, a, which)
		return err
	})
	return account, err
}

func findAccount(tx *store.Tx, a Actor, which string) (kigo.Account, error) {
	if which == "~" {
		which = string(a.ID)
	}
	account, err := tx.Account(kigo.AccountID(which))
	if errors.Is(err, kigo.ErrNotFound) {
		account, err = tx.AccountByEmail(which)
	}
	if errors.Is(err, kigo.ErrNotFound) || err == nil && account.Team {
		e := kigo.NotFound("user")
		e.Message = fmt.Sprintf("Couldn't find that user: %.254s has no account here; an operator makes one with `kigo accounts:create`.", which)
		err = e
	}
	return account, err
}

// operator refuses anybody who does not run the platform.
func (c *change) operator() error { return CheckOperator(c.Tx, c.actor) }

// CheckOperator refuses who does not operate the platform.
func CheckOperator(tx *store.Tx, a Actor) error {
	me, err := tx.Account(a.ID)
	if err != nil {
		return err
	}
	if !me.Operator {
		return &kigo.Error{ID: kigo.IDForbidden, Message: "Only an operator of this platform may do that."}
	}
	return nil
}

func checkPassword(password string) error {
	switch {
	case len(password) < minPassword:
		return kigo.Invalid("Password is too short (minimum is %d characters)", minPassword)
	case len(password) > maxPassword:
		return kigo.Invalid("Password is too long (maximum is %d bytes)", maxPassword)
	}
	return nil
}
