package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"iter"
)

// tx is a transaction as the queries see it: the writer's, or the snapshot of a reader. Queries are constants, so each
// is prepared once on each connection.
type tx struct {
	ctx    context.Context
	conn   *conn
	writer *writer // nil for readers
}

// nextSeq returns the next number in the order of arrival. One that is not used, since its transaction fails, is left out for good.
func (t *tx) nextSeq() int64 {
	t.writer.seq++
	return t.writer.seq
}

// scanner is a row to be read.
type scanner interface{ Scan(dest ...any) error }

// row is the one row of a query, or why there is none.
type row struct {
	rows driver.Rows
	err  error
}

// Scan reads the row. It fails with [sql.ErrNoRows] where the query found none.
func (r row) Scan(dest ...any) (err error) {
	if r.err != nil {
		return r.err
	}
	defer func() { err = errors.Join(err, r.rows.Close()) }()
	values := make(values, len(dest))
	if err := r.rows.Next(values); errors.Is(err, io.EOF) {
		return sql.ErrNoRows
	} else if err != nil {
		return err
	}
	return values.Scan(dest...)
}

func (t *tx) exec(query string, args ...any) (driver.Result, error) {
	stmt, named, err := t.conn.bind(query, args)
	if err != nil {
		return nil, err
	}
	return stmt.(driver.StmtExecContext).ExecContext(t.ctx, named)
}

// row runs a query of which one row is of interest. It has to be scanned.
func (t *tx) row(query string, args ...any) row {
	stmt, named, err := t.conn.bind(query, args)
	if err != nil {
		return row{err: err}
	}
	rows, err := stmt.(driver.StmtQueryContext).QueryContext(t.ctx, named)
	return row{rows, err}
}

// rows yields what scan makes of each row. Breaking out of the loop ends the query.
func rows[T any](t *tx, scan func(scanner) (T, error), query string, args ...any) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		found := t.row(query, args...)
		if found.err != nil {
			yield(none, found.err)
			return
		}
		defer func() { _ = found.rows.Close() }() // what it could report, Next has reported
		values := make(values, len(found.rows.Columns()))
		for {
			err := found.rows.Next(values)
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				yield(none, err)
				return
			}
			v, err := scan(values)
			if !yield(v, err) || err != nil {
				return
			}
		}
	}
}

// collect returns all that seq yields, or its error.
func collect[T any](seq iter.Seq2[T, error]) ([]T, error) {
	var all []T
	for v, err := range seq {
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, nil
}

// conn is a connection with the statements prepared on it. It is used by one goroutine at a time.
//
// It is the driver's own. What database/sql adds, locks for the use by many goroutines above all, would cost a statement a
// fifth of its time, and statements are a good part of what a message costs.
type conn struct {
	c     driver.Conn
	stmts map[string]driver.Stmt
	args  []driver.NamedValue // of the statement that was bound last; drivers do not keep them
}

func connect(ctx context.Context, to driver.Connector) (*conn, error) {
	c, err := to.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return &conn{c: c, stmts: map[string]driver.Stmt{}}, nil
}

// prepare returns the statement for a query, which is prepared at its first use. It knows no ctx: a statement outlives
// the request that needed it first.
func (c *conn) prepare(query string) (driver.Stmt, error) {
	if stmt := c.stmts[query]; stmt != nil {
		return stmt, nil
	}
	stmt, err := c.c.(driver.ConnPrepareContext).PrepareContext(context.Background(), query)
	if err != nil {
		return nil, err
	}
	c.stmts[query] = stmt
	return stmt, nil
}

// bind returns the statement for a query, and its arguments as drivers take them, valid until the next.
func (c *conn) bind(query string, args []any) (driver.Stmt, []driver.NamedValue, error) {
	stmt, err := c.prepare(query)
	if err != nil {
		return nil, nil, err
	}
	c.args = c.args[:0]
	for i, arg := range args {
		v, err := driver.DefaultParameterConverter.ConvertValue(arg)
		if err != nil {
			return nil, nil, fmt.Errorf("argument %d of %q: %w", i+1, query, err)
		}
		c.args = append(c.args, driver.NamedValue{Ordinal: i + 1, Value: v})
	}
	return stmt, c.args, nil
}

// tx returns the connection's transaction for statements that run under ctx.
func (c *conn) tx(ctx context.Context) *tx { return &tx{ctx: ctx, conn: c} }

// do runs a statement that no request's end may interrupt, such as BEGIN and COMMIT.
func (c *conn) do(query string) error {
	_, err := c.tx(context.Background()).exec(query)
	return err
}

// close closes the connection. It ends the transaction first, if there is one: the driver keeps a connection open whose
// statement has failed, and with it the transaction's lock, which the next connection would wait for in vain.
func (c *conn) close() {
	_ = c.do("ROLLBACK") // fails where there is none
	for _, stmt := range c.stmts {
		_ = stmt.Close() // a statement that cannot be closed goes with its connection
	}
	_ = c.c.Close()
}
