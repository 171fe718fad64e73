package kigo

import (
	"maps"
	"time"
)

// MaxAppJSON bounds the size of an app.json in bytes.
const MaxAppJSON = 128 << 10

// AppJSON is what an app says of itself in its app.json: what it needs to be set
// up, and how its processes are checked (devcenter, "app.json Schema"). Members
// that the file does not have are zero.
type AppJSON struct {
	Name, Description string
	Keywords          []string
	Website           string
	Repository        string
	Logo              string
	SuccessURL        string // a URL, or a path below the new app
	Stack             string
	Image             string // of the stack "container", or of one-off dynos
	Scripts           Scripts
	Env               map[string]EnvSpec
	Formation         map[string]FormationSpec // by process type
	HealthChecks      map[string]HealthChecks  // by process type
	Addons            []AddonSpec
	Buildpacks        []string           // URLs or names, in order
	Environments      map[string]AppJSON // "review", "test" …: what differs there; see In
	Unknown           []string           // members that nothing reads, such as "formation.web.sise"

	stated map[string]bool // top-level members that the file has
}

// Scripts are commands that run once at certain times of an app's life.
type Scripts struct {
	Postdeploy   Script // after the first release of an app that is set up
	PRPredestroy Script // before a review app is destroyed
	TestSetup    Script // in CI, before Test
	Test         Script
}

// Script is a command and the size of the dyno that it runs on.
type Script struct {
	Command string // empty: none
	Size    string // canonical name; empty: the app's usual one
}

// EnvSpec is one config var that an app needs.
type EnvSpec struct {
	Description string
	Value       string
	HasValue    bool // a value is given, if only the empty one
	Required    bool // it must have a value; true unless the file says otherwise
	Secret      bool // its value is a new secret (generator "secret")
}

// FormationSpec is how many dynos of a process type, and of what size.
type FormationSpec struct {
	Quantity int
	Size     string // canonical name; empty: the default
}

// AddonSpec is an add-on that an app needs.
type AddonSpec struct {
	Plan     string            // "heroku-postgresql:mini", or a service alone
	As       string            // the attachment's name; empty: the default
	Options  map[string]string //
	Optional bool              // the app works without it
}

// HealthChecks are the two questions asked of a process; nil is never asked.
type HealthChecks struct {
	Readiness *HealthCheck // may it get requests?
	Liveness  *HealthCheck // should it be restarted?
}

// HealthCheck is a GET request that any status from 200 to 399 answers well.
// Zero means the platform's default.
type HealthCheck struct {
	Path     string        // starts with a slash
	Delay    time.Duration // from the start of the process to the first request
	Interval time.Duration // between requests
	Timeout  time.Duration // of one request
	Attempts int           // failures in a row that count
}

// Limits of health checks.
const (
	MinCheckInterval = time.Second
	MaxCheckTime     = 10 * time.Minute
	MaxCheckAttempts = 100
	maxCheckPath     = 2048
)

// In returns the file as the environment of that name ("review", "test") sees it:
// config vars and scripts are laid over the app's own one by one, any other
// member that it has replaces the app's.
func (a AppJSON) In(environment string) AppJSON {
	e, ok := a.Environments[environment]
	if !ok {
		return a
	}
	a.Env = maps.Clone(a.Env)
	if a.Env == nil {
		a.Env = map[string]EnvSpec{}
	}
	maps.Copy(a.Env, e.Env)
	for _, s := range []struct{ to, from *Script }{
		{&a.Scripts.Postdeploy, &e.Scripts.Postdeploy}, {&a.Scripts.PRPredestroy, &e.Scripts.PRPredestroy},
		{&a.Scripts.TestSetup, &e.Scripts.TestSetup}, {&a.Scripts.Test, &e.Scripts.Test},
	} {
		if s.from.Command != "" {
			*s.to = *s.from
		}
	}
	if e.stated["formation"] {
		a.Formation = e.Formation
	}
	if e.stated["healthchecks"] {
		a.HealthChecks = e.HealthChecks
	}
	if e.stated["addons"] {
		a.Addons = e.Addons
	}
	if e.stated["buildpacks"] {
		a.Buildpacks = e.Buildpacks
	}
	if e.stated["stack"] {
		a.Stack = e.Stack
	}
	return a
}
