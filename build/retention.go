package build

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/blob"
	"github.com/kigo-dev/kigo/internal/atomicfile"
	"github.com/kigo-dev/kigo/slug"
	"github.com/kigo-dev/kigo/store"
)

// Retention removes slugs and sources that nobody can need any more. It never
// removes the code of a current release, of one in its release phase, of a
// running dyno, or of an app's newest releases, to which one may roll back.
type Retention struct {
	Store *store.Store
	Slugs *slug.Store
	Blobs *blob.Store
	Log   *slog.Logger
	Quota int64 // bytes of slugs above which fewer old ones are kept; default 64 GiB
}

const (
	keptReleases   = 50 // with code, of each app
	keptWhenTight  = 10 // when the slugs are above their quota
	retentionEvery = 10 * time.Minute
	sourceGrace    = 15 * time.Minute // a source's build may not have been asked for yet
	uploadLife     = 25 * time.Hour   // an uploaded source can be fetched for a day
	defaultQuota   = 64 << 30
)

// Sweep removes what a crash left half written. It is called before anything is
// written there.
func (r *Retention) Sweep() error {
	return errors.Join(atomicfile.Sweep(r.Slugs.Dir), atomicfile.Sweep(r.Blobs.Dir))
}

// Run collects now and then until ctx is done.
func (r *Retention) Run(ctx context.Context) error {
	tick := time.NewTicker(retentionEvery)
	defer tick.Stop()
	for {
		if err := r.Collect(ctx, time.Now()); err != nil && ctx.Err() == nil {
			r.Log.ErrorContext(ctx, "collect old slugs and sources", "err", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// Collect removes what is not needed at the time now.
func (r *Retention) Collect(ctx context.Context, now time.Time) error {
	quota := r.Quota
	if quota <= 0 {
		quota = defaultQuota
	}
	freed, err := r.slugs(ctx, keptReleases)
	if err != nil {
		return err
	}
	if total, err := r.Slugs.TotalSize(); err == nil && total > quota {
		more, err := r.slugs(ctx, keptWhenTight)
		if freed += more; err != nil {
			return err
		}
	}
	if freed > 0 {
		r.Log.InfoContext(ctx, "old slugs removed", "bytes", freed)
	}
	return r.sources(ctx, now)
}

func (r *Retention) slugs(ctx context.Context, kept int) (int64, error) {
	needed := map[string]bool{}
	err := r.Store.View(ctx, func(tx *store.Tx) error {
		apps, err := tx.Apps()
		if err != nil {
			return err
		}
		for _, app := range apps {
			if err := keepSlugs(tx, app.ID, kept, needed); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("list slugs in use: %w", err)
	}
	return r.Slugs.GC(func(digest string) bool { return needed[digest] })
}

// keepSlugs adds the digests that an app needs.
func keepSlugs(tx *store.Tx, app kigo.AppID, kept int, needed map[string]bool) error {
	slugs, err := tx.Slugs(app)
	if err != nil {
		return err
	}
	dynos, err := tx.Dynos(app)
	if err != nil {
		return err
	}
	releases, err := tx.Releases(app) // newest first
	if err != nil {
		return err
	}
	running, wanted := map[kigo.ReleaseID]bool{}, map[kigo.SlugID]bool{}
	for _, d := range dynos {
		running[d.Release] = true
	}
	released := map[kigo.SlugID]bool{}
	for _, rel := range releases {
		if rel.Slug == "" {
			continue
		}
		released[rel.Slug] = true
		if rel.Status == kigo.ReleaseSucceeded && kept > 0 {
			kept--
			wanted[rel.Slug] = true
		}
		if rel.Current || rel.Status == kigo.ReleasePending || running[rel.ID] {
			wanted[rel.Slug] = true
		}
	}
	for _, s := range slugs { // one that was made by the API may be released at any time
		if wanted[s.ID] || !released[s.ID] {
			needed[s.Digest] = true
			for _, image := range s.Images {
				needed[image.Root], needed[image.App] = true, true
			}
		}
	}
	return nil
}

// sources removes what builds started from, once no pending build needs it.
func (r *Retention) sources(ctx context.Context, now time.Time) error {
	blobs, err := r.Blobs.List(ctx)
	if err != nil {
		return err
	}
	needed := map[string]bool{}
	err = r.Store.View(ctx, func(tx *store.Tx) error {
		builds, err := tx.PendingBuilds()
		for _, b := range builds {
			needed[b.Source.Blob] = true
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("list sources in use: %w", err)
	}
	for _, b := range blobs {
		if age := now.Sub(b.Created); needed[b.Key] || age < lifeOf(b.Key) {
			continue
		}
		if err := r.Blobs.Delete(ctx, b.Key); err != nil {
			return err
		}
	}
	return nil
}

// lifeOf is how long a blob stays without a build that needs it: pushes are named
// by their content, uploads by POST /sources and slugs, whose archives a crash alone
// leaves behind. What is none of them stays.
func lifeOf(key string) time.Duration {
	if raw, err := hex.DecodeString(key); err == nil && len(raw) == 32 {
		return sourceGrace
	}
	if strings.HasPrefix(key, "source-") || strings.HasPrefix(key, "slug-") {
		return uploadLife
	}
	return 1<<63 - 1
}
