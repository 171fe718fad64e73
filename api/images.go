package api

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/control"
	"github.com/kigo-dev/kigo/store"
)

// Images makes what was pushed to the registry into what dynos run.
type Images interface {
	Adopt(ctx context.Context, app kigo.App, typ, id string) (kigo.ContainerImage, error)
	// Whole is Adopt of an image for all process types that it is told, or else that the image
	// itself tells; it gives a slug to be kept.
	Whole(ctx context.Context, app kigo.App, typ string, image kigo.OCIImage) (kigo.Slug, error)
}

// maxDockerImage is the length of the longest digest that is known.
const maxDockerImage = len("sha512:") + 128

// releaseImages does what container:release asks for: it releases the images of these
// ids, by process type. Null takes the type away.
func (c *call) releaseImages(ids map[string]json.RawMessage) error {
	if c.s.Images == nil {
		return kigo.Invalid("This server has no registry of container images: deploy by git push.")
	}
	if err := ctrl(c).Can(c.ctx(), c.actor, kigo.PermissionDeploy, c.app); err != nil {
		return err
	}
	if c.app.BuildStack != kigo.StackContainer {
		return kigo.Invalid("Container images are for apps on the stack container, and %s is on %s: run `heroku stack:set container` first.", c.app.Name, c.app.BuildStack)
	}
	images := map[string]*kigo.ContainerImage{}
	for typ, raw := range ids {
		if !kigo.ValidProcessType(typ) {
			return kigo.Invalid("%.80q is not a process type: use letters, digits, dashes and underscores, at most 63", typ)
		}
		var id *string
		if err := json.Unmarshal(raw, &id); err != nil || id != nil && len(*id) > maxDockerImage {
			return kigo.Invalid("docker_image of %s must be the id of an image that was pushed, such as sha256:…, or null.", typ)
		}
		if id == nil {
			images[typ] = nil
			continue
		}
		image, err := c.s.Images.Adopt(c.ctx(), c.app, typ, *id)
		if err != nil {
			return err
		}
		images[typ] = &image
	}
	_, err := ctrl(c).ReleaseImages(c.ctx(), c.actor, c.app.ID, images)
	return err
}

// releaseImage is the same for one process type, which the app may not have yet.
func (c *call) releaseImage(raw json.RawMessage) (reply, error) {
	typ, err := c.typeName(c.param("formation"))
	if err != nil {
		return reply{}, err
	}
	before, ferr := c.formation()
	if err := c.releaseImages(map[string]json.RawMessage{typ: raw}); err != nil {
		return reply{}, err
	}
	f, err := c.formation()
	if err != nil && ferr == nil { // it was taken away: the answer is what it was
		f, err = before, nil
	}
	return ok(c.serializeFormation(f)), err
}

// scaling leaves the changes that scale anything.
func scaling(changes []control.FormationChange) []control.FormationChange {
	return slices.DeleteFunc(changes, func(ch control.FormationChange) bool { return ch.Quantity == nil && ch.Size == nil })
}

// formationNow answers with the whole formation.
func (c *call) formationNow() (reply, error) {
	var all []kigo.Formation
	err := c.view(func(tx *store.Tx) (err error) {
		all, err = tx.Formations(c.app.ID)
		return err
	})
	return ok(c.serializeFormations(all)), err
}
