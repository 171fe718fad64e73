package control

import (
	"context"
	"errors"
	"slices"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/store"
)

// maxFavorites of one account.
const maxFavorites = 1000

// Favorites returns the actor's own, of apps that the actor may still see.
func (c *Control) Favorites(ctx context.Context, a Actor) (out []kigo.Favorite, err error) {
	err = c.Store.View(ctx, func(tx *store.Tx) error {
		all, err := tx.Favorites(a.ID)
		if err != nil {
			return err
		}
		for _, f := range all {
			app, err := tx.App(f.App)
			if err != nil {
				return err
			}
			if app.Destroying {
				continue
			}
			have, err := rights(tx, a, app)
			if err != nil {
				return err
			}
			if allowed(have, kigo.PermissionView, app) == nil {
				out = append(out, f)
			}
		}
		return nil
	})
	return out, err
}

// AddFavorite adds an app that the actor may see.
func (c *Control) AddFavorite(ctx context.Context, a Actor, app kigo.App) (f kigo.Favorite, err error) {
	f = kigo.Favorite{Account: a.ID, App: app.ID, AppName: app.Name}
	err = c.update(ctx, a, func(tx *change) error {
		have, err := tx.Favorites(a.ID)
		if err != nil {
			return err
		}
		if len(have) >= maxFavorites {
			return kigo.Invalid("You have %d favorites, and more are not possible.", len(have))
		}
		if slices.ContainsFunc(have, func(h kigo.Favorite) bool { return h.App == app.ID }) {
			return kigo.Invalid("%s is already a favorite app.", app.Name)
		}
		return errors.Join(tx.CreateFavorite(&f), tx.emit("favorite.create", app.ID, f.ID, nil))
	})
	return f, err
}

// RemoveFavorite removes one of the actor's own, by id.
func (c *Control) RemoveFavorite(ctx context.Context, a Actor, id string) (f kigo.Favorite, err error) {
	err = c.update(ctx, a, func(tx *change) error {
		all, err := tx.Favorites(a.ID)
		if err != nil {
			return err
		}
		for _, f = range all {
			if f.ID == id {
				return errors.Join(tx.DeleteFavorite(id), tx.emit("favorite.delete", f.App, id, nil))
			}
		}
		return kigo.NotFound("favorite")
	})
	return f, err
}
