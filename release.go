package kigo

import "time"

// ReleaseID is a release's uuid.
type ReleaseID string

// ReleaseStatus is where a release stands.
type ReleaseStatus string

const (
	ReleasePending   ReleaseStatus = "pending"   // its release phase has not ended
	ReleaseSucceeded ReleaseStatus = "succeeded" // may run
	ReleaseFailed    ReleaseStatus = "failed"    // never runs
	ReleaseExpired   ReleaseStatus = "expired"   // was pending for too long
)

// Release is code and config numbered together: one slug and one complete set of
// config vars. It never changes but for its status; a rollback makes a new one.
type Release struct {
	ID          ReleaseID
	App         AppID
	Version     int    // 1, 2, 3 … within the app, without gaps
	Slug        SlugID // empty before code is deployed
	Stack       string
	Base        string // digest of the stack's image that it runs on; empty: what the stack has when a dyno starts
	Description string
	User        AccountID
	UserEmail   string
	Status      ReleaseStatus
	Current     bool        // the app's dynos should run this one
	Failure     string      // why it failed, for people; empty when it did not, or its release command did
	ProvenAt    time.Time   // since when its web dynos are known to serve for long enough; zero: not yet
	Dropped     []Formation // process types that went when it became current, as they were
	Output      string      // key of the release phase's output stream; empty without one
	CreatedAt   time.Time
	UpdatedAt   time.Time
}
