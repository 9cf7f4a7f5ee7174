package httpapi

import (
	"context"
	"errors"
	"iter"

	"github.com/openclaw/openclaw/claw"
)

func (a *API) postChat(x *exchange) (answer, error) {
	req, stream, err := x.chatRequest()
	if err != nil {
		return nil, err
	}
	if stream != nil && *stream {
		return a.streamed(x, req)
	}
	return a.whole(x, req)
}

func (a *API) postChatStream(x *exchange) (answer, error) {
	req, stream, err := x.chatRequest()
	if err != nil {
		return nil, err
	}
	if stream != nil && !*stream {
		return nil, invalid("stream", "must be true or left out here. POST /api/v1/chat answers in one piece.")
	}
	return a.streamed(x, req)
}

// start starts a run, and remembers which for the log.
func (a *API) start(x *exchange, req claw.ChatRequest) (claw.Started, error) {
	started, err := a.chat.Start(x.r.Context(), x.who, req)
	x.run, x.session = started.ID, started.SessionKey
	return started, err
}

// streamed starts a run and answers with its events. Until it has begun an error is an ordinary answer; after that it
// is an event.
func (a *API) streamed(x *exchange, req claw.ChatRequest) (answer, error) {
	started, err := a.start(x, req)
	if err != nil {
		return nil, err
	}
	ans, err := a.follow(x, started.ID, 0)
	if err != nil {
		return nil, err
	}
	return replayed(started, ans), nil
}

// whole starts a run and answers with what its events add up to.
func (a *API) whole(x *exchange, req claw.ChatRequest) (answer, error) {
	started, err := a.start(x, req)
	if err != nil {
		return nil, err
	}
	events, err := a.chat.Watch(x.r.Context(), x.who, started.ID, 0)
	if err != nil {
		return nil, err
	}
	body, err := collect(events)
	if err != nil {
		return nil, err
	}
	return replayed(started, answerJSON(body)), nil
}

// collect reads a run's events to the end and returns the whole answer, or the run's error.
func collect(events iter.Seq2[claw.Event, error]) (chatBody, error) {
	var text []byte
	for ev, err := range events {
		if err != nil {
			return chatBody{}, err
		}
		switch ev.Type {
		case claw.EventDelta:
			text = append(text, ev.Text...)
		case claw.EventError:
			return chatBody{}, ev.Err
		case claw.EventDone:
			return chatBody{
				ID:         ev.Run.ID,
				Content:    string(text),
				SessionKey: ev.Run.SessionKey,
				Model:      ev.Run.Model,
				Usage:      usageOf(ev.Run.Usage),
				CreatedAt:  timestamp(ev.Run.CreatedAt),
			}, nil
		}
	}
	return chatBody{}, errNoEnd
}

var errNoEnd = claw.AsError(errors.New("the events of the run ended without done or error"))

// follow returns the events of a run behind number after, as an answer.
func (a *API) follow(x *exchange, id string, after int64) (answer, error) {
	ctx, stop := context.WithCancel(x.r.Context())
	events, err := a.chat.Watch(ctx, x.who, id, after)
	if err != nil || events == nil {
		stop()
		return noContent{}, err
	}
	return eventStream{events, after, stop}, nil
}
