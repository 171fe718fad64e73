package kigo

import "time"

// SetupStatus is where the set-up of an app stands.
type SetupStatus string

const (
	SetupPending   SetupStatus = "pending"
	SetupSucceeded SetupStatus = "succeeded"
	SetupFailed    SetupStatus = "failed"
)

// Setup makes a whole app of one source, as its app.json says: config vars,
// buildpacks, a build, a formation and a script after the first release.
//
//	(new) ─► read app.json ─► build ─► release ─► scale ─► postdeploy ─► succeeded
//	              │             │         │                    │
//	              └─────────────┴─────────┴────────────────────┴──────► failed
//
// Which step is next follows from what is set: AppJSON and Build come at once,
// Postdeploy comes with the formation.
type Setup struct {
	ID         string
	App        AppID
	User       AccountID
	UserEmail  string
	Status     SetupStatus
	Source     Source
	Env        ConfigVars // what the user gave: over the file's values
	Buildpacks []string   // what the user gave instead of the file's
	AppJSON    string     // empty until it was read
	Build      BuildID    // empty until then too
	Postdeploy DynoID     // empty before the script runs, or without one
	ExitCode   *int       // of the script, once it has ended
	Failure    string     // why it failed
	Errors     []string   // what is wrong in app.json
	CreatedAt  time.Time
	UpdatedAt  time.Time
}

// PostdeployType is the process type of set-up's scripts; PostdeployLimit is how
// long one may run.
const (
	PostdeployType  = "postdeploy"
	PostdeployLimit = time.Hour
)

// PostdeployOutput is the key of a script's output stream.
func PostdeployOutput(id DynoID) string { return "postdeploy-" + string(id) }
