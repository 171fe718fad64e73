package store

import (
	"encoding/json"
	"fmt"

	"github.com/kigo-dev/kigo"
)

const setupColumns = `id, app_id, user_id, user_email, status, given, buildpacks, app_json, build_id, postdeploy,
	exit_code, failure, errors, created_at, updated_at`

func scanSetup(tx *Tx, row scanner) (kigo.Setup, error) {
	var s kigo.Setup
	var given, key []byte
	err := row.Scan(&s.ID, &s.App, &s.User, &s.UserEmail, &s.Status, &given, fromJSON{&s.Buildpacks}, &s.AppJSON,
		&s.Build, &s.Postdeploy, fromJSON{&s.ExitCode}, &s.Failure, fromJSON{&s.Errors}, at{&s.CreatedAt}, at{&s.UpdatedAt}, &key)
	if err != nil {
		return s, err
	}
	text, err := tx.openOf(s.App, key, "app_setups", s.ID, "given", given)
	if err != nil {
		return s, fmt.Errorf("read source: %w", err)
	}
	var g givenToSetup
	err = json.Unmarshal(text, &g)
	s.Source, s.Env = g.Source, g.Env
	return s, err
}

// givenToSetup is what may hold secrets: signed URLs and config vars.
type givenToSetup struct {
	Source kigo.Source
	Env    kigo.ConfigVars
}

// CreateSetup adds a set-up. Its Source and Env are sealed.
func (tx *Tx) CreateSetup(s *kigo.Setup) error {
	newID(&s.ID)
	tx.created(&s.CreatedAt, &s.UpdatedAt)
	given, err := tx.sealOf(s.App, "app_setups", s.ID, "given", []byte(asJSON(givenToSetup{s.Source, s.Env})))
	if err != nil {
		return err
	}
	return tx.exec("create app setup", "INSERT INTO app_setups ("+setupColumns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)`,
		s.ID, string(s.App), string(s.User), s.UserEmail, string(s.Status),
		given, asJSON(s.Buildpacks), s.AppJSON, string(s.Build), string(s.Postdeploy),
		asJSON(s.ExitCode), s.Failure, asJSON(s.Errors), micros(s.CreatedAt), micros(s.UpdatedAt))
}

// Setup returns one set-up.
func (tx *Tx) Setup(id string) (kigo.Setup, error) {
	return one(tx, "app setup", scanSetup, "SELECT "+setupColumns+keyColumn("app_setups")+" FROM app_setups WHERE id = $1", id)
}

// SetupsOf returns an app's set-ups, of which it has one at most.
func (tx *Tx) SetupsOf(app kigo.AppID) ([]kigo.Setup, error) {
	return list(tx, "app setup", scanSetup, "SELECT "+setupColumns+keyColumn("app_setups")+" FROM app_setups WHERE app_id = $1 ORDER BY created_at, id", string(app))
}

// PendingSetups returns what has not ended, the oldest first.
func (tx *Tx) PendingSetups() ([]kigo.Setup, error) {
	return list(tx, "app setup", scanSetup, "SELECT "+setupColumns+keyColumn("app_setups")+" FROM app_setups WHERE status = 'pending' ORDER BY created_at, id")
}

// UpdateSetup writes how far a set-up has come.
func (tx *Tx) UpdateSetup(s *kigo.Setup) error {
	s.UpdatedAt = tx.now
	return tx.execOne("app setup", "update app setup", `UPDATE app_setups SET status = $2, app_json = $3, build_id = $4, postdeploy = $5,
		exit_code = $6, failure = $7, errors = $8, updated_at = $9 WHERE id = $1`,
		s.ID, string(s.Status), s.AppJSON, string(s.Build), string(s.Postdeploy), asJSON(s.ExitCode), s.Failure, asJSON(s.Errors), micros(s.UpdatedAt))
}
