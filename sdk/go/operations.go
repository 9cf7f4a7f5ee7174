package openclaw

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"iter"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// orDefault returns the timeout that the client was given, else d.
func (c *Client) orDefault(d time.Duration) time.Duration {
	if c.timeout > 0 {
		return c.timeout
	}
	return d
}

func (c *Client) get(op, path string, query url.Values) call {
	return call{op: op, method: http.MethodGet, path: path, query: query, timeout: c.orDefault(defaultTimeout)}
}

// Chat sends a message and returns the assistant's whole answer. That can take minutes; [Client.Stream] shows it as it
// is written.
//
// Operation: chat
func (c *Client) Chat(ctx context.Context, req ChatRequest) (*ChatResponse, error) {
	call, err := c.chatCall("chat", "/chat", req)
	if err != nil {
		return nil, err
	}
	var resp ChatResponse
	if resp.Meta, err = c.do(ctx, call, &resp); err != nil {
		return nil, err
	}
	return &resp, nil
}

// Stream sends a message and yields the assistant's answer as it is written: a start event, deltas, and a done event.
// Anything else ends with an error, as the last thing yielded. A connection that breaks is replaced, and the answer taken
// up where it broke off, without the message being sent again. Breaking out of the loop closes the connection; the
// answer is still written to the session's history, unless the request says [Cancel]. Each range over the iterator
// sends the message anew, unless the request has an idempotency key.
//
// Operation: chatStream
func (c *Client) Stream(ctx context.Context, req ChatRequest) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		call, err := c.chatCall("chatStream", "/chat/stream", req)
		if err != nil {
			yield(Event{}, err)
			return
		}
		c.follow(ctx, call, "", 0)(yield)
	}
}

func (c *Client) chatCall(op, path string, req ChatRequest) (call, error) {
	if !utf8.ValidString(req.Message) || !utf8.ValidString(req.SessionKey) {
		// encoding/json would replace the bytes in silence.
		return call{}, invalid(op, "the message or the session key is not valid UTF-8")
	}
	key := req.IdempotencyKey
	if key == "" {
		key = rand.Text()
	}
	if len(key) > 255 || strings.ContainsFunc(key, func(r rune) bool { return r < ' ' || r > '~' }) ||
		strings.TrimSpace(key) != key { // HTTP takes spaces at the ends away
		return call{}, invalid(op, "the idempotency key is not 1 to 255 printable ASCII characters without space around")
	}
	body, err := encode(struct {
		Message      string       `json:"message"`
		SessionKey   string       `json:"sessionKey,omitempty"`
		OnDisconnect OnDisconnect `json:"onDisconnect,omitempty"`
	}{req.Message, req.SessionKey, req.OnDisconnect})
	if err != nil {
		return call{}, invalid(op, "%w", err)
	}
	h := http.Header{"Idempotency-Key": {key}}
	if c.channel != "" {
		h.Set("X-OpenClaw-Channel", c.channel)
	}
	return call{
		op: op, method: http.MethodPost, path: apiRoot + path, header: h, body: body,
		timeout: c.orDefault(defaultChatTimeout),
	}, nil
}

// encode leaves <, > and & as they are: escaped, a text of code would be up to six times as long on the wire.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return bytes.TrimRight(b.Bytes(), "\n"), err
}

// Status returns the gateway's own account of how it is. Any valid token may ask.
//
// Operation: getStatus
func (c *Client) Status(ctx context.Context) (*Status, error) {
	var s Status
	var err error
	if s.Meta, err = c.do(ctx, c.get("getStatus", apiRoot+"/status", nil), &s); err != nil {
		return nil, err
	}
	return &s, nil
}

// OpenAPI returns the contract that the gateway keeps, an OpenAPI document in JSON. It needs no token.
//
// Operation: getOpenapi
func (c *Client) OpenAPI(ctx context.Context) (json.RawMessage, error) {
	var doc json.RawMessage
	_, err := c.do(ctx, c.get("getOpenapi", apiRoot+"/openapi.json", nil), &doc)
	return doc, err
}

// Health returns nil where the gateway's process is alive. It needs no token, and is not tried again.
//
// Operation: healthz
func (c *Client) Health(ctx context.Context) error { return c.probe(ctx, "healthz") }

// Ready returns nil where the gateway takes new work, an [*Error] with [CodeUnavailable] where it does not. It needs no
// token, and is not tried again.
//
// Operation: readyz
func (c *Client) Ready(ctx context.Context) error { return c.probe(ctx, "readyz") }

func (c *Client) probe(ctx context.Context, op string) error {
	call := c.get(op, "/"+op, nil)
	call.once = true
	var ok struct{} // but JSON it must be: a proxy's page says nothing of the gateway
	_, err := c.do(ctx, call, &ok)
	return err
}

// SessionsService lists, reads and deletes sessions. Its methods need the permission "sessions".
type SessionsService struct{ c *Client }

// SessionQuery selects sessions. Its zero value selects all.
type SessionQuery struct {
	Channel string // only sessions that were opened there, "" for all
	Limit   int    // sessions per page, 1 to 1000; 0 for the gateway's default, 1000
	Cursor  string // [SessionPage.NextCursor] of the page before; "" for the first page
}

// HistoryQuery selects messages of a session. Its zero value selects the newest.
type HistoryQuery struct {
	Limit  int    // messages per page, 1 to 1000; 0 for the gateway's default, 50
	Before string // only messages before the one with this id, "" for the newest
}

// List yields the sessions, newest activity first, asking for the next page when it gets there. At most one query may
// be given.
//
// Operation: listSessions
func (s *SessionsService) List(ctx context.Context, query ...SessionQuery) iter.Seq2[Session, error] {
	return func(yield func(Session, error) bool) {
		q, err := atMostOne("listSessions", query)
		for err == nil {
			var page *SessionPage
			if page, err = s.ListPage(ctx, q); err != nil {
				break
			}
			for _, session := range page.Sessions {
				if !yield(session, nil) {
					return
				}
			}
			if page.NextCursor == "" {
				return
			}
			if page.NextCursor == q.Cursor {
				err = &Error{Status: http.StatusOK, Message: "the gateway's next page of sessions is the same again"}
			}
			q.Cursor = page.NextCursor
		}
		yield(Session{}, err)
	}
}

// ListPage returns one page of the sessions, newest activity first.
//
// Operation: listSessions
func (s *SessionsService) ListPage(ctx context.Context, q SessionQuery) (*SessionPage, error) {
	v := url.Values{}
	set(v, "channel", q.Channel)
	set(v, "cursor", q.Cursor)
	setLimit(v, q.Limit)
	var page SessionPage
	var err error
	if page.Meta, err = s.c.do(ctx, s.c.get("listSessions", apiRoot+"/sessions", v), &page); err != nil {
		return nil, err
	}
	if page.Sessions == nil {
		return nil, noList("sessions")
	}
	return &page, nil
}

// noList tells of an object without the list that was asked for, as another service may answer any path with.
func noList(name string) *Error {
	return &Error{
		Status:  http.StatusOK,
		Message: "the answer has no " + name + " in it, so it is not from an OpenClaw gateway: check the base URL",
	}
}

// Get returns one session.
//
// Operation: getSession
func (s *SessionsService) Get(ctx context.Context, key string) (*Session, error) {
	path, err := sessionPath("getSession", key)
	if err != nil {
		return nil, err
	}
	var session Session
	if session.Meta, err = s.c.do(ctx, s.c.get("getSession", path, nil), &session); err != nil {
		return nil, err
	}
	return &session, nil
}

// historyPageSize is how many messages History asks for at a time.
const historyPageSize = 200

// History yields the messages of a session, oldest first. The gateway's pages begin at the newest, so all of them are
// read before the first message is yielded; [SessionsService.HistoryPage] is for sessions too long for that. At most
// one query may be given.
//
// Operation: getHistory
func (s *SessionsService) History(ctx context.Context, key string, query ...HistoryQuery) iter.Seq2[Message, error] {
	return func(yield func(Message, error) bool) {
		pages, err := s.historyPages(ctx, key, query)
		if err != nil {
			yield(Message{}, err)
			return
		}
		for _, page := range slices.Backward(pages) {
			for _, m := range page {
				if !yield(m, nil) {
					return
				}
			}
		}
	}
}

// historyPages returns all pages, the newest first.
func (s *SessionsService) historyPages(ctx context.Context, key string, query []HistoryQuery) ([][]Message, error) {
	q, err := atMostOne("getHistory", query)
	if err != nil {
		return nil, err
	}
	if q.Limit == 0 {
		q.Limit = historyPageSize
	}
	var pages [][]Message
	for {
		page, err := s.HistoryPage(ctx, key, q)
		if err != nil {
			return nil, err
		}
		pages = append(pages, page.Messages)
		// A page that is not full is the last. Without an id (a gateway of the first days) there is no going on.
		if len(page.Messages) == 0 || len(page.Messages) < q.Limit {
			return pages, nil
		}
		oldest := page.Messages[0].ID
		if oldest == "" || oldest == q.Before {
			return pages, nil
		}
		q.Before = oldest
	}
}

// HistoryPage returns one page of a session's messages, oldest first. The page before it is had with the id of its
// first message as Before. A page with fewer messages than the limit is the last.
//
// Operation: getHistory
func (s *SessionsService) HistoryPage(ctx context.Context, key string, q HistoryQuery) (*HistoryPage, error) {
	path, err := sessionPath("getHistory", key)
	if err != nil {
		return nil, err
	}
	v := url.Values{}
	set(v, "before", q.Before)
	setLimit(v, q.Limit)
	var page HistoryPage
	if page.Meta, err = s.c.do(ctx, s.c.get("getHistory", path+"/history", v), &page); err != nil {
		return nil, err
	}
	if page.Messages == nil {
		return nil, noList("messages")
	}
	return &page, nil
}

// Delete erases a session and its history, and stops the answer being written in it. A session that does not exist is
// an [*Error] with [CodeNotFound].
//
// Operation: deleteSession
func (s *SessionsService) Delete(ctx context.Context, key string) error {
	path, err := sessionPath("deleteSession", key)
	if err != nil {
		return err
	}
	call := s.c.get("deleteSession", path, nil)
	call.method = http.MethodDelete
	_, err = s.c.do(ctx, call, nil)
	return err
}

// MessagesService follows, reads and stops single answers. Its methods need the permission "chat"; for reading,
// "sessions" will do.
type MessagesService struct{ c *Client }

// Get returns a message. One that is being written has Running set and the content that there is so far.
//
// Operation: getMessage
func (m *MessagesService) Get(ctx context.Context, id string) (*Message, error) {
	path, err := messagePath("getMessage", id)
	if err != nil {
		return nil, err
	}
	return m.message(ctx, m.c.get("getMessage", path, nil))
}

// Stream yields the events of an answer that follow the event numbered after (0 for all), and goes on until its end,
// just as [Client.Stream] does. It yields nothing where after is the last event.
//
// Operation: streamMessage
func (m *MessagesService) Stream(ctx context.Context, id string, after int64) iter.Seq2[Event, error] {
	_, err := messagePath("streamMessage", id)
	if err == nil && after < 0 {
		err = invalid("streamMessage", "after is %d: give the number of an event, or 0 for all", after)
	}
	if err != nil {
		return func(yield func(Event, error) bool) { yield(Event{}, err) }
	}
	open := streamMessageCall("streamMessage", id, after, m.c.orDefault(defaultTimeout))
	return m.c.follow(ctx, open, id, after)
}

// Cancel stops the answer being written, and returns it as it then is. A message that is not being written is returned
// as it is.
//
// Operation: cancelMessage
func (m *MessagesService) Cancel(ctx context.Context, id string) (*Message, error) {
	path, err := messagePath("cancelMessage", id)
	if err != nil {
		return nil, err
	}
	call := m.c.get("cancelMessage", path+"/cancel", nil)
	call.method = http.MethodPost
	call.header = http.Header{"Idempotency-Key": {rand.Text()}}
	return m.message(ctx, call)
}

func (m *MessagesService) message(ctx context.Context, call call) (*Message, error) {
	var msg Message
	var err error
	if msg.Meta, err = m.c.do(ctx, call, &msg); err != nil {
		return nil, err
	}
	return &msg, nil
}

func sessionPath(op, key string) (string, error) { return pathOf(op, "/sessions/", "session key", key) }

func messagePath(op, id string) (string, error) { return pathOf(op, "/messages/", "message id", id) }

// pathOf refuses the names that escaping cannot keep from meaning something else in a path. All others are the
// gateway's to judge.
func pathOf(op, under, what, name string) (string, error) {
	if name == "" || name == "." || name == ".." {
		return "", invalid(op, "%q is no %s", name, what)
	}
	return apiRoot + under + url.PathEscape(name), nil
}

func set(v url.Values, name, value string) {
	if value != "" {
		v.Set(name, value)
	}
}

func setLimit(v url.Values, n int) {
	if n != 0 { // what is out of range is for the gateway to refuse: its message names the rule
		v.Set("limit", strconv.Itoa(n))
	}
}

func atMostOne[T any](op string, given []T) (q T, err error) {
	switch len(given) {
	case 0:
		return q, nil
	case 1:
		return given[0], nil
	}
	return q, invalid(op, "%d queries given, the most is one", len(given))
}
