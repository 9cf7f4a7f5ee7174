package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/openclaw/openclaw/claw"
)

// maxPages has SQLite find the database full at so many pages, or at as many as it has.
func maxPages(t *testing.T, s *Store, n int) {
	t.Helper()
	_, err := write(t.Context(), s, request{}, func(t *tx) (int, error) {
		var got int
		err := t.row(fmt.Sprintf("PRAGMA max_page_count = %d", n)).Scan(&got)
		return got, err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func wantFull(t *testing.T, err error) {
	t.Helper()
	e, ok := errors.AsType[*claw.Error](err)
	if !ok || e.Code != claw.Unavailable || e.RetryAfter <= 0 || !strings.Contains(e.Message, "full") {
		t.Errorf("got %v, want an UNAVAILABLE error that says that storage is full", err)
	}
}

func TestFullDatabaseHealsWithoutReopening(t *testing.T) {
	s, _ := openTest(t)
	turn(t, s, "s1", "1", "text", "text")
	maxPages(t, s, 1) // as many as there are
	big := newRun("s2", "2", strings.Repeat("large ", 50_000))
	for range 3 {
		_, _, err := s.BeginRun(t.Context(), big)
		wantFull(t, err)
	}
	if n := count(t, s); n != 1 {
		t.Errorf("%d sessions, want 1: what failed left something", n)
	}
	// The one that has no room fails, the others of its group do not.
	errs := together(t, s,
		func() error { return s.EndRun(t.Context(), claw.Run{ID: "none"}) },
		func() error { _, _, err := s.BeginRun(t.Context(), big); return err },
		func() error { return s.DeleteSession(t.Context(), "default", "s1") })
	if claw.CodeOf(errs[0]) != claw.NotFound || errs[2] != nil {
		t.Errorf("the others of the group: %v and %v", errs[0], errs[2])
	}
	wantFull(t, errs[1])
	maxPages(t, s, 1_000_000)
	if _, _, err := s.BeginRun(t.Context(), big); err != nil {
		t.Errorf("with room again: %v", err)
	}
	if n := count(t, s); n != 1 {
		t.Errorf("%d sessions, want 1", n)
	}
}

func TestFullDiskKeepsDeletionPossible(t *testing.T) {
	dir := smallDisk(t, 36<<20)
	s := openAt(t, dir+"/openclaw.db", func(o *options) { o.reserve, o.interval = 8<<20, time.Hour })
	run, _, err := s.BeginRun(t.Context(), newRun("running", "running", "text"))
	if err != nil {
		t.Fatal(err)
	}
	sessions := 0
	for ; err == nil; sessions++ {
		if sessions > 1000 {
			t.Fatal("the disk does not fill up")
		}
		_, _, err = s.BeginRun(t.Context(), newRun(fmt.Sprint("s", sessions), fmt.Sprint(sessions), strings.Repeat("x", 50_000)))
	}
	wantFull(t, err)
	wantFull(t, s.Health())
	if _, err := os.Stat(dir + "/openclaw.db.reserve"); err == nil {
		t.Error("the reserve is still there")
	}
	_, _, err = s.BeginRun(t.Context(), newRun("small", "small", "text"))
	wantFull(t, err)

	// What runs may end, and room can be made.
	run.Answer = claw.Message{Content: "the answer", Status: claw.StatusComplete}
	run.Deltas, run.EndSeq = []int{10}, 3
	if err := s.EndRun(t.Context(), run); err != nil {
		t.Errorf("EndRun on a full disk: %v", err)
	}
	for i := range sessions - 1 {
		if err := s.DeleteSession(t.Context(), "default", fmt.Sprint("s", i)); err != nil {
			t.Fatalf("DeleteSession on a full disk: %v", err)
		}
	}
	// Deleted messages leave room in the database, but none on the disk: that is the operator's to give.
	if err := os.Remove(dir + "/ballast"); err != nil {
		t.Fatal(err)
	}
	if _, err := write(t.Context(), s, request{}, func(*tx) (any, error) { // time passes
		s.writer.reserve.nextTry, s.writer.reserve.interval = time.Now(), time.Millisecond
		return nil, nil
	}); err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for s.Health() != nil && ctx.Err() == nil {
		time.Sleep(5 * time.Millisecond)
	}
	if _, _, err := s.BeginRun(ctx, newRun("small", "small", "text")); err != nil {
		t.Errorf("with room again: %v", err)
	}
	if _, err := os.Stat(dir + "/openclaw.db.reserve"); err != nil {
		t.Error(err)
	}
}

// Deleting writes as much to the log as there is to erase, so a session that is larger than the reserve goes in steps.
func TestFullDiskKeepsDeletionOfALargeSessionPossible(t *testing.T) {
	dir := smallDisk(t, 60<<20)
	s := openAt(t, dir+"/openclaw.db", func(o *options) { o.reserve = 8 << 20 })
	var err error
	for i := 0; err == nil; i++ {
		if i > 1000 {
			t.Fatal("the disk does not fill up")
		}
		_, _, err = s.BeginRun(t.Context(), newRun("large", fmt.Sprint(i), strings.Repeat("secret ", 30_000)))
	}
	wantFull(t, err)
	if err := s.DeleteSession(t.Context(), "default", "large"); err != nil {
		t.Errorf("DeleteSession on a full disk: %v", err)
	}
	wantGone(t, dir+"/openclaw.db", "secret")
}

func TestReserve(t *testing.T) {
	path := t.TempDir() + "/reserve"
	r := &reserve{path: path, size: 100_000}
	if err := r.prepare(); err != nil {
		t.Fatal(err)
	}
	if r.spent() || r.due() {
		t.Error("a new reserve is spent")
	}
	if info, err := os.Stat(path); err != nil || info.Size() != 100_000 {
		t.Errorf("the file: %v, %v", info, err)
	}
	if !r.free() || !r.spent() || !r.due() || r.free() {
		t.Error("it cannot be given up once, and only once")
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("the file is still there")
	}
	if err := r.restore(); err != nil || r.spent() {
		t.Errorf("it is not back: %v", err)
	}
	none := &reserve{path: path + "2"}
	if err := none.prepare(); err != nil || none.free() || none.spent() {
		t.Errorf("a reserve of no size: %v", err)
	}
	nowhere := &reserve{path: path + "/x", size: 1}
	if err := nowhere.prepare(); err == nil || !nowhere.spent() {
		t.Errorf("a reserve that cannot be made: %v", err)
	}
}
