package sqlite

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/openclaw/openclaw/claw"
)

// TestPagesOfATurn counts what the two commits of a turn write, which is most of what one costs and no busy machine changes.
func TestPagesOfATurn(t *testing.T) {
	s, path := openTest(t)
	waitFor(t, func() (quiet bool) { // or emptying the log would be counted
		_, err := write(t.Context(), s, request{}, func(t2 *tx) (any, error) {
			t2.writer.logMax = 1 << 30
			quiet = t2.writer.eraseAt.IsZero()
			return nil, nil
		})
		return quiet && err == nil
	})
	const turns = 50
	for _, c := range []struct {
		name       string
		key        func(i int) string
		begin, end float64 // pages at most, on average: some rows need a new page
	}{
		{"in new sessions", func(i int) string { return fmt.Sprintf("new-%03d", i) }, 9, 5.5},
		{"in one session", func(int) string { return "one" }, 6, 5.5},
		{"in two sessions by turns", func(i int) string { return fmt.Sprint("two-", i%2) }, 8, 6},
	} {
		begin, end := 0, 0
		for i := range turns {
			at := logLength(t, path)
			run, _, err := s.BeginRun(t.Context(), newRun(c.key(i), fmt.Sprint(c.name, i), "question"))
			if err != nil {
				t.Fatal(err)
			}
			begun := logLength(t, path)
			run.Answer.Status, run.Answer.CreatedAt, run.EndSeq = claw.StatusComplete, time.Now(), 2
			if err := s.EndRun(t.Context(), run); err != nil {
				t.Fatal(err)
			}
			begin, end = begin+begun-at, end+logLength(t, path)-begun
		}
		b, e := float64(begin)/turns, float64(end)/turns
		t.Logf("%s: %.1f and %.1f pages", c.name, b, e)
		if b > c.begin || e > c.end {
			t.Errorf("a turn %s writes %.1f and %.1f pages, want %.1f and %.1f at most", c.name, b, e, c.begin, c.end)
		}
		if b < 3 || e < 3 {
			t.Errorf("%.1f and %.1f pages cannot hold a turn: this counts something else", b, e)
		}
	}
}

// TestSweepPassesOverTheFuture has runs that began while the clock was wrong. They must not keep those behind them.
func TestSweepPassesOverTheFuture(t *testing.T) {
	s, _ := openTest(t)
	end := func(id string, at time.Time) {
		n := newRun("s1", id, "question")
		n.User.CreatedAt = at
		run, _, err := s.BeginRun(t.Context(), n)
		if err != nil {
			t.Fatal(err)
		}
		run.Answer.Status, run.Answer.CreatedAt, run.EndSeq = claw.StatusComplete, at, 2
		if err := s.EndRun(t.Context(), run); err != nil {
			t.Fatal(err)
		}
	}
	now := time.Now()
	for i := range sweepLen + 1 {
		end(fmt.Sprint("future", i), now.AddDate(1, 0, 0))
	}
	end("expired", now.AddDate(0, 0, -2))
	if err := s.Sweep(t.Context(), now.AddDate(0, 0, -1)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Run(t.Context(), "default", "msg_aexpired"); claw.CodeOf(err) != claw.NotFound {
		t.Errorf("the run that expired: %v", err)
	}
	if _, err := s.Run(t.Context(), "default", "msg_afuture0"); err != nil {
		t.Errorf("the first run: %v", err)
	}
}

// TestTriggersWalkIndexes keeps the deletions that triggers make from reading whole tables: their plans are part of no other.
func TestTriggersWalkIndexes(t *testing.T) {
	s, _ := openTest(t)
	scan := func(s scanner) (detail string, err error) {
		var id, parent, unused int
		err = s.Scan(&id, &parent, &unused, &detail)
		return detail, err
	}
	for _, query := range []string{
		`DELETE FROM runs WHERE seq = 1`,
		`DELETE FROM runs WHERE ended_at IS NULL AND session_id = 1`,
	} {
		plan, err := read(t.Context(), s, func(t2 *tx) ([]string, error) { return collect(rows(t2, scan, "EXPLAIN QUERY PLAN "+query)) })
		if err != nil || !strings.Contains(strings.Join(plan, "\n"), "USING") {
			t.Errorf("%s: %q, %v", query, plan, err)
		}
	}
}
