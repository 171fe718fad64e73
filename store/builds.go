package store

import (
	"fmt"

	"github.com/kigo-dev/kigo"
)

const buildColumns = `id, app_id, user_id, user_email, status, stack, buildpacks, source_blob, source_url, source_checksum,
	source_version, source_description, slug_id, release_id, output, failure, created_at, updated_at, resolved`

func scanBuild(tx *Tx, row scanner) (kigo.Build, error) {
	var b kigo.Build
	var url, key []byte
	err := row.Scan(&b.ID, &b.App, &b.User, &b.UserEmail, &b.Status, &b.Stack, fromJSON{&b.Buildpacks}, &b.Source.Blob, &url,
		&b.Source.Checksum, &b.Source.Version, &b.Source.Description, nullable[kigo.SlugID]{&b.Slug}, nullable[kigo.ReleaseID]{&b.Release},
		&b.Output, &b.Failure, at{&b.CreatedAt}, at{&b.UpdatedAt}, fromJSON{&b.Resolved}, &key)
	if err != nil {
		return b, err
	}
	text, err := tx.openOf(b.App, key, "builds", string(b.ID), "source_url", url)
	if err != nil {
		return b, fmt.Errorf("read source: %w", err)
	}
	b.Source.URL = string(text)
	return b, nil
}

// CreateBuild adds a build. Its source's URL is sealed: it is often signed, or
// holds a password.
func (tx *Tx) CreateBuild(b *kigo.Build) error {
	newID(&b.ID)
	tx.created(&b.CreatedAt, &b.UpdatedAt)
	url, err := tx.sealOf(b.App, "builds", string(b.ID), "source_url", []byte(b.Source.URL))
	if err != nil {
		return err
	}
	return tx.exec("create build", `INSERT INTO builds (id, app_id, user_id, user_email, status, stack, buildpacks, source_blob, source_url,
			source_checksum, source_version, source_description, slug_id, release_id, output, failure, created_at, updated_at, resolved)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)`,
		string(b.ID), string(b.App), string(b.User), b.UserEmail, string(b.Status), b.Stack, asJSON(b.Buildpacks), b.Source.Blob,
		url, b.Source.Checksum, b.Source.Version, b.Source.Description,
		orNull(b.Slug), orNull(b.Release), b.Output, b.Failure, micros(b.CreatedAt), micros(b.UpdatedAt), asJSON(b.Resolved))
}

// Build returns one build.
func (tx *Tx) Build(id kigo.BuildID) (kigo.Build, error) {
	return one(tx, "build", scanBuild, "SELECT "+buildColumns+keyColumn("builds")+" FROM builds WHERE id = $1", string(id))
}

// Builds returns an app's builds, the newest first.
func (tx *Tx) Builds(app kigo.AppID) ([]kigo.Build, error) {
	return list(tx, "build", scanBuild, "SELECT "+buildColumns+keyColumn("builds")+" FROM builds WHERE app_id = $1 ORDER BY created_at DESC, id DESC", string(app))
}

// PendingBuilds returns the builds of all apps that have not ended, the oldest first.
func (tx *Tx) PendingBuilds() ([]kigo.Build, error) {
	return list(tx, "build", scanBuild, "SELECT "+buildColumns+keyColumn("builds")+" FROM builds WHERE status = 'pending' ORDER BY created_at, id")
}

// UpdateBuild writes what became of a build: status, buildpacks, slug, release, failure.
func (tx *Tx) UpdateBuild(b *kigo.Build) error {
	b.UpdatedAt = tx.now
	return tx.execOne("build", "update build", `UPDATE builds
		SET status = $2, buildpacks = $3, slug_id = $4, release_id = $5, output = $6, failure = $7, updated_at = $8, resolved = $9 WHERE id = $1`,
		string(b.ID), string(b.Status), asJSON(b.Buildpacks), orNull(b.Slug), orNull(b.Release), b.Output, b.Failure, micros(b.UpdatedAt), asJSON(b.Resolved))
}
