package store

import "github.com/kigo-dev/kigo"

const (
	teamColumns       = "id, name, enterprise_id, addons_controls, created_at, updated_at"
	teamMemberColumns = "id, team_id, account_id, role, is_default, created_at, updated_at"
	invitationColumns = "id, team_id, account_id, invited_by, role, created_at, updated_at"
	providerColumns   = "id, team_id, entity_id, certificate, sso_url, slo_url, created_at, updated_at"

	// teamIDsOf are the teams whose apps $1 sees: those it is in, and those of the
	// enterprise accounts that it may see.
	teamIDsOf = `(SELECT team_id FROM team_members WHERE account_id = $1 UNION SELECT teams.id FROM teams
		JOIN enterprise_members ON enterprise_members.enterprise_id = teams.enterprise_id WHERE account_id = $1)`
)

func scanTeam(_ *Tx, row scanner) (kigo.Team, error) {
	var t kigo.Team
	err := row.Scan(&t.ID, &t.Name, nullable[string]{&t.Enterprise}, &t.AddonsControls, at{&t.CreatedAt}, at{&t.UpdatedAt})
	return t, err
}

// CreateTeam adds a team and the account that stands for it. A name in use is ErrTaken.
func (tx *Tx) CreateTeam(t *kigo.Team) error {
	a := kigo.Account{ID: t.ID, Email: t.Email(), Name: t.Name, Team: true}
	if err := tx.CreateAccount(&a); err != nil {
		return err
	}
	t.ID = a.ID
	tx.created(&t.CreatedAt, &t.UpdatedAt)
	return tx.exec("create team", `INSERT INTO teams (id, name, enterprise_id, addons_controls, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6)`,
		string(t.ID), t.Name, orNull(t.Enterprise), t.AddonsControls, micros(t.CreatedAt), micros(t.UpdatedAt))
}

// FindTeam returns the team with that name or id.
func (tx *Tx) FindTeam(nameOrID string) (kigo.Team, error) {
	return one(tx, "team", scanTeam, "SELECT "+teamColumns+" FROM teams WHERE id = $1 OR name = $1", nameOrID)
}

// TeamsOf returns the teams that an account is in or sees, by name.
func (tx *Tx) TeamsOf(account kigo.AccountID) ([]kigo.Team, error) {
	return list(tx, "team", scanTeam, "SELECT "+teamColumns+" FROM teams WHERE id IN "+teamIDsOf+" ORDER BY name", string(account))
}

// EnterpriseTeams returns the teams of an enterprise account, by name.
func (tx *Tx) EnterpriseTeams(enterprise string) ([]kigo.Team, error) {
	return list(tx, "team", scanTeam, "SELECT "+teamColumns+" FROM teams WHERE enterprise_id = $1 ORDER BY name", enterprise)
}

// UpdateTeam writes the name and the preferences.
func (tx *Tx) UpdateTeam(t *kigo.Team) error {
	t.UpdatedAt = tx.now
	if err := tx.execOne("team", "update team", "UPDATE accounts SET email = $2, name = $3, updated_at = $4 WHERE id = $1",
		string(t.ID), t.Email(), t.Name, micros(t.UpdatedAt)); err != nil {
		return err
	}
	return tx.execOne("team", "update team", "UPDATE teams SET name = $2, addons_controls = $3, updated_at = $4 WHERE id = $1",
		string(t.ID), t.Name, t.AddonsControls, micros(t.UpdatedAt))
}

func scanTeamMember(_ *Tx, row scanner) (kigo.TeamMember, error) {
	var m kigo.TeamMember
	err := row.Scan(&m.ID, &m.Team, &m.Account, &m.Role, &m.Default, at{&m.CreatedAt}, at{&m.UpdatedAt})
	return m, err
}

// PutTeamMember adds an account to a team, or writes its role and default.
func (tx *Tx) PutTeamMember(m *kigo.TeamMember) error {
	newID(&m.ID)
	tx.created(&m.CreatedAt, nil)
	m.UpdatedAt = tx.now
	return tx.exec("write team member", `INSERT INTO team_members (id, team_id, account_id, role, is_default, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (team_id, account_id) DO UPDATE SET role = excluded.role,
		is_default = excluded.is_default, updated_at = excluded.updated_at`,
		m.ID, string(m.Team), string(m.Account), m.Role, m.Default, micros(m.CreatedAt), micros(m.UpdatedAt))
}

// TeamMembers returns a team's members, the oldest first.
func (tx *Tx) TeamMembers(team kigo.AccountID) ([]kigo.TeamMember, error) {
	return list(tx, "team member", scanTeamMember, "SELECT "+teamMemberColumns+" FROM team_members WHERE team_id = $1 ORDER BY created_at, id", string(team))
}

// TeamMember returns an account's part in a team.
func (tx *Tx) TeamMember(team, account kigo.AccountID) (kigo.TeamMember, error) {
	return one(tx, "team member", scanTeamMember, "SELECT "+teamMemberColumns+" FROM team_members WHERE team_id = $1 AND account_id = $2", string(team), string(account))
}

// TeamsJoined returns an account's parts in teams.
func (tx *Tx) TeamsJoined(account kigo.AccountID) ([]kigo.TeamMember, error) {
	return list(tx, "team member", scanTeamMember, "SELECT "+teamMemberColumns+" FROM team_members WHERE account_id = $1 ORDER BY created_at, id", string(account))
}

// DeleteTeamMember takes an account away from a team, and from the team's apps.
func (tx *Tx) DeleteTeamMember(m kigo.TeamMember) error {
	if err := tx.exec("delete collaborators", `DELETE FROM collaborators WHERE account_id = $1
		AND app_id IN (SELECT id FROM apps WHERE owner_id = $2)`, string(m.Account), string(m.Team)); err != nil {
		return err
	}
	return tx.execOne("team member", "delete team member", "DELETE FROM team_members WHERE id = $1", m.ID)
}

func scanInvitation(_ *Tx, row scanner) (kigo.Invitation, error) {
	var i kigo.Invitation
	err := row.Scan(&i.ID, &i.Team, &i.Account, &i.InvitedBy, &i.Role, at{&i.CreatedAt}, at{&i.UpdatedAt})
	return i, err
}

// PutInvitation invites an account to a team, anew when it was before.
func (tx *Tx) PutInvitation(i *kigo.Invitation) error {
	newID(&i.ID)
	tx.created(&i.CreatedAt, &i.UpdatedAt)
	return tx.exec("write team invitation", `INSERT INTO team_invitations (id, team_id, account_id, invited_by, role, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (team_id, account_id) DO UPDATE SET id = excluded.id, role = excluded.role,
		invited_by = excluded.invited_by, created_at = excluded.created_at, updated_at = excluded.updated_at`,
		i.ID, string(i.Team), string(i.Account), string(i.InvitedBy), i.Role, micros(i.CreatedAt), micros(i.UpdatedAt))
}

// Invitations returns a team's, or an account's, the oldest first.
func (tx *Tx) Invitations(teamOrAccount kigo.AccountID) ([]kigo.Invitation, error) {
	return list(tx, "team invitation", scanInvitation, "SELECT "+invitationColumns+" FROM team_invitations WHERE team_id = $1 OR account_id = $1 ORDER BY created_at, id", string(teamOrAccount))
}

// DeleteInvitation removes one.
func (tx *Tx) DeleteInvitation(id string) error {
	return tx.execOne("team invitation", "delete team invitation", "DELETE FROM team_invitations WHERE id = $1", id)
}

func scanProvider(_ *Tx, row scanner) (kigo.IdentityProvider, error) {
	var p kigo.IdentityProvider
	err := row.Scan(&p.ID, &p.Team, &p.EntityID, &p.Certificate, &p.SSOURL, &p.SLOURL, at{&p.CreatedAt}, at{&p.UpdatedAt})
	return p, err
}

// CreateIdentityProvider adds a team's. A second one is ErrTaken.
func (tx *Tx) CreateIdentityProvider(p *kigo.IdentityProvider) error {
	newID(&p.ID)
	tx.created(&p.CreatedAt, &p.UpdatedAt)
	return tx.exec("create identity provider", `INSERT INTO identity_providers (id, team_id, entity_id, certificate, sso_url, slo_url, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`, p.ID, string(p.Team), p.EntityID, p.Certificate, p.SSOURL, p.SLOURL, micros(p.CreatedAt), micros(p.UpdatedAt))
}

// IdentityProviders returns a team's.
func (tx *Tx) IdentityProviders(team kigo.AccountID) ([]kigo.IdentityProvider, error) {
	return list(tx, "identity provider", scanProvider, "SELECT "+providerColumns+" FROM identity_providers WHERE team_id = $1", string(team))
}

// UpdateIdentityProvider writes all of one but its team.
func (tx *Tx) UpdateIdentityProvider(p *kigo.IdentityProvider) error {
	p.UpdatedAt = tx.now
	return tx.execOne("identity provider", "update identity provider", `UPDATE identity_providers
		SET entity_id = $2, certificate = $3, sso_url = $4, slo_url = $5, updated_at = $6 WHERE id = $1`,
		p.ID, p.EntityID, p.Certificate, p.SSOURL, p.SLOURL, micros(p.UpdatedAt))
}

// DeleteIdentityProvider removes one.
func (tx *Tx) DeleteIdentityProvider(id string) error {
	return tx.execOne("identity provider", "delete identity provider", "DELETE FROM identity_providers WHERE id = $1", id)
}
