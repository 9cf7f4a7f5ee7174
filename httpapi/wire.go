package httpapi

import (
	"time"

	"github.com/openclaw/openclaw/claw"
)

// The shapes of answers and events, with their fields in the order in which they are documented.

type chatBody struct {
	ID         string    `json:"id"`
	Content    string    `json:"content"`
	SessionKey string    `json:"sessionKey"`
	Model      string    `json:"model"`
	Usage      usageBody `json:"usage"`
	CreatedAt  timestamp `json:"createdAt"`
}

type usageBody struct {
	InputTokens  int  `json:"inputTokens"`
	OutputTokens int  `json:"outputTokens"`
	Estimated    bool `json:"estimated,omitzero"`
}

type startEvent struct {
	ID         string `json:"id"`
	SessionKey string `json:"sessionKey"`
}

type doneEvent struct {
	Usage      usageBody `json:"usage"`
	ID         string    `json:"id"`
	SessionKey string    `json:"sessionKey"`
	Model      string    `json:"model"`
	CreatedAt  timestamp `json:"createdAt"`
}

type sessionBody struct {
	Key          string    `json:"key"`
	Channel      string    `json:"channel"`
	CreatedAt    timestamp `json:"createdAt"`
	LastActivity timestamp `json:"lastActivity"`
	MessageCount int       `json:"messageCount"`
}

type sessionListBody struct {
	Sessions   []sessionBody `json:"sessions"`
	NextCursor string        `json:"nextCursor,omitzero"`
}

type messageBody struct {
	ID         string       `json:"id"`
	Role       claw.Role    `json:"role"`
	Content    string       `json:"content"`
	Timestamp  timestamp    `json:"timestamp"`
	Status     claw.Status  `json:"status"`
	Model      string       `json:"model,omitzero"`
	Usage      *usageBody   `json:"usage,omitzero"`
	Running    bool         `json:"running,omitzero"`
	Error      *errorDetail `json:"error,omitzero"`
	SessionKey string       `json:"sessionKey,omitzero"` // where the message was named by its id
}

type historyBody struct {
	Messages []messageBody `json:"messages"`
}

type statusBody struct {
	Status         string    `json:"status"`
	Reasons        []string  `json:"reasons,omitempty"`
	Version        string    `json:"version"`
	Uptime         int64     `json:"uptime"` // whole seconds
	ActiveSessions int       `json:"activeSessions"`
	Model          modelBody `json:"model"`
}

type modelBody struct {
	Provider string `json:"provider"`
	Model    string `json:"model"`
}

type probeBody struct {
	Status string `json:"status"`
}

// timestamp is a time as clients see it: RFC 3339 in UTC. Always with milliseconds, so that times sort as text.
type timestamp time.Time

// AppendText implements [encoding.TextAppender].
func (t timestamp) AppendText(b []byte) ([]byte, error) {
	return time.Time(t).UTC().AppendFormat(b, "2006-01-02T15:04:05.000Z"), nil
}

func usageOf(u claw.Usage) usageBody { return usageBody(u) }

func sessionOf(s claw.Session) sessionBody {
	return sessionBody{
		Key:          s.Key,
		Channel:      s.Channel,
		CreatedAt:    timestamp(s.CreatedAt),
		LastActivity: timestamp(s.LastActivity),
		MessageCount: s.MessageCount,
	}
}

func messageOf(m claw.Message) messageBody {
	b := messageBody{
		ID:        m.ID,
		Role:      m.Role,
		Content:   m.Content,
		Timestamp: timestamp(m.CreatedAt),
		Status:    m.Status,
		Model:     m.Model,
	}
	if m.Usage != nil {
		u := usageOf(*m.Usage)
		b.Usage = &u
	}
	if m.Err != nil {
		d := detailOf(m.Err)
		b.Error = &d
	}
	return b
}

func viewOf(v claw.MessageView) messageBody {
	b := messageOf(v.Message)
	b.Running, b.SessionKey = v.Running, v.SessionKey
	return b
}
