// Package sqlite keeps the gateway's sessions, messages and runs in one SQLite file. It implements [claw.Store].
//
// One goroutine owns the one connection that writes, and commits the writes of concurrent requests together, so that
// they share the cost of a sync. Reads run beside it on connections of their own, each on a snapshot. The file belongs
// to one process at a time.
package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/openclaw/openclaw/claw"
)

const (
	// minVersion is the first release of SQLite whose write-ahead log cannot be corrupted by a reset that meets a write
	// on another connection.
	minVersion = "3.51.3"

	// busyTimeout is how long a write waits for another program that holds the file, such as the sqlite3 shell.
	busyTimeout = 5 * time.Second

	defaultReserve  = 8 << 20
	reserveInterval = 10 * time.Second
)

// Store is a [claw.Store] in a file.
type Store struct {
	lock    *os.File
	writer  *writer
	readers *readers
	step    step

	mu     sync.Mutex
	closed bool
	calls  sync.WaitGroup // under way
	once   sync.Once
	err    error // of Close
}

var _ claw.Store = (*Store)(nil)

// Option changes how a store is opened.
type Option func(*options)

type options struct {
	reserve  int64         // bytes
	interval time.Duration // between tries to have the reserve back
	busy     time.Duration // see busyTimeout
	linger   time.Duration // see partsLinger
	step     step
	log      *slog.Logger
}

func defaults() options {
	return options{
		reserve: defaultReserve, interval: reserveInterval, busy: busyTimeout, linger: partsLinger, step: defaultStep,
		log: slog.New(slog.DiscardHandler),
	}
}

// WithReserve sets the size in bytes of the file that keeps space on the disk free for deletions: when the disk is full
// the store gives it up and takes no new messages until there is room for it again. The default is 8 MiB; 0 is none.
func WithReserve(size int64) Option { return func(o *options) { o.reserve = size } }

// WithLogger has the store log what its operator should know, such as a disk that is full. By default it logs nothing.
func WithLogger(l *slog.Logger) Option { return func(o *options) { o.log = l } }

// Open opens the database at path, and creates it, readable by this user alone, where there is none. It fails where
// another process serves the same file.
func Open(ctx context.Context, path string, opts ...Option) (*Store, error) {
	o := defaults()
	for _, opt := range opts {
		opt(&o)
	}
	s, err := open(ctx, path, o)
	if err != nil {
		return nil, fmt.Errorf("opening the database %s: %w", path, explain(err))
	}
	return s, nil
}

func open(ctx context.Context, path string, o options) (_ *Store, err error) {
	if path == "" {
		return nil, errors.New("it has no path: set storage.path")
	}
	path, err = resolve(path)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	held, err := lock(path + ".lock")
	if err != nil {
		return nil, err
	}
	var undo []func() error
	defer func() {
		if err != nil {
			for _, u := range undo {
				_ = u() // the error that led here says more
			}
			_ = held.Close()
		}
	}()
	if err := create(path); err != nil {
		return nil, err
	}
	if err := checkOwner(ctx, path, o.busy); err != nil {
		return nil, err
	}
	writing, err := connector(path, o.busy, "_pragma=cache_size(-2048)&_pragma=wal_autocheckpoint(0)")
	if err != nil {
		return nil, err
	}
	reading, err := connector(path, o.busy, "_defensive=1&_pragma=cache_size(-512)&_pragma=query_only(1)")
	if err != nil {
		return nil, err
	}
	c, err := prepare(ctx, writing)
	if err != nil {
		return nil, err
	}
	undo = append(undo, func() error { c.close(); return nil })
	var seq int64
	if err := c.tx(ctx).row(`SELECT last FROM sequence WHERE id = 1`).Scan(&seq); err != nil {
		return nil, err
	}
	res := &reserve{path: path + ".reserve", size: o.reserve, interval: o.interval}
	if err := res.prepare(); err != nil {
		o.log.Warn("storage has no room for its reserve: no new messages are taken until it has", "error", err)
	}
	return &Store{lock: held, readers: newReaders(reading), writer: startWriter(path, writing, c, seq, res, o), step: o.step}, nil
}

// maxLinks is how many symbolic links may lead from one to the next, as many as Linux follows.
const maxLinks = 40

// resolve returns the path of the file itself where path is a symbolic link to it, also to one that is not there yet.
// SQLite keeps the log beside the file that the link leads to. So must the lock be, or two gateways that know the file by
// different names would serve it at once; and where deleted text lies, the log has to be found to be scrubbed.
func resolve(path string) (string, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	for range maxLinks {
		target, err := os.Readlink(path)
		if err != nil { // no link, or nothing at all
			if info, err := os.Stat(path); err == nil && info.IsDir() {
				return "", errors.New("it is a folder: set storage.path to a file in it")
			}
			return path, nil
		}
		if !filepath.IsAbs(target) {
			dir, err := filepath.EvalSymlinks(filepath.Dir(path)) // or a ".." in target would be taken for another folder's
			if err != nil {
				return "", err
			}
			target = filepath.Join(dir, target)
		}
		path = target
	}
	return "", errors.New("it is a symbolic link that leads nowhere")
}

// create makes the file where there is none: SQLite would make it readable for others, and gives the log and the index
// beside it the mode that this one has. One that cannot be written to is refused here, since SQLite would open it to read.
func create(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf(readOnlyFile, err)
	}
	return f.Close()
}

const readOnlyFile = "it cannot be written to: check who may write the file and its folder (%w)"

// prepare sees to it that the file can be worked with, that the engine is one to entrust it to and the schema is up to date, and
// returns a connection. That has to be there before the one for the schema is closed: closing the last would move into the
// database what a killed process left in the log, which was not scrubbed yet.
func prepare(ctx context.Context, to driver.Connector) (c *conn, err error) {
	db := sql.OpenDB(to)
	defer func() { err = errors.Join(err, db.Close()) }()
	db.SetMaxOpenConns(1)
	if err := checkEngine(ctx, db); err != nil {
		return nil, err
	}
	if err := migrate(ctx, db); err != nil {
		return nil, err
	}
	return connect(ctx, to)
}

// connector makes connections to the file, with what all of them have in common and the settings given.
func connector(path string, busy time.Duration, settings string) (driver.Connector, error) {
	return sqlite.NewConnector(uri(path, strings.Join([]string{
		fmt.Sprintf("_pragma=busy_timeout(%d)", busy.Milliseconds()), // first, since those below may meet a lock
		"_pragma=journal_mode(WAL)",
		"_pragma=synchronous(FULL)", // syncs the log at every commit
		"_pragma=foreign_keys(1)",
		"_pragma=secure_delete(1)", // overwrites what is deleted
		"_pragma=temp_store(2)",    // in memory: what a savepoint or a sort puts aside is text too
		"_pragma=journal_size_limit(16777216)",
		"_pragma=trusted_schema(0)",
		"_dqs=0",
		settings,
	}, "&")))
}

// uri is the name by which the driver opens the file with the settings given.
func uri(path, settings string) string {
	name := url.URL{Scheme: "file", Path: filepath.ToSlash(path), RawQuery: settings}
	if !strings.HasPrefix(name.Path, "/") { // C:/...
		name.Path = "/" + name.Path
	}
	return name.String()
}

// checkEngine refuses a library or a file system that the store's promises cannot be kept on.
func checkEngine(ctx context.Context, db *sql.DB) error {
	var version, mode string
	if err := db.QueryRowContext(ctx, "SELECT sqlite_version()").Scan(&version); err != nil {
		return err
	}
	if !atLeast(version, minVersion) {
		return fmt.Errorf("SQLite %s can corrupt it, at least %s is needed: build the gateway with a newer modernc.org/sqlite",
			version, minVersion)
	}
	if err := db.QueryRowContext(ctx, "PRAGMA journal_mode").Scan(&mode); err != nil {
		return err
	}
	if mode != "wal" {
		return errors.New("its file system cannot share memory between connections, as network file systems cannot: " +
			"set storage.path to a file on a local disk")
	}
	return nil
}

// atLeast compares versions of three numbers each.
func atLeast(version, least string) bool {
	have, want := strings.Split(version, "."), strings.Split(least, ".")
	for i := range want {
		if i >= len(have) {
			return false
		}
		h, errH := strconv.Atoi(have[i])
		w, errW := strconv.Atoi(want[i])
		if errH != nil || errW != nil {
			return false
		}
		if h != w {
			return h > w
		}
	}
	return true
}

// explain adds to the errors of opening what their user can do.
func explain(err error) error {
	switch primary, _ := resultCode(err); primary {
	case sqlite3.SQLITE_NOTADB:
		return fmt.Errorf("it is not a database: set storage.path to another file, or move this one away (%w)", err)
	case sqlite3.SQLITE_CORRUPT:
		return fmt.Errorf("it is damaged: put back a copy, or move it away to begin with an empty one (%w)", err)
	case sqlite3.SQLITE_FULL:
		return fmt.Errorf("its disk is full: free space there (%w)", err)
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN:
		return fmt.Errorf(readOnlyFile, err)
	case sqlite3.SQLITE_BUSY:
		return fmt.Errorf("another program holds it locked: end that program (%w)", err)
	}
	return err
}

// Health returns why the store takes no new messages at present, an [claw.Unavailable] error, or nil.
func (s *Store) Health() error {
	if s.writer.reserve.spent() {
		return errFull
	}
	if s.writer.unwritable.Load() {
		return errWrite
	}
	return nil
}

// Close waits for the calls under way and closes the database. Calls that come later fail.
func (s *Store) Close() error {
	s.once.Do(func() {
		s.mu.Lock()
		s.closed = true
		s.mu.Unlock()
		s.calls.Wait()
		// The writer comes last: whoever closes the last connection moves the log into the database.
		s.readers.close()
		s.writer.close()
		s.err = s.lock.Close()
	})
	return s.err
}

// enter notes a call under way, and is false once the store closes.
func (s *Store) enter() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.calls.Add(1)
	return true
}

func (s *Store) leave() { s.calls.Done() }
