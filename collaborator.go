package kigo

import (
	"slices"
	"time"
)

// Permissions of an app, in Heroku's words; its owner has all of them.
const (
	PermissionView    = "view"    // see it, without its config and logs
	PermissionDeploy  = "deploy"  // new code, config and logs
	PermissionOperate = "operate" // config, scale, run, restart, domains
	PermissionManage  = "manage"  // rename, delete, transfer, collaborators
)

// Permissions lists them all, by name.
var Permissions = []string{PermissionDeploy, PermissionManage, PermissionOperate, PermissionView}

// CollaboratorPermissions are what a collaborator has who was given nothing else.
var CollaboratorPermissions = []string{PermissionDeploy, PermissionOperate, PermissionView}

// Collaborator is an account that may work on another's app.
type Collaborator struct {
	ID          string
	App         AppID
	Account     AccountID
	Permissions []string // sorted; always with view
	CreatedAt   time.Time
	UpdatedAt   time.Time
}

// NormalPermissions returns what somebody with these permissions has: each known
// and once, and view with any. None at all is what a collaborator usually has.
func NormalPermissions(given []string) ([]string, error) {
	if len(given) == 0 {
		return slices.Clone(CollaboratorPermissions), nil
	}
	all := []string{PermissionView}
	for _, p := range given {
		if !slices.Contains(Permissions, p) {
			return nil, Invalid("Unknown permission %q. Permissions are deploy, manage, operate and view.", p)
		}
		all = append(all, p)
	}
	slices.Sort(all)
	return slices.Compact(all), nil
}

// Transfer offers an app to another account.
type Transfer struct {
	ID        string
	App       AppID
	Owner     AccountID
	Recipient AccountID
	State     string
	CreatedAt time.Time
	UpdatedAt time.Time
}

// States of a transfer.
const (
	TransferPending  = "pending"
	TransferAccepted = "accepted"
	TransferDeclined = "declined"
)

// SSHKey is a public key of an account.
type SSHKey struct {
	ID          string
	Account     AccountID
	PublicKey   string // as in authorized_keys, without options
	Comment     string
	Fingerprint string // MD5 in pairs, as Heroku tells it
	CreatedAt   time.Time
	UpdatedAt   time.Time
}

// OAuthClient is a program that asks accounts for authorizations.
type OAuthClient struct {
	ID          string
	Account     AccountID
	Name        string
	RedirectURI string
	Secret      string
	CreatedAt   time.Time
	UpdatedAt   time.Time
}
