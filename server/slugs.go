package server

import (
	"context"
	"errors"
	"io"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/slug"
	"github.com/kigo-dev/kigo/store"
)

// slugArchives turns slug archives that clients upload into images, and images
// into archives.
type slugArchives struct{ *node }

// Adopt packs an uploaded archive as the app's own user. The archive goes in any
// case: the image stands for it, or another one is put.
func (n slugArchives) Adopt(ctx context.Context, s kigo.Slug, blob string) error {
	err := n.adopt(ctx, s, blob)
	return errors.Join(err, n.blobs.Delete(context.WithoutCancel(ctx), blob))
}

// Archive writes a slug's image as an archive, read with no one's rights.
func (n slugArchives) Archive(ctx context.Context, s kigo.Slug, w io.Writer) error {
	return n.slugs.WriteTar(ctx, s.Digest, w)
}

func (n slugArchives) adopt(ctx context.Context, s kigo.Slug, blob string) error {
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
