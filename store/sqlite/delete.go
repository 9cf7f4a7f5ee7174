package sqlite

import (
	"context"
)

// step is how much of a session one commit erases. Zeros are written over all of it, and other writes wait meanwhile: what
// took seconds in one commit takes as long in many, but holds up no one.
type step struct{ messages, bytes int }

var defaultStep = step{messages: 500, bytes: 4 << 20}

// deletedWorkspace is where sessions are that are being erased. No token has this workspace, so nobody finds them.
const deletedWorkspace = ""

// DeleteSession implements [claw.SessionStore]. The deletion takes messages, runs and keys along, which the schema sees
// to, and leaves zeros in the database's pages; the writer empties the log of the text right after. A session that is too
// large for one commit is put out of sight by the first.
func (s *Store) DeleteSession(ctx context.Context, workspace, key string) error {
	const uncount = `UPDATE workspaces SET sessions = sessions - 1
		WHERE name = ? AND (SELECT counted FROM sequence WHERE id = 1) >= ?`
	rest, err := write(ctx, s, request{erases: true}, func(t *tx) (rest int64, err error) {
		session, err := findSession(t, workspace, key)
		if err != nil {
			return 0, err
		}
		if _, err := t.exec(uncount, workspace, session.id); err != nil {
			return 0, err
		}
		_, all, err := s.step.of(t, session.id)
		if err != nil {
			return 0, err
		}
		if all {
			return 0, dropSession(t, session.id)
		}
		return session.id, hideSession(t, session.id)
	})
	if err != nil || rest == 0 {
		return err
	}
	return s.erase(context.WithoutCancel(ctx), rest)
}

// place is where a message lies in its session.
type place struct {
	listed bool
	seq    int64
}

// of returns the messages of a session that the next step erases, and whether they are all.
func (p step) of(t *tx, session int64) (places []place, all bool, err error) {
	const sizes = `SELECT listed, seq, octet_length(content) FROM messages WHERE session_id = ? LIMIT ?`
	type message struct {
		place
		size int
	}
	scan := func(s scanner) (m message, err error) {
		err = s.Scan(&m.listed, &m.seq, &m.size)
		return m, err
	}
	size := 0
	for m, err := range rows(t, scan, sizes, session, p.messages+1) {
		if err != nil {
			return nil, false, err
		}
		if size += m.size; len(places) > 0 && (size > p.bytes || len(places) == p.messages) {
			return places, false, nil
		}
		places = append(places, m.place)
	}
	return places, true, nil
}

func dropSession(t *tx, session int64) error {
	_, err := t.exec(`DELETE FROM sessions WHERE id = ?`, session)
	return err
}

// hideSession puts a session where no method finds it or what belongs to it. Its running runs go at once: they would be
// found without their session, by an EndRun that is still to come.
func hideSession(t *tx, session int64) error {
	if _, err := t.exec(`DELETE FROM runs WHERE ended_at IS NULL AND session_id = ?`, session); err != nil {
		return err
	}
	_, err := t.exec(`UPDATE sessions SET workspace = ?, key = id WHERE id = ?`, deletedWorkspace, session)
	return err
}

// erase erases a hidden session, step by step.
func (s *Store) erase(ctx context.Context, session int64) error {
	for {
		done, err := write(ctx, s, request{erases: true}, func(t *tx) (bool, error) {
			const one = `DELETE FROM messages WHERE session_id = ? AND listed = ? AND seq = ?`
			places, all, err := s.step.of(t, session)
			if err != nil {
				return false, err
			}
			for _, at := range places {
				if _, err := t.exec(one, session, at.listed, at.seq); err != nil {
					return false, err
				}
			}
			if !all {
				return false, nil
			}
			return true, dropSession(t, session)
		})
		if err != nil || done {
			return err
		}
	}
}

// eraseHidden erases the sessions whose deletion was cut short.
func (s *Store) eraseHidden(ctx context.Context) error {
	const hidden = `SELECT id FROM sessions WHERE workspace = ?`
	scan := func(s scanner) (id int64, err error) {
		err = s.Scan(&id)
		return id, err
	}
	ids, err := query(ctx, s, func(t *tx) ([]int64, error) { return collect(rows(t, scan, hidden, deletedWorkspace)) })
	if err != nil {
		return err
	}
	for _, id := range ids {
		if err := s.erase(ctx, id); err != nil {
			return err
		}
	}
	return nil
}
