package httpapi

import (
	"context"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"iter"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/openclaw/openclaw/claw"
)

// eventStream is the events of a run as Server-Sent Events.
type eventStream struct {
	events iter.Seq2[[]claw.Event, error]
	after  int64 // number of the last event that the client has
}

// send writes the events in the handler's goroutine, so that a slow client is waited for here and nowhere else: meanwhile
// they gather in the run's log, and the next write takes all of them.
func (ans eventStream) send(x *exchange) {
	h := x.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no") // or nginx holds the events back
	x.WriteHeader(http.StatusOK)
	if x.r.Method == http.MethodHead {
		return
	}
	out := newEventWriter(x, x.api.keepAlive, x.hangUp)
	defer func() {
		if out.close() != nil {
			x.cut = true
		}
	}()

	last := ans.after
	for events, err := range ans.events {
		if err == nil {
			err = context.Cause(x.r.Context()) // a long replay may look at it late
		}
		if err != nil {
			if !x.gone() {
				out.send(failed(x, last+1, err))
			}
			x.cut = x.gone()
			return
		}
		newest := events[len(events)-1]
		if last = newest.Seq; !out.send(events...) || newest.Terminal() {
			return
		}
	}
	out.send(failed(x, last+1, errNoEnd))
}

// failed is the last event of a stream that cannot go on, though its run may.
func failed(x *exchange, seq int64, err error) claw.Event {
	x.err = claw.AsError(err)
	return claw.Event{Seq: seq, Type: claw.EventError, Err: x.err}
}

// maxWrite is how many bytes of events are gathered for one write, about.
const maxWrite = 64 << 10

// eventWriter writes events to one connection, and signs of life where there are none for long. It has no goroutine: a
// stream in silence costs its handler, which waits for events, and a timer.
type eventWriter struct {
	w       http.ResponseWriter
	control *http.ResponseController
	silence time.Duration // until a sign of life
	stop    func()        // ends the sequence of events

	mu     sync.Mutex // held while something is written
	buf    []byte
	begun  bool // the header is out
	closed bool
	err    error // of the first write that failed; nothing is written after it
	last   time.Time
	timer  *time.Timer
}

// newEventWriter sends the header at once, since the first event may be long in coming: together with the events that are
// there, if they are there at once. A write to w must fail once the client has not taken it for too long.
func newEventWriter(w http.ResponseWriter, silence time.Duration, stop func()) *eventWriter {
	out := &eventWriter{w: w, control: http.NewResponseController(w), silence: silence, stop: stop, last: time.Now()}
	out.timer = time.AfterFunc(silence, out.beat)
	out.timer.Reset(0)
	return out
}

// send writes events, and returns when the client has taken them. It reports false once the client is lost.
func (out *eventWriter) send(events ...claw.Event) bool {
	out.mu.Lock()
	defer out.mu.Unlock()
	for _, ev := range events {
		if out.buf = appendEvent(out.buf, ev); len(out.buf) >= maxWrite {
			out.flush()
		}
	}
	out.flush()
	if cap(out.buf) > maxWrite { // a burst has blown it up, and the stream may be idle for long now
		out.buf = nil
	}
	return out.err == nil
}

// flush writes what has gathered, or at first the header alone. out.mu is held.
func (out *eventWriter) flush() {
	if out.err != nil || out.begun && len(out.buf) == 0 {
		out.buf = out.buf[:0]
		return
	}
	if len(out.buf) > 0 {
		_, out.err = out.w.Write(out.buf)
	}
	if out.err == nil {
		out.err = out.control.Flush()
	}
	if out.err != nil {
		out.stop()
	}
	out.buf, out.begun, out.last = out.buf[:0], true, time.Now()
}

// beat runs at first for the header, and then when the connection may have been silent for long enough. Setting the timer
// anew with every event would cost more than this look at when the last one was.
func (out *eventWriter) beat() {
	if !out.mu.TryLock() { // something is being written
		out.timer.Reset(out.silence)
		return
	}
	defer out.mu.Unlock()
	if out.closed || out.err != nil {
		return
	}
	if out.begun && time.Since(out.last) >= out.silence {
		out.buf = append(out.buf, ": keep-alive\n\n"...)
	}
	out.flush()
	out.timer.Reset(untilBeat(time.Now(), out.last.Add(out.silence)))
}

// beatsTogether is how far apart the times are that signs of life are sent at. A processor that sleeps wakes for many of
// them then, and not for each: with ten thousand silent streams that is most of what one costs.
const beatsTogether = 100 * time.Millisecond

// untilBeat returns how long from now it is to the first of these times that is not before due. A clock that is set meanwhile
// moves them, not the wait.
func untilBeat(now, due time.Time) time.Duration {
	wait := due.Sub(now)
	at := now.Add(wait)
	if early := at.Sub(at.Truncate(beatsTogether)); early > 0 {
		wait += beatsTogether - early
	}
	return wait
}

// close waits for what is being written, and returns the error with which the client was lost, if it was. The connection is
// free for the handler again then.
func (out *eventWriter) close() error {
	out.mu.Lock()
	defer out.mu.Unlock()
	out.closed = true
	out.timer.Stop()
	return out.err
}

// appendEvent appends ev as the wire has it. The data is JSON, which has no line breaks, so whatever a model says stays
// inside its line.
func appendEvent(b []byte, ev claw.Event) []byte {
	b = append(b, "id: "...)
	b = strconv.AppendInt(b, ev.Seq, 10)
	b = append(b, "\nevent: "...)
	b = append(b, ev.Type...)
	b = append(b, "\ndata: "...)
	switch ev.Type {
	case claw.EventDelta: // nearly all of them, so without reflection
		b = append(b, `{"content":`...)
		b, _ = jsontext.AppendQuote(b, ev.Text) // the error is about bytes that are no UTF-8; they became U+FFFD
		b = append(b, '}')
	case claw.EventStart:
		b = appendJSON(b, startEvent{ev.Run.ID, ev.Run.SessionKey})
	case claw.EventDone:
		b = appendJSON(b, doneEvent{
			Usage:      usageOf(ev.Run.Usage),
			ID:         ev.Run.ID,
			SessionKey: ev.Run.SessionKey,
			Model:      ev.Run.Model,
			CreatedAt:  timestamp(ev.Run.CreatedAt),
		})
	case claw.EventError:
		b = appendJSON(b, errorBody{detailOf(ev.Err)})
	}
	return append(b, "\n\n"...)
}

func appendJSON(b []byte, v any) []byte {
	text, err := json.Marshal(v, lenient)
	if err != nil {
		panic(err) // only our own types come here
	}
	return append(b, text...)
}
