package claw

import (
	"regexp"
	"time"
)

// Role is who wrote a message.
type Role string

// The roles of a conversation. The system prompt is configuration, not a message.
const (
	RoleUser      Role = "user"
	RoleAssistant Role = "assistant"
)

// Status tells how much of a message is there.
type Status string

// The states of a message.
const (
	StatusComplete   Status = "complete"   // whole
	StatusIncomplete Status = "incomplete" // still being written, or stopped before its end: cancelled, shut down, killed
	StatusFailed     Status = "failed"     // the model failed; what had come until then is kept
)

// Message is one entry of a session's history.
type Message struct {
	ID        string // "msg_..."
	Role      Role
	Content   string // valid UTF-8
	Status    Status
	Model     string    // assistant only: the model that answered, without its provider
	Usage     *Usage    // assistant only; nil where the model was never reached
	Err       *Error    // assistant only: why it is not complete; nil while it is being written
	CreatedAt time.Time // UTC
}

// Failure returns why a message that nobody writes any more is not complete, nil where it is.
func (m Message) Failure() *Error {
	switch {
	case m.Status == StatusComplete:
		return nil
	case m.Err == nil:
		return Errorf(InternalError, "The run ended without saying why.")
	}
	return m.Err
}

// Usage counts the tokens of one run, as the provider counts them.
type Usage struct {
	InputTokens  int
	OutputTokens int
	Estimated    bool // the provider gave no figures, these are the gateway's guess
}

// EstimateTokens guesses how many tokens a text of n bytes has: a quarter of its bytes, rounded up. Of use where the
// provider gives no figure, or before it is asked; always marked as an estimate.
func EstimateTokens(n int) int { return (n + 3) / 4 }

// Session is a conversation: a key within a workspace, and its messages in order.
type Session struct {
	Key          string
	Channel      string // where it was opened: "api", "web", "cli", ...
	CreatedAt    time.Time
	LastActivity time.Time // of its newest message
	MessageCount int       // of messages in its history
}

// MaxSessionKeyLen is the length in bytes of the longest session key.
const MaxSessionKeyLen = 128

var (
	sessionKeyPattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._:@+~-]*$`)
	channelPattern    = regexp.MustCompile(`^[a-z][a-z0-9-]{0,31}$`)
)

// ValidSessionKey reports whether key may name a session. A key is data: nothing in the gateway makes a path of it.
func ValidSessionKey(key string) bool {
	return len(key) <= MaxSessionKeyLen && sessionKeyPattern.MatchString(key)
}

// DefaultChannel is the channel of a session whose opener named none.
const DefaultChannel = "api"

// ValidChannel reports whether s may name a channel.
func ValidChannel(s string) bool { return channelPattern.MatchString(s) }
