package client

import "time"

// AccessToken is the secret of an authorization; Token is shown whole only in
// the answer that made it.
type AccessToken struct {
	ExpiresIn *int   `json:"expires_in"`
	ID        string `json:"id"`
	Token     string `json:"token"`
}

// AuthorizationUser is whom an authorization acts for.
type AuthorizationUser struct {
	Email    string  `json:"email"`
	FullName *string `json:"full_name"`
	ID       string  `json:"id"`
}

// Authorization is an OAuth authorization.
type Authorization struct {
	AccessToken  *AccessToken      `json:"access_token"`
	Client       *OAuthClientRef   `json:"client"`
	CreatedAt    time.Time         `json:"created_at"`
	Description  string            `json:"description"`
	Grant        *Grant            `json:"grant"`
	ID           string            `json:"id"`
	RefreshToken *AccessToken      `json:"refresh_token"`
	Scope        []string          `json:"scope"`
	Session      *IDRef            `json:"session"`
	UpdatedAt    time.Time         `json:"updated_at"`
	User         AuthorizationUser `json:"user"`
}

// OAuthClient is a program that asks accounts for authorizations.
type OAuthClient struct {
	CreatedAt         time.Time `json:"created_at"`
	ID                string    `json:"id"`
	IgnoresDelinquent *bool     `json:"ignores_delinquent"`
	Name              string    `json:"name"`
	RedirectURI       string    `json:"redirect_uri"`
	Secret            string    `json:"secret"`
	UpdatedAt         time.Time `json:"updated_at"`
}
