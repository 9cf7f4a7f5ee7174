package sqlite

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/openclaw/openclaw/claw"
)

// openTest opens a store in a folder of the test's own.
func openTest(tb testing.TB, change ...func(*options)) (*Store, string) {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "openclaw.db")
	return openAt(tb, path, change...), path
}

func openAt(tb testing.TB, path string, change ...func(*options)) *Store {
	tb.Helper()
	o := defaults()
	o.reserve = 0
	for _, c := range change {
		c(&o)
	}
	s, err := open(tb.Context(), path, o)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := s.Close(); err != nil {
			tb.Errorf("Close: %v", err)
		}
	})
	return s
}

// turn writes a question and its answer to a session.
func turn(tb testing.TB, s *Store, session, id, question string, deltas ...string) {
	tb.Helper()
	run, _, err := s.BeginRun(tb.Context(), newRun(session, id, question))
	if err != nil {
		tb.Fatal(err)
	}
	run.Answer.Status, run.Answer.Content, run.EndSeq = claw.StatusComplete, strings.Join(deltas, ""), int64(len(deltas)+2)
	for i, d := range deltas {
		run.Deltas = append(run.Deltas, len(d))
		err := s.SaveProgress(tb.Context(), []claw.Progress{{RunID: run.ID, Text: d, Deltas: run.Deltas[i:]}})
		if err != nil {
			tb.Fatal(err)
		}
	}
	if err := s.EndRun(tb.Context(), run); err != nil {
		tb.Fatal(err)
	}
}

func newRun(session, id, question string) claw.NewRun {
	return claw.NewRun{
		ID: "msg_a" + id, Token: "token", Workspace: "default", SessionKey: session, Channel: "api",
		User: claw.Message{ID: "msg_u" + id, Content: question, CreatedAt: time.Now()},
	}
}

// onDisk reports which files of the database hold the text.
func onDisk(tb testing.TB, path, text string) (files []string) {
	tb.Helper()
	all, err := filepath.Glob(path + "*")
	if err != nil {
		tb.Fatal(err)
	}
	for _, name := range all {
		b, err := os.ReadFile(name)
		if err != nil {
			tb.Fatal(err)
		}
		if bytes.Contains(b, []byte(text)) {
			files = append(files, filepath.Base(name))
		}
	}
	return files
}

func TestDeletedTextLeavesTheDisk(t *testing.T) {
	s, path := openTest(t)
	rng := rand.New(rand.NewPCG(1, 2))
	const sessions, turns = 40, 300
	for i := range turns {
		session := fmt.Sprintf("secret-key-%d", rng.IntN(sessions))
		size := []int{10, 100, 1000, 3000, 9000}[rng.IntN(5)]
		turn(t, s, session, fmt.Sprint(i), "secret question"+strings.Repeat(" more", rng.IntN(size)/5),
			"secret ", "answer", strings.Repeat(" filler", 1+rng.IntN(size)/7))
	}
	for _, i := range rng.Perm(sessions) {
		err := s.DeleteSession(t.Context(), "default", fmt.Sprintf("secret-key-%d", i))
		if err != nil {
			t.Fatal(err)
		}
	}
	wantGone(t, path, "secret")
}

// wantGone waits until no file of the database holds the text, and fails the test where that takes too long.
func wantGone(t *testing.T, path, text string) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for {
		files := onDisk(t, path, text)
		if len(files) == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("deleted text %q is still in %v", text, files)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// TestCopiesThatDeletionsLeaveAreScrubbed deletes sessions one after another beside others that stay, so that rows move
// between pages before they are deleted in their turn. These seeds are ones with which SQLite alone leaves copies.
func TestCopiesThatDeletionsLeaveAreScrubbed(t *testing.T) {
	for seed, size := range map[uint64]int{18: 1500, 23: 3000} {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			s, path := openTest(t)
			rng := rand.New(rand.NewPCG(seed, 2))
			const sessions = 60
			for i := range 400 {
				session := rng.IntN(sessions)
				secret := fmt.Sprintf("secret%03d", session)
				turn(t, s, fmt.Sprint("k", session), fmt.Sprint(i), secret+" "+strings.Repeat("x", rng.IntN(size)), secret)
			}
			gone := rng.Perm(sessions)[:50]
			for _, i := range gone {
				if err := s.DeleteSession(t.Context(), "default", fmt.Sprint("k", i)); err != nil {
					t.Fatal(err)
				}
				if rng.IntN(3) == 0 {
					turn(t, s, fmt.Sprint("n", i), fmt.Sprint("n", i), "n"+strings.Repeat("new", rng.IntN(size)), "y")
				}
			}
			for _, i := range gone {
				wantGone(t, path, fmt.Sprintf("secret%03d", i))
			}
			if _, err := write(t.Context(), s, request{}, func(t2 *tx) (any, error) {
				var verdict string
				if err := t2.row("PRAGMA integrity_check").Scan(&verdict); err != nil || verdict != "ok" {
					t.Errorf("the database's integrity: %s, %v", verdict, err)
				}
				return nil, nil
			}); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestNothingIsLeftOfCheckpoints: some time after the run has ended the parts of an answer are in its message and nowhere
// else.
func TestNothingIsLeftOfCheckpoints(t *testing.T) {
	s := openAt(t, filepath.Join(t.TempDir(), "openclaw.db"), func(o *options) { o.linger = time.Millisecond })
	turn(t, s, "s1", "1", "question", "an ", "answer")
	late := []claw.Progress{{RunID: "msg_a1", Text: "late", Deltas: []int{4}}}
	if err := s.SaveProgress(t.Context(), late); err != nil {
		t.Fatal(err)
	}
	waitFor(t, func() bool { return countParts(t, s) == 0 })
}

func TestPartsThatAKilledProcessLeft(t *testing.T) {
	path := filepath.Join(t.TempDir(), "openclaw.db")
	s := openAt(t, path, func(o *options) { o.linger = time.Hour })
	turn(t, s, "s1", "1", "question", "an ", "answer")
	if n := countParts(t, s); n == 0 {
		t.Fatal("there are no parts: this tests nothing")
	}
	if err := s.Close(); err != nil { // which leaves them, as a kill does
		t.Fatal(err)
	}
	s = openAt(t, path)
	if _, err := s.InterruptRuns(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if n := countParts(t, s); n != 0 {
		t.Errorf("%d parts of an answer are left", n)
	}
}

// A run whose end failed goes on, and keeps its parts.
func TestPartsOfARunWhoseEndFailed(t *testing.T) {
	s := openAt(t, filepath.Join(t.TempDir(), "openclaw.db"), func(o *options) { o.linger = time.Millisecond })
	n := newRun("s1", "1", "question")
	if _, _, err := s.BeginRun(t.Context(), n); err != nil {
		t.Fatal(err)
	}
	if err := s.SaveProgress(t.Context(), []claw.Progress{{RunID: n.ID, Text: "part", Deltas: []int{4}}}); err != nil {
		t.Fatal(err)
	}
	_, err := write(t.Context(), s, request{}, func(t2 *tx) (any, error) {
		r, err := loadRun(t2, runRunning, n.ID, n.Workspace)
		t2.writer.leaveParts(r.seq)
		return nil, errors.Join(err, errLimit)
	})
	if err == nil {
		t.Fatal("the write did not fail: this tests nothing")
	}
	waitFor(t, func() (dropped bool) {
		_, err := write(t.Context(), s, request{}, func(t2 *tx) (any, error) {
			dropped = len(t2.writer.left) == 0
			return nil, nil
		})
		return err == nil && dropped
	})
	if n := countParts(t, s); n != 1 {
		t.Errorf("%d parts of the answer are there, want 1", n)
	}
}

func waitFor(t *testing.T, cond func() bool) {
	t.Helper()
	for !cond() {
		select {
		case <-t.Context().Done():
			t.Fatal("waited in vain")
		case <-time.After(time.Millisecond):
		}
	}
}

func countParts(t *testing.T, s *Store) int {
	t.Helper()
	parts, err := read(t.Context(), s, func(t2 *tx) (n int, err error) {
		err = t2.row("SELECT count(*) FROM run_parts").Scan(&n)
		return n, err
	})
	if err != nil {
		t.Fatal(err)
	}
	return parts
}

func TestDeletedTextLeavesTheLogOfAKilledProcess(t *testing.T) {
	s, path := openTest(t)
	turn(t, s, "s1", "1", "secret question", "secret answer")
	if err := s.DeleteSession(t.Context(), "default", "s1"); err != nil {
		t.Fatal(err)
	}
	wantGone(t, path, "secret")
	turn(t, s, "s2", "2", "secret question", "secret answer")
	// A copy of the files is what a kill at this moment leaves.
	copied := filepath.Join(t.TempDir(), "openclaw.db")
	for _, suffix := range []string{"", "-wal"} {
		b, err := os.ReadFile(path + suffix)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(copied+suffix, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if len(onDisk(t, copied, "secret")) == 0 {
		t.Fatal("the copy has nothing to erase")
	}
	s2 := openAt(t, copied)
	if err := s2.DeleteSession(t.Context(), "default", "s2"); err != nil {
		t.Fatal(err)
	}
	wantGone(t, copied, "secret")
}

func TestErasureWaitsForReaders(t *testing.T) {
	s, path := openTest(t, func(o *options) { o.busy = time.Hour }) // a writer that waited as long for readers would be noticed
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	turn(t, s, "s1", "1", "secret question", "secret answer")
	_, err := read(t.Context(), s, func(t2 *tx) (any, error) {
		var n int
		if err := t2.row("SELECT count(*) FROM messages").Scan(&n); err != nil { // the snapshot begins
			return nil, err
		}
		if err := s.DeleteSession(t.Context(), "default", "s1"); err != nil {
			return nil, err
		}
		for i := range 3 { // the log stays in use, and nobody waits for that
			if _, _, err := s.BeginRun(ctx, newRun("s2", fmt.Sprint(2+i), "text")); err != nil {
				return nil, err
			}
		}
		if len(onDisk(t, path, "secret")) == 0 {
			t.Error("the text left the disk under a reader")
		}
		return nil, t2.row("SELECT count(*) FROM messages").Scan(&n)
	})
	if err != nil {
		t.Fatal(err)
	}
	wantGone(t, path, "secret")
}

func TestUnusedSpaceOfAPage(t *testing.T) {
	page := func(kind byte, cells, content int, pointers ...byte) []byte {
		p := make([]byte, 512)
		copy(p, []byte{kind, 0, 0, 0, byte(cells), byte(content >> 8), byte(content), 0})
		copy(p[8:], pointers)
		return p
	}
	for name, c := range map[string]struct {
		page   []byte
		number uint32
		want   int
	}{
		"leaf":                      {page(0x0d, 1, 0x1f0, 0x01, 0xf0), 2, 0x1f0 - 10},
		"leaf of an index":          {page(0x0a, 1, 0x1f0, 0x01, 0xf0), 2, 0x1f0 - 10},
		"inner":                     {page(0x05, 0, 0x1f0), 2, 0x1f0 - 12},
		"empty leaf":                {page(0x0d, 0, 512), 2, 512 - 8},
		"overflow":                  {page(0x00, 1, 0x1f0, 0x01, 0xf0), 2, 0},
		"first page, no header":     {page(0x0d, 1, 0x1f0, 0x01, 0xf0), 1, 0},
		"content behind the end":    {page(0x0d, 0, 513), 2, 0},
		"pointer into unused space": {page(0x0d, 1, 0x1f0, 0x01, 0x00), 2, 0},
		"pointer behind the end":    {page(0x0d, 1, 0x1f0, 0x02, 0x00), 2, 0},
		"pointers over the content": {page(0x0d, 255, 0x1f0), 2, 0},
		"a full page of 64 KiB":     {append([]byte{0x0d}, make([]byte, 1<<16-1)...), 2, 1<<16 - 8},
	} {
		if got := len(unused(c.page, c.number)); got != c.want {
			t.Errorf("%s: %d bytes are unused, want %d", name, got, c.want)
		}
	}
}
