package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/kigo-dev/kigo"
)

// ErrUnknown means that a change may or may not have been kept: the disk or the
// connection failed while it was committed. Ask for the state; do not repeat blindly.
var ErrUnknown = errors.New("outcome unknown")

// ErrTaken means that a value which must be unique is in use already.
var ErrTaken = errors.New("already taken")

var errClosed = errors.New("store is closed")

// fault is the kind of a database's error.
type fault int

const (
	faultOther fault = iota
	faultFull        // no space: nothing was written
	faultIO          // the disk failed
	faultTaken       // a unique constraint
	faultGone        // the server is away or shutting down
	faultBusy        // another process holds the lock
	faultText        // text that the database cannot hold
)

// classify turns a database's error into one that says what a user may know, and
// keeps the detail in its chain. A kigo.Error from inside a transaction passes.
func (s *Store) classify(err error, what string, committing bool) error {
	if _, ok := kigo.AsError(err); ok {
		return err
	}
	if what != "" {
		err = fmt.Errorf("%s: %w", what, err)
	}
	switch f := s.dialect.classify(err); {
	case f == faultFull:
		return unavailable("The platform's disk is full: nothing was changed. Try again when its operator has freed some space", err)
	case f == faultIO, committing && (f == faultGone || f == faultOther):
		return unavailable("The platform's database failed and the outcome of this request is unknown: look before you try again", errors.Join(ErrUnknown, err))
	case f == faultGone:
		return unavailable("The platform's database is not reachable: nothing was changed. Try again in a moment", err)
	case f == faultBusy:
		return unavailable("The platform's database is busy: nothing was changed. Try again in a moment", err)
	case f == faultText:
		return fmt.Errorf("%w: %w", kigo.Invalid("Some text of the request has a zero byte, or bytes that are not UTF-8: nothing was changed."), err)
	case f == faultTaken:
		return fmt.Errorf("%w: %w", ErrTaken, err)
	}
	return err
}

// unavailable is a kigo.Error for the user with the detail for the log.
func unavailable(message string, detail error) error {
	return fmt.Errorf("%w: %w", &kigo.Error{ID: kigo.IDUnavailable, Message: message + "."}, detail)
}

func isSQLiteIO(err error) bool { return classifySQLite(err) == faultIO }

func classifySQLite(err error) fault {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return faultOther
	}
	switch e.Code() & 0xff {
	case sqlite3.SQLITE_FULL:
		return faultFull
	case sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_READONLY:
		return faultIO
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return faultBusy
	case sqlite3.SQLITE_CONSTRAINT:
		if c := e.Code(); c == sqlite3.SQLITE_CONSTRAINT_UNIQUE || c == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY {
			return faultTaken
		}
	}
	return faultOther
}

func classifyPostgres(err error) fault {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return faultOther
	}
	var e *pgconn.PgError
	if !errors.As(err, &e) {
		if connectionLost(err) {
			return faultGone
		}
		return faultOther
	}
	switch {
	case e.Code == "53100":
		return faultFull
	case e.Code == "58030", e.Code == "XX001", e.Code == "XX002":
		return faultIO
	case e.Code == "23505":
		return faultTaken
	case e.Code == "22021", e.Code == "22P05":
		return faultText
	case e.Code == "55P03", e.Code == "57014", e.Code == "40P01", e.Code == "40001":
		return faultBusy
	case e.Code[:2] == "57", e.Code[:2] == "53", e.Code[:2] == "08":
		return faultGone
	}
	return faultOther
}

// connectionLost recognises the words that the layers below have for it.
func connectionLost(err error) bool {
	var connect *pgconn.ConnectError
	var network net.Error
	return errors.As(err, &connect) || errors.As(err, &network) || pgconn.SafeToRetry(err) ||
		errors.Is(err, driver.ErrBadConn) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}
