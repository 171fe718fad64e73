package control

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/secret"
)

// letterFoot says whom a letter is from.
const letterFoot = "\n\nThis letter is from the Kigo server of %s."

// post writes a letter that goes out when this change has committed, where there is a mail
// server; after life it is of no use.
func (c *change) post(to, subject string, life time.Duration, format string, args ...any) error {
	return c.postAt(c.Now(), to, subject, life, format, args...)
}

func (c *change) postAt(at time.Time, to, subject string, life time.Duration, format string, args ...any) error {
	if !c.control.Mail {
		return nil
	}
	text := fmt.Sprintf(format, args...) + fmt.Sprintf(letterFoot, c.control.Domain)
	return c.CreateLetter(&kigo.Letter{To: to, Subject: subject, Text: text, NextAt: at, Until: c.Now().Add(life)})
}

// Letters that one person can have sent to another go to an address this far apart, and are
// not sent when their turn would be later than that.
const (
	letterPause    = 10 * time.Minute
	letterPatience = time.Hour
)

// postSpaced is post for letters that somebody can have sent to others. Nobody is told that
// one is put off or left out: it says that others write there.
func (c *change) postSpaced(kind, to, subject string, life time.Duration, format string, args ...any) error {
	if !c.control.Mail {
		return nil
	}
	next, err := c.LetterTurn(to, kind)
	if err != nil {
		return err
	}
	if next.Before(c.Now()) {
		next = c.Now()
	}
	if next.After(c.Now().Add(letterPatience)) {
		return nil
	}
	return errors.Join(c.SetLetterTurn(to, kind, next.Add(letterPause)), c.postAt(next, to, subject, life, format, args...))
}

func (c *change) postReset(account kigo.Account, token string) error {
	return c.post(account.Email, "A new password", confirmLife, `Somebody, you or an operator, has asked for a new password of the account %s.

Set it within a day by

    kigo password:reset %s

All logins and tokens of the account end with it. If it was not you, do nothing: without this letter nobody can set one.`, account.Email, token)
}

// oneTime makes a token that people type or paste: it does not look like a flag.
func oneTime() string {
	for {
		if token := secret.NewCapability(); token[0] != '-' {
			return token
		}
	}
}

// AskReset notes that a password reset shall be sent to the account of that address, if there
// is one: see SendReset. What it does takes the same time for every address.
func (c *Control) AskReset(ctx context.Context, from, email string) error {
	if !c.Mail {
		return nil
	}
	return c.update(ctx, Actor{From: from, Email: email}, func(tx *change) error {
		return tx.CreateLetter(&kigo.Letter{Kind: kigo.LetterAskReset, To: email, Subject: "A new password", Text: from, Until: tx.Now().Add(askedLife)})
	})
}

// askedLife is how long somebody waits for a reset that they asked for.
const askedLife = time.Hour

// SendReset sends a password reset to the account of that address, if there is one and it was
// sent none just now. Who asked, from there, is told nothing of it.
func (c *Control) SendReset(ctx context.Context, from, email string) error {
	token := oneTime()
	return c.update(ctx, Actor{From: from}, func(tx *change) error {
		account, err := tx.AccountByEmail(email)
		if errors.Is(err, kigo.ErrNotFound) || err == nil && account.Team {
			return nil
		}
		if err != nil {
			return err
		}
		until, err := tx.ConfirmationUntil(account.ID, confirmPassword)
		if err == nil && until.After(tx.Now().Add(confirmLife-letterPause)) {
			return nil
		}
		if absent(err) != nil {
			return err
		}
		tx.actor.Email = account.Email
		return errors.Join(tx.PutConfirmation(account.ID, confirmPassword, "", secret.HashToken(token), tx.Now().Add(confirmLife)),
			tx.postReset(account, token), tx.emit("account.reset", "", string(account.ID), nil))
	})
}

// FinishEmail gives an account the address that a one-time token was mailed to.
func (c *Control) FinishEmail(ctx context.Context, from, token string) (account kigo.Account, err error) {
	err = c.update(ctx, Actor{From: from}, func(tx *change) error {
		id, email, err := tx.Confirmation(confirmEmail, secret.HashToken(token))
		if err != nil {
			return instead(err, kigo.NotFound("email confirmation"))
		}
		if account, err = tx.Account(id); err != nil {
			return err
		}
		tx.actor.Email = account.Email
		return tx.takeEmail(&account, email)
	})
	return account, err
}

// takeEmail gives an account another address, if nobody has it meanwhile. A password reset
// that went to the one before counts no more.
func (c *change) takeEmail(account *kigo.Account, email string) error {
	if err := c.freeEmail(email); err != nil {
		return err
	}
	account.Email = email
	return errors.Join(c.UpdateAccount(account), c.dropConfirmations(account.ID),
		c.emit("account.update", "", string(account.ID), map[string]string{"email": email}))
}
