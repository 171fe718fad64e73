package kigo

import "time"

// Domain is a host name that leads to an app.
type Domain struct {
	ID          string
	App         AppID
	Hostname    string // lower case, no trailing dot
	Kind        string // "heroku" for the app's own name under the platform's domain, or "custom"
	SNIEndpoint string // id of the certificate that it is served with; empty: none of the app's own
	CNAME       string // where a custom domain should point; empty for the default one
	Status      string // "succeeded", "pending", "failed", "none"
	CreatedAt   time.Time
	UpdatedAt   time.Time
}

// Kinds of domain, with Heroku's names.
const (
	DomainDefault = "heroku"
	DomainCustom  = "custom"
)
