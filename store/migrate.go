package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/store/migrations"
)

// migration is one numbered file.
type migration struct {
	version int
	name    string
	text    string
}

// migrate brings the schema up to date, one transaction for each step. A schema
// that is newer than this program is refused: an older program would write rows
// that the newer one does not expect.
func (s *Store) migrate(ctx context.Context) error {
	all, err := readMigrations(migrations.Files)
	if err != nil {
		return err
	}
	db := s.pools.write
	if _, err := db.ExecContext(ctx, "CREATE TABLE IF NOT EXISTS schema_version (version BIGINT PRIMARY KEY, at BIGINT NOT NULL)"); err != nil {
		return fmt.Errorf("read schema version: %w", err)
	}
	have, err := s.applied(ctx, db)
	if err != nil {
		return fmt.Errorf("read schema version: %w", err)
	}
	for _, version := range have {
		if !slices.ContainsFunc(all, func(m migration) bool { return m.version == version }) {
			return fmt.Errorf("its schema has version %d, but this program knows up to %d, and not that one: it was used by a newer kigo; run that one, or restore a backup from before the upgrade", version, all[len(all)-1].version)
		}
	}
	made := 0
	for _, m := range all {
		if slices.Contains(have, m.version) {
			continue
		}
		if err := s.apply(ctx, db, m); err != nil {
			return fmt.Errorf("migrate to %s: %w", m.name, err)
		}
		s.options.Log.Debug("database migrated", "version", m.version, "name", m.name)
		made++
	}
	if made > 0 {
		s.options.Log.Info("database migrated", "version", all[len(all)-1].version, "steps", made)
	}
	return nil
}

// applied lists the versions that the database has. Numbers may have gaps, which
// what is written side by side fills later.
func (s *Store) applied(ctx context.Context, db *sql.DB) (versions []int, err error) {
	rows, err := db.QueryContext(ctx, "SELECT version FROM schema_version")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var v int
		if err := rows.Scan(&v); err != nil {
			return nil, err
		}
		versions = append(versions, v)
	}
	return versions, rows.Err()
}

func (s *Store) apply(ctx context.Context, db *sql.DB, m migration) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // a no-op after Commit
	if _, err := tx.ExecContext(ctx, m.text); err != nil {
		return err
	}
	// Two processes that migrate PostgreSQL at once collide here; one rolls back.
	if _, err := tx.ExecContext(ctx, "INSERT INTO schema_version (version, at) VALUES ($1, $2)", m.version, s.options.Now().UnixMicro()); err != nil {
		return err
	}
	return tx.Commit()
}

// readMigrations returns the files in order; their numbers are 1, 2, 3 …
func readMigrations(files fs.FS) ([]migration, error) {
	names, err := fs.Glob(files, "*.sql") // sorted
	if err != nil {
		return nil, err
	}
	var all []migration
	before := 0
	for _, name := range names {
		number, _, _ := strings.Cut(name, "_")
		version, err := strconv.Atoi(number)
		if err != nil || version <= before {
			return nil, fmt.Errorf("migration %s: a number above %d expected", name, before)
		}
		before = version
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, err
		}
		all = append(all, migration{version, name, string(text)})
	}
	if len(all) == 0 {
		return nil, errors.New("no migrations")
	}
	return all, nil
}

// checkBox refuses a database that was sealed with another master key, before a
// half of it is. The check value is made at first start.
func (s *Store) checkBox(ctx context.Context) error {
	const key, place, text = "box.check", "meta|box.check|value", "kigo"
	return s.Update(ctx, func(tx *Tx) error {
		sealed, err := tx.Meta(key)
		if errors.Is(err, kigo.ErrNotFound) {
			return tx.PutMeta(key, encode(tx.box.Seal(place, []byte(text))))
		}
		if err != nil {
			return err
		}
		record, err := decode(sealed)
		if err != nil {
			return fmt.Errorf("check master key: %w", err)
		}
		if _, err := tx.box.Open(place, record); err != nil {
			return fmt.Errorf("the master key (id %s) is not the one that this database was sealed with; put the right key file back: %w", tx.box.KeyID(), err)
		}
		return nil
	})
}
