package store

import "github.com/kigo-dev/kigo"

const slugColumns = `id, app_id, digest, size, image_size, stack, commit_id, commit_description, buildpack_provided, process_types, app_json, images, oci_image, created_at`

func scanSlug(_ *Tx, row scanner) (kigo.Slug, error) {
	var s kigo.Slug
	err := row.Scan(&s.ID, &s.App, &s.Digest, &s.Size, &s.ImageSize, &s.Stack, &s.Commit, &s.CommitDescription,
		&s.BuildpackProvided, fromJSON{&s.ProcessTypes}, &s.AppJSON, imagesOf{&s.Images}, ociOf{&s.OCI}, at{&s.CreatedAt})
	return s, err
}

// CreateSlug adds a slug.
func (tx *Tx) CreateSlug(s *kigo.Slug) error {
	newID(&s.ID)
	tx.created(&s.CreatedAt, nil)
	return tx.exec("create slug", `INSERT INTO slugs (id, app_id, digest, size, image_size, stack, commit_id, commit_description,
			buildpack_provided, process_types, app_json, images, oci_image, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`,
		string(s.ID), string(s.App), s.Digest, s.Size, s.ImageSize, s.Stack, s.Commit, s.CommitDescription,
		s.BuildpackProvided, asJSON(s.ProcessTypes), s.AppJSON, imagesAsJSON(s.Images), ociAsJSON(s.OCI), micros(s.CreatedAt))
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

// imagesAsJSON is "{}" for none, as for slugs from before there were images.
func imagesAsJSON(images map[string]kigo.ContainerImage) string {
	if len(images) == 0 {
		return "{}"
	}
	return asJSON(images)
}

// imagesOf scans that column: none is nil.
type imagesOf struct {
	to *map[string]kigo.ContainerImage
}

// Scan implements sql.Scanner.
func (i imagesOf) Scan(v any) error {
	*i.to = nil
	if err := (fromJSON{i.to}).Scan(v); err != nil {
		return err
	}
	if len(*i.to) == 0 {
		*i.to = nil
	}
	return nil
}

// ociAsJSON is "" for none.
func ociAsJSON(image *kigo.OCIImage) string {
	if image == nil {
		return ""
	}
	return asJSON(image)
}

// ociOf scans that column.
type ociOf struct{ to **kigo.OCIImage }

// Scan implements sql.Scanner.
func (o ociOf) Scan(v any) error {
	*o.to = nil
	if text, ok := v.(string); ok && text == "" {
		return nil
	}
	return (fromJSON{o.to}).Scan(v)
}
