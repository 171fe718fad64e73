package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// sqlitePragmas are set on each connection. FULL, because NORMAL was measured to
// lose acknowledged commits in 9 of 10 power cuts.
var sqlitePragmas = []string{
	"busy_timeout(10000)",
	"journal_mode(WAL)",
	"synchronous(FULL)",
	"foreign_keys(ON)",
	"secure_delete(ON)",
	"trusted_schema(OFF)",
	"cell_size_check(ON)",
	"mmap_size(0)",
}

// minSQLite is the first version without the WAL-reset bug, which corrupts a
// database that one connection writes while another checkpoints it.
var minSQLite = [3]int{3, 51, 3}

// sqliteDialect: one connection writes, begins immediately and checkpoints; the
// readers cannot write at all.
func sqliteDialect(path string) (dialect, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return dialect{}, fmt.Errorf("open database: %w", err)
	}
	d := dialect{
		name:     "sqlite",
		path:     path,
		update:   mode{write: true},
		poll:     time.Minute, // nobody else can write: each commit wakes the followers
		ioError:  isSQLiteIO,
		classify: classifySQLite,
	}
	d.connect = func(ctx context.Context) (*pools, error) { return connectSQLite(ctx, path) }
	return d, nil
}

func connectSQLite(ctx context.Context, path string) (*pools, error) {
	// The driver would make the file readable for all.
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	f.Close()
	write, err := openSQLite(sqliteDSN(path, "_txlock=immediate"))
	if err != nil {
		return nil, err
	}
	write.SetMaxOpenConns(1)
	if err := checkSQLite(ctx, write); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, err), write.Close())
	}
	read, err := openSQLite(sqliteDSN(path, "_txlock=deferred", "_pragma=query_only(ON)"))
	if err != nil {
		return nil, errors.Join(err, write.Close())
	}
	n := max(4, runtime.GOMAXPROCS(0))
	read.SetMaxOpenConns(n)
	read.SetMaxIdleConns(n)
	return &pools{write: write, read: read}, nil
}

func sqliteDSN(path string, extra ...string) string {
	u := url.URL{Scheme: "file", Path: path}
	query := extra
	for _, p := range sqlitePragmas {
		query = append(query, "_pragma="+url.QueryEscape(p))
	}
	return u.String() + "?" + strings.Join(query, "&")
}

// checkSQLite refuses a version with known corruption bugs and a damaged file.
func checkSQLite(ctx context.Context, db *sql.DB) error {
	var version string
	if err := db.QueryRowContext(ctx, "SELECT sqlite_version()").Scan(&version); err != nil {
		return err
	}
	if !atLeast(version, minSQLite) {
		return fmt.Errorf("SQLite %s can corrupt databases in WAL mode; %d.%d.%d or newer is needed", version, minSQLite[0], minSQLite[1], minSQLite[2])
	}
	var result string
	if err := db.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&result); err != nil {
		return err
	}
	if result != "ok" {
		return fmt.Errorf("the database is damaged (%s): restore it from a backup", result)
	}
	return nil
}

func atLeast(version string, floor [3]int) bool {
	parts := strings.SplitN(version, ".", 3)
	for i, want := range floor {
		if i >= len(parts) {
			return false
		}
		got, err := strconv.Atoi(parts[i])
		if err != nil || got != want {
			return err == nil && got > want
		}
	}
	return true
}

// errNotInitialised guards against a fresh start over lost data.
var errNotInitialised = errors.New("the database file is gone, but its lock file says that it held a platform: " +
	"restore the file from a backup, or remove the lock file to begin with an empty platform")
