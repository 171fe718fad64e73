package kigo

import (
	"regexp"
	"time"
)

// Pipeline is a row of apps, through which code is promoted stage by stage.
type Pipeline struct {
	ID        string
	Name      string
	Owner     AccountID
	CreatedAt time.Time
	UpdatedAt time.Time
}

// Stages of a pipeline, in the order of promotion.
var Stages = []string{"test", "review", "development", "staging", "production"}

// Coupling is an app's place in a pipeline; an app is in one at most.
type Coupling struct {
	ID        string
	App       AppID
	Pipeline  string
	Stage     string
	CreatedAt time.Time
	UpdatedAt time.Time
}

// Promotion copied the code of one app's release to others.
type Promotion struct {
	ID        string
	Pipeline  string
	App       AppID
	Release   ReleaseID
	Targets   []PromotionTarget
	CreatedAt time.Time
}

// PromotionTarget is an app that was promoted to, and what came of it.
type PromotionTarget struct {
	ID      string
	App     AppID
	Release ReleaseID // empty when it failed
	Error   string    // why it failed
}

// ReviewConfig says how a pipeline makes review apps.
type ReviewConfig struct {
	Repo             string // full name of the repository, OWNER/NAME
	Automatic        bool   // one for each pull request
	DestroyStale     bool   // after StaleDays without a deploy
	StaleDays        int
	WaitForCI        bool
	BaseName         string // what names of review apps begin with; empty: the pipeline's name
	DeployTargetID   string // of Heroku's "region" or "space"
	DeployTargetType string
}

// MaxStaleDays bounds ReviewConfig's StaleDays, as at Heroku.
const MaxStaleDays = 30

var repoName = regexp.MustCompile(`^[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+$`)

// Validate says what cannot be.
func (r ReviewConfig) Validate() error {
	switch {
	case !repoName.MatchString(r.Repo):
		return Invalid("repo %.60q is no repository: say OWNER/NAME", r.Repo)
	case r.StaleDays < 1 || r.StaleDays > MaxStaleDays:
		return Invalid("stale_days %d: say 1 to %d", r.StaleDays, MaxStaleDays)
	case r.BaseName != "" && !baseName.MatchString(r.BaseName):
		return Invalid("base_name %.60q: say up to 20 lower-case letters, digits and dashes, the first a letter", r.BaseName)
	}
	return nil
}

var baseName = regexp.MustCompile(`^[a-z][a-z0-9-]{0,19}$`)

var pipelineName = regexp.MustCompile(`^[a-z][a-z0-9-]{2,29}$`)

// ValidatePipelineName refuses what no pipeline may be called.
func ValidatePipelineName(name string) error {
	if !pipelineName.MatchString(name) {
		return Invalid("Name must start with a letter and have 3 to 30 lower-case letters, digits and dashes")
	}
	return nil
}
