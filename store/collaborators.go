package store

import "github.com/kigo-dev/kigo"

const collaboratorColumns = "id, app_id, account_id, permissions, created_at, updated_at"

func scanCollaborator(_ *Tx, row scanner) (kigo.Collaborator, error) {
	var c kigo.Collaborator
	err := row.Scan(&c.ID, &c.App, &c.Account, fromJSON{&c.Permissions}, at{&c.CreatedAt}, at{&c.UpdatedAt})
	return c, err
}

// CreateCollaborator adds an account to an app. One that is there already is ErrTaken.
func (tx *Tx) CreateCollaborator(c *kigo.Collaborator) error {
	newID(&c.ID)
	tx.created(&c.CreatedAt, &c.UpdatedAt)
	return tx.exec("create collaborator", `INSERT INTO collaborators (id, app_id, account_id, permissions, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6)`,
		c.ID, string(c.App), string(c.Account), asJSON(c.Permissions), micros(c.CreatedAt), micros(c.UpdatedAt))
}

// Collaborators returns an app's, the oldest first; its owner is none of them.
func (tx *Tx) Collaborators(app kigo.AppID) ([]kigo.Collaborator, error) {
	return list(tx, "collaborator", scanCollaborator,
		"SELECT "+collaboratorColumns+" FROM collaborators WHERE app_id = $1 ORDER BY created_at, id", string(app))
}

// Collaborator returns an account's part in an app.
func (tx *Tx) Collaborator(app kigo.AppID, account kigo.AccountID) (kigo.Collaborator, error) {
	return one(tx, "collaborator", scanCollaborator,
		"SELECT "+collaboratorColumns+" FROM collaborators WHERE app_id = $1 AND account_id = $2", string(app), string(account))
}

// UpdateCollaborator writes the permissions.
func (tx *Tx) UpdateCollaborator(c *kigo.Collaborator) error {
	c.UpdatedAt = tx.now
	return tx.execOne("collaborator", "update collaborator", "UPDATE collaborators SET permissions = $2, updated_at = $3 WHERE id = $1",
		c.ID, asJSON(c.Permissions), micros(c.UpdatedAt))
}

// DeleteCollaborator takes an account away from an app.
func (tx *Tx) DeleteCollaborator(id string) error {
	return tx.execOne("collaborator", "delete collaborator", "DELETE FROM collaborators WHERE id = $1", id)
}

// AppsOf returns the apps that an account owns, works on or sees as one of a team, by
// name, without those being destroyed.
func (tx *Tx) AppsOf(account kigo.AccountID) ([]kigo.App, error) {
	return list(tx, "app", scanApp, "SELECT "+appColumns+` FROM apps WHERE NOT destroying AND (owner_id = $1
		OR id IN (SELECT app_id FROM collaborators WHERE account_id = $1) OR owner_id IN `+teamIDsOf+`) ORDER BY name`, string(account))
}

// SetAppOwner gives an app to another account. What its dynos used before stays the
// former owner's.
func (tx *Tx) SetAppOwner(id kigo.AppID, owner kigo.AccountID) error {
	if err := tx.handOverUsage(id, owner); err != nil {
		return err
	}
	return tx.execOne("app", "set app owner", "UPDATE apps SET owner_id = $2, updated_at = $3 WHERE id = $1", string(id), string(owner), micros(tx.now))
}

const transferColumns = "id, app_id, owner_id, recipient_id, state, created_at, updated_at"

func scanTransfer(_ *Tx, row scanner) (kigo.Transfer, error) {
	var t kigo.Transfer
	err := row.Scan(&t.ID, &t.App, &t.Owner, &t.Recipient, &t.State, at{&t.CreatedAt}, at{&t.UpdatedAt})
	return t, err
}

// CreateTransfer writes down an offer.
func (tx *Tx) CreateTransfer(t *kigo.Transfer) error {
	newID(&t.ID)
	tx.created(&t.CreatedAt, &t.UpdatedAt)
	return tx.exec("create app transfer", `INSERT INTO app_transfers (id, app_id, owner_id, recipient_id, state, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		t.ID, string(t.App), string(t.Owner), string(t.Recipient), t.State, micros(t.CreatedAt), micros(t.UpdatedAt))
}

// Transfers returns those from or to an account, the oldest first.
func (tx *Tx) Transfers(account kigo.AccountID) ([]kigo.Transfer, error) {
	return list(tx, "app transfer", scanTransfer,
		"SELECT "+transferColumns+" FROM app_transfers WHERE owner_id = $1 OR recipient_id = $1 ORDER BY created_at, id", string(account))
}

// UpdateTransfer writes the state.
func (tx *Tx) UpdateTransfer(t *kigo.Transfer) error {
	t.UpdatedAt = tx.now
	return tx.execOne("app transfer", "update app transfer", "UPDATE app_transfers SET state = $2, updated_at = $3 WHERE id = $1",
		t.ID, t.State, micros(t.UpdatedAt))
}

// DeleteTransfer removes one.
func (tx *Tx) DeleteTransfer(id string) error {
	return tx.execOne("app transfer", "delete app transfer", "DELETE FROM app_transfers WHERE id = $1", id)
}
