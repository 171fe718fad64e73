package client

import (
	"encoding/json"
	"time"
)

// Ref names a resource that another one belongs to.
type Ref struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// IDRef names a resource by its id alone.
type IDRef struct {
	ID string `json:"id"`
}

// UserRef names an account.
type UserRef struct {
	Email string `json:"email"`
	ID    string `json:"id"`
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

// App is an app as apps:info shows it.
type App struct {
	ACM                          bool       `json:"acm"`
	ArchivedAt                   *time.Time `json:"archived_at"`
	BuildStack                   Ref        `json:"build_stack"`
	BuildpackProvidedDescription *string    `json:"buildpack_provided_description"`
	CreateStatus                 string     `json:"create_status,omitempty"` // in no schema; the command line reads it
	ProcessTier                  string     `json:"process_tier,omitempty"`  // the same, of one app alone
	CreatedAt                    time.Time  `json:"created_at"`
	Generation                   Ref        `json:"generation"` // an object in v3; heroku-go decodes nothing else
	GitURL                       string     `json:"git_url"`
	ID                           string     `json:"id"`
	InternalRouting              *bool      `json:"internal_routing"`
	Maintenance                  bool       `json:"maintenance"`
	Name                         string     `json:"name"`
	Organization                 *Ref       `json:"organization"`
	Owner                        UserRef    `json:"owner"`
	Region                       Ref        `json:"region"`
	ReleasedAt                   *time.Time `json:"released_at"`
	RepoSize                     *int64     `json:"repo_size"`
	SlugSize                     *int64     `json:"slug_size"`
	Space                        *Ref       `json:"space"`
	Stack                        Ref        `json:"stack"`
	Team                         *Ref       `json:"team"`
	UpdatedAt                    time.Time  `json:"updated_at"`
	WebURL                       string     `json:"web_url"`
}

// Buildpack is a buildpack by URL and, when it is a known one, name.
type Buildpack struct {
	Name string `json:"name,omitempty"`
	URL  string `json:"url"`
}

// BuildpackInstallation is one buildpack of an app, in order from 0.
type BuildpackInstallation struct {
	Buildpack Buildpack `json:"buildpack"`
	Ordinal   int       `json:"ordinal"`
}

// SourceBlob is what a build starts from.
type SourceBlob struct {
	Checksum           *string `json:"checksum"`
	URL                string  `json:"url"`
	Version            *string `json:"version"`
	VersionDescription *string `json:"version_description"`
}

// Build is one run of an app's buildpacks.
type Build struct {
	App             IDRef       `json:"app"`
	Buildpacks      []Buildpack `json:"buildpacks"`
	CreatedAt       time.Time   `json:"created_at"`
	Generation      string      `json:"generation"` // a string here, unlike app's
	ID              string      `json:"id"`
	OutputStreamURL string      `json:"output_stream_url"`
	Release         *IDRef      `json:"release"`
	Slug            *IDRef      `json:"slug"`
	SourceBlob      SourceBlob  `json:"source_blob"`
	Stack           string      `json:"stack"`
	Status          string      `json:"status"`
	UpdatedAt       time.Time   `json:"updated_at"`
	User            UserRef     `json:"user"`
}

// Domain is a host name that leads to an app.
type Domain struct {
	ACMStatus       *string   `json:"acm_status"`
	ACMStatusReason *string   `json:"acm_status_reason"`
	App             Ref       `json:"app"`
	CNAME           *string   `json:"cname"`
	CreatedAt       time.Time `json:"created_at"`
	Hostname        string    `json:"hostname"`
	ID              string    `json:"id"`
	Kind            string    `json:"kind"`
	SNIEndpoint     *Ref      `json:"sni_endpoint"`
	Status          string    `json:"status"`
	UpdatedAt       time.Time `json:"updated_at"`
}

// ReleaseRef names a release.
type ReleaseRef struct {
	ID      string `json:"id"`
	Version int    `json:"version"`
}

// Dyno is one running process.
type Dyno struct {
	App       Ref        `json:"app"`
	AttachURL *string    `json:"attach_url"`
	Command   string     `json:"command"`
	CreatedAt time.Time  `json:"created_at"`
	Extended  *DynoMore  `json:"extended,omitempty"`
	ID        string     `json:"id"`
	Name      string     `json:"name"`
	Release   ReleaseRef `json:"release"`
	Size      string     `json:"size"`
	State     string     `json:"state"`
	Type      string     `json:"type"`
	UpdatedAt time.Time  `json:"updated_at"`
}

// DynoMore is what Heroku's shape of a dyno has no place for.
type DynoMore struct {
	Reason string `json:"reason"` // why it is not up
}

// Cost is a price; Unit is "month".
type Cost struct {
	Cents int    `json:"cents"`
	Unit  string `json:"unit"`
}

// DynoSize is what one dyno of a size may use; Memory is in GB.
type DynoSize struct {
	Architecture     string  `json:"architecture"`
	Compute          int     `json:"compute"`
	Cost             *Cost   `json:"cost"`
	Dedicated        bool    `json:"dedicated"`
	Generation       Ref     `json:"generation"`
	ID               string  `json:"id"`
	Memory           float64 `json:"memory"`
	Name             string  `json:"name"`
	PreciseDynoUnits float64 `json:"precise_dyno_units"`
	PrivateSpaceOnly bool    `json:"private_space_only"`
}

// Formation is one process type's share of an app.
type Formation struct {
	App       Ref       `json:"app"`
	Command   string    `json:"command"`
	CreatedAt time.Time `json:"created_at"`
	DynoSize  Ref       `json:"dyno_size"`
	ID        string    `json:"id"`
	Quantity  int       `json:"quantity"`
	Size      string    `json:"size"`
	Type      string    `json:"type"`
	UpdatedAt time.Time `json:"updated_at"`
}

// Feature is a switch of an app or an account.
type Feature struct {
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

// Permission is one thing that a collaborator may do.
type Permission struct {
	Description string `json:"description"`
	Name        string `json:"name"`
}

// CollaboratorUser is the account of a collaborator.
type CollaboratorUser struct {
	Email     string `json:"email"`
	Federated bool   `json:"federated"`
	ID        string `json:"id"`
}

// Collaborator is a person who may work on an app.
type Collaborator struct {
	App         Ref              `json:"app"`
	CreatedAt   time.Time        `json:"created_at"`
	ID          string           `json:"id"`
	Permissions []Permission     `json:"permissions"`
	Role        *string          `json:"role"`
	UpdatedAt   time.Time        `json:"updated_at"`
	User        CollaboratorUser `json:"user"`
}

// LogSession is a capability to read an app's log.
type LogSession struct {
	CreatedAt  time.Time `json:"created_at"`
	ID         string    `json:"id"`
	LogplexURL string    `json:"logplex_url"`
	UpdatedAt  time.Time `json:"updated_at"`
}

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

// RateLimit is how many requests are left.
type RateLimit struct {
	Remaining int `json:"remaining"`
}

// Provider is where a region is.
type Provider struct {
	Name   string `json:"name"`
	Region string `json:"region"`
}

// Region is a place where apps run.
type Region struct {
	Country        string    `json:"country"`
	CreatedAt      time.Time `json:"created_at"`
	Description    string    `json:"description"`
	ID             string    `json:"id"`
	Locale         string    `json:"locale"`
	Name           string    `json:"name"`
	PrivateCapable bool      `json:"private_capable"`
	Provider       Provider  `json:"provider"`
	UpdatedAt      time.Time `json:"updated_at"`
}

// Artifact is what a release runs.
type Artifact struct {
	ID   string `json:"id"`
	Type string `json:"type"`
}

// Release is code and config numbered together.
type Release struct {
	AddonPlanNames      []string   `json:"addon_plan_names"`
	App                 Ref        `json:"app"`
	Artifacts           []Artifact `json:"artifacts"`
	CreatedAt           time.Time  `json:"created_at"`
	Current             bool       `json:"current"`
	Description         string     `json:"description"`
	EligibleForRollback bool       `json:"eligible_for_rollback"`
	ID                  string     `json:"id"`
	OutputStreamURL     *string    `json:"output_stream_url"`
	Slug                *IDRef     `json:"slug"`
	Status              string     `json:"status"`
	UpdatedAt           time.Time  `json:"updated_at"`
	User                UserRef    `json:"user"`
	Version             int        `json:"version"`
}

// Blob is where a slug is fetched from or stored; Method is "get" or "put".
type Blob struct {
	Method string `json:"method"`
	URL    string `json:"url"`
}

// Slug is a compiled app.
type Slug struct {
	Blob                         Blob              `json:"blob"`
	BuildpackProvidedDescription *string           `json:"buildpack_provided_description"`
	Checksum                     *string           `json:"checksum"`
	Commit                       *string           `json:"commit"`
	CommitDescription            *string           `json:"commit_description"`
	CreatedAt                    time.Time         `json:"created_at"`
	DeletedAt                    *time.Time        `json:"deleted_at"`
	ID                           string            `json:"id"`
	ProcessTypes                 map[string]string `json:"process_types"`
	Size                         *int64            `json:"size"`
	Stack                        Ref               `json:"stack"`
	UpdatedAt                    time.Time         `json:"updated_at"`
}

// Source is where a build's source is uploaded and then fetched from.
type Source struct {
	SourceBlob struct {
		GetURL string `json:"get_url"`
		PutURL string `json:"put_url"`
	} `json:"source_blob"`
}

// Stack is a base system for dynos.
type Stack struct {
	CreatedAt time.Time `json:"created_at"`
	Default   bool      `json:"default"`
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	State     string    `json:"state"`
	UpdatedAt time.Time `json:"updated_at"`
}

// BuildLine is a chunk of a build's output in the result of a build.
type BuildLine struct {
	Line   string `json:"line"`
	Stream string `json:"stream"`
}

// BuildResult is the end of a build with all of its output.
type BuildResult struct {
	Build struct {
		ID     string `json:"id"`
		Status string `json:"status"`
	} `json:"build"`
	ExitCode *float64    `json:"exit_code"`
	Lines    []BuildLine `json:"lines"`
}

// Things that the server does not provide yet: their lists are empty.
type (
	// Addon is a service attached to an app.
	Addon = json.RawMessage
	// LogDrain is where an app's log is sent.
	LogDrain = json.RawMessage
)

// AppTransfer is an offer of an app to another account.
type AppTransfer struct {
	App       Ref       `json:"app"`
	CreatedAt time.Time `json:"created_at"`
	ID        string    `json:"id"`
	Owner     UserRef   `json:"owner"`
	Recipient UserRef   `json:"recipient"`
	State     string    `json:"state"`
	UpdatedAt time.Time `json:"updated_at"`
}

// Key is a public SSH key of an account.
type Key struct {
	Comment     string    `json:"comment"`
	CreatedAt   time.Time `json:"created_at"`
	Email       string    `json:"email"`
	Fingerprint string    `json:"fingerprint"`
	ID          string    `json:"id"`
	PublicKey   string    `json:"public_key"`
	UpdatedAt   time.Time `json:"updated_at"`
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

// NewAccount is an account that an operator has made, with its first token.
type NewAccount struct {
	Account
	Token string `json:"token"`
}

// SSLCert is what a certificate says of itself.
type SSLCert struct {
	ACM         bool      `json:"acm"`
	CASigned    bool      `json:"ca_signed?"`
	CertDomains []string  `json:"cert_domains"`
	ExpiresAt   time.Time `json:"expires_at"`
	ID          string    `json:"id"`
	Issuer      string    `json:"issuer"`
	SelfSigned  bool      `json:"self_signed?"`
	StartsAt    time.Time `json:"starts_at"`
	Subject     string    `json:"subject"`
}

// SNIEndpoint is a certificate that domains are served with.
type SNIEndpoint struct {
	App              Ref       `json:"app"`
	CertificateChain string    `json:"certificate_chain"`
	CreatedAt        time.Time `json:"created_at"`
	DisplayName      *string   `json:"display_name"`
	Domains          []string  `json:"domains"`
	ID               string    `json:"id"`
	Name             string    `json:"name"`
	SSLCert          SSLCert   `json:"ssl_cert"`
	UpdatedAt        time.Time `json:"updated_at"`
}

// DeployTarget is where review apps are made.
type DeployTarget struct {
	ID   string `json:"id"`
	Type string `json:"type"`
}

// ReviewAppConfig says how a pipeline makes review apps.
type ReviewAppConfig struct {
	AutomaticReviewApps bool          `json:"automatic_review_apps"`
	BaseName            *string       `json:"base_name"`
	DeployTarget        *DeployTarget `json:"deploy_target"`
	DestroyStaleApps    bool          `json:"destroy_stale_apps"`
	PipelineID          string        `json:"pipeline_id"`
	Repo                struct {
		FullName string `json:"full_name"`
	} `json:"repo"`
	StaleDays int  `json:"stale_days"`
	WaitForCI bool `json:"wait_for_ci"`
}
