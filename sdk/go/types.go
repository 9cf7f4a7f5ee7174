package openclaw

import "time"

// ChatRequest is one message to the assistant.
type ChatRequest struct {
	// Message is the text, 1 byte to 256 KiB of valid UTF-8.
	Message string
	// SessionKey continues a session, or opens one of that name. "" opens a session with a generated key, which the
	// answer carries.
	SessionKey string
	// OnDisconnect says what becomes of the answer when the connection ends before it does. The gateway's default is
	// [Continue].
	OnDisconnect OnDisconnect
	// IdempotencyKey makes the message safe to send again, even by another process: 1 to 255 printable ASCII
	// characters, remembered for 24 hours. "" has a fresh one generated, which covers the retries of this call.
	IdempotencyKey string
}

// OnDisconnect is what becomes of an answer in the making whose reader leaves.
type OnDisconnect string

// The choices of OnDisconnect.
const (
	Continue OnDisconnect = "continue" // the answer is written to its end and lands in the session's history
	Cancel   OnDisconnect = "cancel"   // the model is stopped
)

// ChatResponse is the assistant's answer.
type ChatResponse struct {
	ID         string    `json:"id"` // of the assistant's message
	Content    string    `json:"content"`
	SessionKey string    `json:"sessionKey"`
	Model      string    `json:"model"` // the one that answered
	Usage      Usage     `json:"usage"`
	CreatedAt  time.Time `json:"createdAt"`
	Extra      Extra     `json:"-"`
	Meta       Meta      `json:"-"`
}

// Usage counts the tokens of an answer.
type Usage struct {
	InputTokens  int   `json:"inputTokens"`
	OutputTokens int   `json:"outputTokens"`
	Estimated    bool  `json:"estimated,omitempty"` // the model's provider gave no figures; these are the gateway's estimate
	Extra        Extra `json:"-"`
}

// Session is a conversation.
type Session struct {
	Key          string    `json:"key"`
	Channel      string    `json:"channel"` // where it was opened: "api", "web", "cli", ...
	CreatedAt    time.Time `json:"createdAt"`
	LastActivity time.Time `json:"lastActivity"`
	MessageCount int       `json:"messageCount"`
	Extra        Extra     `json:"-"`
	Meta         Meta      `json:"-"` // set by [SessionsService.Get] only
}

// Role is who wrote a message.
type Role string

// The roles of a conversation.
const (
	RoleUser      Role = "user"
	RoleAssistant Role = "assistant"
)

// MessageStatus tells how much of a message is there.
type MessageStatus string

// The states of a message.
const (
	StatusComplete   MessageStatus = "complete"
	StatusIncomplete MessageStatus = "incomplete" // still being written, or stopped before its end
	StatusFailed     MessageStatus = "failed"     // the model failed; Content is what had come until then
)

// Message is one message of a session.
type Message struct {
	ID         string        `json:"id,omitempty"`
	Role       Role          `json:"role"`
	Content    string        `json:"content"`
	Timestamp  time.Time     `json:"timestamp"`
	Status     MessageStatus `json:"status,omitempty"`
	Model      string        `json:"model,omitempty"`      // assistant only
	Usage      *Usage        `json:"usage,omitempty"`      // assistant only; nil where no model was reached
	Running    bool          `json:"running,omitempty"`    // it is being written at this moment
	Error      *MessageError `json:"error,omitempty"`      // why it is not complete; nil while it is being written
	SessionKey string        `json:"sessionKey,omitempty"` // set by [MessagesService.Get] and [MessagesService.Cancel] only
	Extra      Extra         `json:"-"`
	Meta       Meta          `json:"-"` // set by [MessagesService.Get] and [MessagesService.Cancel] only
}

// MessageError is why a message is not complete.
type MessageError struct {
	Code       Code   `json:"code"`
	Message    string `json:"message"`
	Reason     Reason `json:"reason,omitempty"`
	RetryAfter int    `json:"retryAfter,omitempty"` // seconds
	Extra      Extra  `json:"-"`
}

// SessionPage is a page of sessions, newest activity first.
type SessionPage struct {
	Sessions   []Session `json:"sessions"`
	NextCursor string    `json:"nextCursor,omitempty"` // for [SessionQuery]; "" on the last page
	Extra      Extra     `json:"-"`
	Meta       Meta      `json:"-"`
}

// HistoryPage is a page of a session's messages, oldest first.
type HistoryPage struct {
	Messages []Message `json:"messages"`
	Extra    Extra     `json:"-"`
	Meta     Meta      `json:"-"`
}

// Status is the gateway's own account of how it is.
type Status struct {
	Status         string      `json:"status"` // "healthy" or "degraded"
	Reasons        []string    `json:"reasons,omitempty"`
	Version        string      `json:"version"`
	Uptime         int64       `json:"uptime"` // whole seconds
	ActiveSessions int         `json:"activeSessions"`
	Model          StatusModel `json:"model"`
	Extra          Extra       `json:"-"`
	Meta           Meta        `json:"-"`
}

// StatusModel is the model that the gateway asks first.
type StatusModel struct {
	Provider string `json:"provider"`
	Model    string `json:"model"`
	Extra    Extra  `json:"-"`
}

// Meta is what the headers of an answer tell.
type Meta struct {
	RequestID string     // finds the request in the gateway's log
	Replayed  bool       // the answer to an earlier request with this idempotency key
	RateLimit *RateLimit // nil where the answer names none
}

// RateLimit is where a token stands with one class of requests.
type RateLimit struct {
	Limit     int       // requests per window
	Remaining int       // requests left in this window
	Reset     time.Time // when Remaining is Limit again
}

// The methods below exist to keep the fields that this version does not know. Each decodes by way of a type without
// methods, since it would call itself otherwise.

// UnmarshalJSON implements json.Unmarshaler.
func (r *ChatResponse) UnmarshalJSON(b []byte) (err error) {
	type plain ChatResponse
	r.Extra, err = unmarshalExtra(b, (*plain)(r))
	return err
}

// MarshalJSON implements json.Marshaler.
func (r ChatResponse) MarshalJSON() ([]byte, error) {
	type plain ChatResponse
	return marshalExtra(plain(r), r.Extra)
}

// UnmarshalJSON implements json.Unmarshaler.
func (u *Usage) UnmarshalJSON(b []byte) (err error) {
	type plain Usage
	u.Extra, err = unmarshalExtra(b, (*plain)(u))
	return err
}

// MarshalJSON implements json.Marshaler.
func (u Usage) MarshalJSON() ([]byte, error) {
	type plain Usage
	return marshalExtra(plain(u), u.Extra)
}

// UnmarshalJSON implements json.Unmarshaler.
func (s *Session) UnmarshalJSON(b []byte) (err error) {
	type plain Session
	s.Extra, err = unmarshalExtra(b, (*plain)(s))
	return err
}

// MarshalJSON implements json.Marshaler.
func (s Session) MarshalJSON() ([]byte, error) {
	type plain Session
	return marshalExtra(plain(s), s.Extra)
}

// UnmarshalJSON implements json.Unmarshaler.
func (m *Message) UnmarshalJSON(b []byte) (err error) {
	type plain Message
	m.Extra, err = unmarshalExtra(b, (*plain)(m))
	return err
}

// MarshalJSON implements json.Marshaler.
func (m Message) MarshalJSON() ([]byte, error) {
	type plain Message
	return marshalExtra(plain(m), m.Extra)
}

// UnmarshalJSON implements json.Unmarshaler.
func (e *MessageError) UnmarshalJSON(b []byte) (err error) {
	type plain MessageError
	e.Extra, err = unmarshalExtra(b, (*plain)(e))
	return err
}

// MarshalJSON implements json.Marshaler.
func (e MessageError) MarshalJSON() ([]byte, error) {
	type plain MessageError
	return marshalExtra(plain(e), e.Extra)
}

// UnmarshalJSON implements json.Unmarshaler.
func (p *SessionPage) UnmarshalJSON(b []byte) (err error) {
	type plain SessionPage
	p.Extra, err = unmarshalExtra(b, (*plain)(p))
	return err
}

// MarshalJSON implements json.Marshaler.
func (p SessionPage) MarshalJSON() ([]byte, error) {
	type plain SessionPage
	return marshalExtra(plain(p), p.Extra)
}

// UnmarshalJSON implements json.Unmarshaler.
func (p *HistoryPage) UnmarshalJSON(b []byte) (err error) {
	type plain HistoryPage
	p.Extra, err = unmarshalExtra(b, (*plain)(p))
	return err
}

// MarshalJSON implements json.Marshaler.
func (p HistoryPage) MarshalJSON() ([]byte, error) {
	type plain HistoryPage
	return marshalExtra(plain(p), p.Extra)
}

// UnmarshalJSON implements json.Unmarshaler.
func (s *Status) UnmarshalJSON(b []byte) (err error) {
	type plain Status
	s.Extra, err = unmarshalExtra(b, (*plain)(s))
	return err
}

// MarshalJSON implements json.Marshaler.
func (s Status) MarshalJSON() ([]byte, error) {
	type plain Status
	return marshalExtra(plain(s), s.Extra)
}

// UnmarshalJSON implements json.Unmarshaler.
func (m *StatusModel) UnmarshalJSON(b []byte) (err error) {
	type plain StatusModel
	m.Extra, err = unmarshalExtra(b, (*plain)(m))
	return err
}

// MarshalJSON implements json.Marshaler.
func (m StatusModel) MarshalJSON() ([]byte, error) {
	type plain StatusModel
	return marshalExtra(plain(m), m.Extra)
}
