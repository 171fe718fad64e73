package kigo

import (
	"regexp"
	"slices"
	"strings"
	"time"
)

// Team is a group of accounts that owns apps. Its id is that of an account, which
// nobody can log in to.
type Team struct {
	ID             AccountID
	Name           string
	Enterprise     string // the enterprise account it belongs to; empty: none
	AddonsControls bool   // whether members may only add allowed add-on services
	CreatedAt      time.Time
	UpdatedAt      time.Time
}

// Roles in a team. An admin may do everything with the team and its apps; a member
// sees all its apps, makes new ones and joins those that are not locked; a viewer sees.
const (
	RoleAdmin  = "admin"
	RoleMember = "member"
	RoleViewer = "viewer"
)

// Roles lists them.
var Roles = []string{RoleAdmin, RoleMember, RoleViewer}

// TeamMember is an account's part in a team.
type TeamMember struct {
	ID        string
	Team      AccountID
	Account   AccountID
	Role      string
	Default   bool // the account's default team
	CreatedAt time.Time
	UpdatedAt time.Time
}

// Invitation asks an account to join a team.
type Invitation struct {
	ID        string
	Team      AccountID
	Account   AccountID
	InvitedBy AccountID
	Role      string
	CreatedAt time.Time
	UpdatedAt time.Time
}

// Enterprise is a group of teams.
type Enterprise struct {
	ID        string
	Name      string
	CreatedAt time.Time
	UpdatedAt time.Time
}

// EnterprisePermissions are what a member of an enterprise account may be given:
// see it and its teams, make teams, manage members and all teams, and see what they used.
var EnterprisePermissions = []string{PermissionBilling, PermissionCreate, PermissionManage, PermissionView}

// PermissionCreate allows new apps in a team, or new teams in an enterprise account.
const PermissionCreate = "create"

// PermissionBilling allows to see what the teams of an enterprise account use.
const PermissionBilling = "billing"

// EnterpriseMember is an account's part in an enterprise account.
type EnterpriseMember struct {
	ID          string
	Enterprise  string
	Account     AccountID
	Permissions []string
	CreatedAt   time.Time
	UpdatedAt   time.Time
}

// IdentityProvider is where a team's members are known from. It is kept for who
// asks; logins do not use it.
type IdentityProvider struct {
	ID          string
	Team        AccountID
	EntityID    string
	Certificate string
	SSOURL      string
	SLOURL      string
	CreatedAt   time.Time
	UpdatedAt   time.Time
}

// TeamDomain is the end of a team's address, by which Heroku's clients know one.
const TeamDomain = "@herokumanager.com"

// Email is the address that stands for a team where an account's would stand.
func (t Team) Email() string { return t.Name + TeamDomain }

var teamName = regexp.MustCompile(`^[a-z][a-z0-9-]{1,28}[a-z0-9]$`)

// ValidateTeamName refuses what no team or enterprise account may be called: names
// that are words of the API's addresses, too.
func ValidateTeamName(name string) error {
	if !teamName.MatchString(name) {
		return Invalid("Name %.80q must start with a letter, end with a letter or digit, and have 3 to 30 lower-case letters, digits and dashes.", name)
	}
	if slices.Contains([]string{"apps", "permissions", "invitations", "personal", "teams"}, name) {
		return Invalid("Name %s is reserved.", name)
	}
	return nil
}

// IsTeamEmail reports whether an address is one that stands for a team.
func IsTeamEmail(email string) bool { return strings.HasSuffix(strings.ToLower(email), TeamDomain) }
