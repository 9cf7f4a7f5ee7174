package sqlite

import (
	"context"
	"errors"
	"fmt"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/openclaw/openclaw/claw"
)

// What clients are told. A session of another workspace and one that does not exist get the same words.
var (
	errNoSession = claw.Errorf(claw.NotFound, "There is no session with this key.")
	errNoMessage = claw.Errorf(claw.NotFound, "There is no message with this id.")
	errNoKey     = claw.Errorf(claw.NotFound, "No message was sent with this Idempotency-Key.")
	errKeyReused = claw.Errorf(claw.IdempotencyKeyReused,
		"This Idempotency-Key was used for another request: send each request with a key of its own.")
	errCursor = claw.Errorf(claw.InvalidRequest, "cursor must be the nextCursor of an earlier page of this list.")
	errBefore = claw.Errorf(claw.InvalidRequest, "before must be the id of a message in this session's history.")
	errAfter  = claw.Errorf(claw.InvalidRequest, "after must be the id of a message in this session's history.")
	errLimit  = claw.Errorf(claw.InvalidRequest, "limit must be from 1 to 1000.")

	errClosed = claw.Errorf(claw.Unavailable, "The gateway is shutting down. Try again in a moment.").After(5 * time.Second)
	errFull   = claw.Errorf(claw.Unavailable,
		"The gateway's storage is full: free space on its disk or delete sessions, then try again.").After(10 * time.Second)
	errLocked = claw.Errorf(claw.Unavailable,
		"Another program holds the gateway's storage locked. Try again in a moment.").After(2 * time.Second)
	errWrite = claw.Errorf(claw.Unavailable,
		"The gateway's storage cannot be written to: its operator finds the cause in its log. Try again later.").
		After(10 * time.Second)
)

// resultCode returns SQLite's primary and extended result code within err, 0 and 0 where it has none.
func resultCode(err error) (primary, extended int) {
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		return e.Code() & 0xff, e.Code()
	}
	return 0, 0
}

// translate makes of a database's error what [claw.Store] promises. ctx is the caller's.
func translate(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*claw.Error](err); ok {
		return err
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		if ctx.Err() != nil {
			return gaveUp(ctx)
		}
		return err
	}
	switch primary, _ := resultCode(err); primary {
	case sqlite3.SQLITE_FULL:
		return errFull.Because(err)
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return errLocked.Because(err)
	}
	if unwritable(err) {
		return errWrite.Because(err)
	}
	return fmt.Errorf("database: %w", err)
}

// unwritable reports whether err says that the file cannot be written to, for another cause than a full disk or a lock.
func unwritable(err error) bool {
	switch primary, extended := resultCode(err); primary {
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN:
		return true
	case sqlite3.SQLITE_IOERR:
		return extended != sqlite3.SQLITE_IOERR_READ && extended != sqlite3.SQLITE_IOERR_SHORT_READ
	}
	return false
}

// gaveUp is the error of a caller whose ctx ended: it is ctx's error, and its cause as well where that says more.
func gaveUp(ctx context.Context) error {
	err, cause := ctx.Err(), context.Cause(ctx)
	if errors.Is(cause, err) {
		return cause
	}
	return fmt.Errorf("%w: %w", err, cause)
}

// ownFault reports whether a request's error is the request's own, so that the others of its group may go on. After any
// other (disk full, input or output, corruption, ...) SQLite may have rolled back all that the transaction did.
func ownFault(err error) bool {
	switch primary, _ := resultCode(err); primary {
	case 0, sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_TOOBIG, sqlite3.SQLITE_MISMATCH:
		return true
	}
	return false
}
