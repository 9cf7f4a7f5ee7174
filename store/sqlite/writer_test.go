package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/openclaw/openclaw/claw"
)

// together has the writer take all the requests as one group, by keeping it busy until they wait.
func together(t *testing.T, s *Store, calls ...func() error) []error {
	t.Helper()
	busy, release := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		_, err := write(t.Context(), s, request{}, func(*tx) (any, error) {
			close(busy)
			<-release
			return nil, nil
		})
		if err != nil {
			t.Error(err)
		}
	})
	<-busy
	errs := make([]error, len(calls))
	for i, call := range calls {
		wg.Go(func() { errs[i] = call() })
		for len(s.writer.queue) <= i {
			time.Sleep(time.Millisecond)
		}
	}
	close(release)
	wg.Wait()
	return errs
}

func insert(s *Store, session, id string) func() error {
	return func() error {
		_, _, err := s.BeginRun(context.Background(), newRun(session, id, "text"))
		return err
	}
}

func count(t *testing.T, s *Store) int {
	t.Helper()
	n, err := s.CountSessions(t.Context(), "default")
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestOnesFailureIsItsOwn(t *testing.T) {
	s, _ := openTest(t)
	turn(t, s, "old", "0", "text", "text")
	wait := func() error { // fails after it has written
		_, err := write(t.Context(), s, request{}, func(t *tx) (any, error) {
			_, err := beginRunOnly(t, newRun("half", "half", "text"))
			return nil, errors.Join(err, errNoSession)
		})
		return err
	}
	panics := func() error {
		_, err := write(t.Context(), s, request{}, func(t *tx) (any, error) {
			if _, err := beginRunOnly(t, newRun("panic", "panic", "text")); err != nil {
				return nil, err
			}
			panic("a defect")
		})
		return err
	}
	errs := together(t, s, insert(s, "a", "1"), wait, insert(s, "b", "2"), insert(s, "c", "2"), panics, insert(s, "d", "3"),
		func() error { return s.DeleteSession(t.Context(), "default", "none") },
		func() error { return s.DeleteSession(t.Context(), "default", "old") })
	for i, failed := range []bool{false, true, false, true, true, false, true, false} {
		if (errs[i] != nil) != failed {
			t.Errorf("request %d: %v", i, errs[i])
		}
	}
	wantWords(t, errs[4], "panicked", "a defect")
	if claw.CodeOf(errs[4]) != claw.InternalError {
		t.Errorf("the panic is a %s", claw.CodeOf(errs[4]))
	}
	page, err := s.Sessions(t.Context(), "default", claw.SessionQuery{Limit: 10})
	if err != nil {
		t.Fatal(err)
	}
	var keys []string
	for _, x := range page.Sessions {
		keys = append(keys, x.Key)
	}
	if fmt.Sprint(keys) != "[d b a]" || count(t, s) != 3 {
		t.Errorf("the sessions are %v (%d), want d, b and a", keys, count(t, s))
	}
}

func beginRunOnly(t *tx, n claw.NewRun) (claw.Run, error) {
	run, _, err := beginRun(t, n)
	return run, err
}

func TestConcurrentWritesShareACommit(t *testing.T) {
	s, path := openTest(t)
	calls := make([]func() error, 50)
	for i := range calls {
		calls[i] = insert(s, fmt.Sprintf("s%d", i), fmt.Sprint(i))
	}
	for commits(t, path) > 0 { // what opening wrote
		time.Sleep(time.Millisecond)
	}
	for i, err := range together(t, s, calls...) {
		if err != nil {
			t.Errorf("request %d: %v", i, err)
		}
	}
	if n := commits(t, path); n != 1 {
		t.Errorf("50 requests that waited took %d commits, want 1", n)
	}
	if n := count(t, s); n != 50 {
		t.Errorf("%d sessions, want 50", n)
	}
}

// commits counts the commits in the write-ahead log: the frames that say how large the database is after them. The log's
// header has 32 bytes and the page's size at byte 8; a frame has a header of 24, with the size in pages at byte 4.
func commits(t *testing.T, path string) (n int) {
	t.Helper()
	log, err := os.ReadFile(path + "-wal")
	if err != nil {
		t.Fatal(err)
	}
	if len(log) < 32 {
		return 0
	}
	page := int(binary.BigEndian.Uint32(log[8:]))
	for at := 32; at+24+page <= len(log); at += 24 + page {
		if binary.BigEndian.Uint32(log[at+4:]) != 0 {
			n++
		}
	}
	return n
}

func TestCallersThatLeft(t *testing.T) {
	s, _ := openTest(t)
	ctx, cancel := context.WithCancel(t.Context())
	errs := together(t, s,
		func() error {
			_, _, err := s.BeginRun(ctx, newRun("left", "1", "text"))
			return err
		},
		func() error { cancel(); return insert(s, "stayed", "2")() })
	if !errors.Is(errs[0], context.Canceled) || errs[1] != nil {
		t.Errorf("errors %v", errs)
	}
	if n := count(t, s); n != 1 {
		t.Errorf("%d sessions: a request whose caller had left before its turn was carried out", n)
	}
}

func TestFullQueueMakesCallersWait(t *testing.T) {
	s, _ := openTest(t)
	busy, release := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		_, _ = write(t.Context(), s, request{}, func(*tx) (any, error) { close(busy); <-release; return nil, nil })
	})
	<-busy
	for i := range 2 * queueLen {
		wg.Go(func() {
			if err := insert(s, fmt.Sprintf("s%d", i), fmt.Sprint(i))(); err != nil {
				t.Error(err)
			}
		})
	}
	for len(s.writer.queue) < queueLen {
		time.Sleep(time.Millisecond)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, _, err := s.BeginRun(ctx, newRun("late", "late", "text")); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("with a full queue: %v", err)
	}
	close(release)
	wg.Wait()
	if n := count(t, s); n != 2*queueLen {
		t.Errorf("%d sessions, want %d", n, 2*queueLen)
	}
}

func TestCloseFinishesWhatWaits(t *testing.T) {
	s, path := openTest(t)
	busy, release := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		_, _ = write(t.Context(), s, request{}, func(*tx) (any, error) { close(busy); <-release; return nil, nil })
	})
	<-busy
	for i := range 20 {
		wg.Go(func() {
			if err := insert(s, fmt.Sprintf("s%d", i), fmt.Sprint(i))(); err != nil {
				t.Error(err)
			}
		})
	}
	for len(s.writer.queue) < 20 {
		time.Sleep(time.Millisecond)
	}
	closed := make(chan error)
	go func() { closed <- s.Close() }()
	for s.enter() {
		s.leave()
		time.Sleep(time.Millisecond)
	}
	close(release)
	wg.Wait()
	if err := <-closed; err != nil {
		t.Error(err)
	}
	if n := count(t, openAt(t, path)); n != 20 {
		t.Errorf("%d sessions, want 20", n)
	}
}

func TestLockedByAnotherProgram(t *testing.T) {
	s, path := openTest(t, func(o *options) { o.busy = 10 * time.Millisecond })
	turn(t, s, "s1", "1", "text", "text")
	other, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = other.Close() }()
	other.SetMaxOpenConns(1)
	if _, err := other.Exec("BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	for i, err := range atOnce(insert(s, "s2", "2"), insert(s, "s3", "3")) {
		e := claw.AsError(err)
		if e == nil || e.Code != claw.Unavailable || e.RetryAfter <= 0 || e.Err == nil {
			t.Errorf("request %d while locked: %v", i, err)
		}
	}
	if n := count(t, s); n != 1 {
		t.Errorf("%d sessions while locked, want 1", n)
	}
	if _, err := other.Exec("ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	if err := insert(s, "s2", "2")(); err != nil {
		t.Errorf("after the lock: %v", err)
	}
}

// atOnce makes the calls at the same time.
func atOnce(calls ...func() error) []error {
	errs := make([]error, len(calls))
	var wg sync.WaitGroup
	for i, call := range calls {
		wg.Go(func() { errs[i] = call() })
	}
	wg.Wait()
	return errs
}

func TestConnectionThatBrokeIsReplaced(t *testing.T) {
	s, _ := openTest(t)
	waitFor(t, func() (quiet bool) { // or what the writer does when it has nothing to do would meet what is broken first
		_, err := write(t.Context(), s, request{}, func(*tx) (any, error) {
			quiet = s.writer.eraseAt.IsZero()
			return nil, nil
		})
		return quiet && err == nil
	})
	breaks := func() { // leaves a transaction open that the writer knows nothing of
		_, _ = write(t.Context(), s, request{}, func(t *tx) (any, error) {
			open, err := t.conn.prepare("SAVEPOINT open")
			s.writer.conn.stmts["COMMIT"] = open
			return nil, err
		})
	}
	breaks()
	if err := insert(s, "s0", "0")(); err == nil {
		t.Error("a write within a transaction that was left open succeeded")
	}
	if err := insert(s, "s1", "1")(); err != nil {
		t.Errorf("the next write: %v", err)
	}
	_, err := write(t.Context(), s, request{}, func(t *tx) (any, error) {
		_, err := t.exec("ROLLBACK")
		return nil, err
	})
	if err == nil {
		t.Error("a request that rolled back on its own succeeded")
	}
	if err := insert(s, "s2", "2")(); err != nil {
		t.Errorf("the next write: %v", err)
	}
	if n := count(t, s); n != 2 {
		t.Errorf("%d sessions, want 2", n)
	}
}

// TestAFileThatCannotBeWrittenToShowsAndHeals makes every change fail as on a file system that has become read-only.
func TestAFileThatCannotBeWrittenToShowsAndHeals(t *testing.T) {
	s := openAt(t, filepath.Join(t.TempDir(), "openclaw.db"), func(o *options) { o.interval = time.Millisecond })
	cannot := refusal(t)
	var readOnly atomic.Bool
	if _, err := write(t.Context(), s, request{}, func(t2 *tx) (any, error) {
		begin, err := t2.conn.prepare("BEGIN IMMEDIATE")
		t2.conn.stmts["BEGIN IMMEDIATE"] = failing{begin, &readOnly, cannot}
		return nil, err
	}); err != nil {
		t.Fatal(err)
	}
	readOnly.Store(true)
	if _, _, err := s.BeginRun(t.Context(), newRun("s1", "1", "question")); claw.CodeOf(err) != claw.Unavailable {
		t.Fatalf("a write to a file that cannot be written to: %v", err)
	}
	if err := s.Health(); claw.CodeOf(err) != claw.Unavailable {
		t.Errorf("the store's health is %v", err)
	}
	readOnly.Store(false)
	waitFor(t, func() bool { return s.Health() == nil })
	if _, _, err := s.BeginRun(t.Context(), newRun("s1", "1", "question")); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

// refusal is how SQLite refuses to write to a file that it cannot write to.
func refusal(t *testing.T) error {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(t.TempDir(), "other.db")+"?_pragma=query_only(1)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	_, err = db.ExecContext(t.Context(), "CREATE TABLE t (x)")
	if !unwritable(err) {
		t.Fatalf("this is another error: %v", err)
	}
	return err
}

// failing is a statement that fails at times.
type failing struct {
	driver.Stmt
	fails *atomic.Bool
	err   error
}

func (f failing) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	if f.fails.Load() {
		return nil, f.err
	}
	return f.Stmt.(driver.StmtExecContext).ExecContext(ctx, args)
}

// TestOrderGoesOnAfterARestart has a store number messages, one of which is deleted, and another go on behind them all.
func TestOrderGoesOnAfterARestart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "openclaw.db")
	highest := int64(0)
	for i := range 3 {
		s := openAt(t, path)
		for j := range 11 { // writes, of which one needs a second block
			_, err := write(t.Context(), s, request{}, func(t2 *tx) (any, error) {
				for k := range seqBlock / 10 {
					if _, _, _, err := ask(t2, newRun("kept", fmt.Sprintf("%dk%d-%d", i, j, k), "question")); err != nil {
						return nil, err
					}
				}
				return nil, nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		turn(t, s, "gone", fmt.Sprint(i, "g"), "question", "answer")
		if err := s.DeleteSession(t.Context(), "default", "gone"); err != nil {
			t.Fatal(err)
		}
		_, err := write(t.Context(), s, request{}, func(t2 *tx) (any, error) {
			var first, last, aside int64
			err := t2.row(`SELECT min(seq), max(seq) FROM messages WHERE id LIKE ?`, fmt.Sprint("msg_u", i, "k%")).Scan(&first, &last)
			if err == nil {
				err = t2.row(`SELECT last FROM sequence`).Scan(&aside)
			}
			if first <= highest {
				t.Errorf("store %d: the first message has seq %d, those before it got up to %d", i, first, highest)
			}
			highest = t2.writer.seq
			if aside < highest {
				t.Errorf("store %d: seqs up to %d are set aside, and %d was given", i, aside, highest)
			}
			return nil, err
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestSessionsAreCounted has more sessions than are counted at a time, old and new ones deleted, large ones in steps, and the
// store opened again between.
func TestSessionsAreCounted(t *testing.T) {
	path := filepath.Join(t.TempDir(), "openclaw.db")
	const each = seqBlock * 2 / 3
	for round := range 3 {
		s := openAt(t, path, func(o *options) { o.step.messages = 1 })
		name := func(i int) string { return fmt.Sprintf("s%d-%d", round, i) }
		for _, workspace := range []string{"default", "other"} {
			_, err := write(t.Context(), s, request{}, func(t2 *tx) (any, error) {
				for i := range each {
					n := newRun(name(i), fmt.Sprint(workspace, round, "-", i), "question")
					n.Workspace = workspace
					if _, _, _, err := ask(t2, n); err != nil {
						return nil, err
					}
				}
				return nil, nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		turn(t, s, name(0), fmt.Sprint(round, "-large"), "question", "answer")
		for _, workspace := range []string{"default", "other"} { // the first is counted by now, the second is not
			for _, i := range []int{0, each / 2, each - 1} {
				if err := s.DeleteSession(t.Context(), workspace, name(i)); err != nil {
					t.Fatal(err)
				}
			}
		}
		for workspace, want := range map[string]int{"default": (round + 1) * (each - 3), "other": (round + 1) * (each - 3), "none": 0} {
			if n, err := s.CountSessions(t.Context(), workspace); n != want || err != nil {
				t.Errorf("store %d: workspace %s has %d sessions, %v; want %d", round, workspace, n, err, want)
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
