package claw

import (
	"context"
	"iter"
	"time"
)

// EventType is the kind of an event of a run.
type EventType string

// A run's events are one start, any number of deltas, and exactly one of done and error.
const (
	EventStart EventType = "start"
	EventDelta EventType = "delta"
	EventDone  EventType = "done"
	EventError EventType = "error"
)

// Event is one entry of a run's log.
type Event struct {
	Seq  int64 // rises from 1 within a run; without gaps, save before the terminal event of a run that a crash cut off
	Type EventType
	Text string  // of a delta: at least one byte, valid UTF-8
	Run  *Answer // of start and done
	Err  *Error  // of error
}

// Terminal reports whether e is the last event of its run.
func (e Event) Terminal() bool { return e.Type == EventDone || e.Type == EventError }

// Answer is what start and done say of a run. Start knows ID and SessionKey only.
type Answer struct {
	ID         string
	SessionKey string
	Model      string
	Usage      Usage
	CreatedAt  time.Time
}

// RunLog keeps the events of the runs that are live in this gateway. It is a log, not publish and subscribe: a reader
// gets what followed the event it names, then follows, and can neither miss an event nor see one twice.
//
// Each run has one writer. Readers never hold up the writer or each other. All methods are safe for concurrent use.
type RunLog interface {
	// Append adds ev to the run's log, opening the log with its first event. It fails with an [InternalError] where
	// ev.Seq is not above the last one, or the log has its terminal event already.
	Append(ctx context.Context, runID string, ev Event) error

	// Read yields the events with Seq > after, in order, then waits for more, and returns behind the terminal event.
	// It yields those that are there at the same time as one slice, which is never empty and must not be changed.
	// It yields a [NotFound] error where there is no such log, and ctx's cause where ctx ends first. What counts is
	// when Read was called: where that was before Drop, the reader still reads to the end.
	Read(ctx context.Context, runID string, after int64) iter.Seq2[[]Event, error]

	// Drop forgets the run's log. Dropping a log that is not there does nothing.
	Drop(runID string)
}
