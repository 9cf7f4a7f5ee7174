package claw

import "iter"

// Run is one answer of a model in the making, or made. Its id is that of the assistant's message it writes.
type Run struct {
	ID         string
	Workspace  string
	SessionKey string
	Running    bool
	Answer     Message // as far as it is durable
	Deltas     []int   // the lengths in bytes of the deltas that Answer.Content came in
	EndSeq     int64   // sequence of the terminal event; 0 while it runs

	// First is set by [RunStore.BeginRun], and only there, where it opened the session: the user's message is all that the
	// model is to be sent, so there is no need to read it back.
	First bool
}

// RecoveryGap separates the last durable event of a run that a crash cut off from its terminal event. Watchers may have
// seen events that were never made durable; the gap puts the terminal event behind all of them, so that whoever comes
// back, from whatever event, is told that the run has ended. It only has to exceed the events of one checkpoint interval.
const RecoveryGap = 1_000_000

// Events yields the events of a run that has ended with Seq > after, rebuilt from what is stored: the same events, with
// the same numbers and the same text, as those who watched it live were sent.
func (r Run) Events(after int64) iter.Seq[Event] {
	return func(yield func(Event) bool) {
		if after < 1 && !yield(Event{Seq: 1, Type: EventStart, Run: &Answer{ID: r.ID, SessionKey: r.SessionKey}}) {
			return
		}
		seq, from := int64(1), 0
		for _, n := range r.Deltas {
			seq++
			if seq > after && !yield(Event{Seq: seq, Type: EventDelta, Text: r.Answer.Content[from : from+n]}) {
				return
			}
			from += n
		}
		if r.Running || r.EndSeq <= after {
			return
		}
		yield(r.terminal())
	}
}

func (r Run) terminal() Event {
	m := r.Answer
	if err := m.Failure(); err != nil {
		return Event{Seq: r.EndSeq, Type: EventError, Err: err}
	}
	a := &Answer{ID: r.ID, SessionKey: r.SessionKey, Model: m.Model, CreatedAt: m.CreatedAt}
	if m.Usage != nil {
		a.Usage = *m.Usage
	}
	return Event{Seq: r.EndSeq, Type: EventDone, Run: a}
}
