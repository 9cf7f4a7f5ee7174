package sqlite

import (
	"bytes"
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
	deadline := time.Now().Add(5 * time.Second)
	for {
		files := onDisk(t, path, "secret")
		if len(files) == 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("deleted text is still in %v", files)
		}
		time.Sleep(10 * time.Millisecond)
	}
}
