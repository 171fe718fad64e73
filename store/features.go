package store

import (
	"time"

	"github.com/kigo-dev/kigo"
)

// Feature is a switch of an app that was set at least once.
type Feature struct {
	Name    string
	Enabled bool
	At      time.Time // when it was set last
}

// Features returns the switches of an app that were ever set, by name.
func (tx *Tx) Features(app kigo.AppID) ([]Feature, error) {
	return list(tx, "feature", func(_ *Tx, row scanner) (f Feature, err error) {
		err = row.Scan(&f.Name, &f.Enabled, at{&f.At})
		return f, err
	}, "SELECT name, enabled, at FROM features WHERE app_id = $1 ORDER BY name", string(app))
}

// FeatureEnabled says whether an app has a switch on.
func (tx *Tx) FeatureEnabled(app kigo.AppID, name string) (bool, error) {
	all, err := tx.Features(app)
	for _, f := range all {
		if f.Name == name {
			return f.Enabled, nil
		}
	}
	return false, err
}

// SetFeature sets a switch.
func (tx *Tx) SetFeature(app kigo.AppID, name string, enabled bool) error {
	return tx.exec("set feature", `INSERT INTO features (app_id, name, enabled, at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (app_id, name) DO UPDATE SET enabled = excluded.enabled, at = excluded.at`,
		string(app), name, enabled, micros(tx.now))
}
