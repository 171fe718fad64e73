package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/kigo-dev/kigo"
)

const releaseColumns = `id, app_id, version, slug_id, stack, base, description, user_id, user_email, status, is_current, output, failure, proven_at, dropped, created_at, updated_at`

func scanRelease(_ *Tx, row scanner) (kigo.Release, error) {
	var r kigo.Release
	var dropped []byte
	err := row.Scan(&r.ID, &r.App, &r.Version, nullable[kigo.SlugID]{&r.Slug}, &r.Stack, &r.Base, &r.Description, &r.User, &r.UserEmail,
		&r.Status, &r.Current, &r.Output, &r.Failure, at{&r.ProvenAt}, &dropped, at{&r.CreatedAt}, at{&r.UpdatedAt})
	if err == nil && string(dropped) != "[]" {
		err = json.Unmarshal(dropped, &r.Dropped)
	}
	return r, err
}

// CreateRelease adds a release with its complete config vars, sealed, and gives
// it the app's next version. It never makes it the current one: see SetCurrentRelease.
func (tx *Tx) CreateRelease(r *kigo.Release, vars kigo.ConfigVars) error {
	newID(&r.ID)
	tx.created(&r.CreatedAt, &r.UpdatedAt)
	r.Current = false
	err := tx.tx.QueryRowContext(tx.ctx, "SELECT COALESCE(MAX(version), 0) + 1 FROM releases WHERE app_id = $1", string(r.App)).Scan(&r.Version)
	if err != nil {
		return fmt.Errorf("count releases: %w", err)
	}
	if vars == nil {
		vars = kigo.ConfigVars{}
	}
	config, err := tx.sealOf(r.App, "releases", string(r.ID), "config", []byte(asJSON(vars)))
	if err != nil {
		return err
	}
	return tx.exec("create release", `INSERT INTO releases (id, app_id, version, slug_id, stack, description, user_id, user_email,
			status, is_current, output, config, created_at, updated_at, base)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)`,
		string(r.ID), string(r.App), r.Version, orNull(r.Slug), r.Stack, r.Description, string(r.User), r.UserEmail,
		string(r.Status), r.Current, r.Output, config, micros(r.CreatedAt), micros(r.UpdatedAt), r.Base)
}

// Release returns one release.
func (tx *Tx) Release(id kigo.ReleaseID) (kigo.Release, error) {
	return one(tx, "release", scanRelease, "SELECT "+releaseColumns+" FROM releases WHERE id = $1", string(id))
}

// FindRelease returns an app's release by "v12", "12" or its id.
func (tx *Tx) FindRelease(app kigo.AppID, which string) (kigo.Release, error) {
	if v, err := strconv.ParseInt(strings.TrimPrefix(which, "v"), 10, 32); err == nil {
		return one(tx, "release", scanRelease, "SELECT "+releaseColumns+" FROM releases WHERE app_id = $1 AND version = $2", string(app), v)
	}
	return one(tx, "release", scanRelease, "SELECT "+releaseColumns+" FROM releases WHERE app_id = $1 AND id = $2", string(app), which)
}

// Releases returns an app's releases, the newest first.
func (tx *Tx) Releases(app kigo.AppID) ([]kigo.Release, error) {
	return list(tx, "release", scanRelease, "SELECT "+releaseColumns+" FROM releases WHERE app_id = $1 ORDER BY version DESC", string(app))
}

// Versions is a part of an app's releases: those from one version to another, both
// included, in either order.
type Versions struct {
	First, Last int
	Desc        bool
	Limit       int
}

// ReleasesIn returns a part of an app's releases.
func (tx *Tx) ReleasesIn(app kigo.AppID, v Versions) ([]kigo.Release, error) {
	order := "ASC"
	if v.Desc {
		order = "DESC"
	}
	return list(tx, "release", scanRelease, "SELECT "+releaseColumns+" FROM releases WHERE app_id = $1 AND version BETWEEN $2 AND $3 ORDER BY version "+order+" LIMIT $4",
		string(app), v.First, v.Last, v.Limit)
}

// PendingReleases returns the releases of all apps whose release phase has not
// ended, the oldest first.
func (tx *Tx) PendingReleases() ([]kigo.Release, error) {
	return list(tx, "release", scanRelease, "SELECT "+releaseColumns+" FROM releases WHERE status = 'pending' ORDER BY created_at, version")
}

// CurrentRelease returns the release that an app's dynos run.
func (tx *Tx) CurrentRelease(app kigo.AppID) (kigo.Release, error) {
	return one(tx, "release", scanRelease, "SELECT "+releaseColumns+" FROM releases WHERE app_id = $1 AND is_current", string(app))
}

// LatestRelease returns the release with the highest version, whatever became of
// it. Its config vars are the app's.
func (tx *Tx) LatestRelease(app kigo.AppID) (kigo.Release, error) {
	return one(tx, "release", scanRelease, "SELECT "+releaseColumns+" FROM releases WHERE app_id = $1 ORDER BY version DESC LIMIT 1", string(app))
}

// ProvenRelease returns the newest release before a version that has proven itself.
func (tx *Tx) ProvenRelease(app kigo.AppID, before int) (kigo.Release, error) {
	return one(tx, "release", scanRelease, "SELECT "+releaseColumns+` FROM releases
		WHERE app_id = $1 AND version < $2 AND proven_at > 0 AND status = 'succeeded' ORDER BY version DESC LIMIT 1`, string(app), before)
}

// UpdateRelease writes the status, the reason of a failure, since when it is proven,
// what it dropped and the key of the output.
func (tx *Tx) UpdateRelease(r *kigo.Release) error {
	r.UpdatedAt = tx.now
	dropped := "[]"
	if len(r.Dropped) > 0 {
		dropped = asJSON(r.Dropped)
	}
	return tx.execOne("release", "update release",
		"UPDATE releases SET status = $2, output = $3, updated_at = $4, failure = $5, proven_at = $6, dropped = $7 WHERE id = $1",
		string(r.ID), string(r.Status), r.Output, micros(r.UpdatedAt), r.Failure, micros(r.ProvenAt), dropped)
}

// SetCurrentRelease makes one release of an app the current one, and no other.
func (tx *Tx) SetCurrentRelease(app kigo.AppID, id kigo.ReleaseID) error {
	// Two statements: the unique index on the current one is checked row by row.
	if err := tx.exec("change current release", "UPDATE releases SET is_current = FALSE WHERE app_id = $1 AND is_current AND id <> $2",
		string(app), string(id)); err != nil {
		return err
	}
	return tx.execOne("release", "change current release", "UPDATE releases SET is_current = TRUE, updated_at = $3 WHERE app_id = $1 AND id = $2",
		string(app), string(id), micros(tx.now))
}

// ReleaseConfig opens a release's config vars.
func (tx *Tx) ReleaseConfig(id kigo.ReleaseID) (kigo.ConfigVars, error) {
	var app kigo.AppID
	var key []byte
	record, err := one(tx, "release", func(_ *Tx, row scanner) (b []byte, err error) {
		err = row.Scan(&b, &app, &key)
		return b, err
	}, "SELECT config, app_id"+keyColumn("releases")+" FROM releases WHERE id = $1", string(id))
	if err != nil {
		return nil, err
	}
	text, err := tx.openOf(app, key, "releases", string(id), "config", record)
	if err != nil {
		return nil, fmt.Errorf("read config vars: %w", err)
	}
	vars := kigo.ConfigVars{}
	if err := json.Unmarshal(text, &vars); err != nil {
		return nil, fmt.Errorf("read config vars: %w", err)
	}
	return vars, nil
}

// ConfigVars returns an app's config vars: those of its latest release, because a
// change stays although its release phase failed. No release, no vars.
func (tx *Tx) ConfigVars(app kigo.AppID) (kigo.ConfigVars, error) {
	r, err := tx.LatestRelease(app)
	if errors.Is(err, kigo.ErrNotFound) {
		return kigo.ConfigVars{}, nil
	}
	if err != nil {
		return nil, err
	}
	return tx.ReleaseConfig(r.ID)
}

// SetBase writes the image of releases from before it was kept with them: the one
// that the stack has now.
func (tx *Tx) SetBase(stack, digest string) error {
	return tx.exec("set base of releases", "UPDATE releases SET base = $2 WHERE stack = $1 AND base = '' AND is_current AND slug_id IS NOT NULL", stack, digest)
}

// BasesInUse returns the images that current releases, and those of dynos that
// still run, are on, and those that apps go back to: of the newest proven release
// and of the one before the current.
func (tx *Tx) BasesInUse() ([]string, error) {
	return list(tx, "base", func(_ *Tx, row scanner) (d string, err error) {
		err = row.Scan(&d)
		return d, err
	}, `SELECT base FROM releases WHERE base <> '' AND (is_current OR status = 'pending' OR id IN (SELECT release_id FROM dynos))
		UNION SELECT r.base FROM releases r
			JOIN (SELECT app_id, MAX(version) AS version FROM releases WHERE proven_at > 0 AND status = 'succeeded' GROUP BY app_id) p
			ON r.app_id = p.app_id AND r.version = p.version WHERE r.base <> ''
		UNION SELECT r.base FROM releases r
			JOIN (SELECT b.app_id, MAX(b.version) AS version FROM releases b JOIN releases c ON c.app_id = b.app_id AND c.is_current
				WHERE b.status = 'succeeded' AND b.version < c.version GROUP BY b.app_id) p
			ON r.app_id = p.app_id AND r.version = p.version WHERE r.base <> ''
		ORDER BY base`)
}
