package control

import (
	"context"
	"errors"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/store"
)

// StageConfig returns the config vars that a pipeline sets for the apps that it
// makes in a stage: test runs and review apps.
func (c *Control) StageConfig(ctx context.Context, a Actor, which, stage string) (vars kigo.ConfigVars, err error) {
	err = c.Store.View(ctx, func(tx *store.Tx) error {
		p, err := managedPipeline(tx, a, which)
		if err != nil {
			return err
		}
		if err := checkStage(stage); err != nil {
			return err
		}
		vars, err = tx.StageConfig(p.ID, stage)
		return err
	})
	return vars, err
}

// SetStageConfig changes them; nil removes one. It returns all as they are then.
func (c *Control) SetStageConfig(ctx context.Context, a Actor, which, stage string, vars map[string]*string) (all kigo.ConfigVars, err error) {
	err = c.update(ctx, a, func(tx *change) error {
		p, err := tx.ownPipeline(which)
		if err != nil {
			return err
		}
		if err := checkStage(stage); err != nil {
			return err
		}
		if all, err = tx.StageConfig(p.ID, stage); err != nil {
			return err
		}
		set, removed, err := apply(all, vars)
		if err != nil || len(set)+len(removed) == 0 {
			return err
		}
		return errors.Join(tx.PutStageConfig(p.ID, stage, all),
			tx.emit("pipeline.update", "", p.ID, map[string]any{"stage": stage, "set": set, "removed": removed}))
	})
	return all, err
}

// ReviewConfig returns how a pipeline makes review apps.
func (c *Control) ReviewConfig(ctx context.Context, a Actor, which string) (p kigo.Pipeline, r kigo.ReviewConfig, err error) {
	err = c.Store.View(ctx, func(tx *store.Tx) error {
		if p, err = managedPipeline(tx, a, which); err != nil {
			return err
		}
		r, err = tx.ReviewConfig(p.ID)
		return err
	})
	return p, r, err
}

// EnableReviewApps says how a pipeline makes review apps. One that says so already
// is refused.
func (c *Control) EnableReviewApps(ctx context.Context, a Actor, which string, r kigo.ReviewConfig) (p kigo.Pipeline, err error) {
	if err := r.Validate(); err != nil {
		return p, err
	}
	err = c.update(ctx, a, func(tx *change) error {
		if p, err = tx.ownPipeline(which); err != nil {
			return err
		}
		if _, err := tx.ReviewConfig(p.ID); err == nil {
			return kigo.Invalid("Review apps are already enabled for %s.", p.Name)
		} else if !errors.Is(err, kigo.ErrNotFound) {
			return err
		}
		return errors.Join(tx.PutReviewConfig(p.ID, r), tx.emit("pipeline.update", "", p.ID, map[string]bool{"review_apps": true}))
	})
	return p, err
}

// ChangeReviewApps changes that by f.
func (c *Control) ChangeReviewApps(ctx context.Context, a Actor, which string, f func(*kigo.ReviewConfig)) (p kigo.Pipeline, r kigo.ReviewConfig, err error) {
	err = c.update(ctx, a, func(tx *change) error {
		if p, err = tx.ownPipeline(which); err != nil {
			return err
		}
		if r, err = tx.ReviewConfig(p.ID); err != nil {
			return err
		}
		if f(&r); r.Validate() != nil {
			return r.Validate()
		}
		return errors.Join(tx.PutReviewConfig(p.ID, r), tx.emit("pipeline.update", "", p.ID, map[string]bool{"review_apps": true}))
	})
	return p, r, err
}

// DisableReviewApps ends it.
func (c *Control) DisableReviewApps(ctx context.Context, a Actor, which string) (p kigo.Pipeline, r kigo.ReviewConfig, err error) {
	err = c.update(ctx, a, func(tx *change) error {
		if p, err = tx.ownPipeline(which); err != nil {
			return err
		}
		if r, err = tx.ReviewConfig(p.ID); err != nil {
			return err
		}
		return errors.Join(tx.DeleteReviewConfig(p.ID), tx.emit("pipeline.update", "", p.ID, map[string]bool{"review_apps": false}))
	})
	return p, r, err
}

// managedPipeline is ownPipeline for what is only read.
func managedPipeline(tx *store.Tx, a Actor, which string) (kigo.Pipeline, error) {
	p, err := pipeline(tx, a, which)
	if err != nil {
		return p, err
	}
	have, err := pipelineRights(tx, a, p)
	if err != nil {
		return p, err
	}
	return p, allowed(have, kigo.PermissionManage, p)
}
