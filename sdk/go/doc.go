// Package openclaw is the Go client of an OpenClaw gateway: chat with the assistant, stream its answers, and read or
// delete sessions.
//
//	client := openclaw.New("http://localhost:3000", openclaw.WithAPIKey(key))
//	reply, err := client.Chat(ctx, openclaw.ChatRequest{Message: "Hello"})
//
// # Errors
//
// An answer of the gateway that is an error is an [*Error]; branch on its Code. What failed before or beside an answer
// can be told apart with errors.Is: [ErrConnection], [ErrTimeout], [ErrIncompleteStream], [ErrInvalidArgument]. A call
// whose context was cancelled returns an error that wraps context.Canceled.
//
// # Retries
//
// A call that was answered 429 or 503, or that found or kept no connection, is tried again: twice by default, after
// half a second and then after a second (a quarter more or less), or after the time that the gateway names. Where that
// is over a minute the error is returned at once. Sending a message again is safe, because each try of a POST carries
// the same Idempotency-Key. Nothing else is tried again: a 502 in particular means that the gateway has tried its other
// models already.
//
// A stream that breaks is taken up again at the event after the last one received, without a second message being sent.
package openclaw

// Version is this SDK's own version, which it sends in User-Agent.
const Version = "0.1.0"
