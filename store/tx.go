package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/secret"
)

// Tx is a transaction: the receiver of every question and change. It is for one
// goroutine and ends with the function it was given to.
//
// Create methods fill in what is empty (id, times) in the value they are given.
// A row that is not there is a kigo.NotFound error of its noun.
type Tx struct {
	ctx     context.Context
	tx      *sql.Tx
	box     *secret.Box
	now     time.Time
	uptime  func() Uptime
	keys    map[kigo.AppID]*secret.DataKey // of apps, opened in this transaction
	emitted bool
}

// Now is the transaction's moment, in UTC, to the microsecond: what Create and
// Update methods write into times.
func (tx *Tx) Now() time.Time { return tx.now }

// exec runs a statement that returns nothing.
func (tx *Tx) exec(what, query string, args ...any) error {
	if _, err := tx.tx.ExecContext(tx.ctx, query, args...); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// execOne runs a statement that must change exactly one row; none is NotFound.
func (tx *Tx) execOne(noun, what, query string, args ...any) error {
	res, err := tx.tx.ExecContext(tx.ctx, query, args...)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	n, err := res.RowsAffected()
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	if n == 0 {
		return kigo.NotFound(noun)
	}
	return nil
}

// scanner is a *sql.Row or *sql.Rows.
type scanner interface{ Scan(dest ...any) error }

// one reads one row with scan; none is NotFound.
func one[T any](tx *Tx, noun string, scan func(*Tx, scanner) (T, error), query string, args ...any) (T, error) {
	if !askable(args) {
		var none T
		return none, kigo.NotFound(noun)
	}
	v, err := scan(tx, tx.tx.QueryRowContext(tx.ctx, query, args...))
	return v, missing(err, noun, "read "+noun)
}

// askable reports whether there can be a row with such values: no text has a zero byte or
// bytes that are not UTF-8, and PostgreSQL does not let one ask for it.
func askable(args []any) bool {
	for _, a := range args {
		if s, ok := a.(string); ok && (!utf8.ValidString(s) || strings.ContainsRune(s, 0)) {
			return false
		}
	}
	return true
}

// missing turns the driver's word for no row into NotFound.
func missing(err error, noun, what string) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, sql.ErrNoRows):
		return kigo.NotFound(noun)
	}
	return fmt.Errorf("%s: %w", what, err)
}

// list reads all rows with scan.
func list[T any](tx *Tx, noun string, scan func(*Tx, scanner) (T, error), query string, args ...any) ([]T, error) {
	if !askable(args) {
		return nil, nil
	}
	rows, err := tx.tx.QueryContext(tx.ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("list %ss: %w", noun, err)
	}
	defer rows.Close()
	var all []T
	for rows.Next() {
		v, err := scan(tx, rows)
		if err != nil {
			return nil, fmt.Errorf("list %ss: %w", noun, err)
		}
		all = append(all, v)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("list %ss: %w", noun, err)
	}
	return all, nil
}

// newID sets *id to a new uuid when it is empty.
func newID[T ~string](id *T) {
	if *id == "" {
		*id = T(uuid.NewString())
	}
}

// created sets the times of a new row: CreatedAt when it is zero, UpdatedAt to it.
func (tx *Tx) created(at, updated *time.Time) {
	if at.IsZero() {
		*at = tx.now
	}
	if updated != nil {
		*updated = *at
	}
}

// micros and fromMicros translate a time for the database; zero is 0.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func fromMicros(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}

// at scans a time column into *t.
type at struct{ t *time.Time }

// Scan implements sql.Scanner.
func (a at) Scan(v any) error {
	us, ok := v.(int64)
	if !ok {
		return fmt.Errorf("time column holds %T", v)
	}
	*a.t = fromMicros(us)
	return nil
}

// asJSON is a list or map as a TEXT column holds it.
func asJSON(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic("marshal column: " + err.Error()) // only lists and maps of strings come here
	}
	return string(b)
}

// fromJSON scans a TEXT column of JSON into v.
type fromJSON struct{ v any }

// Scan implements sql.Scanner.
func (j fromJSON) Scan(v any) error {
	switch v := v.(type) {
	case string:
		return json.Unmarshal([]byte(v), j.v)
	case []byte:
		return json.Unmarshal(v, j.v)
	}
	return fmt.Errorf("json column holds %T", v)
}

// orNull is NULL for the empty string, for columns that refer to another table.
func orNull[T ~string](s T) any {
	if s == "" {
		return nil
	}
	return string(s)
}

// nullable scans a column that may be NULL; NULL is the empty string.
type nullable[T ~string] struct{ s *T }

// Scan implements sql.Scanner.
func (n nullable[T]) Scan(v any) error {
	switch v := v.(type) {
	case nil:
		*n.s = ""
	case string:
		*n.s = T(v)
	case []byte:
		*n.s = T(v)
	default:
		return fmt.Errorf("text column holds %T", v)
	}
	return nil
}

// seal and open encrypt a value for "table|row|field".
func (tx *Tx) seal(table, row, field string, plain []byte) []byte {
	return tx.box.Seal(table+"|"+row+"|"+field, plain)
}

func (tx *Tx) open(table, row, field string, record []byte) ([]byte, error) {
	return tx.box.Open(table+"|"+row+"|"+field, record)
}

// RawColumn reads the first value of "table.column" as the database holds it, for
// tests that look whether a secret is readable. The name is the caller's own text.
func RawColumn(tx *Tx, column string) ([]byte, error) {
	table, name, _ := strings.Cut(column, ".")
	var raw []byte
	err := tx.tx.QueryRowContext(tx.ctx, "SELECT "+name+" FROM "+table+" LIMIT 1").Scan(&raw)
	return raw, missing(err, "row", "read "+column)
}

// Pragma reads or sets an option of a SQLite connection, for tests.
func Pragma(tx *Tx, name string) (string, error) {
	var value string
	err := tx.tx.QueryRowContext(tx.ctx, "PRAGMA "+name).Scan(&value)
	return value, missing(err, "pragma", "read "+name)
}
