package openclaw

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// EventType names what an event of a stream tells.
type EventType string

// The events of the contract. An answer is one start, any number of deltas, and one done. The contract's error event
// ends the stream with an [*Error] instead of being yielded.
const (
	EventStart EventType = "start"
	EventDelta EventType = "delta"
	EventDone  EventType = "done"
)

// Event is one event of an answer in the making. Which fields are set depends on its type; a type that this version
// does not know has Type, Seq, Data and Meta only.
type Event struct {
	Type EventType `json:"-"`
	Seq  int64     `json:"-"` // its number in the stream, from 1; [MessagesService.Stream] takes it up after that
	Data string    `json:"-"` // as it was sent: JSON, in every event of the contract
	Meta Meta      `json:"-"` // of the response that it came in

	ID         string    `json:"id"`         // start and done: of the assistant's message
	SessionKey string    `json:"sessionKey"` // start and done
	Content    string    `json:"content"`    // delta: the piece of text
	Model      string    `json:"model"`      // done: the model that answered
	Usage      *Usage    `json:"usage"`      // done
	CreatedAt  time.Time `json:"createdAt"`  // done
}

var (
	errSilence     = errors.New("the stream fell silent")
	errNoTerminal  = errors.New("it was closed without a done or error event")
	errNothingLeft = errors.New("the gateway says that nothing follows, though no done or error event was received")
	errNoEvents    = errors.New("it was closed before its first event")
)

// stream is one answer being followed, over as many connections as that takes.
type stream struct {
	c         *Client
	op        string
	open      call   // how it is begun
	messageID string // "" until the start event tells it
	lastID    int64  // of the last event yielded, 0 where it had none
	begun     bool   // an event has been yielded
	failures  int    // connections in a row that brought no event
	yield     func(Event, error) bool
}

// errDone says that there is nothing more to yield: the answer is whole, or its reader has left.
var errDone = errors.New("done")

// follow yields the events of the stream that open begins. messageID and after are set where the answer is one that
// has been begun before.
func (c *Client) follow(ctx context.Context, open call, messageID string, after int64) iter.Seq2[Event, error] {
	open.accept = eventType
	return func(yield func(Event, error) bool) {
		if c.broken != nil {
			yield(Event{}, c.broken)
			return
		}
		s := stream{c: c, op: open.op, open: open, messageID: messageID, lastID: after, yield: yield}
		for {
			err := s.connect(ctx)
			if errors.Is(err, errDone) {
				return
			}
			if !s.resumable() || !c.pause(ctx, &s.failures, err) {
				yield(Event{}, s.explain(ctx, err))
				return
			}
		}
	}
}

// call returns what to send next: the opening call until the first event, and from then on what asks for the rest. A
// second message is never sent once the first has been seen to begin.
func (s *stream) call() call {
	if !s.begun {
		return s.open
	}
	return streamMessageCall(s.op, s.messageID, s.lastID, s.c.orDefault(defaultTimeout))
}

func streamMessageCall(op, id string, after int64, timeout time.Duration) call {
	call := call{
		op: op, method: http.MethodGet, path: apiRoot + "/messages/" + url.PathEscape(id) + "/stream",
		header: http.Header{}, accept: eventType, timeout: timeout,
	}
	if after > 0 {
		call.header.Set("Last-Event-ID", strconv.FormatInt(after, 10))
	}
	return call
}

// resumable reports whether another connection could bring what is missing without repeating what has been yielded.
func (s *stream) resumable() bool { return !s.begun || s.messageID != "" && s.lastID > 0 }

// connect yields events from one connection, which is closed when it returns: errDone, or why it brought no end.
func (s *stream) connect(ctx context.Context) error {
	tryCtx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	call := s.call()
	timer := time.AfterFunc(call.timeout, func() { cancel(errTryTimeout) })
	defer timer.Stop()
	resp, err := s.c.send(tryCtx, call)
	if s.begun && errors.Is(err, errTryTimeout) {
		return brokenError{err} // one more silence of a stream that is known to exist
	}
	if err != nil {
		return err
	}
	timer.Stop()
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusNoContent {
		switch {
		case s.begun:
			return errNothingLeft
		case call.method == http.MethodPost:
			return notOurs(resp, "its answer has no content instead of a stream of events")
		}
		return errDone // all there was had been seen before
	}
	if kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type")); kind != eventType {
		return notOurs(resp, "its answer is "+strconv.Quote(kind)+" instead of a stream of events")
	}
	body := &impatientReader{r: resp.Body, patience: s.c.orDefault(defaultSilence), giveUp: func() { cancel(errSilence) }}
	events := newEventReader(body)
	events.lastID = s.lastID
	meta := metaOf(resp.Header)
	for {
		raw, err := events.next()
		if err != nil {
			return s.brokenOff(tryCtx, err)
		}
		if err := s.emit(raw, events.lastID, meta); err != nil {
			if raw.name == string(EventDone) && errors.Is(err, errDone) {
				body.drain()
			}
			return err
		}
	}
}

// brokenOff says why a connection ended without the stream's last event.
func (s *stream) brokenOff(ctx context.Context, err error) error {
	switch {
	case errors.Is(err, io.EOF) && s.begun:
		return brokenError{errNoTerminal}
	case errors.Is(err, io.EOF):
		return brokenError{errNoEvents}
	case errors.Is(context.Cause(ctx), errSilence) && s.begun:
		return brokenError{errSilence}
	case errors.Is(context.Cause(ctx), errSilence):
		return errTryTimeout
	case errors.Is(err, errEventTooLong):
		return &failure{kind: ErrIncompleteStream, op: s.op, cause: err}
	default:
		return brokenBy(ctx, err)
	}
}

// emit yields one event and returns errDone after the last, the *Error that an error event tells, or nil.
func (s *stream) emit(raw rawEvent, id int64, meta Meta) error {
	ev := Event{Type: EventType(raw.name), Seq: id, Data: raw.data, Meta: meta}
	switch raw.name {
	case "error":
		e := parseEnvelope([]byte(raw.data))
		if e == nil {
			return s.unreadable(raw, errors.New("it has no code"))
		}
		e.RequestID = meta.RequestID
		return e
	case "start", "delta", "done":
		if err := json.Unmarshal([]byte(raw.data), &ev); err != nil {
			return s.unreadable(raw, err)
		}
		if strings.TrimSpace(raw.data) == "null" { // which encoding/json takes for an object without members
			return s.unreadable(raw, errors.New("it is null"))
		}
	}
	if ev.Type == EventStart && ev.ID != "" {
		s.messageID = ev.ID
	}
	s.begun, s.lastID, s.failures = true, id, 0
	if !s.yield(ev, nil) || ev.Type == EventDone {
		return errDone
	}
	return nil
}

func (s *stream) unreadable(raw rawEvent, err error) error {
	return &failure{kind: ErrIncompleteStream, op: s.op, cause: fmt.Errorf("its event %q cannot be read: %w", raw.name, err)}
}

// explain turns what the stream ended with into what its reader sees.
func (s *stream) explain(ctx context.Context, err error) error {
	explained := s.c.explain(ctx, s.op, err)
	lost := errors.Is(explained, ErrConnection) || errors.Is(explained, ErrTimeout)
	if ctx.Err() != nil || !lost || !s.begun && !errors.Is(err, errNoEvents) {
		return explained
	}
	f := &failure{kind: ErrIncompleteStream, op: s.op, cause: err}
	if s.messageID != "" {
		f.hint = fmt.Sprintf("Messages.Get(ctx, %q) tells what became of the answer", s.messageID)
	}
	return f
}

// impatientReader gives up on a stream that is silent for too long. Time that the caller spends between two reads does
// not count.
type impatientReader struct {
	r        io.Reader
	patience time.Duration
	giveUp   func()
}

func (i *impatientReader) Read(p []byte) (int, error) {
	timer := time.AfterFunc(i.patience, i.giveUp)
	defer timer.Stop()
	return i.r.Read(p)
}

// drain reads the little that follows the last event, so that the connection can be used again, but does not wait for it.
func (i *impatientReader) drain() {
	i.patience = 100 * time.Millisecond
	_, _ = io.CopyN(io.Discard, i, 4096)
}
