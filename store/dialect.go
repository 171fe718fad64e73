package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	_ "modernc.org/sqlite"             // the driver "sqlite"
)

// dialect is all that differs between the two databases; the SQL text does not.
type dialect struct {
	name         string
	dsn          string // as the driver wants it
	path         string // SQLite: the file
	view, update mode
	connect      func(ctx context.Context) (*pools, error)
	poll         time.Duration    // how often followers look unasked
	ioError      func(error) bool // the disk failed; what was written is unknown
	classify     func(error) fault
}

// parseDSN chooses the dialect by the address.
func parseDSN(dsn string) (dialect, error) {
	switch {
	case strings.HasPrefix(dsn, "sqlite:"):
		return sqliteDialect(strings.TrimPrefix(dsn, "sqlite:"))
	case strings.HasPrefix(dsn, "postgres://"), strings.HasPrefix(dsn, "postgresql://"):
		return postgresDialect(dsn), nil
	}
	return dialect{}, fmt.Errorf("open database: %q is neither sqlite:PATH nor postgres://…", redact(dsn))
}

// redact removes the password of an address for messages.
func redact(dsn string) string {
	if u, err := url.Parse(dsn); err == nil {
		return u.Redacted()
	}
	scheme, _, _ := strings.Cut(dsn, ":")
	return scheme + ":…"
}

// acquire takes the lock file of a SQLite database; PostgreSQL needs none.
func (d dialect) acquire() (*lockFile, error) {
	if d.path == "" {
		return nil, nil
	}
	return acquireLock(d.path)
}

// postgresDialect: writers queue on the revision row, as they do on SQLite's
// write lock, so that both databases behave alike and nothing is lost between
// reading and writing. Readers see one snapshot.
func postgresDialect(dsn string) dialect {
	return dialect{
		name:   "postgres",
		dsn:    dsn,
		view:   mode{opts: &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true}},
		update: mode{write: true, begin: "SELECT n FROM revision FOR UPDATE"},
		connect: func(ctx context.Context) (*pools, error) {
			db, err := sql.Open("pgx", dsn)
			if err != nil {
				return nil, fmt.Errorf("open %s: %w", redact(dsn), err)
			}
			db.SetMaxOpenConns(20)
			db.SetMaxIdleConns(8)
			if err := db.PingContext(ctx); err != nil {
				return nil, errors.Join(fmt.Errorf("reach %s: %w", redact(dsn), err), db.Close())
			}
			return &pools{write: db, read: db}, nil
		},
		poll:     time.Second,                       // other processes write too
		ioError:  func(error) bool { return false }, // the pool replaces broken connections itself
		classify: classifyPostgres,
	}
}
