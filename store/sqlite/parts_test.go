package sqlite

import (
	"database/sql"
	"fmt"
	"strings"
	"testing"

	"github.com/openclaw/openclaw/claw"
)

// TestManyRunsShareTheirCheckpointsPages counts what checkpoints write, which no busy machine changes: the growth of two
// hundred answers, 60 kB, is to take not much more than that in pages of 4 kB, though all of them grow in turn.
func TestManyRunsShareTheirCheckpointsPages(t *testing.T) {
	const runs, checkpoints = 200, 5
	s, path := openTest(t)
	if _, err := write(t.Context(), s, request{}, func(t2 *tx) (any, error) {
		t2.writer.logMax = 1 << 30 // or the log begins anew while its pages are counted
		return nil, nil
	}); err != nil {
		t.Fatal(err)
	}
	for i := range runs {
		if _, _, err := s.BeginRun(t.Context(), newRun(fmt.Sprint("s", i), fmt.Sprint(i), "question")); err != nil {
			t.Fatal(err)
		}
	}
	progress := make([]claw.Progress, runs)
	for i := range progress {
		progress[i] = claw.Progress{RunID: fmt.Sprint("msg_a", i), Text: strings.Repeat("word ", 60), Deltas: []int{300}}
	}
	before := logLength(t, path)
	for range checkpoints {
		if err := s.SaveProgress(t.Context(), progress); err != nil {
			t.Fatal(err)
		}
	}
	pages := logLength(t, path) - before
	t.Logf("%d pages a checkpoint", pages/checkpoints)
	if each := pages / checkpoints; each > 40 {
		t.Errorf("a checkpoint of %d runs writes %d pages", runs, each)
	}
	if pages < checkpoints*runs*300/4096 {
		t.Errorf("%d pages cannot hold what was written: this counts something else", pages)
	}
}

// logLength is how many pages the write-ahead log holds.
func logLength(t *testing.T, path string) (pages int) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var busy, moved int
	if err := db.QueryRowContext(t.Context(), "PRAGMA wal_checkpoint(NOOP)").Scan(&busy, &pages, &moved); err != nil {
		t.Fatal(err)
	}
	return pages
}
