package httpapi

import (
	"errors"

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

// whole starts a run and answers with what came of it.
func (a *API) whole(x *exchange, req claw.ChatRequest) (answer, error) {
	started, err := a.start(x, req)
	if err != nil {
		return nil, err
	}
	m, err := a.chat.Wait(x.r.Context(), x.who, started.ID)
	if err != nil {
		return nil, err
	}
	if failure := m.Failure(); failure != nil {
		return nil, failure
	}
	var usage claw.Usage
	if m.Usage != nil {
		usage = *m.Usage
	}
	return replayed(started, answerJSON(chatBody{
		ID:         m.ID,
		Content:    m.Content,
		SessionKey: m.SessionKey,
		Model:      m.Model,
		Usage:      usageOf(usage),
		CreatedAt:  timestamp(m.CreatedAt),
	})), nil
}

var errNoEnd = claw.AsError(errors.New("the events of the run ended without done or error"))

// follow returns the events of a run behind number after, as an answer.
func (a *API) follow(x *exchange, id string, after int64) (answer, error) {
	events, err := a.chat.Watch(x.r.Context(), x.who, id, after)
	if err != nil || events == nil {
		return noContent{}, err
	}
	return eventStream{events, after}, nil
}
