package store

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
)

func TestAConnectionParsesATextOnce(t *testing.T) {
	t.Parallel()
	db, err := openSQLite(sqliteDSN(filepath.Join(t.TempDir(), "a.db")))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	db.SetMaxOpenConns(1)
	ctx := t.Context()
	conn, err := db.Conn(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	kept := func() (n int) {
		t.Helper()
		if err := conn.Raw(func(c any) error {
			k, ours := c.(*keepingConn)
			if !ours {
				t.Fatalf("the driver's connections have changed: %T keeps no statements", c)
			}
			n = len(k.kept)
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		return n
	}
	exec := func(text string, args ...any) error {
		_, err := conn.ExecContext(ctx, text, args...)
		return err
	}
	if err := exec("CREATE TABLE t (n INTEGER PRIMARY KEY, s TEXT)"); err != nil {
		t.Fatal(err)
	}
	for i := range 10 {
		if err := exec("INSERT INTO t (n, s) VALUES ($1, $2)", i, fmt.Sprint("row", i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := exec("INSERT INTO t (n, s) VALUES ($1, $2)", 3, "again"); err == nil {
		t.Error("a row was put in twice")
	}
	if kept() != 1 {
		t.Errorf("%d statements are kept of one text", kept())
	}
	const question = "SELECT s FROM t WHERE n >= $1 ORDER BY n"
	read := func(from int, inside func()) (first string, n int) {
		t.Helper()
		rows, err := conn.QueryContext(ctx, question, from)
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		for rows.Next() {
			var s string
			if err := rows.Scan(&s); err != nil {
				t.Fatal(err)
			}
			if n++; n == 1 {
				first = s
			}
			if inside != nil {
				inside()
			}
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
		return first, n
	}
	// A text that is asked while its rows are read is parsed for itself.
	if first, n := read(2, func() {
		if first, n := read(8, nil); first != "row8" || n != 2 {
			t.Errorf("inside: %q and %d rows", first, n)
		}
	}); first != "row2" || n != 8 {
		t.Errorf("%q and %d rows", first, n)
	}
	if first, n := read(9, nil); first != "row9" || n != 1 || kept() != 2 {
		t.Errorf("%q, %d rows, %d kept", first, n, kept())
	}
	// The table may change under a kept statement.
	if err := exec("ALTER TABLE t ADD COLUMN more TEXT"); err != nil {
		t.Fatal(err)
	}
	if first, n := read(9, nil); first != "row9" || n != 1 {
		t.Errorf("after a change of the table: %q and %d rows", first, n)
	}
	gone, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := conn.QueryContext(gone, question, 1); err == nil {
		t.Error("a question was answered whose asker has gone")
	}
	if _, n := read(0, nil); n != 10 {
		t.Errorf("afterwards: %d rows", n)
	}
	// Beyond the bound the one that was not used for longest makes room; one whose rows
	// are being read stays whole.
	read(1, func() {
		for i := range maxStatements + 10 {
			var n int
			if err := conn.QueryRowContext(ctx, fmt.Sprintf("SELECT %d", i)).Scan(&n); err != nil || n != i {
				t.Fatal(n, err)
			}
			if err := conn.QueryRowContext(ctx, "SELECT 0").Scan(&n); err != nil || n != 0 {
				t.Fatal(n, err)
			}
		}
	})
	if kept() != maxStatements {
		t.Errorf("%d are kept, %d at most", kept(), maxStatements)
	}
	for text, want := range map[string]bool{"SELECT 0": true, "SELECT 1": false, fmt.Sprintf("SELECT %d", maxStatements+9): true, question: true} {
		if err := conn.Raw(func(c any) error {
			if _, got := c.(*keepingConn).kept[text]; got != want {
				t.Errorf("%q is kept: %v", text, got)
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
}
