package api

import (
	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/client"
)

func serializeFavorite(f kigo.Favorite) client.Favorite {
	return client.Favorite{ID: f.ID, Type: "app", ResourceID: string(f.App), ResourceName: f.AppName, CreatedAt: second(f.CreatedAt)}
}

func favoriteList(c *call) (reply, error) {
	all, err := ctrl(c).Favorites(c.ctx(), c.actor)
	if err != nil {
		return reply{}, err
	}
	return page(c, all, each(serializeFavorite), textKey("id", func(f kigo.Favorite) string { return f.ID }))
}

func favoriteCreate(c *call) (reply, error) {
	var in struct {
		Type *string `json:"type"`
		App  *ident  `json:"resource_id"`
	}
	if err := c.decode(&in); err != nil {
		return reply{}, err
	}
	if t := value(in.Type); t != "" && t != "app" {
		return reply{}, kigo.Invalid("type is %q, which is not app: only apps can be favorites.", t)
	}
	if in.App.String() == "" {
		return reply{}, kigo.Invalid("resource_id is required: the name of an app.")
	}
	if err := c.findApp(in.App.String()); err != nil {
		return reply{}, err
	}
	f, err := ctrl(c).AddFavorite(c.ctx(), c.actor, c.app)
	return created(serializeFavorite(f)), err
}

func favoriteDelete(c *call) (reply, error) {
	f, err := ctrl(c).RemoveFavorite(c.ctx(), c.actor, c.param("favorite"))
	return ok(serializeFavorite(f)), err
}
