package control

import (
	"context"

	"github.com/kigo-dev/kigo"
)

// CreateImage keeps a container image that can be released as a slug can.
func (c *Control) CreateImage(ctx context.Context, a Actor, slug kigo.Slug) (kigo.Slug, error) {
	err := c.update(ctx, a, func(tx *change) error {
		app, err := tx.app(slug.App)
		if err != nil {
			return err
		}
		if err := onContainers(app); err != nil {
			return err
		}
		slug.Stack = kigo.StackContainer
		if err := checkSlug(slug); err != nil {
			return err
		}
		return tx.CreateSlug(&slug)
	})
	return slug, err
}

// onContainers refuses images for an app that runs none.
func onContainers(app kigo.App) error {
	if app.BuildStack == kigo.StackContainer {
		return nil
	}
	return kigo.Invalid("Container images are for apps on the stack container, and %s is on %s: run `heroku stack:set container` first.", app.Name, app.BuildStack)
}
