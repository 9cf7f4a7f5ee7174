// Package mem keeps live runs' logs and rate-limit windows in this process's memory. What must outlive the process is
// in the store; what is here is gone with it, and nothing is lost by that.
package mem

import (
	"cmp"
	"context"
	"iter"
	"slices"
	"sync"

	"github.com/openclaw/openclaw/claw"
)

// Log is a [claw.RunLog]. Its zero value is ready for use.
//
// An event is held once, however many read it, and a reader holds nothing but its place: a slow one costs no memory here.
type Log struct {
	mu   sync.RWMutex
	runs map[string]*runLog
}

// runLog is the log of one run. Events are only ever appended, so a reader may use the slice it took under the lock
// after it let go of the lock.
type runLog struct {
	mu      sync.Mutex
	events  []claw.Event
	waiting []chan struct{} // one for each reader that waits; the next append sends to all of them
}

var _ claw.RunLog = (*Log)(nil)

// Append implements [claw.RunLog].
func (l *Log) Append(_ context.Context, runID string, ev claw.Event) error {
	return l.open(runID).append(runID, ev)
}

// Read implements [claw.RunLog].
func (l *Log) Read(ctx context.Context, runID string, after int64) iter.Seq2[[]claw.Event, error] {
	l.mu.RLock()
	r := l.runs[runID] // now and not in the loop: a Drop in between must not matter
	l.mu.RUnlock()
	return func(yield func([]claw.Event, error) bool) {
		if r == nil {
			yield(nil, claw.Errorf(claw.NotFound, "No run %s is live here.", runID))
			return
		}
		// One channel for all waits, of which there is one for nearly every event, and for the end of ctx: to wait for one
		// channel costs a third of what it costs to wait for two.
		wake := make(chan struct{}, 2)
		defer context.AfterFunc(ctx, func() { wake <- struct{}{} })()
		defer r.leave(wake)
		at := 0
		for {
			events, more := r.since(after, &at, wake)
			switch {
			case len(events) > 0:
				if !yield(events, nil) {
					return
				}
				after = events[len(events)-1].Seq
				continue
			case !more:
				return
			}
			if <-wake; ctx.Err() != nil {
				yield(nil, context.Cause(ctx))
				return
			}
		}
	}
}

// Drop implements [claw.RunLog].
func (l *Log) Drop(runID string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.runs, runID)
}

func (l *Log) open(runID string) *runLog {
	l.mu.RLock()
	r := l.runs[runID]
	l.mu.RUnlock()
	if r != nil {
		return r
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if r = l.runs[runID]; r == nil {
		if l.runs == nil {
			l.runs = map[string]*runLog{}
		}
		r = &runLog{}
		l.runs[runID] = r
	}
	return r
}

func (r *runLog) append(runID string, ev claw.Event) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if n := len(r.events); n > 0 {
		last := r.events[n-1]
		if last.Terminal() {
			return claw.Errorf(claw.InternalError, "Run %s has ended; event %d comes too late.", runID, ev.Seq)
		}
		if ev.Seq <= last.Seq {
			return claw.Errorf(claw.InternalError, "Event %d of run %s does not follow event %d.", ev.Seq, runID, last.Seq)
		}
	}
	r.events = append(r.events, ev)
	for _, w := range r.waiting {
		w <- struct{}{} // there is room: who waits has taken what came before
	}
	r.waiting = r.waiting[:0]
	return nil
}

// leave forgets a reader that may wait.
func (r *runLog) leave(wake chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.waiting = slices.DeleteFunc(r.waiting, func(w chan struct{}) bool { return w == wake })
}

// since returns the events behind after. Where there are none yet the next append sends to wake; where there will never be
// any, behind the terminal event, more is false. at is the index that the reader is at, which is kept for it.
func (r *runLog) since(after int64, at *int, wake chan struct{}) (events []claw.Event, more bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := len(r.events)
	if *at == 0 {
		*at, _ = slices.BinarySearchFunc(r.events, after, func(ev claw.Event, seq int64) int { return cmp.Compare(ev.Seq, seq) })
	}
	for *at < n && r.events[*at].Seq <= after {
		*at++
	}
	switch {
	case *at < n:
		events, *at = r.events[*at:n:n], n
		return events, true
	case n > 0 && r.events[n-1].Terminal():
		return nil, false
	}
	r.waiting = append(r.waiting, wake)
	return nil, true
}
