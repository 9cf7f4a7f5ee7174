package sqlite

import (
	"context"
	"database/sql"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/openclaw/openclaw/claw"
)

// TestEveryQueryWalksAnIndex looks at the plans of all statements that the store has ever prepared, after each of its
// methods was called, rather than at a list that somebody has to keep.
func TestEveryQueryWalksAnIndex(t *testing.T) {
	s, _ := openTest(t)
	for _, id := range []string{"1", "2"} {
		turn(t, s, "s1", id, "question", "an ", "answer")
	}
	n := newRun("s1", "3", "question")
	n.Key = "key"
	if _, _, err := s.BeginRun(t.Context(), n); err != nil {
		t.Fatal(err)
	}
	errs := map[string]error{"Sweep": s.Sweep(t.Context(), time.Now().Add(-time.Hour))}
	_, _, errs["RunByKey"] = s.RunByKey(t.Context(), "token", "key", time.Now().Add(-time.Hour))
	_, errs["Session"] = s.Session(t.Context(), "default", "s1")
	_, errs["Sessions"] = s.Sessions(t.Context(), "default", claw.SessionQuery{Limit: 10})
	_, errs["Sessions of a channel"] = s.Sessions(t.Context(), "default", claw.SessionQuery{Limit: 10, Channel: "api"})
	_, errs["CountSessions"] = s.CountSessions(t.Context(), "default")
	_, errs["History"] = s.History(t.Context(), "default", "s1", claw.HistoryQuery{Limit: 10, Before: "msg_a2"})
	_, errs["Run"] = s.Run(t.Context(), "default", "msg_a3")
	_, _, errs["Message"] = s.Message(t.Context(), "default", "msg_a3")
	_, errs["Transcript"] = s.Transcript(t.Context(), "msg_a3", 100)
	_, errs["InterruptRuns"] = s.InterruptRuns(t.Context(), nil)
	errs["DeleteSession"] = s.DeleteSession(t.Context(), "default", "s1")
	for name, err := range errs {
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}

	queries := map[string]bool{}
	_, err := write(t.Context(), s, request{}, func(*tx) (any, error) {
		for q := range s.writer.conn.stmts {
			queries[q] = true
		}
		return nil, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	c, err := s.readers.take(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer s.readers.give(c, true)
	for q := range c.stmts {
		queries[q] = true
	}
	looked := 0
	for _, q := range slices.Sorted(maps.Keys(queries)) {
		verb, _, _ := strings.Cut(q, " ")
		if !slices.Contains([]string{"SELECT", "INSERT", "UPDATE", "DELETE"}, verb) {
			continue
		}
		looked++
		scan := func(s scanner) (detail string, err error) {
			var id, parent, unused int
			err = s.Scan(&id, &parent, &unused, &detail)
			return detail, err
		}
		plan, err := collect(rows(c.tx(context.Background()), scan, "EXPLAIN QUERY PLAN "+q, make([]any, strings.Count(q, "?"))...))
		if err != nil {
			t.Errorf("%s: %v", q, err)
		}
		for _, step := range plan {
			scans := strings.HasPrefix(step, "SCAN") && !strings.Contains(step, "USING") && !strings.Contains(step, "VIRTUAL TABLE INDEX")
			sorts := strings.Contains(step, "TEMP B-TREE") && !strings.HasPrefix(q, "INSERT INTO workspaces") // of a block of seqs
			if scans || sorts || strings.Contains(step, "AUTOMATIC") {
				t.Errorf("%s\nis not a walk along an index: %s", q, step)
			}
		}
	}
	if looked < 25 {
		t.Errorf("only %d statements were looked at", looked)
	}
}

// TestEveryForeignKeyHasAnIndex keeps deletions that cascade from reading whole tables.
func TestEveryForeignKeyHasAnIndex(t *testing.T) {
	s, _ := openTest(t)
	const query = `SELECT m.name || '.' || f."from", f."from" = (
			SELECT i.name FROM pragma_index_list(m.name) l, pragma_index_info(l.name) i
			WHERE i.seqno = 0 AND l.partial = 0 AND i.name = f."from")
		FROM sqlite_schema m, pragma_foreign_key_list(m.name) f WHERE m.type = 'table'`
	found, err := read(t.Context(), s, func(t2 *tx) (n int, err error) {
		scan := func(s scanner) (name string, err error) {
			var indexed sql.NullBool
			err = s.Scan(&name, &indexed)
			if err == nil && !indexed.Bool {
				t.Errorf("%s has no index", name)
			}
			return name, err
		}
		names, err := collect(rows(t2, scan, query))
		return len(names), err
	})
	if err != nil || found < 3 {
		t.Errorf("found %d foreign keys, %v", found, err)
	}
}
