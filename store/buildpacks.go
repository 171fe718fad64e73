package store

import "github.com/kigo-dev/kigo"

// BuildpackInstallations returns an app's buildpacks in order; none means that
// the build detects one.
func (tx *Tx) BuildpackInstallations(app kigo.AppID) ([]kigo.BuildpackInstallation, error) {
	return list(tx, "buildpack", func(_ *Tx, row scanner) (b kigo.BuildpackInstallation, err error) {
		err = row.Scan(&b.Ordinal, &b.URL, &b.Name)
		return b, err
	}, "SELECT ordinal, url, name FROM buildpack_installations WHERE app_id = $1 ORDER BY ordinal", string(app))
}

// SetBuildpackInstallations replaces them all, numbered in the order given.
func (tx *Tx) SetBuildpackInstallations(app kigo.AppID, all []kigo.BuildpackInstallation) error {
	if err := tx.exec("clear buildpacks", "DELETE FROM buildpack_installations WHERE app_id = $1", string(app)); err != nil {
		return err
	}
	for i := range all {
		all[i].Ordinal = i
		if err := tx.exec("add buildpack", "INSERT INTO buildpack_installations (app_id, ordinal, url, name) VALUES ($1, $2, $3, $4)",
			string(app), i, all[i].URL, all[i].Name); err != nil {
			return err
		}
	}
	return nil
}
