package client

import "time"

// Team is a group of accounts that owns apps.
type Team struct {
	CreatedAt             time.Time    `json:"created_at"`
	CreditCardCollections bool         `json:"credit_card_collections"`
	Default               bool         `json:"default"`
	EnterpriseAccount     *Ref         `json:"enterprise_account"`
	ID                    string       `json:"id"`
	IdentityProvider      *ProviderRef `json:"identity_provider"`
	MembershipLimit       *int         `json:"membership_limit"`
	Name                  string       `json:"name"`
	ProvisionedLicenses   bool         `json:"provisioned_licenses"`
	Role                  *string      `json:"role"`
	Type                  string       `json:"type"`
	UpdatedAt             time.Time    `json:"updated_at"`
}

// ProviderRef names an identity provider.
type ProviderRef struct {
	ID    string        `json:"id"`
	Name  string        `json:"name"`
	Owner ProviderOwner `json:"owner"`
}

// ProviderOwner is whose an identity provider is.
type ProviderOwner struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Type string `json:"type"`
}

// PersonRef names an account and the person's own name.
type PersonRef struct {
	Email string  `json:"email"`
	ID    string  `json:"id"`
	Name  *string `json:"name"`
}

// TeamMember is somebody in a team, or, as "collaborator", on one of its apps.
type TeamMember struct {
	CreatedAt               time.Time    `json:"created_at"`
	Email                   string       `json:"email"`
	Federated               bool         `json:"federated"`
	ID                      string       `json:"id"`
	IdentityProvider        *ProviderRef `json:"identity_provider"`
	Role                    *string      `json:"role"`
	TwoFactorAuthentication bool         `json:"two_factor_authentication"`
	UpdatedAt               time.Time    `json:"updated_at"`
	User                    PersonRef    `json:"user"`
}

// TeamInvitation asks somebody to join a team.
type TeamInvitation struct {
	CreatedAt time.Time `json:"created_at"`
	ID        string    `json:"id"`
	InvitedBy PersonRef `json:"invited_by"`
	Role      *string   `json:"role"`
	Team      Ref       `json:"team"`
	UpdatedAt time.Time `json:"updated_at"`
	User      PersonRef `json:"user"`
}

// TeamPreferences are settings of a team.
type TeamPreferences struct {
	AddonsControls    *bool   `json:"addons-controls"`
	DefaultPermission *string `json:"default-permission"`
}

// TeamFeature is how a team works in one respect.
type TeamFeature struct {
	CreatedAt     time.Time `json:"created_at"`
	Description   string    `json:"description"`
	DisplayName   string    `json:"display_name"`
	DocURL        string    `json:"doc_url"`
	Enabled       bool      `json:"enabled"`
	FeedbackEmail string    `json:"feedback_email"`
	ID            string    `json:"id"`
	Name          string    `json:"name"`
	State         string    `json:"state"`
	UpdatedAt     time.Time `json:"updated_at"`
}

// PermissionEntity is an app of a team with who may do what.
type PermissionEntity struct {
	ID     string                 `json:"id"`
	Name   string                 `json:"name"`
	TeamID string                 `json:"team_id"`
	Type   string                 `json:"type"`
	Users  []PermissionEntityUser `json:"users"`
}

// PermissionEntityUser is one of them.
type PermissionEntityUser struct {
	Email       string   `json:"email"`
	ID          string   `json:"id"`
	Permissions []string `json:"permissions"`
}

// IdentityProvider is where a team's members are known from.
type IdentityProvider struct {
	Certificate  string        `json:"certificate"`
	CreatedAt    time.Time     `json:"created_at"`
	EntityID     string        `json:"entity_id"`
	ID           string        `json:"id"`
	Organization *NameRef      `json:"organization"`
	Owner        ProviderOwner `json:"owner"`
	SLOTargetURL string        `json:"slo_target_url"`
	SSOTargetURL string        `json:"sso_target_url"`
	UpdatedAt    time.Time     `json:"updated_at"`
}

// NameRef names something by its name alone.
type NameRef struct {
	Name string `json:"name"`
}

// Enterprise is a group of teams.
type Enterprise struct {
	CreatedAt        time.Time    `json:"created_at"`
	ID               string       `json:"id"`
	IdentityProvider *ProviderRef `json:"identity_provider"`
	Name             string       `json:"name"`
	PartnerBenefits  bool         `json:"partner_benefits"`
	Permissions      []string     `json:"permissions"`
	Trial            bool         `json:"trial"`
	UpdatedAt        time.Time    `json:"updated_at"`
}

// EnterpriseMember is somebody in an enterprise account.
type EnterpriseMember struct {
	EnterpriseAccount       Ref          `json:"enterprise_account"`
	ID                      string       `json:"id"`
	IdentityProvider        *ProviderRef `json:"identity_provider"`
	Permissions             []Permission `json:"permissions"`
	TwoFactorAuthentication bool         `json:"two_factor_authentication"`
	User                    UserRef      `json:"user"`
}

// AuditTrailEvent is a change of something that an enterprise account's teams own.
type AuditTrailEvent struct {
	Action            string            `json:"action"`
	Actor             UserRef           `json:"actor"`
	App               Ref               `json:"app"`
	CreatedAt         time.Time         `json:"created_at"`
	Data              any               `json:"data"`
	EnterpriseAccount Ref               `json:"enterprise_account"`
	ID                string            `json:"id"`
	Owner             UserRef           `json:"owner"`
	Request           map[string]string `json:"request"`
	Team              Ref               `json:"team"`
	Type              string            `json:"type"`
}

// ProviderWhole is an identity provider as the variant 3.sdk of the API shows it.
type ProviderWhole struct {
	Certificate    *string                    `json:"certificate"`
	Certificates   []ProviderCertificateShort `json:"certificates"`
	CreatedAt      time.Time                  `json:"created_at"`
	Enabled        bool                       `json:"enabled"` // never: logins do not use it
	EntityID       string                     `json:"entity_id"`
	HerokuACSURL   string                     `json:"heroku_acs_url"`
	HerokuEntityID string                     `json:"heroku_entity_id"`
	HerokuStartURL string                     `json:"heroku_start_url"`
	ID             string                     `json:"id"`
	Name           string                     `json:"name"`
	Owner          ProviderOwner              `json:"owner"`
	SLOTargetURL   string                     `json:"slo_target_url"`
	SSOTargetURL   string                     `json:"sso_target_url"`
	UpdatedAt      time.Time                  `json:"updated_at"`
}

// ProviderCertificateShort is a certificate as its provider lists it.
type ProviderCertificateShort struct {
	Body      string    `json:"body"`
	CreatedAt time.Time `json:"created_at"`
	ExpiresAt time.Time `json:"expires_at"`
	ID        string    `json:"id"`
	Name      *string   `json:"name"`
}

// ProviderCertificate is one by itself.
type ProviderCertificate struct {
	Body               string    `json:"body"`
	CreatedAt          time.Time `json:"created_at"`
	ExpiresAt          time.Time `json:"expires_at"`
	ID                 string    `json:"id"`
	IdentityProviderID string    `json:"identity_provider_id"`
	Name               *string   `json:"name"`
}

// Capability says whether the actor may do something.
type Capability struct {
	Capability           string `json:"capability"`
	Capable              bool   `json:"capable"`
	RequiresSecondFactor bool   `json:"requires_second_factor"`
	ResourceCanonicalID  string `json:"resource_canonical_id"`
	ResourceID           string `json:"resource_id"`
	ResourceType         string `json:"resource_type"`
}

// TeamApp is an app as lists across owners show it.
type TeamApp struct {
	App
	Joined bool `json:"joined"`
	Locked bool `json:"locked"`
}
