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

// PipelineBuild is a build as lists of a pipeline show it: without the generation.
type PipelineBuild struct {
	Build
	Generation *string `json:"generation,omitempty"`
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
