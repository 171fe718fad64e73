package store

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/kigo-dev/kigo"
)

const appColumns = `id, name, owner_id, stack, build_stack, region, maintenance, buildpack_provided,
	uid_base, repo_size, slug_size, destroying, locked, released_at, created_at, updated_at, acm`

func scanApp(_ *Tx, row scanner) (kigo.App, error) {
	var a kigo.App
	err := row.Scan(&a.ID, &a.Name, &a.Owner, &a.Stack, &a.BuildStack, &a.Region, &a.Maintenance, &a.BuildpackProvided,
		&a.UIDBase, &a.RepoSize, &a.SlugSize, &a.Destroying, &a.Locked, at{&a.ReleasedAt}, at{&a.CreatedAt}, at{&a.UpdatedAt}, &a.ACM)
	return a, err
}

// CreateApp adds an app, with uids of its own when UIDBase is 0. A name in use is
// ErrTaken.
func (tx *Tx) CreateApp(a *kigo.App) error {
	newID(&a.ID)
	tx.created(&a.CreatedAt, &a.UpdatedAt)
	if a.UIDBase == 0 {
		base, err := tx.NextUIDBase()
		if err != nil {
			return err
		}
		a.UIDBase = base
	}
	return tx.exec("create app", `INSERT INTO apps (id, name, owner_id, stack, build_stack, region, maintenance, buildpack_provided,
			uid_base, repo_size, slug_size, destroying, locked, released_at, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)`,
		string(a.ID), a.Name, string(a.Owner), a.Stack, a.BuildStack, a.Region, a.Maintenance, a.BuildpackProvided,
		int64(a.UIDBase), a.RepoSize, a.SlugSize, a.Destroying, a.Locked, micros(a.ReleasedAt), micros(a.CreatedAt), micros(a.UpdatedAt))
}

// App returns one app, also while it is being destroyed.
func (tx *Tx) App(id kigo.AppID) (kigo.App, error) {
	return one(tx, "app", scanApp, "SELECT "+appColumns+" FROM apps WHERE id = $1", string(id))
}

// FindApp returns the app with that name or id. An app being destroyed is not
// found: its owner has deleted it.
func (tx *Tx) FindApp(nameOrID string) (kigo.App, error) {
	return one(tx, "app", scanApp, "SELECT "+appColumns+" FROM apps WHERE (id = $1 OR name = $1) AND NOT destroying", nameOrID)
}

// Apps returns all apps by name, also those being destroyed.
func (tx *Tx) Apps() ([]kigo.App, error) {
	return list(tx, "app", scanApp, "SELECT "+appColumns+" FROM apps ORDER BY name")
}

// AppsOwnedBy returns an account's apps by name, without those being destroyed.
func (tx *Tx) AppsOwnedBy(owner kigo.AccountID) ([]kigo.App, error) {
	return list(tx, "app", scanApp, "SELECT "+appColumns+" FROM apps WHERE owner_id = $1 AND NOT destroying ORDER BY name", string(owner))
}

// UpdateApp writes all of an app but its id, uids, creation and owner (SetAppOwner does).
// A name in use is ErrTaken.
func (tx *Tx) UpdateApp(a *kigo.App) error {
	a.UpdatedAt = tx.now
	return tx.execOne("app", "update app", `UPDATE apps SET name = $2, stack = $3, build_stack = $4, region = $5, maintenance = $6,
			buildpack_provided = $7, repo_size = $8, slug_size = $9, destroying = $10, released_at = $11, updated_at = $12, locked = $13
		WHERE id = $1`,
		string(a.ID), a.Name, a.Stack, a.BuildStack, a.Region, a.Maintenance, a.BuildpackProvided,
		a.RepoSize, a.SlugSize, a.Destroying, micros(a.ReleasedAt), micros(a.UpdatedAt), a.Locked)
}

// SetRepoSize writes the size of an app's repository in bytes.
func (tx *Tx) SetRepoSize(id kigo.AppID, bytes int64) error {
	return tx.execOne("app", "set repository size", "UPDATE apps SET repo_size = $2 WHERE id = $1", string(id), bytes)
}

// DeleteApp removes an app and every row that belongs to it. Its events and
// former names stay.
func (tx *Tx) DeleteApp(id kigo.AppID) error {
	// Rows that refer to each other go in this order; the rest goes with the app.
	for _, table := range []string{"dynos", "builds", "releases"} {
		if err := tx.exec("delete app's "+table, "DELETE FROM "+table+" WHERE app_id = $1", string(id)); err != nil {
			return err
		}
	}
	return errors.Join(tx.execOne("app", "delete app", "DELETE FROM apps WHERE id = $1", string(id)), tx.dropKey(id))
}

// NextUIDBase takes the next range of kigo.UIDRange host uids. No range is given
// twice, not even after its app is gone.
func (tx *Tx) NextUIDBase() (uint32, error) {
	const key = "apps.next_uid"
	next := uint64(kigo.UIDFirst)
	text, err := tx.Meta(key)
	if err == nil {
		next, err = strconv.ParseUint(text, 10, 32)
	} else if errors.Is(err, kigo.ErrNotFound) {
		err = nil
	}
	if err != nil {
		return 0, fmt.Errorf("read next uid range: %w", err)
	}
	after := next + uint64(kigo.UIDRange)
	if after > 1<<32-1 {
		return 0, &kigo.Error{ID: kigo.IDUnavailable, Message: "This machine has no user ids left for another app."}
	}
	return uint32(next), tx.PutMeta(key, strconv.FormatUint(after, 10))
}
