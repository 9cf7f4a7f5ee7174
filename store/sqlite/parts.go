package sqlite

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/openclaw/openclaw/claw"
)

// The parts of a running run's answer are what is durable of it. Many runs grow at the same time, a few times a second, so
// parts lie in the order in which they are written: those of one checkpoint fill a few pages, where ordered by their runs
// each would change a page of its own. For the same reason they are not deleted with the end of their run, which would
// change all the pages that they are strewn over, but some seconds later, with those of all runs that have ended by then.
const (
	partsLinger = 3 * time.Second
	dropLen     = 200  // runs whose parts one commit deletes
	dropLeftLen = 1000 // parts that one commit deletes at the start
)

// SaveProgress implements [claw.RunStore].
func (s *Store) SaveProgress(ctx context.Context, ps []claw.Progress) error {
	const insert = `INSERT INTO run_parts (run, text, deltas) SELECT seq, ?, ? FROM runs WHERE id = ? AND ended_at IS NULL`
	encoded := make([][]byte, len(ps))
	for i, p := range ps {
		var err error
		if encoded[i], err = encodeDeltas(p.Deltas, len(p.Text)); err != nil {
			return fmt.Errorf("the progress of run %s: %w", p.RunID, err)
		}
	}
	if len(ps) == 0 {
		return nil
	}
	_, err := write(ctx, s, request{}, func(t *tx) (struct{}, error) {
		for i, p := range ps {
			if p.Text == "" {
				continue
			}
			if _, err := t.exec(insert, p.Text, encoded[i], p.RunID); err != nil {
				return struct{}{}, err
			}
		}
		return struct{}{}, nil
	})
	return err
}

// loadParts returns what is durable of a running run's answer.
func loadParts(t *tx, run int64) (content string, deltas []int, err error) {
	type part struct {
		text   string
		deltas []byte
	}
	scan := func(s scanner) (p part, err error) {
		err = s.Scan(&p.text, &p.deltas)
		return p, err
	}
	var text strings.Builder
	for p, err := range rows(t, scan, `SELECT text, deltas FROM run_parts WHERE run = ? ORDER BY n`, run) {
		if err != nil {
			return "", nil, err
		}
		lengths, err := decodeDeltas(p.deltas)
		if err != nil {
			return "", nil, err
		}
		text.WriteString(p.text)
		deltas = append(deltas, lengths...)
	}
	return text.String(), deltas, nil
}

// dropParts deletes the parts of an answer that is stored whole.
func dropParts(t *tx, run int64) error {
	const drop = `DELETE FROM run_parts WHERE run = ?1 AND EXISTS (SELECT 1 FROM runs WHERE seq = ?1 AND ended_at IS NOT NULL)`
	_, err := t.exec(drop, run)
	return err
}

// dropLeftParts deletes the parts that a process left which was killed before it came to it.
func (s *Store) dropLeftParts(ctx context.Context) error {
	const some = `DELETE FROM run_parts WHERE n IN (SELECT p.n FROM run_parts p JOIN runs r ON r.seq = p.run
		WHERE p.n > 0 AND r.ended_at IS NOT NULL ORDER BY p.n LIMIT ?)`
	for {
		n, err := write(ctx, s, request{}, func(t *tx) (int64, error) {
			done, err := t.exec(some, dropLeftLen)
			if err != nil {
				return 0, err
			}
			return done.RowsAffected()
		})
		if err != nil || n < dropLeftLen {
			return err
		}
	}
}

// leaveParts notes that a run is about to end whose parts are there to be deleted.
func (w *writer) leaveParts(run int64) {
	if len(w.left) == 0 {
		w.dropAt = time.Now().Add(w.linger)
	}
	w.left = append(w.left, run)
}

// dropLeft deletes the parts of some runs that have ended. If the end of one did not become durable, its parts stay.
func (w *writer) dropLeft(now time.Time) {
	some := w.left[:min(len(w.left), dropLen)]
	r := &request{ctx: context.Background(), do: func(t *tx) error {
		for _, run := range some {
			if err := dropParts(t, run); err != nil {
				return err
			}
		}
		return nil
	}}
	if err := errors.Join(w.commit([]*request{r}), r.err); err != nil {
		w.log.Warn("could not delete what was checkpointed of answers that have ended; will try again", "runs", len(some), "error", err)
		w.dropAt = now.Add(w.linger)
		return
	}
	if w.left = w.left[len(some):]; len(w.left) == 0 {
		w.left, w.dropAt = nil, time.Time{}
	}
}
