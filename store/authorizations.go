package store

import "github.com/kigo-dev/kigo"

const authorizationColumns = "id, account_id, description, scope, token_id, token_hint, expires_at, created_at, updated_at, client_id, refresh_id, session_id"

func scanAuthorization(_ *Tx, row scanner) (kigo.Authorization, error) {
	var a kigo.Authorization
	err := row.Scan(&a.ID, &a.Account, &a.Description, fromJSON{&a.Scope}, &a.TokenID, &a.TokenHint,
		at{&a.ExpiresAt}, at{&a.CreatedAt}, at{&a.UpdatedAt}, nullable[string]{&a.Client}, &a.RefreshID, nullable[string]{&a.Session})
	return a, err
}

// CreateAuthorization adds an authorization with its token's hash.
func (tx *Tx) CreateAuthorization(a *kigo.Authorization, tokenHash []byte) error {
	newID(&a.ID)
	newID(&a.TokenID)
	tx.created(&a.CreatedAt, &a.UpdatedAt)
	return tx.exec("create authorization", `INSERT INTO authorizations
		(id, account_id, description, scope, token_id, token_hint, token_hash, expires_at, created_at, updated_at, client_id, session_id)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
		a.ID, string(a.Account), a.Description, asJSON(a.Scope), a.TokenID, a.TokenHint, tokenHash,
		micros(a.ExpiresAt), micros(a.CreatedAt), micros(a.UpdatedAt), orNull(a.Client), orNull(a.Session))
}

// Authorization returns one authorization, expired or not.
func (tx *Tx) Authorization(id string) (kigo.Authorization, error) {
	return one(tx, "authorization", scanAuthorization,
		"SELECT "+authorizationColumns+" FROM authorizations WHERE id = $1", id)
}

// AuthorizationByToken returns the authorization whose token has that hash. Whether
// it has expired is for the caller to see.
func (tx *Tx) AuthorizationByToken(hash []byte) (kigo.Authorization, error) {
	return one(tx, "authorization", scanAuthorization,
		"SELECT "+authorizationColumns+" FROM authorizations WHERE token_hash = $1", hash)
}

// Authorizations returns an account's authorizations, the oldest first.
func (tx *Tx) Authorizations(account kigo.AccountID) ([]kigo.Authorization, error) {
	return list(tx, "authorization", scanAuthorization,
		"SELECT "+authorizationColumns+" FROM authorizations WHERE account_id = $1 ORDER BY created_at, id", string(account))
}

// AuthorizationBySession returns the authorization of a session.
func (tx *Tx) AuthorizationBySession(id string) (kigo.Authorization, error) {
	return one(tx, "session", scanAuthorization, "SELECT "+authorizationColumns+" FROM authorizations WHERE session_id = $1", id)
}

// UpdateAuthorization writes the description, the scope, the expiry and the session.
func (tx *Tx) UpdateAuthorization(a *kigo.Authorization) error {
	a.UpdatedAt = tx.now
	return tx.execOne("authorization", "update authorization", `UPDATE authorizations
		SET description = $2, scope = $3, expires_at = $4, session_id = $5, updated_at = $6 WHERE id = $1`,
		a.ID, a.Description, asJSON(a.Scope), micros(a.ExpiresAt), orNull(a.Session), micros(a.UpdatedAt))
}

// SetAuthorizationToken replaces the token, by its hash and a.TokenHint; the old
// one is worth nothing from then on. It gives a a new TokenID.
func (tx *Tx) SetAuthorizationToken(a *kigo.Authorization, tokenHash []byte) error {
	a.TokenID = ""
	newID(&a.TokenID)
	a.UpdatedAt = tx.now
	return tx.execOne("authorization", "replace token", `UPDATE authorizations
		SET token_id = $2, token_hint = $3, token_hash = $4, updated_at = $5 WHERE id = $1`,
		a.ID, a.TokenID, a.TokenHint, tokenHash, micros(a.UpdatedAt))
}

// DeleteAuthorization removes an authorization and with it its token.
func (tx *Tx) DeleteAuthorization(id string) error {
	return tx.execOne("authorization", "delete authorization", "DELETE FROM authorizations WHERE id = $1", id)
}
