package control

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/kigo-dev/kigo"
)

// ReleaseImages releases container images of process types; nil takes a type away.
// The types that are not named keep theirs.
func (c *Control) ReleaseImages(ctx context.Context, a Actor, id kigo.AppID, images map[string]*kigo.ContainerImage) (r kigo.Release, err error) {
	err = c.update(ctx, a, func(tx *change) error {
		app, err := tx.app(id)
		if err != nil {
			return err
		}
		if err := onContainers(app); err != nil {
			return err
		}
		slug := kigo.Slug{App: id, Stack: kigo.StackContainer, ProcessTypes: map[string]string{}, Images: map[string]kigo.ContainerImage{}}
		before, err := tx.newestCode(id)
		if err != nil {
			return err
		}
		if before != "" {
			old, err := tx.Slug(before)
			if err != nil {
				return err
			}
			maps.Copy(slug.Images, old.Images)
		}
		var deployed, removed []string
		for _, typ := range slices.Sorted(maps.Keys(images)) {
			image := images[typ]
			if image != nil {
				slug.Images[typ] = *image
				deployed = append(deployed, typ+" ("+ShortDigest(image.ID)+")")
				continue
			}
			if _, ok := slug.Images[typ]; !ok {
				return noType(typ)
			}
			delete(slug.Images, typ)
			removed = append(removed, typ)
		}
		if len(slug.Images) == 0 {
			return kigo.Invalid("An app needs an image for one process type at least: scale it down instead, `heroku ps:scale web=0`.")
		}
		for typ, image := range slug.Images {
			slug.ProcessTypes[typ], slug.Digest = image.Command(), image.Root
		}
		if err := errors.Join(checkSlug(slug), tx.CreateSlug(&slug)); err != nil {
			if e, ok := kigo.AsError(err); ok {
				return e
			}
			return err
		}
		description := "Deployed " + strings.Join(deployed, ", ")
		if len(deployed) == 0 {
			description = "Removed " + strings.Join(removed, ", ")
		}
		tx.byf(id, "%s", description)
		r, err = tx.release(&app, newRelease{slug: slug.ID, description: description})
		return err
	})
	return r, err
}
