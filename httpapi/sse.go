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
	events iter.Seq2[claw.Event, error]
	after  int64 // number of the last event that the client has
	stop   context.CancelFunc
}

// send ranges over the events in the handler's goroutine and leaves the connection to a pump, so that a slow client is
// waited for here and nowhere else.
func (ans eventStream) send(x *exchange) {
	defer ans.stop()
	h := x.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no") // or nginx holds the events back
	x.WriteHeader(http.StatusOK)
	if x.r.Method == http.MethodHead {
		return
	}
	p := newPump(x, x.api.keepAlive, ans.stop)
	defer func() {
		if p.close() != nil {
			x.cut = true
		}
	}()

	last := ans.after
	for ev, err := range ans.events {
		if err == nil {
			err = context.Cause(x.r.Context()) // a long replay may look at it late
		}
		if err != nil {
			if !x.gone() {
				p.send(failed(x, last+1, err))
			}
			x.cut = x.gone()
			return
		}
		if last = ev.Seq; !p.send(ev) || ev.Terminal() {
			return
		}
	}
	p.send(failed(x, last+1, errNoEnd))
}

// failed is the last event of a stream that cannot go on, though its run may.
func failed(x *exchange, seq int64, err error) claw.Event {
	x.err = claw.AsError(err)
	return claw.Event{Seq: seq, Type: claw.EventError, Err: x.err}
}

// maxPending is how many bytes may wait for a client before the reader of its events waits too. The run never waits.
const maxPending = 64 << 10

// pump carries events to one connection.
//
// Two things make this harder than a loop that writes and flushes. A flush costs a system call, so events that are there
// at the same time should share one; but a sequence cannot say whether its next event is there yet, and waiting a moment
// to see would delay every event. And a connection must not stay silent while the sequence makes the handler wait.
//
// So the handler only appends to a buffer, and whoever finds no writer at work starts one: a goroutine that lives until
// the buffer is empty. The scheduler does the batching. The writer runs as soon as the handler blocks for want of events,
// or a processor is free, and takes everything that has gathered. A stream in silence has neither a writer nor a goroutine
// for its heartbeat, only a timer. The alternatives were a writer for the life of each stream (a stack per idle client)
// and iter.Pull with a select (another goroutine, and two switches per event).
type pump struct {
	w       http.ResponseWriter
	control *http.ResponseController
	silence time.Duration // until a heartbeat
	stop    func()        // ends the sequence of events
	write   func()        // p.drain, bound once: `go p.drain()` would allocate each time

	mu      sync.Mutex
	moved   sync.Cond // the writer took the buffer, or ended
	pending []byte
	spare   []byte // the buffer that was written last, to be used again
	writing bool
	closed  bool
	err     error // of the first write that failed; nothing is written after it
	last    time.Time
	timer   *time.Timer
}

// newPump sends the header at once, since the first event may be long in coming. A write to w must fail once the client
// has not taken it for too long.
func newPump(w http.ResponseWriter, silence time.Duration, stop func()) *pump {
	p := &pump{
		w: w, control: http.NewResponseController(w), silence: silence, stop: stop,
		writing: true, last: time.Now(),
	}
	p.moved.L = &p.mu
	p.write = p.drain
	p.timer = time.AfterFunc(silence, p.beat)
	go p.write()
	return p
}

// send queues an event, waiting for room where the client is slow. It reports false once the client is lost.
func (p *pump) send(ev claw.Event) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.pending) >= maxPending && p.err == nil {
		p.moved.Wait()
	}
	if p.err != nil {
		return false
	}
	p.pending = appendEvent(p.pending, ev)
	p.wake()
	return true
}

// wake sees to it that a writer is at work. p.mu is held.
func (p *pump) wake() {
	if !p.writing {
		p.writing = true
		go p.write()
	}
}

// drain is the writer: it writes until nothing is left. The first round may have nothing to write but the header.
func (p *pump) drain() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for first := true; p.err == nil && (first || len(p.pending) > 0); first = false {
		batch := p.pending
		p.pending, p.spare = p.spare[:0], nil
		p.moved.Broadcast()
		p.mu.Unlock()
		err := p.flush(batch)
		p.mu.Lock()
		if err != nil {
			p.err = err
			p.stop()
		}
		p.spare = batch
		p.last = time.Now()
	}
	if cap(p.pending)+cap(p.spare) > maxPending { // a burst has blown them up, and the stream may be idle for long now
		p.pending, p.spare = nil, nil
	}
	p.writing = false
	p.moved.Broadcast()
}

func (p *pump) flush(batch []byte) error {
	if len(batch) > 0 {
		if _, err := p.w.Write(batch); err != nil {
			return err
		}
	}
	return p.control.Flush()
}

// beat runs when the connection may have been silent for long enough. Setting the timer anew with every event would cost
// more than this look at when the last one was.
func (p *pump) beat() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || p.err != nil {
		return
	}
	wait := p.silence
	if idle := time.Since(p.last); idle < p.silence {
		wait -= idle
	} else if !p.writing {
		p.pending = append(p.pending, ": keep-alive\n\n"...)
		p.wake()
	}
	p.timer.Reset(wait)
}

// close waits until all is written, or the client is lost, and returns the error of the latter. The connection is free
// for the handler again then.
func (p *pump) close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	p.timer.Stop()
	for p.writing {
		p.moved.Wait()
	}
	return p.err
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
