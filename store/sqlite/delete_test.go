package sqlite

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/openclaw/openclaw/claw"
)

// A large session is erased in many commits, so that other writes come between.
func TestLargeSessionsAreErasedInSteps(t *testing.T) {
	for name, c := range map[string]struct {
		step step
		want int // commits, at least
	}{
		"by messages": {step{messages: 10, bytes: 1 << 30}, 11}, // the first puts the session out of sight
		"by bytes":    {step{messages: 1000, bytes: 5000}, 21},
	} {
		t.Run(name, func(t *testing.T) {
			s, path := openTest(t, func(o *options) { o.step = c.step })
			turn(t, s, "other", "other", "text", "text")
			for i := range 50 {
				turn(t, s, "s1", fmt.Sprint(i), strings.Repeat("x", 1000), strings.Repeat("y", 1000))
			}
			if err := s.DeleteSession(t.Context(), "default", "other"); err != nil {
				t.Fatal(err)
			}
			for commits(t, path) > 0 { // the log is emptied behind a deletion
				time.Sleep(time.Millisecond)
			}
			_, err := read(t.Context(), s, func(t2 *tx) (any, error) {
				var n int
				if err := t2.row("SELECT count(*) FROM messages").Scan(&n); err != nil { // under a reader the log stays
					return nil, err
				}
				if err := s.DeleteSession(t.Context(), "default", "s1"); err != nil {
					return nil, err
				}
				if n := commits(t, path); n < c.want {
					t.Errorf("a session of 100 messages was erased in %d commits, want %d or more", n, c.want)
				}
				return nil, nil
			})
			if err != nil {
				t.Fatal(err)
			}
			wantGone(t, path, "xxx")
		})
	}
}

// What a deletion that is cut short has not erased yet is out of sight, and the next sweep erases it.
func TestDeletionCutShort(t *testing.T) {
	s, path := openTest(t, func(o *options) { o.step.messages = 2 })
	for i := range 10 {
		turn(t, s, "s1", fmt.Sprint(i), "secret question", "secret answer")
	}
	busy, release := make(chan struct{}), make(chan struct{})
	go func() {
		_, _ = write(t.Context(), s, request{}, func(*tx) (any, error) { close(busy); <-release; return nil, nil })
	}()
	<-busy
	deleted := make(chan error)
	go func() { deleted <- s.DeleteSession(t.Context(), "default", "s1") }()
	for len(s.writer.queue) < 1 {
		time.Sleep(time.Millisecond)
	}
	closed := make(chan error)
	go func() { closed <- s.Close() }()
	for s.enter() { // until it takes no more than what waits, which is the first step
		s.leave()
		time.Sleep(time.Millisecond)
	}
	close(release)
	if err := <-deleted; claw.CodeOf(err) != claw.Unavailable {
		t.Errorf("DeleteSession: %v, want %s", err, claw.Unavailable)
	}
	if err := <-closed; err != nil {
		t.Error(err)
	}
	if len(onDisk(t, path, "secret")) == 0 {
		t.Fatal("nothing is left to be erased")
	}

	s = openAt(t, path)
	if n := count(t, s); n != 0 {
		t.Errorf("%d sessions, want none", n)
	}
	if _, _, err := s.Message(t.Context(), "default", "msg_u9"); claw.CodeOf(err) != claw.NotFound {
		t.Errorf("a message of the session: %v, want %s", err, claw.NotFound)
	}
	if _, _, err := s.BeginRun(t.Context(), newRun("s1", "new", "a new question")); err != nil {
		t.Fatal(err)
	}
	if err := s.Sweep(t.Context(), time.Unix(0, 0)); err != nil {
		t.Fatal(err)
	}
	wantGone(t, path, "secret")
	if h, err := s.History(t.Context(), "default", "s1", claw.HistoryQuery{Limit: 10}); err != nil || len(h) != 1 {
		t.Errorf("the new session has %d messages (%v), want 1", len(h), err)
	}
}
