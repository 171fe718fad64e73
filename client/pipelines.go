package client

import "time"

// PipelineOwner is whose a pipeline is; Type is "user" or "team".
type PipelineOwner struct {
	ID   string `json:"id"`
	Type string `json:"type"`
}

// Pipeline is a row of apps.
type Pipeline struct {
	CreatedAt  time.Time     `json:"created_at"`
	Generation Ref           `json:"generation"`
	ID         string        `json:"id"`
	Name       string        `json:"name"`
	Owner      PipelineOwner `json:"owner"`
	UpdatedAt  time.Time     `json:"updated_at"`
}

// PipelineTransfer says that a pipeline has another owner.
type PipelineTransfer struct {
	NewOwner      PipelineOwner `json:"new_owner"`
	Pipeline      IDRef         `json:"pipeline"`
	PreviousOwner PipelineOwner `json:"previous_owner"`
}

// PipelineCoupling is an app's place in a pipeline.
type PipelineCoupling struct {
	App        IDRef     `json:"app"`
	CreatedAt  time.Time `json:"created_at"`
	Generation Ref       `json:"generation"`
	ID         string    `json:"id"`
	Pipeline   Ref       `json:"pipeline"`
	Stage      string    `json:"stage"`
	UpdatedAt  time.Time `json:"updated_at"`
}

// PipelinePromotion copied the code of one app to others.
type PipelinePromotion struct {
	CreatedAt time.Time `json:"created_at"`
	ID        string    `json:"id"`
	Pipeline  IDRef     `json:"pipeline"`
	Source    struct {
		App     IDRef `json:"app"`
		Release IDRef `json:"release"`
	} `json:"source"`
	Status    string    `json:"status"`
	UpdatedAt time.Time `json:"updated_at"`
}

// PipelinePromotionTarget is what came of a promotion to one app.
type PipelinePromotionTarget struct {
	App               IDRef   `json:"app"`
	ErrorMessage      *string `json:"error_message"`
	ID                string  `json:"id"`
	PipelinePromotion IDRef   `json:"pipeline_promotion"`
	Release           *IDRef  `json:"release"`
	Status            string  `json:"status"`
}

// TeamApp is an app as lists across owners show it.
type TeamApp struct {
	App
	Joined bool `json:"joined"`
	Locked bool `json:"locked"`
}

// PipelineBuild is a build as lists of a pipeline show it: without the generation.
type PipelineBuild struct {
	Build
	Generation *string `json:"generation,omitempty"`
}

// Generation is one of Heroku's platforms.
type Generation struct {
	CreatedAt time.Time `json:"created_at"`
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	UpdatedAt time.Time `json:"updated_at"`
}

// Delinquency is what happens to an account that does not pay.
type Delinquency struct {
	ScheduledDeletionTime   *time.Time `json:"scheduled_deletion_time"`
	ScheduledSuspensionTime *time.Time `json:"scheduled_suspension_time"`
}

// Audit is what a check of the chain of events found.
type Audit struct {
	Events  int64   `json:"events"`
	Before  int64   `json:"before"`
	Trouble *string `json:"trouble"`
}
