// Package store owns the platform's state: one concrete Store on SQLite or
// PostgreSQL, with one query method for each question that is asked. Changes and
// their events commit together, and events are numbered without gaps, so that
// following them misses nothing.
//
// There is one writer at a time on both databases: Update runs its function
// alone, on top of everything committed before. What is committed survives a kill and a
// power cut. Config vars, one-offs' environments and source URLs are sealed by a
// secret.Box or a secret.DataKey, tokens are kept as hashes.
//
// Start reading at Open and Update, then tx.go; each noun has a file.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/kigo-dev/kigo/secret"
)

// Options are what a store needs besides its address.
type Options struct {
	Box *secret.Box      // seals secrets; required
	Log *slog.Logger     // nil: slog.Default
	Now func() time.Time // nil: time.Now; tests replace it

	Uptime func() Uptime // nil: the machine's; tests replace it
}

// Store is an open database. It is safe for concurrent use.
//
// After an I/O error of the disk a SQLite store closes its connections and opens
// the file again at the next call, with a check of its contents: what the failed
// call did is then what the file says, and its error says "unknown", not "failed".
type Store struct {
	dialect dialect
	options Options
	lock    *lockFile // SQLite: held until Close
	wake    broadcast // told after each emitting commit

	mu     sync.Mutex
	pools  *pools // nil after an I/O error, until reopened
	closed bool
}

// pools are the connections: on SQLite one that writes and several that read.
type pools struct{ write, read *sql.DB }

// Open opens the database at dsn, "sqlite:PATH" or "postgres://…", and brings its
// schema up to date. It refuses a database that is damaged, newer than this
// program, sealed with another key or in use by another process.
func Open(ctx context.Context, dsn string, o Options) (*Store, error) {
	if o.Box == nil {
		return nil, errors.New("open database: no secret box")
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Uptime == nil {
		o.Uptime = machineUptime
	}
	d, err := parseDSN(dsn)
	if err != nil {
		return nil, err
	}
	s := &Store{dialect: d, options: o}
	if s.lock, err = d.acquire(); err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	if err := s.open(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("open database: %w", err), s.Close())
	}
	return s, nil
}

// open connects, checks and migrates.
func (s *Store) open(ctx context.Context) error {
	p, err := s.dialect.connect(ctx)
	if err != nil {
		return err
	}
	s.pools = p
	if err := s.migrate(ctx); err != nil {
		return err
	}
	if err := s.checkBox(ctx); err != nil {
		return err
	}
	return s.lock.markInitialised()
}

// Close closes the connections and lets go of the lock file.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	return errors.Join(s.pools.close(), s.lock.release())
}

func (p *pools) close() error {
	if p == nil {
		return nil
	}
	err := p.read.Close()
	if p.write != p.read {
		err = errors.Join(err, p.write.Close())
	}
	return err
}

// View calls f with a transaction that only reads, all of it at one moment.
func (s *Store) View(ctx context.Context, f func(*Tx) error) error {
	return s.transact(ctx, s.dialect.view, f)
}

// Update calls f with a transaction that may write, alone among all writers, and
// commits when f returns nil. Inside f is no place for files, network, processes,
// channels or another Update: everybody waits for f.
func (s *Store) Update(ctx context.Context, f func(*Tx) error) error {
	return s.transact(ctx, s.dialect.update, f)
}

// mode is how a kind of transaction begins.
type mode struct {
	write bool
	opts  *sql.TxOptions
	begin string // first statement; empty: none
}

func (s *Store) transact(ctx context.Context, m mode, f func(*Tx) error) error {
	p, err := s.ensureOpen(ctx)
	if err != nil {
		return err
	}
	emitted, err := s.attempt(ctx, p, m, f)
	if err == nil {
		if emitted {
			s.wake.signal()
		}
		return nil
	}
	if s.dialect.ioError(err) {
		s.suspend(p, err)
	}
	return err
}

func (s *Store) attempt(ctx context.Context, p *pools, m mode, f func(*Tx) error) (emitted bool, err error) {
	db := p.read
	if m.write {
		db = p.write
	}
	sqlTx, err := db.BeginTx(ctx, m.opts)
	if err != nil {
		return false, s.classify(err, "begin transaction", false)
	}
	defer func() { _ = sqlTx.Rollback() }() // a no-op after Commit
	tx := &Tx{ctx: ctx, tx: sqlTx, box: s.options.Box, uptime: s.options.Uptime, now: s.options.Now().UTC().Truncate(time.Microsecond)}
	if m.begin != "" {
		if _, err := sqlTx.ExecContext(ctx, m.begin); err != nil {
			return false, s.classify(err, "begin transaction", false)
		}
	}
	if err := f(tx); err != nil {
		return false, s.classify(err, "", false)
	}
	if err := ctx.Err(); err != nil {
		return false, err
	}
	if err := sqlTx.Commit(); err != nil {
		return false, s.classify(err, "commit", m.write)
	}
	return tx.emitted, nil
}
