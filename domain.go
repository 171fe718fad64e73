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
	Automatic   AutomaticCertificate
	CreatedAt   time.Time
	UpdatedAt   time.Time
}

// AutomaticCertificate is how it stands with the certificate that the platform
// gets for a domain from a certificate authority.
type AutomaticCertificate struct {
	Status string    // ACM…; empty: not asked for yet, or not wanted
	Reason string    // why it is failing or has failed, for the owner
	Tries  int       // that failed one after the other
	Next   time.Time // not to be tried before; zero: now
}

// What AutomaticCertificate's Status says, with Heroku's words.
const (
	ACMInProgress = "verified"
	ACMIssued     = "cert issued"
	ACMFailing    = "failing" // and will be tried again
	ACMFailed     = "failed"  // until its owner asks again
)

// Challenge is what a certificate authority must find at a host, under
// /.well-known/acme-challenge/TOKEN, before it gives out a certificate for it.
type Challenge struct {
	App    AppID
	Host   string
	Token  string
	Answer string
}

// Kinds of domain, with Heroku's names.
const (
	DomainDefault = "heroku"
	DomainCustom  = "custom"
)
