// Package livetest is the suite that every [claw.RunLog] and [claw.Limiter] has to pass.
package livetest

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/openclaw/openclaw/claw"
)

// RunLog holds a run log to its interface's comments. open returns an empty one.
func RunLog(t *testing.T, open func(t *testing.T) claw.RunLog) {
	t.Run("replays after any event", func(t *testing.T) {
		l := open(t)
		want := write(t, l, "r", 50)
		for after := range int64(53) {
			got := collect(t, l, "r", after)
			if i := min(int(after), len(want)); !slices.Equal(seqs(got), seqs(want[i:])) {
				t.Errorf("after %d: got %v", after, seqs(got))
			}
		}
	})
	t.Run("follows without gap or repeat", func(t *testing.T) {
		l := open(t)
		appendEvent(t, l, "r", start())
		var readers sync.WaitGroup
		for range 16 {
			readers.Go(func() {
				if got := collect(t, l, "r", 0); len(got) != 1002 {
					t.Errorf("got %d events, want 1002", len(got))
				} else {
					for i, ev := range got {
						if ev.Seq != int64(i+1) {
							t.Errorf("event %d has seq %d", i, ev.Seq)
							return
						}
					}
				}
			})
		}
		for seq := int64(2); seq <= 1001; seq++ {
			appendEvent(t, l, "r", delta(seq))
		}
		appendEvent(t, l, "r", done(1002))
		readers.Wait()
	})
	t.Run("yields at once what is there", func(t *testing.T) {
		l := open(t)
		write(t, l, "r", 50)
		for events, err := range l.Read(t.Context(), "r", 10) {
			if err != nil || len(events) != 42 {
				t.Errorf("got %d events, %v, want 42", len(events), err)
			}
		}
	})
	t.Run("keeps runs apart", func(t *testing.T) {
		l := open(t)
		write(t, l, "a", 3)
		write(t, l, "b", 5)
		if a, b := collect(t, l, "a", 0), collect(t, l, "b", 0); len(a) != 5 || len(b) != 7 {
			t.Errorf("got %d and %d events, want 5 and 7", len(a), len(b))
		}
	})
	t.Run("refuses what does not follow", func(t *testing.T) {
		l := open(t)
		appendEvent(t, l, "r", start())
		appendEvent(t, l, "r", delta(2))
		for _, seq := range []int64{2, 1, 0} {
			if err := l.Append(t.Context(), "r", delta(seq)); claw.CodeOf(err) != claw.InternalError {
				t.Errorf("seq %d after 2: got %v, want %s", seq, err, claw.InternalError)
			}
		}
		appendEvent(t, l, "r", done(2+claw.RecoveryGap))
		if err := l.Append(t.Context(), "r", delta(3+claw.RecoveryGap)); claw.CodeOf(err) != claw.InternalError {
			t.Errorf("after the terminal event: got %v, want %s", err, claw.InternalError)
		}
	})
	t.Run("unknown and dropped runs are not found", func(t *testing.T) {
		l := open(t)
		write(t, l, "r", 1)
		l.Drop("r")
		l.Drop("r")
		for _, id := range []string{"r", "never"} {
			for _, err := range l.Read(t.Context(), id, 0) {
				if claw.CodeOf(err) != claw.NotFound {
					t.Errorf("%s: got %v, want %s", id, err, claw.NotFound)
				}
			}
		}
	})
	t.Run("a reader outlives the drop", func(t *testing.T) {
		l := open(t)
		want := write(t, l, "r", 9)
		reader := l.Read(t.Context(), "r", 0)
		l.Drop("r")
		n := 0
		for events, err := range reader {
			if err != nil {
				t.Fatal(err)
			}
			n += len(events)
		}
		if n != len(want) {
			t.Errorf("got %d events, want %d", n, len(want))
		}
	})
	t.Run("ends with its context", func(t *testing.T) {
		l := open(t)
		appendEvent(t, l, "r", start())
		gone := errors.New("gone")
		ctx, cancel := context.WithCancelCause(t.Context())
		defer cancel(nil)
		var last error
		for _, err := range l.Read(ctx, "r", 0) {
			last = err
			cancel(gone)
		}
		if !errors.Is(last, gone) {
			t.Errorf("got %v, want the context's cause", last)
		}
	})
	t.Run("a reader that stops holds up no one", func(t *testing.T) {
		l := open(t)
		appendEvent(t, l, "r", start())
		for _, err := range l.Read(t.Context(), "r", 0) {
			if err != nil {
				t.Error(err)
			}
			break
		}
		appendEvent(t, l, "r", done(2))
		if got := collect(t, l, "r", 0); len(got) != 2 {
			t.Errorf("got %d events, want 2", len(got))
		}
	})
}

// Limiter holds a limiter to its interface's comments. open returns one that goes by the time package's clock.
func Limiter(t *testing.T, open func(t *testing.T) claw.Limiter) {
	limit := claw.Limit{Requests: 5, Window: time.Minute}
	take := func(t *testing.T, l claw.Limiter, key string) claw.Decision {
		t.Helper()
		d, err := l.Take(t.Context(), key, limit)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	t.Run("counts down, refuses, and begins anew", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			l := open(t)
			for want := 4; want >= 0; want-- {
				if d := take(t, l, "k"); !d.OK || d.Remaining != want || d.Limit != 5 {
					t.Fatalf("got %+v, want OK with %d remaining", d, want)
				}
				time.Sleep(time.Second) // of the bubble's clock
			}
			d := take(t, l, "k")
			if d.OK || d.Remaining != 0 || d.Reset != 55*time.Second {
				t.Fatalf("got %+v, want a refusal with 55s to wait", d)
			}
			time.Sleep(d.Reset - time.Nanosecond)
			if take(t, l, "k").OK {
				t.Fatal("allowed before its time")
			}
			time.Sleep(time.Nanosecond)
			if d := take(t, l, "k"); !d.OK || d.Remaining != 4 || d.Reset != time.Minute {
				t.Fatalf("after the wait: got %+v, want a fresh window", d)
			}
		})
	})
	t.Run("keeps keys apart", func(t *testing.T) {
		l := open(t)
		for range 6 {
			take(t, l, "a")
		}
		if d := take(t, l, "b"); !d.OK || d.Remaining != 4 {
			t.Errorf("got %+v, want a fresh window", d)
		}
	})
	t.Run("counts exactly under contention", func(t *testing.T) {
		l := open(t)
		allowed := make(chan int, 64)
		var takers sync.WaitGroup
		for range 64 {
			takers.Go(func() {
				if d := take(t, l, "k"); d.OK {
					allowed <- d.Remaining
				}
			})
		}
		takers.Wait()
		close(allowed)
		var remaining []int
		for r := range allowed {
			remaining = append(remaining, r)
		}
		slices.Sort(remaining)
		if !slices.Equal(remaining, []int{0, 1, 2, 3, 4}) {
			t.Errorf("got %v, want each of 0 to 4 once", remaining)
		}
	})
	t.Run("survives very many keys", func(t *testing.T) {
		l := open(t)
		for i := range 10_000 {
			if !take(t, l, strconv.Itoa(i)).OK {
				t.Fatal("refused the first request of a key")
			}
		}
		if d := take(t, l, "0"); d.Remaining != 3 {
			t.Errorf("got %d remaining, want 3: a window still open was forgotten", d.Remaining)
		}
	})
}

func start() claw.Event {
	return claw.Event{Seq: 1, Type: claw.EventStart, Run: &claw.Answer{ID: "msg_1", SessionKey: "s"}}
}
func delta(seq int64) claw.Event { return claw.Event{Seq: seq, Type: claw.EventDelta, Text: "x"} }
func done(seq int64) claw.Event {
	return claw.Event{Seq: seq, Type: claw.EventDone, Run: &claw.Answer{ID: "msg_1", SessionKey: "s"}}
}

func appendEvent(t *testing.T, l claw.RunLog, run string, ev claw.Event) {
	t.Helper()
	if err := l.Append(t.Context(), run, ev); err != nil {
		t.Fatal(err)
	}
}

// write appends a whole run: start, n deltas, done.
func write(t *testing.T, l claw.RunLog, run string, n int64) []claw.Event {
	t.Helper()
	all := []claw.Event{start()}
	for seq := int64(2); seq <= n+1; seq++ {
		all = append(all, delta(seq))
	}
	all = append(all, done(n+2))
	for _, ev := range all {
		appendEvent(t, l, run, ev)
	}
	return all
}

func collect(t *testing.T, l claw.RunLog, run string, after int64) []claw.Event {
	var got []claw.Event
	for events, err := range l.Read(t.Context(), run, after) {
		if err != nil || len(events) == 0 {
			t.Errorf("after %d: %d events, %v", after, len(events), err)
			return got
		}
		got = append(got, events...)
	}
	return got
}

func seqs(events []claw.Event) []int64 {
	out := make([]int64, len(events))
	for i, ev := range events {
		out[i] = ev.Seq
	}
	return out
}
