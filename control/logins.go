package control

import (
	"context"
	"encoding/base32"
	"encoding/json"
	"errors"
	"net/url"
	"strings"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/secret"
	"github.com/kigo-dev/kigo/store"
)

// Second factors are TOTP (RFC 6238) with what every app for it does: SHA-1, 6 digits, 30
// seconds. A code counts once, with one step of leeway to each side.
const (
	totpPeriod    = 30
	recoveryCodes = 10
	confirmLife   = 24 * time.Hour
)

// errTwoFactor asks for a second factor, in the words by which Heroku's clients know it.
var errTwoFactor = &kigo.Error{ID: kigo.IDTwoFactor, Message: "A second authentication factor is required: send its code, or a recovery code, in the header Heroku-Two-Factor-Code."}

// secondFactor checks an account's second factor, if it has one, and spends it.
func (c *change) secondFactor(account kigo.Account, code string) error {
	if !account.TwoFactor {
		return nil
	}
	if code == "" {
		return errTwoFactor
	}
	key, last, err := c.TOTP(account.ID)
	if err != nil {
		return err
	}
	code = strings.ReplaceAll(strings.TrimSpace(code), " ", "")
	counter, ok := totpCounter(string(key), code, last, c.Now())
	if ok {
		return c.SetTOTP(account.ID, key, true, counter)
	}
	err = c.UseRecoveryCode(account.ID, secret.HashToken(code))
	if errors.Is(err, kigo.ErrNotFound) {
		return errCredentials
	}
	return errors.Join(err, c.emit("account.update", "", string(account.ID), map[string]string{"recovery_code": "used"}))
}

// totpCounter returns the step that a code is of, when it is later than last.
func totpCounter(key, code string, last int64, now time.Time) (int64, bool) {
	for step := now.Unix()/totpPeriod - 1; step <= now.Unix()/totpPeriod+1; step++ {
		ok, err := hotp.ValidateCustom(code, uint64(max(step, 0)), key, hotp.ValidateOpts{Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1})
		if err == nil && ok && step > last {
			return step, true
		}
	}
	return 0, false
}

// withPassword is the actor for a change that the account's password has to allow, and which
// is refused once the account has another.
func (c *Control) withPassword(ctx context.Context, a Actor, password string) (Actor, error) {
	if err := a.Allows("global"); err != nil {
		return a, err
	}
	var hash string
	err := c.Store.View(ctx, func(tx *store.Tx) (err error) {
		hash, err = tx.PasswordHash(a.ID)
		return err
	})
	if err != nil {
		return a, err
	}
	if hash == "" {
		return a, kigo.Invalid("Your account has no password: ask an operator for a password reset first.")
	}
	ok, err := c.Passwords.Verify(ctx, hash, password)
	if err == nil && (!ok || len(password) > maxPassword) {
		err = kigo.Invalid("The password is not that of %s.", a.Email)
	}
	a.Proof = hash
	return a, err
}

// ChangePassword replaces the actor's password by another.
func (c *Control) ChangePassword(ctx context.Context, a Actor, old, password string) error {
	a, err := c.withPassword(ctx, a, old)
	if err != nil {
		return err
	}
	return c.SetPassword(ctx, a, password)
}

// BeginTwoFactor makes a secret for the actor's second factor, which is asked for from
// EnableTwoFactor on. It returns the secret and its otpauth address.
func (c *Control) BeginTwoFactor(ctx context.Context, a Actor, password string) (key, address string, err error) {
	if a, err = c.withPassword(ctx, a, password); err != nil {
		return "", "", err
	}
	key = base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString([]byte(secret.NewCapability())[:20])
	err = c.update(ctx, a, func(tx *change) error {
		account, err := tx.Account(a.ID)
		if err == nil && account.TwoFactor {
			err = kigo.Invalid("%s has a second factor already: turn it off first.", a.Email)
		}
		if err != nil {
			return err
		}
		return errors.Join(tx.SetTOTP(a.ID, []byte(key), false, 0), tx.emit("account.update", "", string(a.ID), nil))
	})
	q := url.Values{"secret": {key}, "issuer": {"Kigo"}}
	return key, "otpauth://totp/Kigo:" + url.PathEscape(a.Email) + "?" + q.Encode(), err
}

// EnableTwoFactor asks for the second factor from now on, when code proves that the actor
// has it. It returns recovery codes, which are told this once.
func (c *Control) EnableTwoFactor(ctx context.Context, a Actor, code string) (codes []string, err error) {
	if err := a.Allows("global"); err != nil {
		return nil, err
	}
	err = c.update(ctx, a, func(tx *change) error {
		account, err := tx.Account(a.ID)
		if err != nil {
			return err
		}
		key, last, err := tx.TOTP(a.ID)
		if err != nil {
			return err
		}
		counter, ok := totpCounter(string(key), strings.TrimSpace(code), last, tx.Now())
		switch {
		case account.TwoFactor || key == nil:
			return kigo.Invalid("There is no second factor to turn on: begin with a new secret.")
		case !ok:
			return kigo.Invalid("That is not the code of the secret now: check the clock of the device that shows it.")
		}
		var hashes [][]byte
		for range recoveryCodes {
			made := strings.ToLower(base32.StdEncoding.EncodeToString([]byte(secret.NewCapability())[:10]))
			codes, hashes = append(codes, made), append(hashes, secret.HashToken(made))
		}
		return errors.Join(tx.SetTOTP(a.ID, key, true, counter), tx.SetRecoveryCodes(a.ID, hashes),
			tx.emit("account.update", "", string(a.ID), map[string]string{"two_factor": "on"}))
	})
	return codes, err
}

// DisableTwoFactor ends it, for who knows the password and has the factor.
func (c *Control) DisableTwoFactor(ctx context.Context, a Actor, password, code string) error {
	a, err := c.withPassword(ctx, a, password)
	if err != nil {
		return err
	}
	return c.update(ctx, a, func(tx *change) error {
		account, err := tx.Account(a.ID)
		if err != nil {
			return err
		}
		if err := tx.secondFactor(account, code); err != nil {
			return err
		}
		return errors.Join(tx.SetTOTP(a.ID, nil, false, 0), tx.emit("account.update", "", string(a.ID), map[string]string{"two_factor": "off"}))
	})
}

// Kinds of one-time tokens.
const (
	confirmPassword = "password"
	confirmEmail    = "email"
)

// dropConfirmations ends every one-time token of an account. They prove that somebody knew
// the password, or read the mail, that the account had when they were asked for: who had the
// account once must not keep one for when it has been taken back.
func (c *change) dropConfirmations(id kigo.AccountID) error {
	return errors.Join(c.DeleteConfirmations(id, confirmPassword), c.DeleteConfirmations(id, confirmEmail))
}

// ResetLogin is for operators: it makes a one-time token with which somebody sets a new
// password, and mails it to them; without a mail server it returns it. With factor it also ends the account's second factor, for who has lost it.
func (c *Control) ResetLogin(ctx context.Context, a Actor, who string, factor bool) (account kigo.Account, token string, err error) {
	if err := a.Allows("global"); err != nil {
		return account, "", err
	}
	token = oneTime()
	err = c.update(ctx, a, func(tx *change) error {
		if err := tx.operator(); err != nil {
			return err
		}
		if account, err = findAccount(tx.Tx, a, who); err != nil {
			return err
		}
		if factor {
			if err := tx.SetTOTP(account.ID, nil, false, 0); err != nil {
				return err
			}
		}
		return errors.Join(tx.dropConfirmations(account.ID), tx.PutConfirmation(account.ID, confirmPassword, "", secret.HashToken(token), tx.Now().Add(confirmLife)),
			tx.postReset(account, token), tx.emit("account.reset", "", string(account.ID), nil))
	})
	if c.Mail {
		token = ""
	}
	return account, token, err
}

// FinishReset sets a password by a one-time token, which is worth nothing afterwards.
func (c *Control) FinishReset(ctx context.Context, from, token, password string) (account kigo.Account, err error) {
	if err := checkPassword(password); err != nil {
		return account, err
	}
	gone := kigo.NotFound("password reset")
	err = c.Store.View(ctx, func(tx *store.Tx) error {
		_, _, err := tx.Confirmation(confirmPassword, secret.HashToken(token))
		return err
	})
	if errors.Is(err, kigo.ErrNotFound) {
		return account, gone // before the hash is made, which costs a lot
	}
	hash, err := c.Passwords.Hash(ctx, password)
	if err != nil {
		return account, err
	}
	err = c.update(ctx, Actor{From: from}, func(tx *change) error {
		id, _, err := tx.Confirmation(confirmPassword, secret.HashToken(token))
		if err != nil {
			return instead(err, gone)
		}
		if account, err = tx.Account(id); err != nil {
			return err
		}
		tx.actor.Email = account.Email
		return errors.Join(tx.SetPasswordHash(id, hash), tx.dropConfirmations(id), tx.revokeAll(id), tx.emit("account.update", "", string(id), nil))
	})
	return account, err
}

// revokeAll ends every token of an account, and each code that one is to be had for: who
// resets a password may have lost them too.
func (c *change) revokeAll(id kigo.AccountID) error {
	all, err := c.Authorizations(id)
	err = errors.Join(err, c.DeleteGrants(id))
	for _, a := range all {
		err = errors.Join(err, c.DeleteAuthorization(a.ID))
	}
	return err
}

// AskEmail asks for another address of the actor's. It holds from the moment when it is
// confirmed: by who can read what is mailed there, or else by an operator who knows whose it is.
func (c *Control) AskEmail(ctx context.Context, a Actor, email, password string) error {
	if err := CheckEmail(email); err != nil {
		return err
	}
	a, err := c.withPassword(ctx, a, password)
	if err != nil {
		return err
	}
	return c.update(ctx, a, func(tx *change) error {
		if err := errors.Join(tx.freeEmail(email), tx.mayAskEmail()); err != nil {
			return err
		}
		token := oneTime()
		post := tx.postSpaced("address", email, "Your new address", 7*confirmLife, `The account %s is to have the address %s. Confirm it within a week by

    kigo email:confirm %s

If you know nothing of it, do nothing.`, a.Email, email, token)
		notice := tx.post(a.Email, "Your address is to change", confirmLife, "Somebody who knows your password has asked that your account shall have the address %s.\n\nIf it was not you, change your password by kigo password:change.", email)
		return errors.Join(post, notice, tx.PutConfirmation(a.ID, confirmEmail, email, secret.HashToken(token), tx.Now().Add(7*confirmLife)),
			tx.emit("account.update", "", string(a.ID), map[string]string{"asks_for": email}))
	})
}

// mayAskEmail refuses who asked for another address just now: each time sends two letters.
func (c *change) mayAskEmail() error {
	if !c.control.Mail {
		return nil
	}
	const kind = "asks for an address"
	next, err := c.LetterTurn(string(c.actor.ID), kind)
	if err != nil {
		return err
	}
	if next.After(c.Now()) {
		return kigo.Invalid("You have asked for another address less than ten minutes ago: confirm that one, or ask again after %s.", next.Add(time.Minute).Format("15:04 MST"))
	}
	return c.SetLetterTurn(string(c.actor.ID), kind, c.Now().Add(letterPause))
}

func (c *change) freeEmail(email string) error {
	_, err := c.AccountByEmail(email)
	if err == nil {
		return kigo.Invalid("There is an account of %s already.", email)
	}
	return absent(err)
}

// ConfirmEmail gives somebody the address that they asked for. Only operators may.
func (c *Control) ConfirmEmail(ctx context.Context, a Actor, who string) (account kigo.Account, err error) {
	if err := a.Allows("global"); err != nil {
		return account, err
	}
	err = c.update(ctx, a, func(tx *change) error {
		if err := tx.operator(); err != nil {
			return err
		}
		if account, err = findAccount(tx.Tx, a, who); err != nil {
			return err
		}
		email, err := tx.PendingConfirmation(account.ID, confirmEmail)
		if errors.Is(err, kigo.ErrNotFound) {
			return kigo.Invalid("%s has asked for no other address, or more than a week ago.", account.Email)
		}
		if err != nil {
			return err
		}
		return tx.takeEmail(&account, email)
	})
	return account, err
}

// Preferences returns what the actor's clients keep here, as JSON.
func (c *Control) Preferences(ctx context.Context, a Actor) (p json.RawMessage, err error) {
	err = c.Store.View(ctx, func(tx *store.Tx) error {
		p, err = tx.Preferences(a.ID)
		return err
	})
	return p, err
}

// SetPreferences replaces them.
func (c *Control) SetPreferences(ctx context.Context, a Actor, p json.RawMessage) error {
	return c.update(ctx, a, func(tx *change) error {
		return errors.Join(tx.SetPreferences(a.ID, p), tx.emit("account.update", "", string(a.ID), nil))
	})
}
