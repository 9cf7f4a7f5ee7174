package claw

// ChatRequest is one message that a client sends to the assistant.
type ChatRequest struct {
	Message            string // 1 byte to 256 KiB of valid UTF-8, not blank
	SessionKey         string // "" opens a new session with a generated key
	Channel            string // of a session that this opens
	IdempotencyKey     string // "" for none
	CancelOnDisconnect bool   // the run ends with the connection that started it
}

// Started is a run that has begun: the user's message and the run are durable.
type Started struct {
	ID         string // of the run and of the assistant's message
	SessionKey string
	Replayed   bool // an idempotency key named a run that had completed before: its events are all there already
}

// MessageView is a message as a client that names it sees it.
type MessageView struct {
	Message
	SessionKey string
	Running    bool // its run goes on; Content is what came so far
}
