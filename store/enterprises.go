package store

import "github.com/kigo-dev/kigo"

const (
	enterpriseColumns       = "id, name, created_at, updated_at"
	enterpriseMemberColumns = "id, enterprise_id, account_id, permissions, created_at, updated_at"
)

func scanEnterprise(_ *Tx, row scanner) (kigo.Enterprise, error) {
	var e kigo.Enterprise
	err := row.Scan(&e.ID, &e.Name, at{&e.CreatedAt}, at{&e.UpdatedAt})
	return e, err
}

// CreateEnterprise adds an enterprise account. A name in use is ErrTaken.
func (tx *Tx) CreateEnterprise(e *kigo.Enterprise) error {
	newID(&e.ID)
	tx.created(&e.CreatedAt, &e.UpdatedAt)
	return tx.exec("create enterprise account", "INSERT INTO enterprises (id, name, created_at, updated_at) VALUES ($1, $2, $3, $4)",
		e.ID, e.Name, micros(e.CreatedAt), micros(e.UpdatedAt))
}

// FindEnterprise returns the enterprise account with that name or id.
func (tx *Tx) FindEnterprise(nameOrID string) (kigo.Enterprise, error) {
	return one(tx, "enterprise account", scanEnterprise, "SELECT "+enterpriseColumns+" FROM enterprises WHERE id = $1 OR name = $1", nameOrID)
}

// EnterprisesOf returns those that an account is in, by name.
func (tx *Tx) EnterprisesOf(account kigo.AccountID) ([]kigo.Enterprise, error) {
	return list(tx, "enterprise account", scanEnterprise, "SELECT "+enterpriseColumns+
		" FROM enterprises WHERE id IN (SELECT enterprise_id FROM enterprise_members WHERE account_id = $1) ORDER BY name", string(account))
}

// UpdateEnterprise writes the name.
func (tx *Tx) UpdateEnterprise(e *kigo.Enterprise) error {
	e.UpdatedAt = tx.now
	return tx.execOne("enterprise account", "update enterprise account", "UPDATE enterprises SET name = $2, updated_at = $3 WHERE id = $1", e.ID, e.Name, micros(e.UpdatedAt))
}

// EnterpriseEvents returns the newest n events of the apps of an enterprise account's teams.
func (tx *Tx) EnterpriseEvents(enterprise string, n int) ([]kigo.Event, error) {
	return list(tx, "event", scanEvent, `SELECT revision, at, kind, app_id, key, actor, payload, origin FROM events WHERE app_id IN
		(SELECT apps.id FROM apps JOIN teams ON teams.id = apps.owner_id WHERE teams.enterprise_id = $1) ORDER BY revision DESC LIMIT $2`, enterprise, n)
}

func scanEnterpriseMember(_ *Tx, row scanner) (kigo.EnterpriseMember, error) {
	var m kigo.EnterpriseMember
	err := row.Scan(&m.ID, &m.Enterprise, &m.Account, fromJSON{&m.Permissions}, at{&m.CreatedAt}, at{&m.UpdatedAt})
	return m, err
}

// PutEnterpriseMember adds an account to an enterprise account, or writes its permissions.
func (tx *Tx) PutEnterpriseMember(m *kigo.EnterpriseMember) error {
	newID(&m.ID)
	tx.created(&m.CreatedAt, nil)
	m.UpdatedAt = tx.now
	return tx.exec("write enterprise member", `INSERT INTO enterprise_members (id, enterprise_id, account_id, permissions, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (enterprise_id, account_id) DO UPDATE SET permissions = excluded.permissions, updated_at = excluded.updated_at`,
		m.ID, m.Enterprise, string(m.Account), asJSON(m.Permissions), micros(m.CreatedAt), micros(m.UpdatedAt))
}

// EnterpriseMembers returns those of an enterprise account, the oldest first.
func (tx *Tx) EnterpriseMembers(enterprise string) ([]kigo.EnterpriseMember, error) {
	return list(tx, "enterprise member", scanEnterpriseMember, "SELECT "+enterpriseMemberColumns+
		" FROM enterprise_members WHERE enterprise_id = $1 ORDER BY created_at, id", enterprise)
}

// EnterpriseMember returns an account's part in an enterprise account.
func (tx *Tx) EnterpriseMember(enterprise string, account kigo.AccountID) (kigo.EnterpriseMember, error) {
	return one(tx, "enterprise member", scanEnterpriseMember, "SELECT "+enterpriseMemberColumns+
		" FROM enterprise_members WHERE enterprise_id = $1 AND account_id = $2", enterprise, string(account))
}

// DeleteEnterpriseMember takes an account away.
func (tx *Tx) DeleteEnterpriseMember(id string) error {
	return tx.execOne("enterprise member", "delete enterprise member", "DELETE FROM enterprise_members WHERE id = $1", id)
}
