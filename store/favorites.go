package store

import (
	"time"

	"github.com/kigo-dev/kigo"
)

// CreateFavorite adds an app to an account's favorites. One that is there already is ErrTaken.
func (tx *Tx) CreateFavorite(f *kigo.Favorite) error {
	newID(&f.ID)
	var updated time.Time
	tx.created(&f.CreatedAt, &updated)
	return tx.exec("create favorite", "INSERT INTO favorites (id, account_id, app_id, created_at) VALUES ($1, $2, $3, $4)",
		f.ID, string(f.Account), string(f.App), micros(f.CreatedAt))
}

// Favorites returns an account's, the oldest first.
func (tx *Tx) Favorites(account kigo.AccountID) ([]kigo.Favorite, error) {
	return list(tx, "favorite", func(_ *Tx, row scanner) (f kigo.Favorite, err error) {
		err = row.Scan(&f.ID, &f.Account, &f.App, &f.AppName, at{&f.CreatedAt})
		return f, err
	}, `SELECT f.id, f.account_id, f.app_id, a.name, f.created_at FROM favorites f JOIN apps a ON a.id = f.app_id
		WHERE f.account_id = $1 ORDER BY f.created_at, f.id`, string(account))
}

// DeleteFavorite removes one.
func (tx *Tx) DeleteFavorite(id string) error {
	return tx.execOne("favorite", "delete favorite", "DELETE FROM favorites WHERE id = $1", id)
}
