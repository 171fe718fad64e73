package store

import "github.com/kigo-dev/kigo"

const slugColumns = `id, app_id, digest, size, image_size, stack, commit_id, commit_description, buildpack_provided, process_types, app_json, created_at`

func scanSlug(_ *Tx, row scanner) (kigo.Slug, error) {
	var s kigo.Slug
	err := row.Scan(&s.ID, &s.App, &s.Digest, &s.Size, &s.ImageSize, &s.Stack, &s.Commit, &s.CommitDescription,
		&s.BuildpackProvided, fromJSON{&s.ProcessTypes}, &s.AppJSON, at{&s.CreatedAt})
	return s, err
}

// CreateSlug adds a slug.
func (tx *Tx) CreateSlug(s *kigo.Slug) error {
	newID(&s.ID)
	tx.created(&s.CreatedAt, nil)
	return tx.exec("create slug", `INSERT INTO slugs (id, app_id, digest, size, image_size, stack, commit_id, commit_description,
			buildpack_provided, process_types, app_json, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
		string(s.ID), string(s.App), s.Digest, s.Size, s.ImageSize, s.Stack, s.Commit, s.CommitDescription,
		s.BuildpackProvided, asJSON(s.ProcessTypes), s.AppJSON, micros(s.CreatedAt))
}

// Slug returns one slug.
func (tx *Tx) Slug(id kigo.SlugID) (kigo.Slug, error) {
	return one(tx, "slug", scanSlug, "SELECT "+slugColumns+" FROM slugs WHERE id = $1", string(id))
}

// Slugs returns an app's slugs, the newest first.
func (tx *Tx) Slugs(app kigo.AppID) ([]kigo.Slug, error) {
	return list(tx, "slug", scanSlug, "SELECT "+slugColumns+" FROM slugs WHERE app_id = $1 ORDER BY created_at DESC, id DESC", string(app))
}

// UpdateSlug writes what is known of a slug once it is uploaded: its digest and sizes.
func (tx *Tx) UpdateSlug(s *kigo.Slug) error {
	return tx.execOne("slug", "update slug", "UPDATE slugs SET digest = $2, size = $3, image_size = $4 WHERE id = $1",
		string(s.ID), s.Digest, s.Size, s.ImageSize)
}

// DeleteSlug removes a slug that no release refers to.
func (tx *Tx) DeleteSlug(id kigo.SlugID) error {
	return tx.execOne("slug", "delete slug", "DELETE FROM slugs WHERE id = $1", string(id))
}

// SlugDigests returns the digests of all slugs of all apps: the images to keep.
func (tx *Tx) SlugDigests() ([]string, error) {
	return list(tx, "digest", func(_ *Tx, row scanner) (d string, err error) {
		err = row.Scan(&d)
		return d, err
	}, "SELECT DISTINCT digest FROM slugs WHERE digest <> '' ORDER BY digest")
}
