package router

import (
	"fmt"

	"github.com/kigo-dev/kigo"
)

// Snapshot is everything the router knows: complete, and immutable once sent.
// As JSON it crosses the socket and lies on disk.
type Snapshot struct {
	Revision int64 `json:"revision"` // of the event log; later snapshots have higher ones
	Apps     []App `json:"apps"`
}

// Change is what differs from the routes of revision Base.
type Change struct {
	Base     int64        `json:"base"`
	Revision int64        `json:"revision"`
	Apps     []App        `json:"apps,omitempty"` // new ones, and others as they are now
	Gone     []kigo.AppID `json:"gone,omitempty"`
}

// App is one app as the router sees it.
type App struct {
	ID              kigo.AppID `json:"id"`
	Name            string     `json:"name"`
	Hosts           []string   `json:"hosts"` // lower case, without port; "*.example.com" is a wildcard
	Released        bool       `json:"released"`
	Maintenance     bool       `json:"maintenance,omitempty"`
	Suspended       bool       `json:"suspended,omitempty"`        // its dyno hours are used up
	ErrorPage       string     `json:"error_page,omitempty"`       // ERROR_PAGE_URL
	MaintenancePage string     `json:"maintenance_page,omitempty"` // MAINTENANCE_PAGE_URL
	Affinity        bool       `json:"affinity,omitempty"`         // session affinity by cookie
	ForceHTTPS      bool       `json:"force_https,omitempty"`      // plain HTTP is sent to HTTPS
	WebQuantity     int        `json:"web_quantity"`               // how many web dynos are wanted
	Dynos           []Dyno     `json:"dynos"`                      // web dynos only

	Challenges []Challenge `json:"challenges,omitempty"` // of certificates that are being asked for
}

// Challenge is what a certificate authority must find at /.well-known/acme-challenge/TOKEN
// of a host, before it believes that the host is ours (RFC 8555, 8.3).
type Challenge struct {
	Host   string `json:"host"` // lower case
	Token  string `json:"token"`
	Answer string `json:"answer"`
}

// Dyno is one web dyno. Requests go to those that are up.
type Dyno struct {
	ID    kigo.DynoID    `json:"id"`
	Name  string         `json:"name"` // "web.1"
	Addr  string         `json:"addr"` // ip:port
	State kigo.DynoState `json:"state"`
}

// Validate reports the first thing in a snapshot that cannot be.
func (s *Snapshot) Validate() error { return validate(s.Revision, s.Apps) }

// Validate reports the first thing in a change that cannot be.
func (c *Change) Validate() error { return validate(c.Revision, c.Apps) }

func validate(revision int64, apps []App) error {
	for _, a := range apps {
		if a.ID == "" || a.Name == "" {
			return fmt.Errorf("check routes %d: an app without id or name", revision)
		}
		for _, d := range a.Dynos {
			if d.ID == "" || d.State == kigo.DynoUp && d.Addr == "" {
				return fmt.Errorf("check routes %d: %s of %s has no id or no address", revision, d.Name, a.Name)
			}
		}
	}
	return nil
}
