package control

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"github.com/kigo-dev/kigo"
)

// releaseType is the process type that runs before a release becomes current.
const releaseType = "release"

// newRelease is what a release is made of. Without vars it has the app's present ones.
type newRelease struct {
	slug        kigo.SlugID // empty: no code yet
	description string
	vars        kigo.ConfigVars
	built       bool   // just built: on the newest image of its stack
	base        string // the same code on this image of its stack: without a release phase
}

// CreateRelease releases a slug of the app, with the app's config vars.
func (c *Control) CreateRelease(ctx context.Context, a Actor, id kigo.AppID, slugID kigo.SlugID, description string) (r kigo.Release, err error) {
	if err := checkText("Description", description, maxDescription); err != nil {
		return r, err
	}
	err = c.update(ctx, a, func(tx *change) error {
		app, err := tx.app(id)
		if err != nil {
			return err
		}
		slug, err := tx.Slug(slugID)
		switch {
		case err != nil:
			return err
		case slug.App != id:
			return kigo.NotFound("slug")
		case slug.Digest == "":
			return kigo.Invalid("Slug %s holds nothing yet: PUT its archive to the blob URL first", slugID)
		case !there(c, tx, slugID):
			return kigo.Invalid("Slug %s is too old and has been removed: build the app again.", slugID)
		}
		if description == "" {
			description = deploy(slug.Commit)
		}
		tx.byf(id, "%s", description)
		r, err = tx.release(&app, newRelease{slug: slugID, description: description})
		return err
	})
	return r, err
}

// Rollback releases the code and config vars of an earlier release again. Which
// is "v3", "3" or an id.
func (c *Control) Rollback(ctx context.Context, a Actor, id kigo.AppID, which string) (r kigo.Release, err error) {
	err = c.update(ctx, a, func(tx *change) error {
		app, err := tx.app(id)
		if err != nil {
			return err
		}
		old, err := tx.FindRelease(id, which)
		if err != nil {
			return err
		}
		if err := eligible(old); err != nil {
			return err
		}
		if !there(c, tx, old.Slug) {
			return kigo.Invalid("Cannot roll back to v%d: its code is too old and has been removed.", old.Version)
		}
		vars, err := tx.ReleaseConfig(old.ID)
		if err != nil {
			return err
		}
		description := fmt.Sprintf("Rollback to v%d", old.Version)
		tx.byf(id, "%s", description)
		r, err = tx.release(&app, newRelease{slug: old.Slug, description: description, vars: vars})
		return err
	})
	return r, err
}

// there reports whether a slug's image has not been removed yet.
func there(c *Control, tx *change, id kigo.SlugID) bool {
	s, err := tx.Slug(id)
	return c.HasSlug == nil || err != nil || c.HasSlug(s.Digest)
}

// EligibleForRollback says whether a release can be rolled back to: it has code,
// its release phase succeeded and it is not the current one.
func EligibleForRollback(r kigo.Release) bool { return eligible(r) == nil }

func eligible(r kigo.Release) error {
	var why string
	switch {
	case r.Current:
		why = "it is the current release"
	case r.Failure != "":
		why = "it failed: " + r.Failure
	case r.Status == kigo.ReleasePending:
		why = "its release command has not ended"
	case r.Status != kigo.ReleaseSucceeded:
		why = "its release command failed"
	case r.Slug == "":
		why = "it has no code"
	default:
		return nil
	}
	return kigo.Invalid("Cannot roll back to v%d: %s.", r.Version, why)
}

// FinishRelease ends the release phase of a release: it becomes the current one, or
// has failed and the one before runs on. Calling it again changes nothing.
func (c *Control) FinishRelease(ctx context.Context, id kigo.ReleaseID, ok bool) (r kigo.Release, err error) {
	err = c.update(ctx, Actor{}, func(tx *change) error {
		if r, err = tx.Release(id); err != nil || r.Status != kigo.ReleasePending {
			return err
		}
		tx.actor = Actor{ID: r.User, Email: r.UserEmail}
		app, err := tx.App(r.App)
		if err != nil {
			return err
		}
		r.Status = kigo.ReleaseFailed
		if ok {
			r.Status = kigo.ReleaseSucceeded
		}
		if err := tx.UpdateRelease(&r); err != nil {
			return err
		}
		if ok {
			tx.byf(app.ID, "Release v%d created", r.Version)
			err = tx.promote(&app, &r)
		} else {
			tx.logf(app.ID, "Release v%d failed: its release command did not succeed", r.Version)
		}
		if err != nil {
			return err
		}
		return tx.emit("release.update", app.ID, string(r.ID), nil)
	})
	return r, err
}

// ProveRelease notes that a current release's web dynos have served for long enough.
func (c *Control) ProveRelease(ctx context.Context, id kigo.ReleaseID) error {
	return c.update(ctx, Actor{}, func(tx *change) error {
		r, err := tx.Release(id)
		if err != nil || !r.Current || !r.ProvenAt.IsZero() {
			return err
		}
		r.ProvenAt = tx.Now()
		return errors.Join(tx.UpdateRelease(&r), tx.emit("release.update", r.App, string(r.ID), nil))
	})
}

// RejectRelease takes back a current release whose web dynos do not come up, or do not
// stay up. An older one is current again: the one whose dynos still serve, so that what serves
// is what is current, or else the last that has proven itself. Calling it again, or after a newer
// release, changes nothing.
func (c *Control) RejectRelease(ctx context.Context, id kigo.ReleaseID, why string, instead kigo.ReleaseID) error {
	return c.update(ctx, Actor{}, func(tx *change) error {
		r, err := tx.Release(id)
		if err != nil || !r.Current {
			return err
		}
		old, err := tx.Release(instead)
		if err != nil || old.App != r.App || old.Slug == "" {
			return err
		}
		app, err := tx.App(r.App)
		if err != nil {
			return err
		}
		tx.actor = Actor{ID: r.User, Email: r.UserEmail}
		r.Status, r.Failure = kigo.ReleaseFailed, why
		if err := tx.UpdateRelease(&r); err != nil {
			return err
		}
		if err := tx.restore(&app, &old); err != nil {
			return err
		}
		what := "starts again"
		dynos, err := tx.Dynos(app.ID)
		for _, d := range dynos {
			if d.Release == old.ID && !d.Stop {
				what = "serves on"
			}
		}
		tx.logf(app.ID, "Release v%d failed: %s. v%d %s", r.Version, why, old.Version, what)
		return errors.Join(err, tx.emit("release.update", app.ID, string(r.ID), nil), tx.emit("release.update", app.ID, string(old.ID), nil))
	})
}

// restore makes a release the current one that has been before.
func (c *change) restore(app *kigo.App, r *kigo.Release) error {
	if err := c.SetCurrentRelease(app.ID, r.ID); err != nil {
		return err
	}
	slug, err := c.Slug(r.Slug)
	if err != nil {
		return err
	}
	app.Stack, app.SlugSize = slug.Stack, slug.Size
	if err := c.UpdateApp(app); err != nil {
		return err
	}
	if _, err := c.ensureFormation(*app, slug); err != nil {
		return err
	}
	return c.regain(app.ID, r)
}

// release makes the app's next release. It is current at once, or pending when
// its slug has a release phase.
func (c *change) release(app *kigo.App, n newRelease) (r kigo.Release, err error) {
	if n.vars == nil {
		if n.vars, err = c.ConfigVars(app.ID); err != nil {
			return r, err
		}
	}
	r = kigo.Release{
		App: app.ID, Slug: n.slug, Stack: app.BuildStack, Description: n.description,
		User: c.actor.ID, UserEmail: c.actor.Email, Status: kigo.ReleaseSucceeded,
	}
	var slug kigo.Slug
	if n.slug != "" {
		if slug, err = c.Slug(n.slug); err != nil {
			return r, err
		}
		r.Stack = slug.Stack
		if r.Base, err = c.base(app.ID, n, slug.Stack); err != nil {
			return r, err
		}
	}
	if _, ok := slug.ProcessTypes[releaseType]; ok && n.base == "" {
		r.Status = kigo.ReleasePending
		r.ID = kigo.ReleaseID(uuid.NewString())
		r.Output = "release-" + string(r.ID)
	}
	if err := c.CreateRelease(&r, n.vars); err != nil {
		return r, err
	}
	if err := c.emit("release.create", app.ID, string(r.ID), map[string]string{"description": r.Description}); err != nil {
		return r, err
	}
	if r.Status == kigo.ReleasePending {
		c.byf(app.ID, "Running release v%d commands", r.Version)
		return r, c.ensureReleaseType(app.ID, slug)
	}
	c.byf(app.ID, "Release v%d created", r.Version)
	return r, c.promote(app, &r)
}

// newestCode is the slug that a config change releases again: the current one, or
// that of a newer release whose release phase is running. Else the change would take
// that deploy back when both have ended.
func (c *change) newestCode(app kigo.AppID) (kigo.SlugID, error) {
	releases, err := c.Releases(app) // newest first
	for _, r := range releases {
		if r.Current || r.Status == kigo.ReleasePending {
			return r.Slug, err
		}
	}
	return "", err
}

// promote makes a release the current one and the app what it says. One that was
// overtaken by a newer release while its release phase ran stays where it is.
func (c *change) promote(app *kigo.App, r *kigo.Release) error {
	current, err := c.CurrentRelease(app.ID)
	if err == nil && current.Version > r.Version {
		return nil
	}
	if err != nil && !errors.Is(err, kigo.ErrNotFound) {
		return err
	}
	if err := c.SetCurrentRelease(app.ID, r.ID); err != nil {
		return err
	}
	r.Current = true
	if r.Slug == "" {
		return nil
	}
	slug, err := c.Slug(r.Slug)
	if err != nil {
		return err
	}
	app.Stack, app.SlugSize, app.ReleasedAt = slug.Stack, slug.Size, c.Now()
	if slug.BuildpackProvided != "" {
		app.BuildpackProvided = slug.BuildpackProvided
	}
	if err := c.UpdateApp(app); err != nil {
		return err
	}
	if r.Dropped, err = c.ensureFormation(*app, slug); err != nil || len(r.Dropped) == 0 {
		return err
	}
	return c.UpdateRelease(r)
}

// deploy describes a release of code.
func deploy(commit string) string {
	if commit == "" {
		return "Deploy"
	}
	return "Deploy " + commit[:min(8, len(commit))]
}
