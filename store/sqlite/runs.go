package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/openclaw/openclaw/claw"
)

const (
	sweepLen     = 200 // runs deleted by one commit of a sweep
	interruptLen = 100 // runs ended by one commit at the start
)

// storedRun is a run with what its row says beyond [claw.Run].
type storedRun struct {
	claw.Run
	seq     int64
	session int64
	user    int64 // seq of the user's message
}

// The ways to find a run, for loadRun.
const (
	runColumns = `SELECT r.seq, r.id, r.session_id, s.workspace, s.key, r.user_seq, r.answer_seq, r.started_at, r.end_seq,
		r.deltas FROM runs r JOIN sessions s ON s.id = r.session_id `

	runByID  = runColumns + `WHERE r.id = ? AND s.workspace = ?`
	runBySeq = runColumns + `WHERE r.seq = ?`

	answerOf = `SELECT ` + messageColumns + ` FROM messages m WHERE m.session_id = ? AND m.listed IN (0, 1) AND m.seq = ?`
)

// loadRun returns the run that a query over runColumns finds, or [sql.ErrNoRows].
func loadRun(t *tx, query string, args ...any) (r storedRun, err error) {
	var answer sql.NullInt64
	var started int64
	var deltas []byte
	err = t.row(query, args...).Scan(&r.seq, &r.ID, &r.session, &r.Workspace, &r.SessionKey, &r.user, &answer, &started,
		&r.EndSeq, &deltas)
	if err != nil {
		return r, err
	}
	if answer.Valid {
		if r.Deltas, err = decodeDeltas(deltas); err != nil {
			return r, err
		}
		r.Answer, err = scanMessage(t.row(answerOf, r.session, answer.Int64))
		return r, err
	}
	r.Running = true
	r.Answer = claw.Message{
		ID: r.ID, Role: claw.RoleAssistant, Status: claw.StatusIncomplete, CreatedAt: fromMicros(started),
	}
	r.Answer.Content, r.Deltas, err = loadParts(t, r.seq)
	return r, err
}

// Run implements [claw.SessionStore].
func (s *Store) Run(ctx context.Context, workspace, id string) (claw.Run, error) {
	return read(ctx, s, func(t *tx) (claw.Run, error) {
		r, err := loadRun(t, runByID, id, workspace)
		return r.Run, absent(err, errNoMessage)
	})
}

// RunByKey implements [claw.RunStore].
func (s *Store) RunByKey(ctx context.Context, token, key string, since time.Time) (claw.Run, claw.Fingerprint, error) {
	type named struct {
		run claw.Run
		fp  claw.Fingerprint
	}
	found, err := read(ctx, s, func(t *tx) (n named, err error) {
		var r storedRun
		r, n.fp, err = loadKey(t, token, key, since)
		n.run = r.Run
		return n, absent(err, errNoKey)
	})
	return found.run, found.fp, err
}

// loadKey returns the run that an idempotency key names and the fingerprint it was used with, or [sql.ErrNoRows].
func loadKey(t *tx, token, key string, since time.Time) (r storedRun, fp claw.Fingerprint, err error) {
	const query = `SELECT run, fingerprint FROM idempotency WHERE token = ? AND key = ? AND created_at >= ?`
	var run int64
	var print []byte
	if err := t.row(query, token, key, toMicros(since)).Scan(&run, &print); err != nil {
		return r, fp, err
	}
	copy(fp[:], print)
	r, err = loadRun(t, runBySeq, run)
	return r, fp, err
}

// BeginRun implements [claw.RunStore]. A key whose run is in another workspace than the one asked from is treated as one
// that was never used: a token that was moved to another workspace must not see into the one that it has left.
func (s *Store) BeginRun(ctx context.Context, n claw.NewRun) (claw.Run, bool, error) {
	type begun struct {
		run      claw.Run
		existing bool
	}
	b, err := write(ctx, s, request{grows: true, bytes: len(n.User.Content)}, func(t *tx) (begun, error) {
		run, existing, err := beginRun(t, n)
		return begun{run, existing}, err
	})
	return b.run, b.existing, err
}

func beginRun(t *tx, n claw.NewRun) (claw.Run, bool, error) {
	earlier, err := earlierRun(t, n)
	if err != nil {
		return claw.Run{}, false, err
	}
	if earlier != nil && (earlier.Running || earlier.Answer.Status == claw.StatusComplete) {
		return earlier.Run, true, nil
	}
	r := storedRun{Run: claw.Run{
		ID: n.ID, Workspace: n.Workspace, SessionKey: n.SessionKey, Running: true,
		Answer: claw.Message{
			ID: n.ID, Role: claw.RoleAssistant, Status: claw.StatusIncomplete,
			CreatedAt: fromMicros(toMicros(n.User.CreatedAt)),
		},
	}}
	if earlier != nil { // a new try under the same user's message
		r.SessionKey, r.session, r.user = earlier.SessionKey, earlier.session, earlier.user
	} else {
		if r.session, r.user, r.First, err = ask(t, n); err != nil {
			return claw.Run{}, false, err
		}
	}
	if r.seq, err = insertRun(t, r); err != nil {
		return claw.Run{}, false, err
	}
	if n.Key != "" {
		const bind = `INSERT INTO idempotency (token, key, fingerprint, run, created_at) VALUES (?, ?, ?, ?, ?)
			ON CONFLICT (token, key) DO UPDATE SET fingerprint = excluded.fingerprint, run = excluded.run,
				created_at = excluded.created_at`
		if _, err := t.exec(bind, n.Token, n.Key, n.Fingerprint[:], r.seq, toMicros(n.User.CreatedAt)); err != nil {
			return claw.Run{}, false, err
		}
	}
	return r.Run, false, nil
}

// earlierRun returns the run that n's idempotency key names, nil where it names none.
func earlierRun(t *tx, n claw.NewRun) (*storedRun, error) {
	if n.Key == "" {
		return nil, nil
	}
	r, fp, err := loadKey(t, n.Token, n.Key, n.KeySince)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil, nil
	case err != nil:
		return nil, err
	case r.Workspace != n.Workspace:
		return nil, nil
	case fp != n.Fingerprint:
		return nil, errKeyReused
	}
	return &r, nil
}

// ask appends n's user message to its session, which it opens where there is none. It returns the row id of the session and
// the seq of the message.
func ask(t *tx, n claw.NewRun) (session, seq int64, opened bool, err error) {
	user := n.User
	user.Role, user.Status = claw.RoleUser, claw.StatusComplete
	session, err = findSession(t, n.Workspace, n.SessionKey)
	switch {
	case err == nil:
		seq, err = appendMessage(t, session, user, true)
		return session, seq, false, err
	case !errors.Is(err, errNoSession):
		return 0, 0, false, err
	}
	seq = t.nextSeq()
	if err := openSession(t, n, seq); err != nil {
		return 0, 0, false, err
	}
	return seq, seq, true, insertMessage(t, seq, seq, user, true)
}

// openSession writes a session as it is with its first message, whose seq is given and is the session's row id too. To write
// it empty and have the message change it would write its rows in all indexes twice.
func openSession(t *tx, n claw.NewRun, seq int64) error {
	const (
		insert = `INSERT INTO sessions (id, workspace, key, channel, created_at, last_activity, activity, message_count)
			VALUES (?1, ?2, ?3, ?4, ?5, ?5, ?1, 1)`
		count = `INSERT INTO workspaces (name, sessions) VALUES (?, 1)
			ON CONFLICT (name) DO UPDATE SET sessions = sessions + 1`
	)
	at := toMicros(n.User.CreatedAt)
	if _, err := t.exec(insert, seq, n.Workspace, n.SessionKey, n.Channel, at); err != nil {
		return err
	}
	_, err := t.exec(count, n.Workspace)
	return err
}

// appendMessage writes a message and returns its seq. One that is listed becomes the session's newest.
func appendMessage(t *tx, session int64, m claw.Message, listed bool) (seq int64, err error) {
	const touch = `UPDATE sessions SET activity = ?, last_activity = ?, message_count = message_count + 1 WHERE id = ?`
	seq = t.nextSeq()
	if err := insertMessage(t, session, seq, m, listed); err != nil || !listed {
		return seq, err
	}
	_, err = t.exec(touch, seq, toMicros(m.CreatedAt), session)
	return seq, err
}

func insertMessage(t *tx, session, seq int64, m claw.Message, listed bool) error {
	const insert = `INSERT INTO messages (session_id, listed, seq, id, role, content, status, model, input_tokens,
		output_tokens, estimated, error, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
	input, output, estimated := usageColumns(m.Usage)
	failure, err := encodeError(m.Err)
	if err != nil {
		return err
	}
	_, err = t.exec(insert, session, listed, seq, m.ID, m.Role, m.Content, m.Status, m.Model, input, output, estimated,
		failure, toMicros(m.CreatedAt))
	return err
}

func insertRun(t *tx, r storedRun) (int64, error) {
	const insert = `INSERT INTO runs (id, session_id, user_seq, started_at, end_seq) VALUES (?, ?, ?, ?, 0)`
	done, err := t.exec(insert, r.ID, r.session, r.user, toMicros(r.Answer.CreatedAt))
	if err != nil {
		return 0, err
	}
	return done.LastInsertId()
}

// EndRun implements [claw.RunStore].
func (s *Store) EndRun(ctx context.Context, run claw.Run) error {
	const find = `SELECT seq, session_id, ended_at IS NULL, EXISTS (SELECT 1 FROM run_parts WHERE run = seq)
		FROM runs WHERE id = ?`
	deltas, err := encodeDeltas(run.Deltas, len(run.Answer.Content))
	if err != nil {
		return fmt.Errorf("the end of run %s: %w", run.ID, err)
	}
	_, err = write(ctx, s, request{bytes: len(run.Answer.Content)}, func(t *tx) (struct{}, error) {
		r := storedRun{Run: run}
		var running, parts bool
		if err := t.row(find, run.ID).Scan(&r.seq, &r.session, &running, &parts); err != nil {
			return struct{}{}, absent(err, errNoMessage)
		}
		if !running {
			return struct{}{}, nil
		}
		if parts { // most answers end before the first of theirs is stored
			t.writer.leaveParts(r.seq)
		}
		return struct{}{}, endRun(t, r, deltas, run.Answer.CreatedAt)
	})
	return err
}

// endRun writes a run's answer and closes it. What ended is swept by the time at.
func endRun(t *tx, r storedRun, deltas []byte, at time.Time) error {
	const end = `UPDATE runs SET answer_seq = ?, ended_at = ?, end_seq = ?, deltas = ? WHERE seq = ?`
	answer := r.Answer
	answer.ID, answer.Role = r.ID, claw.RoleAssistant
	listed := answer.Content != "" || answer.Status == claw.StatusComplete
	seq, err := appendMessage(t, r.session, answer, listed)
	if err != nil {
		return err
	}
	_, err = t.exec(end, seq, toMicros(at), r.EndSeq, deltas, r.seq)
	return err
}

// InterruptRuns implements [claw.RunStore].
func (s *Store) InterruptRuns(ctx context.Context, cause *claw.Error) (int, error) {
	total := 0
	for {
		n, err := write(ctx, s, request{}, func(t *tx) (int, error) { return interruptSome(t, cause, time.Now()) })
		total += n
		if err != nil {
			return total, err
		}
		if n < interruptLen {
			return total, s.dropLeftParts(ctx)
		}
	}
}

// interruptSome ends some of the running runs and returns how many.
func interruptSome(t *tx, cause *claw.Error, at time.Time) (int, error) {
	const running = `SELECT seq FROM runs WHERE ended_at IS NULL ORDER BY seq LIMIT ?`
	scan := func(s scanner) (seq int64, err error) {
		err = s.Scan(&seq)
		return seq, err
	}
	seqs, err := collect(rows(t, scan, running, interruptLen))
	if err != nil {
		return 0, err
	}
	for _, seq := range seqs {
		r, err := loadRun(t, runBySeq, seq)
		if err != nil {
			return 0, err
		}
		r.Answer.Err = cause
		r.EndSeq = 1 + int64(len(r.Deltas)) + claw.RecoveryGap // the start is event 1
		deltas, err := encodeDeltas(r.Deltas, len(r.Answer.Content))
		if err != nil {
			return 0, err
		}
		if err := errors.Join(endRun(t, r, deltas, at), dropParts(t, r.seq)); err != nil {
			return 0, err
		}
	}
	return len(seqs), nil
}

// Transcript implements [claw.RunStore]. Every run needs it, so it is one statement: the run's own message comes first.
// In long conversations its rows are most of what a run costs, so they have no column too many.
func (s *Store) Transcript(ctx context.Context, runID string, maxBytes int) ([]claw.PromptMessage, error) {
	const newest = `SELECT m.role, m.content, m.status = 'incomplete' FROM runs r CROSS JOIN messages m
		WHERE r.id = ? AND m.session_id = r.session_id AND m.listed = 1 AND m.seq <= r.user_seq
			AND (m.seq = r.user_seq OR m.status <> 'failed' AND m.content <> '')
		ORDER BY m.seq DESC`
	type row struct {
		claw.PromptMessage
		cut bool // off, before its end
	}
	scan := func(s scanner) (m row, err error) {
		err = s.Scan(&m.Role, &m.Content, &m.cut)
		return m, err
	}
	return query(ctx, s, func(t *tx) (transcript []claw.PromptMessage, err error) {
		size := 0
		for m, err := range rows(t, scan, newest, runID) {
			if err != nil {
				return nil, err
			}
			if last := len(transcript) - 1; m.cut && last >= 0 && transcript[last].Role == m.Role {
				continue // the next try stands for it
			}
			if size += len(m.Content); size > maxBytes && len(transcript) > 0 {
				break
			}
			transcript = append(transcript, m.PromptMessage)
		}
		if len(transcript) == 0 {
			return nil, errNoMessage
		}
		slices.Reverse(transcript)
		return transcript, nil
	})
}

// Sweep implements [claw.Store]. Keys go with the runs that they name.
func (s *Store) Sweep(ctx context.Context, before time.Time) error {
	const (
		// Both work on the same runs: those that ended first.
		wordless = `DELETE FROM messages WHERE (session_id, listed, seq) IN (SELECT session_id, 0, answer_seq FROM runs
			WHERE ended_at < ?1 ORDER BY ended_at, seq LIMIT ?2)`
		ended = `DELETE FROM runs WHERE seq IN (SELECT seq FROM runs WHERE ended_at < ?1 ORDER BY ended_at, seq LIMIT ?2)`
	)
	if err := s.eraseHidden(ctx); err != nil {
		return err
	}
	for {
		n, err := write(ctx, s, request{}, func(t *tx) (int64, error) {
			if _, err := t.exec(wordless, toMicros(before), sweepLen); err != nil {
				return 0, err
			}
			done, err := t.exec(ended, toMicros(before), sweepLen)
			if err != nil {
				return 0, err
			}
			return done.RowsAffected()
		})
		if err != nil || n < sweepLen {
			return err
		}
	}
}
