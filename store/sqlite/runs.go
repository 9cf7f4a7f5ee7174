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
	sweepLen     = 200 // runs that a sweep looks at, and deletes by one commit
	interruptLen = 100 // runs ended by one commit at the start
)

// storedRun is a run with what its row says beyond [claw.Run].
type storedRun struct {
	claw.Run
	seq     int64 // of its answer
	session sessionRef
	user    int64 // seq of the user's message
}

// sessionRef is a session as far as writing to it needs it.
type sessionRef struct {
	id       int64 // of its row
	activity int64 // its place in the order of sessions
}

// The ways to find a run, for loadRun. That of a session which is being erased is not found.
const (
	runColumns = `SELECT r.seq, r.id, s.id, s.activity, s.workspace, s.key, r.user_seq, r.started_at, r.ended_at IS NULL,
		r.end_seq, r.deltas FROM runs r JOIN sessions s ON s.id = r.session_id `

	runRunning = runColumns + `WHERE r.id = ? AND r.ended_at IS NULL AND s.workspace = ?`
	runEnded   = runColumns + `WHERE r.seq = (SELECT seq FROM messages WHERE id = ?) AND s.workspace = ?`
	runBySeq   = runColumns + `WHERE r.seq = ? AND s.workspace <> '` + deletedWorkspace + `'`

	answerOf = `SELECT ` + messageColumns + ` FROM messages m WHERE m.session_id = ? AND m.listed IN (0, 1) AND m.seq = ?`
)

// loadRun returns the run that a query over runColumns finds, or [sql.ErrNoRows].
func loadRun(t *tx, query string, args ...any) (r storedRun, err error) {
	var started int64
	var deltas []byte
	err = t.row(query, args...).Scan(&r.seq, &r.ID, &r.session.id, &r.session.activity, &r.Workspace, &r.SessionKey, &r.user,
		&started, &r.Running, &r.EndSeq, &deltas)
	if err != nil {
		return r, err
	}
	if !r.Running {
		if r.Deltas, err = decodeDeltas(deltas); err != nil {
			return r, err
		}
		r.Answer, err = scanMessage(t.row(answerOf, r.session.id, r.seq))
		return r, err
	}
	r.Answer = claw.Message{
		ID: r.ID, Role: claw.RoleAssistant, Status: claw.StatusIncomplete, CreatedAt: fromMicros(started),
	}
	r.Answer.Content, r.Deltas, err = loadParts(t, r.seq)
	return r, err
}

// loadRunByID returns a run that is running, or that has ended and was not swept yet, or [sql.ErrNoRows].
func loadRunByID(t *tx, id, workspace string) (storedRun, error) {
	r, err := loadRun(t, runRunning, id, workspace)
	if errors.Is(err, sql.ErrNoRows) {
		return loadRun(t, runEnded, id, workspace)
	}
	return r, err
}

// Run implements [claw.SessionStore].
func (s *Store) Run(ctx context.Context, workspace, id string) (claw.Run, error) {
	return read(ctx, s, func(t *tx) (claw.Run, error) {
		r, err := loadRunByID(t, id, workspace)
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
	r.seq = t.nextSeq()
	if err := insertRun(t, r); err != nil {
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

// ask appends n's user message to its session, which it opens where there is none, and returns the seq of the message.
func ask(t *tx, n claw.NewRun) (session sessionRef, seq int64, opened bool, err error) {
	user := n.User
	user.Role, user.Status = claw.RoleUser, claw.StatusComplete
	session, err = findSession(t, n.Workspace, n.SessionKey)
	seq = t.nextSeq()
	switch {
	case errors.Is(err, errNoSession):
		session, opened = sessionRef{seq, seq}, true
		err = openSession(t, n, seq)
	case err == nil:
		err = touch(t, session, user.CreatedAt)
	}
	if err != nil {
		return session, 0, false, err
	}
	return session, seq, opened, insertMessage(t, session.id, seq, user, true)
}

// openSession writes a session as it is with its first message, whose seq is given and is the session's row id too. To write
// it empty and have the message change it would write its rows in all indexes twice.
func openSession(t *tx, n claw.NewRun, seq int64) error {
	const insert = `INSERT INTO sessions (id, workspace, key, channel, created_at, last_activity, activity, message_count)
		VALUES (?1, ?2, ?3, ?4, ?5, ?5, ?1, 1)`
	_, err := t.exec(insert, seq, n.Workspace, n.SessionKey, n.Channel, toMicros(n.User.CreatedAt))
	if err == nil {
		t.writer.newest = seq
	}
	return err
}

// touch makes a session the one that was written to last, with one message more. Where it is that already, as between a
// question and its answer on a quiet gateway, its place in the order stays: two indexes less to write.
func touch(t *tx, session sessionRef, at time.Time) error {
	const (
		count = `UPDATE sessions SET last_activity = ?, message_count = message_count + 1 WHERE id = ?`
		move  = `UPDATE sessions SET last_activity = ?, message_count = message_count + 1, activity = ? WHERE id = ?`
	)
	if session.activity == t.writer.newest {
		_, err := t.exec(count, toMicros(at), session.id)
		return err
	}
	t.writer.newest = t.nextSeq()
	_, err := t.exec(move, toMicros(at), t.writer.newest, session.id)
	return err
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

func insertRun(t *tx, r storedRun) error {
	const insert = `INSERT INTO runs (seq, id, session_id, user_seq, started_at, end_seq) VALUES (?, ?, ?, ?, ?, 0)`
	_, err := t.exec(insert, r.seq, r.ID, r.session.id, r.user, toMicros(r.Answer.CreatedAt))
	return err
}

// EndRun implements [claw.RunStore].
func (s *Store) EndRun(ctx context.Context, run claw.Run) error {
	const (
		find = `SELECT r.seq, s.id, s.activity, EXISTS (SELECT 1 FROM run_parts WHERE run = r.seq)
			FROM runs r JOIN sessions s ON s.id = r.session_id WHERE r.id = ? AND r.ended_at IS NULL`
		ended = `SELECT EXISTS (SELECT 1 FROM messages WHERE id = ?)`
	)
	deltas, err := encodeDeltas(run.Deltas, len(run.Answer.Content))
	if err != nil {
		return fmt.Errorf("the end of run %s: %w", run.ID, err)
	}
	_, err = write(ctx, s, request{bytes: len(run.Answer.Content)}, func(t *tx) (struct{}, error) {
		r := storedRun{Run: run}
		var parts bool
		err := t.row(find, run.ID).Scan(&r.seq, &r.session.id, &r.session.activity, &parts)
		if errors.Is(err, sql.ErrNoRows) {
			var has bool
			if err := t.row(ended, run.ID).Scan(&has); err != nil || has {
				return struct{}{}, err
			}
			return struct{}{}, errNoMessage
		}
		if err != nil {
			return struct{}{}, err
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
	const end = `UPDATE runs SET ended_at = ?, end_seq = ?, deltas = ? WHERE seq = ?`
	answer := r.Answer
	answer.ID, answer.Role = r.ID, claw.RoleAssistant
	listed := answer.Content != "" || answer.Status == claw.StatusComplete
	if err := insertMessage(t, r.session.id, r.seq, answer, listed); err != nil {
		return err
	}
	if listed {
		if err := touch(t, r.session, answer.CreatedAt); err != nil {
			return err
		}
	}
	_, err := t.exec(end, toMicros(at), r.EndSeq, deltas, r.seq)
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

// interruptSome ends some of the running runs, in the order of their arrival, and returns how many.
func interruptSome(t *tx, cause *claw.Error, at time.Time) (int, error) {
	const running = `SELECT seq FROM runs WHERE ended_at IS NULL` // in the order of their ids
	scan := func(s scanner) (seq int64, err error) {
		err = s.Scan(&seq)
		return seq, err
	}
	seqs, err := collect(rows(t, scan, running))
	if err != nil {
		return 0, err
	}
	slices.Sort(seqs)
	seqs = seqs[:min(len(seqs), interruptLen)]
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
		WHERE r.id = ? AND r.ended_at IS NULL AND m.session_id = r.session_id AND m.listed = 1 AND m.seq <= r.user_seq
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

// Sweep implements [claw.Store]. Keys go with the runs that they name. It walks over the runs in their order from the first,
// which is the oldest, to those that began too lately to have expired.
func (s *Store) Sweep(ctx context.Context, before time.Time) error {
	const (
		wordless = `DELETE FROM messages WHERE (session_id, listed, seq) IN (SELECT session_id, 0, seq FROM runs
			WHERE seq > ?1 AND seq <= ?2 AND ended_at < ?3)`
		ended = `DELETE FROM runs WHERE seq > ?1 AND seq <= ?2 AND ended_at < ?3`
	)
	if err := s.eraseHidden(ctx); err != nil {
		return err
	}
	for after := int64(0); ; {
		next, err := s.stretch(ctx, after, before)
		if err != nil {
			return err
		}
		if next.expired {
			_, err := write(ctx, s, request{}, func(t *tx) (struct{}, error) {
				for _, query := range []string{wordless, ended} {
					if _, err := t.exec(query, after, next.last, toMicros(before)); err != nil {
						return struct{}{}, err
					}
				}
				return struct{}{}, nil
			})
			if err != nil {
				return err
			}
		}
		if next.end {
			return nil
		}
		after = next.last
	}
}

// stretch is some runs in a row, as Sweep looks at them.
type stretch struct {
	last    int64 // seq
	expired bool  // some of them have
	end     bool  // none behind them has
}

func (s *Store) stretch(ctx context.Context, after int64, before time.Time) (stretch, error) {
	const some = `SELECT seq, started_at, ended_at < ? FROM runs WHERE seq > ? ORDER BY seq LIMIT ?`
	type run struct {
		seq, started int64
		expired      sql.NullBool
	}
	scan := func(s scanner) (r run, err error) {
		err = s.Scan(&r.seq, &r.started, &r.expired)
		return r, err
	}
	return query(ctx, s, func(t *tx) (stretch, error) {
		runs, err := collect(rows(t, scan, some, toMicros(before), after, sweepLen))
		if err != nil || len(runs) == 0 {
			return stretch{end: true}, err
		}
		last := runs[len(runs)-1]
		found := stretch{last: last.seq, expired: slices.ContainsFunc(runs, func(r run) bool { return r.expired.Bool })}
		// One that says that it began in the future was written while the clock was wrong, and tells nothing of those behind.
		late := !fromMicros(last.started).Before(before) && !fromMicros(last.started).After(time.Now())
		found.end = len(runs) < sweepLen || late && !found.expired
		return found, nil
	})
}
