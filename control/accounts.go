package control

import (
	"context"
	"errors"
	"fmt"
	"net/mail"
	"strings"
	"unicode/utf8"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/secret"
	"github.com/kigo-dev/kigo/store"
)

// Limits of an account's own words.
const (
	maxName     = 256
	maxEmail    = 254
	minPassword = 8
	maxPassword = 1024
)

// AccountChange changes what is not nil.
type AccountChange struct{ Name *string }

// UpdateAccount changes the actor's own account.
func (c *Control) UpdateAccount(ctx context.Context, a Actor, ch AccountChange) (account kigo.Account, err error) {
	err = c.update(ctx, a, func(tx *change) error {
		if account, err = tx.Account(a.ID); err != nil || ch.Name == nil {
			return err
		}
		if err := checkText("Name", *ch.Name, maxName); err != nil {
			return err
		}
		account.Name = *ch.Name
		if err := tx.UpdateAccount(&account); err != nil {
			return err
		}
		return tx.emit("account.update", "", string(account.ID), nil)
	})
	return account, err
}

// SetPassword sets the actor's password, for logins by e-mail address. Tokens go on:
// they are revoked one by one. What was mailed before, to reset the password or to change
// the address, counts no more.
func (c *Control) SetPassword(ctx context.Context, a Actor, password string) error {
	if err := checkPassword(password); err != nil {
		return err
	}
	hash, err := c.Passwords.Hash(ctx, password) // takes a while: not inside the transaction
	if err != nil {
		return err
	}
	return c.update(ctx, a, func(tx *change) error {
		return errors.Join(tx.SetPasswordHash(a.ID, hash), tx.dropConfirmations(a.ID), tx.emit("account.update", "", string(a.ID), nil))
	})
}

// Login is what somebody logs in with. Factor is the code of the account's second factor, or
// one of its recovery codes; an account that has none needs none.
type Login struct {
	Email, Password, Factor string
	From                    string // as an Actor's
}

// AuthenticatePassword returns who an e-mail address and a password belong to. A
// wrong one and an unknown address take the same time and give the same error.
// Without a factor that is needed the error is errTwoFactor. What the actor does is refused
// once the account has another password.
func (c *Control) AuthenticatePassword(ctx context.Context, l Login) (Actor, error) {
	var account kigo.Account
	var hash string
	err := c.Store.View(ctx, func(tx *store.Tx) (err error) {
		if account, err = tx.AccountByEmail(l.Email); err != nil {
			return err
		}
		hash, err = tx.PasswordHash(account.ID)
		return err
	})
	if err != nil && !errors.Is(err, kigo.ErrNotFound) {
		return Actor{}, err
	}
	if len(l.Password) > maxPassword {
		return Actor{}, errCredentials
	}
	ok, err := c.Passwords.Verify(ctx, hash, l.Password)
	if err != nil {
		return Actor{}, err
	}
	if !ok {
		return Actor{}, errCredentials
	}
	actor := Actor{ID: account.ID, Email: account.Email, From: l.From, Proof: hash}
	return actor, c.update(ctx, actor, func(tx *change) error {
		account, err := tx.Account(actor.ID) // as it is by now
		if err != nil {
			return err
		}
		account.LastLogin = tx.Now()
		return errors.Join(tx.secondFactor(account, l.Factor), tx.UpdateAccount(&account))
	})
}

// EnsureOperator makes the platform's first account and gives it a token that
// the caller has made and written down before, so that a crash between loses
// nothing; calling it again changes nothing. A new address replaces the one that
// the token's account had.
func (c *Control) EnsureOperator(ctx context.Context, email, token string) (account kigo.Account, err error) {
	if err := CheckEmail(email); err != nil {
		return account, err
	}
	if len(token) < 32 {
		return account, errors.New("ensure operator: the token is too short to be one; remove its file to get a new one")
	}
	hash := secret.HashToken(token)
	err = c.update(ctx, Actor{Email: email}, func(tx *change) error {
		auth, err := tx.AuthorizationByToken(hash)
		if errors.Is(err, kigo.ErrNotFound) {
			account, err = tx.newOperator(email, token, hash)
			return err
		}
		if err != nil {
			return err
		}
		if account, err = tx.Account(auth.Account); err != nil || account.Email == email && account.Operator {
			return err
		}
		account.Email, account.Operator = email, true
		return errors.Join(tx.UpdateAccount(&account), tx.dropConfirmations(account.ID))
	})
	if err != nil {
		return account, fmt.Errorf("ensure operator: %w", err)
	}
	return account, nil
}

func (c *change) newOperator(email, token string, hash []byte) (kigo.Account, error) {
	account, err := c.AccountByEmail(email)
	if errors.Is(err, kigo.ErrNotFound) {
		account = kigo.Account{Email: email, Operator: true}
		if err = c.CreateAccount(&account); err == nil {
			err = c.emit("account.create", "", string(account.ID), nil)
		}
	}
	if err != nil {
		return account, err
	}
	auth := kigo.Authorization{Account: account.ID, Description: "Operator of this server", Scope: []string{"global"}, TokenHint: secret.TokenHint(token)}
	if err := c.CreateAuthorization(&auth, hash); err != nil {
		return account, err
	}
	return account, c.emit("authorization.create", "", auth.ID, nil)
}

// CheckEmail refuses what cannot be the e-mail address of an account.
func CheckEmail(email string) error {
	parsed, err := mail.ParseAddress(email)
	if kigo.IsTeamEmail(email) {
		return kigo.Invalid("%s stands for a team: an account needs an address of its own", email)
	}
	if err != nil || parsed.Address != email || len(email) > maxEmail {
		return kigo.Invalid("%q is not an e-mail address", email)
	}
	return nil
}

// checkText refuses what no field of text may hold.
func checkText(field, text string, limit int) error {
	switch {
	case len(text) > limit:
		return kigo.Invalid("%s is too long: %d bytes, the maximum is %d", field, len(text), limit)
	case !utf8.ValidString(text):
		return kigo.Invalid("%s is not valid UTF-8", field)
	case strings.IndexByte(text, 0) >= 0:
		return kigo.Invalid("%s holds a NUL byte", field)
	}
	return nil
}
