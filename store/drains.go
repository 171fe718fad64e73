package store

import (
	"fmt"

	"github.com/google/uuid"

	"github.com/kigo-dev/kigo"
)

const drainColumns = "id, app_id, token, url, created_at, updated_at"

func scanDrain(tx *Tx, row scanner) (kigo.Drain, error) {
	var d kigo.Drain
	var sealed, key []byte
	if err := row.Scan(&d.ID, &d.App, &d.Token, &sealed, at{&d.CreatedAt}, at{&d.UpdatedAt}, &key); err != nil {
		return d, err
	}
	url, err := tx.openOf(d.App, key, "log_drains", d.ID, "url", sealed)
	if err != nil {
		return d, fmt.Errorf("open URL of drain %s: %w", d.ID, err)
	}
	d.URL = string(url)
	return d, nil
}

// CreateDrain adds a drain and gives it a token.
func (tx *Tx) CreateDrain(d *kigo.Drain) error {
	newID(&d.ID)
	if d.Token == "" {
		d.Token = "d." + uuid.NewString()
	}
	tx.created(&d.CreatedAt, &d.UpdatedAt)
	url, err := tx.sealOf(d.App, "log_drains", d.ID, "url", []byte(d.URL))
	if err != nil {
		return err
	}
	return tx.exec("create drain", `INSERT INTO log_drains (id, app_id, token, url, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6)`,
		d.ID, string(d.App), d.Token, url, micros(d.CreatedAt), micros(d.UpdatedAt))
}

// Drains returns an app's drains, the oldest first.
func (tx *Tx) Drains(app kigo.AppID) ([]kigo.Drain, error) {
	return list(tx, "drain", scanDrain, "SELECT "+drainColumns+keyColumn("log_drains")+" FROM log_drains WHERE app_id = $1 ORDER BY created_at, id", string(app))
}

// FindDrain returns the drain of an app with that id, token or URL. A URL as it
// is shown, with its credentials masked, is good enough when it fits one drain only.
func (tx *Tx) FindDrain(app kigo.AppID, which string) (kigo.Drain, error) {
	all, err := tx.Drains(app)
	if err != nil {
		return kigo.Drain{}, err
	}
	var masked []kigo.Drain
	for _, d := range all {
		if which == d.ID || which == d.Token || which == d.URL {
			return d, nil
		}
		if which == d.Masked() {
			masked = append(masked, d)
		}
	}
	if len(masked) == 1 {
		return masked[0], nil
	}
	return kigo.Drain{}, kigo.NotFound("drain")
}

// AllDrains returns every drain of every app, by id.
func (tx *Tx) AllDrains() ([]kigo.Drain, error) {
	return list(tx, "drain", scanDrain, "SELECT "+drainColumns+keyColumn("log_drains")+" FROM log_drains ORDER BY id")
}

// DeleteDrain removes a drain by its id.
func (tx *Tx) DeleteDrain(id string) error {
	return tx.execOne("drain", "delete drain", "DELETE FROM log_drains WHERE id = $1", id)
}
