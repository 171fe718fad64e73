package store

import (
	linked "container/list"
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"strings"

	"modernc.org/sqlite"
)

// SQLite's parser costs more than most of our questions: each connection keeps its
// statements, so that a text is parsed once and not at each call. PostgreSQL's driver does so by itself.

// maxStatements bounds them; the one that was not used for longest makes room.
const maxStatements = 500

// openSQLite is sql.Open with connections that keep statements.
func openSQLite(dsn string) (*sql.DB, error) {
	c, err := sqlite.NewConnector(dsn)
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	return sql.OpenDB(keeper{c}), nil
}

type keeper struct{ driver.Connector }

// Connect implements driver.Connector.
func (k keeper) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := k.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	c, ok := conn.(sqliteConn)
	if !ok {
		return conn, nil // another driver than the one that this was written for
	}
	return &keepingConn{sqliteConn: c, kept: map[string]*linked.Element{}, order: linked.New()}, nil
}

// sqliteConn is all that database/sql asks of a connection.
type sqliteConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.Pinger
	driver.SessionResetter
	driver.Validator
}

// keepingConn is a connection with the statements that it has parsed. It is used by one
// goroutine at a time.
type keepingConn struct {
	sqliteConn
	kept  map[string]*linked.Element // of order, by text
	order *linked.List               // of *statement, the last used first
}

// statement is one that is kept. While rows of it are read it is busy.
type statement struct {
	text string
	stmt interface {
		driver.StmtExecContext
		driver.StmtQueryContext
		driver.Stmt
	}
	busy bool
}

// find returns the statement of a text; nil: let the driver parse it for this call.
func (c *keepingConn) find(ctx context.Context, text string) *statement {
	if at, known := c.kept[text]; known {
		s := at.Value.(*statement)
		if s.busy {
			return nil
		}
		c.order.MoveToFront(at)
		return s
	}
	if !keepable(text) || !c.room() {
		return nil
	}
	prepared, err := c.PrepareContext(ctx, text)
	if err != nil {
		return nil // the driver tells why
	}
	s := &statement{text: text}
	var ok bool
	if s.stmt, ok = prepared.(interface {
		driver.StmtExecContext
		driver.StmtQueryContext
		driver.Stmt
	}); !ok {
		_ = prepared.Close()
		return nil
	}
	c.kept[text] = c.order.PushFront(s)
	return s
}

// room reports whether one more may be kept, and drops the one that was not used for
// longest if it must. None that is busy is dropped.
func (c *keepingConn) room() bool {
	if len(c.kept) < maxStatements {
		return true
	}
	for at := c.order.Back(); at != nil; at = at.Prev() {
		if s := at.Value.(*statement); !s.busy {
			c.order.Remove(at)
			delete(c.kept, s.text)
			_ = s.stmt.Close()
			return true
		}
	}
	return false
}

// keepable are questions and changes of rows: not what changes the schema or a connection.
func keepable(text string) bool {
	for _, verb := range []string{"SELECT ", "INSERT ", "UPDATE ", "DELETE "} {
		if strings.HasPrefix(text, verb) {
			return true
		}
	}
	return false
}

// ExecContext implements driver.ExecerContext.
func (c *keepingConn) ExecContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Result, error) {
	if s := c.find(ctx, text); s != nil {
		return s.stmt.ExecContext(ctx, args)
	}
	return c.sqliteConn.ExecContext(ctx, text, args)
}

// QueryContext implements driver.QueryerContext.
func (c *keepingConn) QueryContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Rows, error) {
	s := c.find(ctx, text)
	if s == nil {
		return c.sqliteConn.QueryContext(ctx, text, args)
	}
	rows, err := s.stmt.QueryContext(ctx, args)
	if err != nil {
		return nil, err
	}
	s.busy = true
	return keptRows{rows, s}, nil
}

// Close implements driver.Conn.
func (c *keepingConn) Close() error {
	for at := c.order.Front(); at != nil; at = at.Next() {
		_ = at.Value.(*statement).stmt.Close()
	}
	clear(c.kept)
	c.order.Init()
	return c.sqliteConn.Close()
}

type keptRows struct {
	driver.Rows
	of *statement
}

// Close implements driver.Rows.
func (r keptRows) Close() error {
	err := r.Rows.Close()
	r.of.busy = false
	return err
}
