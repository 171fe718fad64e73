package client

import "time"

// OAuthToken is what an OAuth client gets for a code or a refresh token.
type OAuthToken struct {
	AccessToken   AccessToken `json:"access_token"`
	Authorization IDRef       `json:"authorization"`
	Client        *SecretRef  `json:"client"`
	CreatedAt     time.Time   `json:"created_at"`
	Grant         GrantCode   `json:"grant"`
	ID            string      `json:"id"`
	RefreshToken  AccessToken `json:"refresh_token"`
	Session       IDRef       `json:"session"`
	UpdatedAt     time.Time   `json:"updated_at"`
	User          IDRef       `json:"user"`
}

// SecretRef is where a client's secret stands; it is never told.
type SecretRef struct {
	Secret string `json:"secret"`
}

// GrantCode is what a token was got for.
type GrantCode struct {
	Code string `json:"code"`
	Type string `json:"type"`
}

// Grant is a code that an OAuth client exchanges for a token.
type Grant struct {
	Code      string `json:"code"`
	ExpiresIn int    `json:"expires_in"`
	ID        string `json:"id"`
}

// OAuthClientRef names an OAuth client.
type OAuthClientRef struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	RedirectURI string `json:"redirect_uri"`
}

// PasswordReset is a password that is asked for, or set.
type PasswordReset struct {
	CreatedAt time.Time `json:"created_at"`
	User      UserRef   `json:"user"`
}

// UserPreferences are what a person's clients keep.
type UserPreferences struct {
	DefaultOrganization             *string  `json:"default-organization"`
	DismissedGettingStarted         *bool    `json:"dismissed-getting-started"`
	DismissedGithubBanner           *bool    `json:"dismissed-github-banner"`
	DismissedOrgAccessControls      *bool    `json:"dismissed-org-access-controls"`
	DismissedOrgWizardNotification  *bool    `json:"dismissed-org-wizard-notification"`
	DismissedPipelinesBanner        *bool    `json:"dismissed-pipelines-banner"`
	DismissedPipelinesGithubBanner  *bool    `json:"dismissed-pipelines-github-banner"`
	DismissedPipelinesGithubBanners []string `json:"dismissed-pipelines-github-banners"`
	DismissedSMSBanner              *bool    `json:"dismissed-sms-banner"`
	Timezone                        *string  `json:"timezone"`
}

// TwoFactor is a second factor in the making: its secret, or its recovery codes.
type TwoFactor struct {
	Enabled       bool     `json:"enabled"`
	RecoveryCodes []string `json:"recovery_codes,omitempty"`
	Secret        string   `json:"secret,omitempty"`
	URL           string   `json:"url,omitempty"`
}

// LoginReset is a one-time token with which somebody sets a new password; empty when it was
// mailed to them.
type LoginReset struct {
	Token string  `json:"token"`
	User  UserRef `json:"user"`
}
