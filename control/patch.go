package control

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/kigo-dev/kigo"
)

// base is the image of its stack that a release runs on: the newest for code that
// was just built, else the one that the app is on, so that a config change or a
// rollback changes what was asked for and nothing else.
func (c *change) base(app kigo.AppID, n newRelease, stack string) (string, error) {
	if n.base != "" || c.control.Base == nil {
		return n.base, nil
	}
	current, err := c.CurrentRelease(app)
	if err != nil && !errors.Is(err, kigo.ErrNotFound) {
		return "", err
	}
	if !n.built && err == nil && current.Stack == stack && current.Base != "" {
		return current.Base, nil
	}
	return c.control.Base(stack), nil
}

// ShortDigest is how people see an image's digest.
func ShortDigest(digest string) string {
	short := strings.TrimPrefix(digest, "sha256:")
	return short[:min(12, len(short))]
}

// PatchApp releases an app's code and config vars again on another image of its
// stack: no build, no release phase. It reports whether it did: an app that is on
// it already, or whose release phase runs now, is left alone.
func (c *Control) PatchApp(ctx context.Context, id kigo.AppID, stack, base string) (done bool, err error) {
	err = c.update(ctx, Actor{}, func(tx *change) error {
		done = false
		app, err := tx.app(id)
		if errors.Is(err, kigo.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		releases, err := tx.Releases(id)
		if err != nil {
			return err
		}
		var current kigo.Release
		for _, r := range releases {
			if r.Status == kigo.ReleasePending {
				return nil
			}
			if r.Current {
				current = r
			}
		}
		if current.Slug == "" || current.Stack != stack || current.Base == base {
			return nil
		}
		vars, err := tx.ReleaseConfig(current.ID) // not the newest, which may have been rejected for its config
		if err != nil {
			return err
		}
		tx.actor = Actor{ID: current.User, Email: current.UserEmail}
		description := fmt.Sprintf("Patch %s to %s", stack, ShortDigest(base))
		tx.logf(id, "%s", description)
		if _, err := tx.release(&app, newRelease{slug: current.Slug, description: description, base: base, vars: vars}); err != nil {
			return err
		}
		done = true
		return nil
	})
	return done, err
}

// AdoptBase notes the image that releases from before it was kept run on.
func (c *Control) AdoptBase(ctx context.Context, stack, base string) error {
	return c.update(ctx, Actor{}, func(tx *change) error { return tx.SetBase(stack, base) })
}
