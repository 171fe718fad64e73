package kigo

import "time"

// AccountID is an account's uuid.
type AccountID string

// Account is a person who may own apps.
type Account struct {
	ID        AccountID
	Email     string
	Name      string
	Operator  bool // runs the platform: may make and remove accounts
	TwoFactor bool // logs in with a second factor
	Team      bool // stands for a team: nobody logs in to it
	CreatedAt time.Time
	UpdatedAt time.Time
	LastLogin time.Time
}

// Authorization is an OAuth authorization with its one access token. The token
// itself is shown once, at creation; only its SHA-256 is kept.
type Authorization struct {
	ID          string
	Account     AccountID
	Description string
	Scope       []string // "global", "identity", "read", "write", "read-protected", "write-protected"
	TokenID     string
	Client      string    // the OAuth client it was given to; empty: none
	RefreshID   string    // of its refresh token; empty: it has none
	Session     string    // the login by browser, or by an OAuth client's code, that it is of; empty: none
	TokenHint   string    // "HRKU-AAxx**********zzzz"-like redaction, safe to show
	ExpiresAt   time.Time // zero: never
	CreatedAt   time.Time
	UpdatedAt   time.Time
}

// Scopes an authorization may have.
var Scopes = []string{"global", "identity", "read", "write", "read-protected", "write-protected"}
