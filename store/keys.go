package store

import (
	"fmt"

	"github.com/kigo-dev/kigo"
)

func scanSSHKey(_ *Tx, row scanner) (kigo.SSHKey, error) {
	var k kigo.SSHKey
	err := row.Scan(&k.ID, &k.Account, &k.PublicKey, &k.Comment, &k.Fingerprint, at{&k.CreatedAt}, at{&k.UpdatedAt})
	return k, err
}

// CreateSSHKey adds a key. One that any account has is ErrTaken.
func (tx *Tx) CreateSSHKey(k *kigo.SSHKey) error {
	newID(&k.ID)
	tx.created(&k.CreatedAt, &k.UpdatedAt)
	return tx.exec("create key", `INSERT INTO ssh_keys (id, account_id, public_key, comment, fingerprint, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		k.ID, string(k.Account), k.PublicKey, k.Comment, k.Fingerprint, micros(k.CreatedAt), micros(k.UpdatedAt))
}

// SSHKeys returns an account's keys, the oldest first.
func (tx *Tx) SSHKeys(account kigo.AccountID) ([]kigo.SSHKey, error) {
	return list(tx, "key", scanSSHKey, `SELECT id, account_id, public_key, comment, fingerprint, created_at, updated_at
		FROM ssh_keys WHERE account_id = $1 ORDER BY created_at, id`, string(account))
}

// SSHKeyByFingerprint returns the key of that fingerprint, whoever has it.
func (tx *Tx) SSHKeyByFingerprint(fingerprint string) (kigo.SSHKey, error) {
	return one(tx, "key", scanSSHKey, `SELECT id, account_id, public_key, comment, fingerprint, created_at, updated_at
		FROM ssh_keys WHERE fingerprint = $1`, fingerprint)
}

// DeleteSSHKey removes one.
func (tx *Tx) DeleteSSHKey(id string) error {
	return tx.execOne("key", "delete key", "DELETE FROM ssh_keys WHERE id = $1", id)
}

const oauthClientColumns = "id, account_id, name, redirect_uri, secret, created_at, updated_at"

func scanOAuthClient(tx *Tx, row scanner) (kigo.OAuthClient, error) {
	var c kigo.OAuthClient
	var sealed []byte
	if err := row.Scan(&c.ID, &c.Account, &c.Name, &c.RedirectURI, &sealed, at{&c.CreatedAt}, at{&c.UpdatedAt}); err != nil {
		return c, err
	}
	plain, err := tx.open("oauth_clients", c.ID, "secret", sealed)
	if err != nil {
		return c, fmt.Errorf("open secret of client %s: %w", c.ID, err)
	}
	c.Secret = string(plain)
	return c, nil
}

// CreateOAuthClient adds a client.
func (tx *Tx) CreateOAuthClient(c *kigo.OAuthClient) error {
	newID(&c.ID)
	tx.created(&c.CreatedAt, &c.UpdatedAt)
	return tx.exec("create client", `INSERT INTO oauth_clients (id, account_id, name, redirect_uri, secret, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		c.ID, string(c.Account), c.Name, c.RedirectURI, tx.seal("oauth_clients", c.ID, "secret", []byte(c.Secret)), micros(c.CreatedAt), micros(c.UpdatedAt))
}

// OAuthClients returns an account's clients, the oldest first.
func (tx *Tx) OAuthClients(account kigo.AccountID) ([]kigo.OAuthClient, error) {
	return list(tx, "client", scanOAuthClient, "SELECT "+oauthClientColumns+`
		FROM oauth_clients WHERE account_id = $1 ORDER BY created_at, id`, string(account))
}

// UpdateOAuthClient writes the name, the address and the secret.
func (tx *Tx) UpdateOAuthClient(c *kigo.OAuthClient) error {
	c.UpdatedAt = tx.now
	return tx.execOne("client", "update client", "UPDATE oauth_clients SET name = $2, redirect_uri = $3, secret = $4, updated_at = $5 WHERE id = $1",
		c.ID, c.Name, c.RedirectURI, tx.seal("oauth_clients", c.ID, "secret", []byte(c.Secret)), micros(c.UpdatedAt))
}

// DeleteOAuthClient removes one.
func (tx *Tx) DeleteOAuthClient(id string) error {
	return tx.execOne("client", "delete client", "DELETE FROM oauth_clients WHERE id = $1", id)
}
