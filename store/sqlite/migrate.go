package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/pressly/goose/v3"
)

//go:embed migrations/*.sql
var migrations embed.FS

// applicationID marks a database file as the gateway's. The first migration sets it.
const applicationID = 0x4f434c57

// migrate brings the schema up to date, each migration in a transaction of its own.
func migrate(ctx context.Context, db *sql.DB) error {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	p, err := goose.NewProvider(goose.DialectSQLite3, db, files,
		goose.WithLogger(goose.NopLogger()), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return fmt.Errorf("reading the migrations: %w", err)
	}
	current, known, err := p.GetVersions(ctx)
	if err != nil {
		return fmt.Errorf("reading the schema's version: %w", err)
	}
	if current > known {
		return fmt.Errorf("its schema is version %d and this release knows %d: "+
			"use the release that wrote it, or a newer one", current, known)
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("bringing the schema up to date: %w", err)
	}
	return nil
}

// checkOwner refuses a database that some other program made, before anything is written to it: the connections that come
// later would begin by changing how it keeps its journal.
func checkOwner(ctx context.Context, path string, busy time.Duration) (err error) {
	db, err := sql.Open("sqlite", uri(path, fmt.Sprintf("mode=ro&_pragma=busy_timeout(%d)", busy.Milliseconds())))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	db.SetMaxOpenConns(1)
	var id, tables int
	err = errors.Join(
		db.QueryRowContext(ctx, "PRAGMA application_id").Scan(&id),
		db.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_schema WHERE name NOT LIKE 'goose%' "+
			"AND name NOT LIKE 'sqlite%'").Scan(&tables),
	)
	if err != nil {
		return err
	}
	if id != applicationID && (id != 0 || tables != 0) {
		return errors.New("it is the database of another program: give the gateway a storage.path of its own")
	}
	return nil
}
