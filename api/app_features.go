package api

import (
	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/client"
	"github.com/kigo-dev/kigo/control"
)

func serializeFeature(app kigo.App, f control.Feature) client.Feature {
	out := client.Feature{
		CreatedAt:   second(f.CreatedAt),
		Description: f.Description,
		DisplayName: f.DisplayName,
		DocURL:      f.DocURL,
		Enabled:     f.Enabled,
		ID:          fixedID("feature", string(app.ID)+"/"+f.Name),
		Name:        f.Name,
		State:       f.State,
		UpdatedAt:   second(f.UpdatedAt),
	}
	if out.CreatedAt.IsZero() { // never set: as old as the app
		out.CreatedAt, out.UpdatedAt = second(app.CreatedAt), second(app.CreatedAt)
	}
	return out
}

// features returns the app's features, set or not.
func (c *call) features() ([]client.Feature, error) {
	all, err := ctrl(c).Features(c.ctx(), c.app.ID)
	out := make([]client.Feature, len(all))
	for i, f := range all {
		out[i] = serializeFeature(c.app, f)
	}
	return out, err
}

func appFeatureList(c *call) (reply, error) {
	all, err := c.features()
	if err != nil {
		return reply{}, err
	}
	return page(c, all, as,
		textKey("name", func(f client.Feature) string { return f.Name }),
		textKey("id", func(f client.Feature) string { return f.ID }))
}

// feature finds {feature} of the path, by name or id.
func (c *call) feature() (client.Feature, error) {
	all, err := c.features()
	if err != nil {
		return client.Feature{}, err
	}
	for _, f := range all {
		if which := c.param("feature"); which == f.Name || which == f.ID {
			return f, nil
		}
	}
	return client.Feature{}, kigo.NotFound("app feature")
}

func appFeatureInfo(c *call) (reply, error) {
	f, err := c.feature()
	return ok(f), err
}

func appFeatureUpdate(c *call) (reply, error) {
	var in struct {
		Enabled *bool `json:"enabled"`
	}
	if err := c.decode(&in); err != nil {
		return reply{}, err
	}
	f, err := c.feature()
	if err != nil {
		return reply{}, err
	}
	if in.Enabled == nil {
		return reply{}, kigo.Invalid("enabled is required: true or false.")
	}
	changed, err := ctrl(c).SetFeature(c.ctx(), c.actor, c.app.ID, f.Name, *in.Enabled)
	return ok(serializeFeature(c.app, changed)), err
}
