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

var pipelineName = regexp.MustCompile(`^[a-z][a-z0-9-]{2,29}$`)

// ValidatePipelineName refuses what no pipeline may be called.
func ValidatePipelineName(name string) error {
	if !pipelineName.MatchString(name) {
		return Invalid("Name must start with a letter and have 3 to 30 lower-case letters, digits and dashes")
	}
	return nil
}
