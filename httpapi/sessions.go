package httpapi

import (
	"net/http"

	"github.com/openclaw/openclaw/claw"
)

func (a *API) listSessions(x *exchange) (answer, error) {
	q, err := x.sessionQuery()
	if err != nil {
		return nil, err
	}
	page, err := a.sessions.Sessions(x.r.Context(), x.who.Workspace, q)
	if err != nil {
		return nil, err
	}
	body := sessionListBody{Sessions: make([]sessionBody, len(page.Sessions)), NextCursor: page.Next}
	for i, s := range page.Sessions {
		body.Sessions[i] = sessionOf(s)
	}
	return answerJSON(body), nil
}

func (x *exchange) sessionQuery() (sq claw.SessionQuery, err error) {
	q, err := x.query()
	if err != nil {
		return sq, err
	}
	if sq.Limit, err = q.limit(maxPage); err != nil {
		return sq, err
	}
	if sq.Cursor, _, err = q.get("cursor"); err != nil {
		return sq, err
	}
	channel, given, err := q.get("channel")
	if err != nil || !given {
		return sq, err
	}
	sq.Channel, err = validChannel("channel", channel)
	return sq, err
}

func (a *API) getSession(x *exchange) (answer, error) {
	key, err := x.sessionKey()
	if err != nil {
		return nil, err
	}
	s, err := a.sessions.Session(x.r.Context(), x.who.Workspace, key)
	return answerJSON(sessionOf(s)), err
}

func (a *API) deleteSession(x *exchange) (answer, error) {
	key, err := x.sessionKey()
	if err != nil {
		return nil, err
	}
	return noContent{}, a.chat.DeleteSession(x.r.Context(), x.who, key)
}

func (a *API) getHistory(x *exchange) (answer, error) {
	key, err := x.sessionKey()
	if err != nil {
		return nil, err
	}
	q, err := x.historyQuery()
	if err != nil {
		return nil, err
	}
	q.MaxBytes = a.historyPart
	messages, err := a.sessions.History(x.r.Context(), x.who.Workspace, key, q)
	if err != nil {
		return nil, err
	}
	if contentBytes(messages) >= q.MaxBytes && len(messages) < q.Limit {
		return longHistory{key, q, messages}, nil
	}
	body := historyBody{Messages: make([]messageBody, len(messages))}
	for i, m := range messages {
		body.Messages[i] = messageOf(m)
	}
	return answerJSON(body), nil
}

func contentBytes(messages []claw.Message) (n int) {
	for _, m := range messages {
		n += len(m.Content)
	}
	return n
}

// longHistory is a history that is not held in memory at once: a thousand messages can be a gigabyte, and a token can ask
// for them many times at the same time.
type longHistory struct {
	key   string
	query claw.HistoryQuery // that gave the first part
	part  []claw.Message    // the first
}

func (ans longHistory) send(x *exchange) {
	x.Header().Set("Content-Type", "application/json")
	x.WriteHeader(http.StatusOK)
	if x.r.Method == http.MethodHead {
		return
	}
	buf, between, q := []byte(`{"messages":[`), "", ans.query
	for part := ans.part; len(part) > 0; {
		for _, m := range part {
			buf = appendJSON(append(buf, between...), messageOf(m))
			if between = ","; !x.writeAll(buf) {
				return
			}
			buf = buf[:0]
		}
		if q.Limit -= len(part); q.Limit <= 0 || contentBytes(part) < q.MaxBytes {
			break
		}
		q.After = part[len(part)-1].ID
		var err error
		if part, err = x.api.sessions.History(x.r.Context(), x.who.Workspace, ans.key, q); err != nil {
			// The session may have been deleted meanwhile. A history that ends here must not look whole.
			x.err, x.cut = claw.AsError(err), true
			return
		}
	}
	x.writeAll(append(buf, "]}\n"...))
}

// defaultHistory is how many messages a history has where the client does not say.
const defaultHistory = 50

func (x *exchange) historyQuery() (hq claw.HistoryQuery, err error) {
	q, err := x.query()
	if err != nil {
		return hq, err
	}
	if hq.Limit, err = q.limit(defaultHistory); err != nil {
		return hq, err
	}
	hq.Before, _, err = q.get("before")
	return hq, err
}
