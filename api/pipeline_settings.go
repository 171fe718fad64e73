package api

import (
	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/client"
)

func stageConfigInfo(c *call) (reply, error) {
	vars, err := ctrl(c).StageConfig(c.ctx(), c.actor, c.param("pipeline"), c.param("stage"))
	return ok(someVars(vars)), err
}

func stageConfigUpdate(c *call) (reply, error) {
	changes, err := c.configChanges()
	if err != nil {
		return reply{}, err
	}
	vars, err := ctrl(c).SetStageConfig(c.ctx(), c.actor, c.param("pipeline"), c.param("stage"), changes)
	return ok(someVars(vars)), err
}

// pipelineEmptyList is the empty list of a pipeline that the actor may see.
func pipelineEmptyList(c *call) (reply, error) {
	if _, err := c.pipeline(); err != nil {
		return reply{}, err
	}
	return emptyList(c)
}

func serializeReviewConfig(p kigo.Pipeline, r kigo.ReviewConfig) client.ReviewAppConfig {
	out := client.ReviewAppConfig{
		AutomaticReviewApps: r.Automatic, BaseName: optional(r.BaseName), DestroyStaleApps: r.DestroyStale, PipelineID: p.ID,
		StaleDays: r.StaleDays, WaitForCI: r.WaitForCI,
	}
	out.Repo.FullName = r.Repo
	if r.DeployTargetID != "" {
		out.DeployTarget = &client.DeployTarget{ID: r.DeployTargetID, Type: r.DeployTargetType}
	}
	return out
}

// reviewConfigChange is what a request may say of review apps.
type reviewConfigChange struct {
	Pipeline     *string `json:"pipeline"` // Heroku's command line repeats it
	Repo         *string `json:"repo"`
	Automatic    *bool   `json:"automatic_review_apps"`
	DestroyStale *bool   `json:"destroy_stale_apps"`
	StaleDays    *int    `json:"stale_days"`
	WaitForCI    *bool   `json:"wait_for_ci"`
	BaseName     *string `json:"base_name"`
	DeployTarget *struct {
		ID   string `json:"id"`
		Type string `json:"type"`
	} `json:"deploy_target"`
}

func (in reviewConfigChange) apply(r *kigo.ReviewConfig) {
	set(&r.Automatic, in.Automatic)
	set(&r.DestroyStale, in.DestroyStale)
	set(&r.StaleDays, in.StaleDays)
	set(&r.WaitForCI, in.WaitForCI)
	set(&r.BaseName, in.BaseName)
	if t := in.DeployTarget; t != nil {
		r.DeployTargetID, r.DeployTargetType = t.ID, t.Type
	}
}

func set[T any](to *T, from *T) {
	if from != nil {
		*to = *from
	}
}

// check refuses a place for review apps that is not here.
func (in reviewConfigChange) check(c *call) error {
	t := in.DeployTarget
	if t == nil || t.Type == "region" && t.ID == ctrl(c).Region() {
		return nil
	}
	return kigo.Invalid("deploy_target %s %.40q is not here: there is the region %s.", t.Type, t.ID, ctrl(c).Region())
}

func reviewConfigInfo(c *call) (reply, error) {
	p, r, err := ctrl(c).ReviewConfig(c.ctx(), c.actor, c.param("pipeline"))
	return ok(serializeReviewConfig(p, r)), err
}

const defaultStaleDays = 5

func reviewConfigCreate(c *call) (reply, error) {
	var in reviewConfigChange
	if err := c.decode(&in); err != nil {
		return reply{}, err
	}
	if err := in.check(c); err != nil {
		return reply{}, err
	}
	r := kigo.ReviewConfig{Repo: value(in.Repo), StaleDays: defaultStaleDays, DeployTargetID: ctrl(c).Region(), DeployTargetType: "region"}
	in.apply(&r)
	p, err := ctrl(c).EnableReviewApps(c.ctx(), c.actor, c.param("pipeline"), r)
	return created(serializeReviewConfig(p, r)), err
}

func reviewConfigUpdate(c *call) (reply, error) {
	var in reviewConfigChange
	if err := c.decode(&in); err != nil {
		return reply{}, err
	}
	if err := in.check(c); err != nil {
		return reply{}, err
	}
	p, r, err := ctrl(c).ChangeReviewApps(c.ctx(), c.actor, c.param("pipeline"), in.apply)
	return ok(serializeReviewConfig(p, r)), err
}

func reviewConfigDelete(c *call) (reply, error) {
	p, r, err := ctrl(c).DisableReviewApps(c.ctx(), c.actor, c.param("pipeline"))
	return ok(serializeReviewConfig(p, r)), err
}
