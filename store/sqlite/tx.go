package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"iter"
)

// tx is a transaction as the queries see it: the writer's, or the snapshot of a reader. Queries are constants, so each
// is prepared once on each connection.
type tx struct {
	ctx     context.Context
	prepare func(query string) (*sql.Stmt, error)
	writer  *writer // nil for readers
}

// nextSeq returns the next number in the order of arrival. One that is not used, since its transaction fails, is left out for good.
func (t *tx) nextSeq() int64 {
	t.writer.seq++
	return t.writer.seq
}

// scanner is a row to be read: a [row], or one of the [sql.Rows].
type scanner interface{ Scan(dest ...any) error }

// row is the one row of a query, or why there is none.
type row struct {
	*sql.Row
	err error
}

func (r row) Scan(dest ...any) error {
	if r.err != nil {
		return r.err
	}
	return r.Row.Scan(dest...)
}

func (t *tx) exec(query string, args ...any) (sql.Result, error) {
	stmt, err := t.prepare(query)
	if err != nil {
		return nil, err
	}
	return stmt.ExecContext(t.ctx, args...)
}

// row returns a row whose Scan fails with [sql.ErrNoRows] where the query finds none.
func (t *tx) row(query string, args ...any) row {
	stmt, err := t.prepare(query)
	if err != nil {
		return row{err: err}
	}
	return row{Row: stmt.QueryRowContext(t.ctx, args...)}
}

// rows yields what scan makes of each row. Breaking out of the loop ends the query.
func rows[T any](t *tx, scan func(scanner) (T, error), query string, args ...any) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		stmt, err := t.prepare(query)
		if err != nil {
			yield(none, err)
			return
		}
		found, err := stmt.QueryContext(t.ctx, args...)
		if err != nil {
			yield(none, err)
			return
		}
		defer func() { _ = found.Close() }() // what it could report, Err has reported
		for found.Next() {
			v, err := scan(found)
			if !yield(v, err) || err != nil {
				return
			}
		}
		if err := found.Err(); err != nil {
			yield(none, err)
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
type conn struct {
	c     *sql.Conn
	stmts map[string]*sql.Stmt
}

func connect(ctx context.Context, db *sql.DB) (*conn, error) {
	c, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	return &conn{c: c, stmts: map[string]*sql.Stmt{}}, nil
}

// prepare returns the statement for a query, which is prepared at its first use. It knows no ctx: a statement outlives
// the request that needed it first.
func (c *conn) prepare(query string) (*sql.Stmt, error) {
	if stmt := c.stmts[query]; stmt != nil {
		return stmt, nil
	}
	stmt, err := c.c.PrepareContext(context.Background(), query)
	if err != nil {
		return nil, err
	}
	c.stmts[query] = stmt
	return stmt, nil
}

// tx returns the connection's transaction for statements that run under ctx.
func (c *conn) tx(ctx context.Context) *tx { return &tx{ctx: ctx, prepare: c.prepare} }

// do runs a statement that no request's end may interrupt, such as BEGIN and COMMIT.
func (c *conn) do(query string) error {
	_, err := c.tx(context.Background()).exec(query)
	return err
}

// close closes the connection for good, rather than giving it back to the pool of database/sql. It ends the transaction first,
// if there is one: the driver keeps a connection open whose statement has failed, and with it the transaction's lock, which
// the next connection would wait for in vain.
func (c *conn) close() {
	_ = c.do("ROLLBACK") // fails where there is none
	for _, stmt := range c.stmts {
		_ = stmt.Close() // a statement that cannot be closed goes with its connection, below
	}
	_ = c.c.Raw(func(any) error { return driver.ErrBadConn }) // how database/sql is told not to keep it
	_ = c.c.Close()
}
