package server

import (
	"context"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/slug"
	"github.com/kigo-dev/kigo/store"
)

// slugUploads turns slug archives that clients upload into images.
type slugUploads struct{ *node }

// Adopt packs an uploaded archive as the app's own user.
func (n slugUploads) Adopt(ctx context.Context, s kigo.Slug, blob string) error {
	var app kigo.App
	err := n.store.View(ctx, func(tx *store.Tx) (err error) {
		app, err = tx.App(s.App)
		return err
	})
	if err != nil {
		return err
	}
	archive, err := n.blobs.Open(ctx, blob)
	if err != nil {
		return err
	}
	defer func() { _ = archive.Close() }()
	packed, err := n.slugs.PackTar(ctx, archive, slug.Options{UID: slug.AppUID(app.UIDBase)})
	if err != nil {
		return err
	}
	_, err = n.control.FinishSlug(ctx, s.ID, packed.Digest, packed.Size, packed.ImageSize)
	return err
}

// buildCache forgets what an app's builds have kept.
type buildCache struct{ *node }

// Purge empties the cache of one app.
func (n buildCache) Purge(_ context.Context, app kigo.AppID) error { return n.builds.PurgeCache(app) }
