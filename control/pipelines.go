package control

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/store"
)

const maxTargets = 100 // of one promotion

// Pipeline returns one, by name or id, that the actor owns or has an app in.
// Another's is not found.
func (c *Control) Pipeline(ctx context.Context, a Actor, which string) (p kigo.Pipeline, err error) {
	err = c.Store.View(ctx, func(tx *store.Tx) error {
		p, err = pipeline(tx, a, which)
		return err
	})
	return p, err
}

func pipeline(tx *store.Tx, a Actor, which string) (kigo.Pipeline, error) {
	mine, err := tx.PipelinesOf(a.ID)
	for _, p := range mine {
		if which == p.ID || which == p.Name {
			return p, nil
		}
	}
	return kigo.Pipeline{}, errors.Join(err, kigo.NotFound("pipeline"))
}

// ownPipeline is pipeline for what who manages it alone may do.
func (c *change) ownPipeline(which string) (kigo.Pipeline, error) {
	p, err := pipeline(c.Tx, c.actor, which)
	if err != nil {
		return p, err
	}
	return p, c.can(kigo.PermissionManage, p)
}

// CreatePipeline makes a pipeline of the actor's own, or of a team.
func (c *Control) CreatePipeline(ctx context.Context, a Actor, name, team string) (p kigo.Pipeline, err error) {
	if err := kigo.ValidatePipelineName(name); err != nil {
		return p, err
	}
	err = c.update(ctx, a, func(tx *change) error {
		if err := tx.freePipelineName(name); err != nil {
			return err
		}
		p = kigo.Pipeline{Name: name, Owner: a.ID}
		if team != "" {
			t, err := tx.team(kigo.PermissionCreate, team)
			if err != nil {
				return err
			}
			p.Owner = t.ID
		}
		if err := tx.CreatePipeline(&p); err != nil {
			return err
		}
		return tx.emit("pipeline.create", "", p.ID, map[string]string{"name": name})
	})
	return p, err
}

func (c *change) freePipelineName(name string) error {
	_, err := c.FindPipeline(name)
	switch {
	case errors.Is(err, kigo.ErrNotFound):
		return nil
	case err != nil:
		return err
	}
	return kigo.Invalid("Name %s is already taken", name)
}

// RenamePipeline gives a pipeline of the actor's own another name.
func (c *Control) RenamePipeline(ctx context.Context, a Actor, which, name string) (p kigo.Pipeline, err error) {
	if err := kigo.ValidatePipelineName(name); err != nil {
		return p, err
	}
	err = c.update(ctx, a, func(tx *change) error {
		if p, err = tx.ownPipeline(which); err != nil || p.Name == name {
			return err
		}
		if err := tx.freePipelineName(name); err != nil {
			return err
		}
		p.Name = name
		if err := tx.UpdatePipeline(&p); err != nil {
			return err
		}
		return tx.emit("pipeline.update", "", p.ID, map[string]string{"name": name})
	})
	return p, err
}

// GivePipeline makes another account the owner of a pipeline of the actor's own.
func (c *Control) GivePipeline(ctx context.Context, a Actor, which, recipient string) (p kigo.Pipeline, err error) {
	err = c.update(ctx, a, func(tx *change) error {
		if p, err = tx.ownPipeline(which); err != nil {
			return err
		}
		if t, err := tx.team(kigo.PermissionCreate, recipient); err == nil {
			p.Owner = t.ID
		} else if to, err := findAccount(tx.Tx, a, recipient); err == nil {
			p.Owner = to.ID
		} else {
			return err
		}
		if err := tx.UpdatePipeline(&p); err != nil {
			return err
		}
		return tx.emit("pipeline.update", "", p.ID, map[string]string{"owner": string(p.Owner)})
	})
	return p, err
}

// DestroyPipeline removes a pipeline of the actor's own; its apps stay.
func (c *Control) DestroyPipeline(ctx context.Context, a Actor, which string) (p kigo.Pipeline, err error) {
	err = c.update(ctx, a, func(tx *change) error {
		if p, err = tx.ownPipeline(which); err != nil {
			return err
		}
		if err := tx.DeletePipeline(p.ID); err != nil {
			return err
		}
		return tx.emit("pipeline.delete", "", p.ID, map[string]string{"name": p.Name})
	})
	return p, err
}

// Couple puts an app into a pipeline that the actor may see.
func (c *Control) Couple(ctx context.Context, a Actor, app kigo.AppID, which, stage string) (cp kigo.Coupling, err error) {
	if err := checkStage(stage); err != nil {
		return cp, err
	}
	err = c.update(ctx, a, func(tx *change) error {
		found, err := tx.app(app)
		if err != nil {
			return err
		}
		p, err := pipeline(tx.Tx, a, which)
		if err != nil {
			return err
		}
		if _, err := tx.CouplingOf(app); err == nil {
			return kigo.Invalid("%s is already in a pipeline.", found.Name)
		} else if !errors.Is(err, kigo.ErrNotFound) {
			return err
		}
		cp = kigo.Coupling{App: app, Pipeline: p.ID, Stage: stage}
		if err := tx.CreateCoupling(&cp); err != nil {
			return err
		}
		return tx.emit("pipeline-coupling.create", app, cp.ID, map[string]string{"pipeline": p.Name, "stage": stage})
	})
	return cp, err
}

func checkStage(stage string) error {
	if !slices.Contains(kigo.Stages, stage) {
		return kigo.Invalid("Stage must be one of %s.", strings.Join(kigo.Stages, ", "))
	}
	return nil
}

// MoveCoupling puts an app into another stage.
func (c *Control) MoveCoupling(ctx context.Context, a Actor, id, stage string) (cp kigo.Coupling, err error) {
	if err := checkStage(stage); err != nil {
		return cp, err
	}
	err = c.update(ctx, a, func(tx *change) error {
		if cp, err = tx.Coupling(id); err != nil {
			return err
		}
		cp.Stage = stage
		if err := tx.UpdateCoupling(&cp); err != nil {
			return err
		}
		return tx.emit("pipeline-coupling.update", cp.App, cp.ID, map[string]string{"stage": stage})
	})
	return cp, err
}

// Uncouple takes an app out of its pipeline.
func (c *Control) Uncouple(ctx context.Context, a Actor, id string) (cp kigo.Coupling, err error) {
	err = c.update(ctx, a, func(tx *change) error {
		if cp, err = tx.Coupling(id); err != nil {
			return err
		}
		if err := tx.DeleteCoupling(id); err != nil {
			return err
		}
		return tx.emit("pipeline-coupling.delete", cp.App, cp.ID, nil)
	})
	return cp, err
}

// Promote releases the code of an app's release, the current one when it is
// empty, on other apps of the same pipeline: the same slug, with each app's own
// config vars. What goes wrong with one target is written down and stops no other.
// Whether the actor may deploy to each target is for may to say.
func (c *Control) Promote(ctx context.Context, a Actor, which string, source kigo.AppID, release kigo.ReleaseID, targets []kigo.AppID, may func(kigo.App) error) (p kigo.Promotion, err error) {
	if len(targets) == 0 || len(targets) > maxTargets {
		return p, kigo.Invalid("targets must name between 1 and %d apps.", maxTargets)
	}
	allowed := map[kigo.AppID]error{} // asked before: it reads the store
	for _, id := range targets {
		var app kigo.App
		err := c.Store.View(ctx, func(tx *store.Tx) (err error) {
			app, err = tx.App(id)
			return err
		})
		if err == nil {
			err = may(app)
		}
		allowed[id] = err
	}
	err = c.update(ctx, a, func(tx *change) error {
		line, err := pipeline(tx.Tx, a, which)
		if err != nil {
			return err
		}
		from, r, slug, err := tx.promotable(line, source, release)
		if err != nil {
			return err
		}
		p = kigo.Promotion{Pipeline: line.ID, App: source, Release: r.ID}
		for _, id := range targets {
			t := kigo.PromotionTarget{ID: uuid.NewString(), App: id}
			err := allowed[id]
			if err == nil {
				t.Release, err = tx.promoteTo(line, from, r, slug, id)
			}
			if e, ours := kigo.AsError(err); ours {
				t.Error = e.Message
			} else if err != nil {
				return err
			}
			p.Targets = append(p.Targets, t)
		}
		if err := tx.CreatePromotion(&p); err != nil {
			return err
		}
		return tx.emit("pipeline-promotion.create", source, p.ID, nil)
	})
	return p, err
}

// promotable finds what is promoted.
func (c *change) promotable(line kigo.Pipeline, source kigo.AppID, release kigo.ReleaseID) (app kigo.App, r kigo.Release, slug kigo.Slug, err error) {
	if app, err = c.app(source); err != nil {
		return app, r, slug, err
	}
	part, err := c.CouplingOf(source)
	if err != nil || part.Pipeline != line.ID {
		return app, r, slug, errors.Join(kigo.Invalid("%s is not in the pipeline %s.", app.Name, line.Name))
	}
	if release == "" {
		r, err = c.CurrentRelease(source)
	} else {
		r, err = c.FindRelease(source, string(release))
	}
	if errors.Is(err, kigo.ErrNotFound) || err == nil && (r.Slug == "" || r.Status != kigo.ReleaseSucceeded) {
		err = kigo.Invalid("%s has no code to promote: deploy to it first.", app.Name)
	}
	if err != nil {
		return app, r, slug, err
	}
	if slug, err = c.Slug(r.Slug); err == nil && c.control.HasSlug != nil && !c.control.HasSlug(slug.Digest) {
		err = kigo.Invalid("The code of v%d of %s is not kept any more: promote a newer release.", r.Version, app.Name)
	}
	return app, r, slug, err
}

// promoteTo releases a slug on another app.
func (c *change) promoteTo(line kigo.Pipeline, from kigo.App, r kigo.Release, slug kigo.Slug, id kigo.AppID) (kigo.ReleaseID, error) {
	to, err := c.app(id)
	if err != nil {
		return "", err
	}
	part, err := c.CouplingOf(id)
	if err != nil && !errors.Is(err, kigo.ErrNotFound) {
		return "", err
	}
	switch {
	case err != nil || part.Pipeline != line.ID:
		return "", kigo.Invalid("%s is not in the pipeline %s.", to.Name, line.Name)
	case id == from.ID:
		return "", kigo.Invalid("%s cannot be promoted to itself.", to.Name)
	}
	slug.ID, slug.App = "", id
	slug.CreatedAt = c.Now()
	if err := c.CreateSlug(&slug); err != nil {
		return "", err
	}
	description := fmt.Sprintf("Promote %s v%d %s", from.Name, r.Version, slug.Commit[:min(8, len(slug.Commit))])
	description = strings.TrimSpace(description)
	c.byf(id, "%s", description)
	made, err := c.release(&to, newRelease{slug: slug.ID, description: description})
	return made.ID, err
}
