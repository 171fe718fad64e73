package client

import (
	"context"
	"net/http"
	"time"
)

// Account returns who the token belongs to.
func (c *Client) Account(ctx context.Context) (Account, error) {
	return get[Account](ctx, c, "/account")
}

// RenameAccount changes the person's name.
func (c *Client) RenameAccount(ctx context.Context, name string) (Account, error) {
	return patch[Account](ctx, c, "/account", map[string]string{"name": name})
}

// RateLimit returns how many requests are left; asking is free.
func (c *Client) RateLimit(ctx context.Context) (RateLimit, error) {
	return get[RateLimit](ctx, c, "/account/rate-limits")
}

// AccountFeatures lists the switches of the account.
func (c *Client) AccountFeatures(ctx context.Context) ([]Feature, error) {
	return list[Feature](ctx, c, "/account/features", ListOptions{})
}

// NewAuthorization describes an authorization to create.
type NewAuthorization struct {
	Description string   `json:"description,omitempty"`
	ExpiresIn   *int     `json:"expires_in,omitempty"` // seconds; nil: never
	Scope       []string `json:"scope,omitempty"`
}

// Authorizations lists the account's authorizations.
func (c *Client) Authorizations(ctx context.Context) ([]Authorization, error) {
	return list[Authorization](ctx, c, "/oauth/authorizations", ListOptions{})
}

// Authorization returns one; "~" is the account's API key.
func (c *Client) Authorization(ctx context.Context, id string) (Authorization, error) {
	return get[Authorization](ctx, c, path("oauth", "authorizations", id))
}

// CreateAuthorization makes a token; its text is in the answer and nowhere else.
func (c *Client) CreateAuthorization(ctx context.Context, n NewAuthorization) (Authorization, error) {
	return post[Authorization](ctx, c, "/oauth/authorizations", n)
}

// Login trades an e-mail address and a password for a token.
func (c *Client) Login(ctx context.Context, email, password string, n NewAuthorization) (Authorization, error) {
	return c.LoginWithCode(ctx, email, password, "", n)
}

// LoginWithCode is Login with the code of a second factor, or a recovery code. Login of an
// account that needs one fails with the error id two_factor.
func (c *Client) LoginWithCode(ctx context.Context, email, password, code string, n NewAuthorization) (Authorization, error) {
	return send[Authorization](ctx, c, request{
		method: http.MethodPost, path: "/oauth/authorizations", body: n, user: email, pass: password, code: code,
	})
}

// UpdateAuthorization changes an authorization's description.
func (c *Client) UpdateAuthorization(ctx context.Context, id, description string) (Authorization, error) {
	return patch[Authorization](ctx, c, path("oauth", "authorizations", id), map[string]string{"description": description})
}

// RotateAuthorization replaces an authorization's token.
func (c *Client) RotateAuthorization(ctx context.Context, id string) (Authorization, error) {
	return post[Authorization](ctx, c, path("oauth", "authorizations", id, "actions", "regenerate-tokens"), nil)
}

// RevokeAuthorization ends an authorization.
func (c *Client) RevokeAuthorization(ctx context.Context, id string) (Authorization, error) {
	return remove[Authorization](ctx, c, path("oauth", "authorizations", id))
}

// Account is the person whom a token belongs to.
type Account struct {
	AllowTracking           bool       `json:"allow_tracking"`
	Beta                    bool       `json:"beta"`
	CountryOfResidence      *string    `json:"country_of_residence"`
	CreatedAt               time.Time  `json:"created_at"`
	DefaultOrganization     *Ref       `json:"default_organization"`
	DefaultTeam             *Ref       `json:"default_team"`
	DelinquentAt            *time.Time `json:"delinquent_at"`
	Email                   string     `json:"email"`
	Federated               bool       `json:"federated"`
	ID                      string     `json:"id"`
	IdentityProvider        *Ref       `json:"identity_provider"`
	LastLogin               *time.Time `json:"last_login"`
	Name                    *string    `json:"name"`
	SMSNumber               *string    `json:"sms_number"`
	SuspendedAt             *time.Time `json:"suspended_at"`
	TwoFactorAuthentication bool       `json:"two_factor_authentication"`
	UpdatedAt               time.Time  `json:"updated_at"`
	Verified                bool       `json:"verified"`
}

// RateLimit is how many requests are left.
type RateLimit struct {
	Remaining int `json:"remaining"`
}

// NewAccount is an account that an operator has made, with its first token.
type NewAccount struct {
	Account
	Token string `json:"token"`
}

// Delinquency is what happens to an account that does not pay.
type Delinquency struct {
	ScheduledDeletionTime   *time.Time `json:"scheduled_deletion_time"`
	ScheduledSuspensionTime *time.Time `json:"scheduled_suspension_time"`
}
