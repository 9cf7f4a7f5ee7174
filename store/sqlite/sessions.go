package sqlite

import (
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"iter"
	"math"
	"slices"

	"github.com/openclaw/openclaw/claw"
)

const maxLimit = 1000

const sessionColumns = `key, channel, created_at, last_activity, message_count, activity`

// storedSession is a session with what orders it among the others.
type storedSession struct {
	claw.Session
	activity int64
}

func scanSession(s scanner) (x storedSession, err error) {
	var created, last int64
	err = s.Scan(&x.Key, &x.Channel, &created, &last, &x.MessageCount, &x.activity)
	x.CreatedAt, x.LastActivity = fromMicros(created), fromMicros(last)
	return x, err
}

// Session implements [claw.SessionStore].
func (s *Store) Session(ctx context.Context, workspace, key string) (claw.Session, error) {
	const one = `SELECT ` + sessionColumns + ` FROM sessions WHERE workspace = ? AND key = ?`
	return query(ctx, s, func(t *tx) (claw.Session, error) {
		x, err := scanSession(t.row(one, workspace, key))
		return x.Session, absent(err, errNoSession)
	})
}

// Sessions implements [claw.SessionStore]. A page goes on behind the activity of the last session of the page before: no
// session comes twice, and one that is written to meanwhile moves ahead of the pages that are still to come.
func (s *Store) Sessions(ctx context.Context, workspace string, q claw.SessionQuery) (claw.SessionPage, error) {
	const (
		all = `SELECT ` + sessionColumns + ` FROM sessions
			WHERE workspace = ? AND activity < ? ORDER BY activity DESC LIMIT ?`
		ofChannel = `SELECT ` + sessionColumns + ` FROM sessions
			WHERE workspace = ? AND channel = ? AND activity < ? ORDER BY activity DESC LIMIT ?`
	)
	if q.Limit < 1 || q.Limit > maxLimit {
		return claw.SessionPage{}, errLimit
	}
	behind, err := decodeCursor(q.Cursor)
	if err != nil {
		return claw.SessionPage{}, err
	}
	// One more than the page holds tells whether another follows.
	page, args := all, []any{workspace, behind, q.Limit + 1}
	if q.Channel != "" {
		page, args = ofChannel, []any{workspace, q.Channel, behind, q.Limit + 1}
	}
	return query(ctx, s, func(t *tx) (found claw.SessionPage, err error) {
		var last int64
		for x, err := range rows(t, scanSession, page, args...) {
			if err != nil {
				return found, err
			}
			if len(found.Sessions) == q.Limit {
				found.Next = encodeCursor(last)
				break
			}
			found.Sessions = append(found.Sessions, x.Session)
			last = x.activity
		}
		return found, nil
	})
}

// A cursor is a position in the order of activity, in a form that invites nobody to do sums with it.
func encodeCursor(activity int64) string {
	return base64.RawURLEncoding.EncodeToString(binary.BigEndian.AppendUint64(nil, uint64(activity)))
}

func decodeCursor(cursor string) (activity int64, err error) {
	if cursor == "" {
		return math.MaxInt64, nil
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(cursor)
	if err != nil || len(raw) != 8 {
		return 0, errCursor
	}
	activity = int64(binary.BigEndian.Uint64(raw))
	if activity < 1 {
		return 0, errCursor
	}
	return activity, nil
}

// CountSessions implements [claw.SessionStore].
func (s *Store) CountSessions(ctx context.Context, workspace string) (int, error) {
	const count = `SELECT coalesce((SELECT sessions FROM workspaces WHERE name = ?1), 0) + count(*)
		FROM sessions WHERE id > (SELECT counted FROM sequence WHERE id = 1) AND +workspace = ?1`
	return query(ctx, s, func(t *tx) (n int, err error) {
		err = t.row(count, workspace).Scan(&n)
		return n, err
	})
}

// History implements [claw.SessionStore].
func (s *Store) History(ctx context.Context, workspace, key string, q claw.HistoryQuery) ([]claw.Message, error) {
	const (
		newest = `SELECT ` + messageColumns + ` FROM messages m
			WHERE m.session_id = ? AND m.listed = 1 AND m.seq < ? ORDER BY m.seq DESC LIMIT ?`
		oldest = `SELECT ` + messageColumns + ` FROM messages m
			WHERE m.session_id = ? AND m.listed = 1 AND m.seq > ? AND m.seq < ? ORDER BY m.seq LIMIT ?`
		// One before those that newest finds.
		start = `SELECT min(seq) - 1 FROM (SELECT seq FROM messages
			WHERE session_id = ? AND listed = 1 AND seq < ? ORDER BY seq DESC LIMIT ?)`
	)
	if q.Limit < 1 || q.Limit > maxLimit {
		return nil, errLimit
	}
	return read(ctx, s, func(t *tx) ([]claw.Message, error) {
		session, err := findSession(t, workspace, key)
		if err != nil {
			return nil, err
		}
		after, err := position(t, session.id, q.After, 0, errAfter)
		if err != nil {
			return nil, err
		}
		before, err := position(t, session.id, q.Before, math.MaxInt64, errBefore)
		if err != nil {
			return nil, err
		}
		if q.After == "" {
			found, whole, err := upTo(q.MaxBytes, rows(t, oneMessage, newest, session.id, before, q.Limit))
			if err != nil || whole {
				slices.Reverse(found)
				return found, err
			}
			// Too much, and read from the wrong end: which is rare.
			if err := t.row(start, session.id, before, q.Limit).Scan(&after); err != nil {
				return nil, err
			}
		}
		found, _, err := upTo(q.MaxBytes, rows(t, oneMessage, oldest, session.id, after, before, q.Limit))
		return found, err
	})
}

// position returns the seq of a session's message that stands in its history, or otherwise where id is "".
func position(t *tx, session int64, id string, otherwise int64, none *claw.Error) (seq int64, err error) {
	if id == "" {
		return otherwise, nil
	}
	err = t.row(`SELECT seq FROM messages WHERE id = ? AND session_id = ? AND listed = 1`, id, session).Scan(&seq)
	return seq, absent(err, none)
}

// upTo collects messages until their content reaches limit bytes, where that is not 0. It reports whether those were all.
func upTo(limit int, messages iter.Seq2[claw.Message, error]) (found []claw.Message, all bool, err error) {
	bytes := 0
	for m, err := range messages {
		if err != nil {
			return nil, false, err
		}
		if limit > 0 && bytes >= limit {
			return found, false, nil
		}
		found = append(found, m)
		bytes += len(m.Content)
	}
	return found, true, nil
}

func oneMessage(s scanner) (claw.Message, error) { return scanMessage(s) }

// Message implements [claw.SessionStore].
func (s *Store) Message(ctx context.Context, workspace, id string) (m claw.Message, sessionKey string, err error) {
	const query = `SELECT ` + messageColumns + `, s.key FROM messages m JOIN sessions s ON s.id = m.session_id
		WHERE m.id = ? AND s.workspace = ?`
	m, err = read(ctx, s, func(t *tx) (claw.Message, error) {
		m, err := scanMessage(t.row(query, id, workspace), &sessionKey)
		if !errors.Is(err, sql.ErrNoRows) {
			return m, err
		}
		r, err := loadRun(t, runRunning, id, workspace)
		sessionKey = r.SessionKey
		return r.Answer, absent(err, errNoMessage)
	})
	return m, sessionKey, err
}

// findSession returns a session, or errNoSession.
func findSession(t *tx, workspace, key string) (s sessionRef, err error) {
	err = t.row(`SELECT id, activity FROM sessions WHERE workspace = ? AND key = ?`, workspace, key).Scan(&s.id, &s.activity)
	return s, absent(err, errNoSession)
}

// absent returns err, or what where err says that a query found no row.
func absent(err error, what *claw.Error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return what
	}
	return err
}
