package server

import (
	"context"
	"errors"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/control"
	"github.com/kigo-dev/kigo/git"
	"github.com/kigo-dev/kigo/store"
)

// pushes is what the git server needs of the rest of the platform.
func (n *node) pushes() git.Platform {
	return git.Platform{
		Authorize: n.authorizePush,
		Build: func(ctx context.Context, by control.Actor, app kigo.App, s kigo.Source) (kigo.Build, error) {
			return n.control.CreateBuild(ctx, by, app.ID, s, nil)
		},
		WaitBuild: func(ctx context.Context, id kigo.BuildID) (kigo.Build, error) {
			b, err := n.waitBuild(ctx, id)
			_ = n.settle(ctx) // who has pushed finds the release; a router that is away holds nobody up
			return b, err
		},
		Release: func(ctx context.Context, id kigo.ReleaseID) (r kigo.Release, err error) {
			err = n.store.View(ctx, func(tx *store.Tx) error { r, err = tx.Release(id); return err })
			return r, err
		},
		WaitRelease: func(ctx context.Context, id kigo.ReleaseID) (kigo.Release, error) {
			r, err := n.waitRelease(ctx, id)
			_ = n.settle(ctx)
			return r, err
		},
		RepoSize: func(ctx context.Context, app kigo.AppID, bytes int64) {
			if err := n.store.Update(ctx, func(tx *store.Tx) error { return tx.SetRepoSize(app, bytes) }); err != nil {
				n.log.Warn("write repository size", "app", app, "err", err)
			}
		},
	}
}

// authorizePush finds the app by its name, or by one that it had before, and
// asks whether the token's owner may read it or push to it.
func (n *node) authorizePush(ctx context.Context, token, name string, write bool) (app kigo.App, by control.Actor, err error) {
	if by, _, err = n.control.Authenticate(ctx, token); err != nil {
		return app, by, err
	}
	err = n.store.View(ctx, func(tx *store.Tx) (err error) {
		app, err = tx.FindApp(name)
		if !errors.Is(err, kigo.ErrNotFound) {
			return err
		}
		id, former := tx.FindFormerName(name)
		if former != nil {
			return err
		}
		app, err = tx.App(id)
		return err
	})
	if err != nil {
		return app, by, err
	}
	scope := "read"
	if write {
		scope = "write"
	}
	// Code is for those who deploy, be it to read or to write.
	return app, by, errors.Join(n.control.Can(ctx, by, kigo.PermissionDeploy, app), by.Allows(scope))
}

func (n *node) waitBuild(ctx context.Context, id kigo.BuildID) (b kigo.Build, err error) {
	err = n.until(ctx, func(tx *store.Tx) (bool, error) {
		b, err = tx.Build(id)
		return b.Status != kigo.BuildPending, err
	})
	return b, err
}

func (n *node) waitRelease(ctx context.Context, id kigo.ReleaseID) (r kigo.Release, err error) {
	err = n.until(ctx, func(tx *store.Tx) (bool, error) {
		r, err = tx.Release(id)
		return r.Status != kigo.ReleasePending, err
	})
	return r, err
}
