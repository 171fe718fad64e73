package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/kigo-dev/kigo"
)

// TOTP returns the secret of an account's second factor, nil when it has none, and the
// newest counter that was used.
func (tx *Tx) TOTP(id kigo.AccountID) (secret []byte, last int64, err error) {
	_, err = one(tx, "account", func(_ *Tx, row scanner) (struct{}, error) { return struct{}{}, row.Scan(&secret, &last) },
		"SELECT totp_secret, totp_last FROM accounts WHERE id = $1", string(id))
	if err != nil || secret == nil {
		return nil, 0, err
	}
	if secret, err = tx.open("accounts", string(id), "totp", secret); err != nil {
		return nil, 0, fmt.Errorf("open second factor of %s: %w", id, err)
	}
	return secret, last, nil
}

// SetTOTP writes an account's second factor: its secret (nil removes it with the recovery
// codes), whether it is asked for, and the newest counter.
func (tx *Tx) SetTOTP(id kigo.AccountID, secret []byte, on bool, last int64) error {
	var sealed any
	if secret != nil {
		sealed = tx.seal("accounts", string(id), "totp", secret)
	} else if err := tx.exec("remove recovery codes", "DELETE FROM recovery_codes WHERE account_id = $1", string(id)); err != nil {
		return err
	}
	return tx.execOne("account", "set second factor", "UPDATE accounts SET totp_secret = $2, two_factor = $3, totp_last = $4, updated_at = $5 WHERE id = $1",
		string(id), sealed, on, last, micros(tx.now))
}

// SetRecoveryCodes replaces an account's, by their hashes.
func (tx *Tx) SetRecoveryCodes(id kigo.AccountID, hashes [][]byte) error {
	err := tx.exec("remove recovery codes", "DELETE FROM recovery_codes WHERE account_id = $1", string(id))
	for _, h := range hashes {
		err = errors.Join(err, tx.exec("write recovery code", "INSERT INTO recovery_codes (account_id, hash) VALUES ($1, $2)", string(id), h))
	}
	return err
}

// UseRecoveryCode spends one; one that is not there is NotFound.
func (tx *Tx) UseRecoveryCode(id kigo.AccountID, hash []byte) error {
	return tx.execOne("recovery code", "use recovery code", "DELETE FROM recovery_codes WHERE account_id = $1 AND hash = $2", string(id), hash)
}

func scanText(_ *Tx, row scanner) (text string, err error) {
	err = row.Scan(&text)
	return text, err
}

// Preferences returns an account's, as JSON.
func (tx *Tx) Preferences(id kigo.AccountID) (json.RawMessage, error) {
	text, err := one(tx, "account", scanText,
		"SELECT preferences FROM accounts WHERE id = $1", string(id))
	return json.RawMessage(text), err
}

// SetPreferences writes them.
func (tx *Tx) SetPreferences(id kigo.AccountID, preferences json.RawMessage) error {
	return tx.execOne("account", "set preferences", "UPDATE accounts SET preferences = $2 WHERE id = $1", string(id), string(preferences))
}

// PutConfirmation keeps a one-time token of an account, by its hash, in place of the ones
// of that kind that it had.
func (tx *Tx) PutConfirmation(id kigo.AccountID, kind, value string, hash []byte, until time.Time) error {
	return errors.Join(tx.DeleteConfirmations(id, kind), tx.exec("write confirmation",
		"INSERT INTO confirmations (hash, account_id, kind, value, expires_at) VALUES ($1, $2, $3, $4, $5)", hash, string(id), kind, value, micros(until)))
}

// DeleteConfirmations forgets an account's tokens of a kind.
func (tx *Tx) DeleteConfirmations(id kigo.AccountID, kind string) error {
	return tx.exec("delete confirmations", "DELETE FROM confirmations WHERE account_id = $1 AND kind = $2", string(id), kind)
}

// Confirmation returns whom a one-time token belongs to and what it is for; one that has
// expired is NotFound.
func (tx *Tx) Confirmation(kind string, hash []byte) (id kigo.AccountID, value string, err error) {
	_, err = one(tx, "confirmation", func(_ *Tx, row scanner) (struct{}, error) { return struct{}{}, row.Scan(&id, &value) },
		"SELECT account_id, value FROM confirmations WHERE kind = $1 AND hash = $2 AND expires_at > $3", kind, hash, micros(tx.now))
	return id, value, err
}

// PendingConfirmation returns the value of an account's token of a kind.
func (tx *Tx) PendingConfirmation(id kigo.AccountID, kind string) (value string, err error) {
	return one(tx, "confirmation", scanText,
		"SELECT value FROM confirmations WHERE account_id = $1 AND kind = $2 AND expires_at > $3", string(id), kind, micros(tx.now))
}

// ConfirmationUntil returns when an account's token of a kind ends.
func (tx *Tx) ConfirmationUntil(id kigo.AccountID, kind string) (until time.Time, err error) {
	return one(tx, "confirmation", func(_ *Tx, row scanner) (t time.Time, err error) { return t, row.Scan(at{&t}) },
		"SELECT expires_at FROM confirmations WHERE account_id = $1 AND kind = $2 AND expires_at > $3", string(id), kind, micros(tx.now))
}

// Grant is what an OAuth client gets a token for.
type Grant struct {
	ID            string
	Account       kigo.AccountID
	Client        string
	Scope         []string
	Description   string
	Challenge     string
	Authorization string // what was made of it; empty: not used yet
	ExpiresAt     time.Time
}

const grantColumns = "id, account_id, client_id, scope, description, challenge, authorization_id, expires_at"

// PutGrant adds a grant, by the hash of its code, or writes what was made of it. Grants
// that have long expired are forgotten.
func (tx *Tx) PutGrant(g *Grant, hash []byte) error {
	newID(&g.ID)
	if err := tx.exec("forget grants", "DELETE FROM oauth_grants WHERE expires_at < $1", micros(tx.now.Add(-24*time.Hour))); err != nil {
		return err
	}
	return tx.exec("write grant", `INSERT INTO oauth_grants (hash, `+grantColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
		ON CONFLICT (hash) DO UPDATE SET authorization_id = excluded.authorization_id`,
		hash, g.ID, string(g.Account), g.Client, asJSON(g.Scope), g.Description, g.Challenge, g.Authorization, micros(g.ExpiresAt))
}

// Grant returns one, used or expired or not.
func (tx *Tx) Grant(hash []byte) (Grant, error) {
	return one(tx, "grant", func(_ *Tx, row scanner) (g Grant, err error) {
		err = row.Scan(&g.ID, &g.Account, &g.Client, fromJSON{&g.Scope}, &g.Description, &g.Challenge, &g.Authorization, at{&g.ExpiresAt})
		return g, err
	}, "SELECT "+grantColumns+" FROM oauth_grants WHERE hash = $1", hash)
}

// DeleteGrants forgets what clients may still get tokens of an account for.
func (tx *Tx) DeleteGrants(account kigo.AccountID) error {
	return tx.exec("delete grants", "DELETE FROM oauth_grants WHERE account_id = $1", string(account))
}

// SetRefreshToken gives an authorization a refresh token, by its hash, in place of the one
// it had, and a new RefreshID.
func (tx *Tx) SetRefreshToken(a *kigo.Authorization, hash []byte) error {
	a.RefreshID = ""
	newID(&a.RefreshID)
	return tx.execOne("authorization", "set refresh token", "UPDATE authorizations SET refresh_id = $2, refresh_hash = $3 WHERE id = $1", a.ID, a.RefreshID, hash)
}

// AuthorizationByRefreshToken returns the authorization whose refresh token has that hash.
func (tx *Tx) AuthorizationByRefreshToken(hash []byte) (kigo.Authorization, error) {
	return one(tx, "authorization", scanAuthorization, "SELECT "+authorizationColumns+" FROM authorizations WHERE refresh_hash = $1", hash)
}

// FindOAuthClient returns a client by its id, whoever's it is.
func (tx *Tx) FindOAuthClient(id string) (kigo.OAuthClient, error) {
	return one(tx, "OAuth client", scanOAuthClient, "SELECT "+oauthClientColumns+" FROM oauth_clients WHERE id = $1", id)
}
