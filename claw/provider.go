package claw

import (
	"context"
	"iter"
)

// Provider is a model's server: Anthropic, an OpenAI-compatible one, Ollama, ... or several of them behind one face, as
// failover makes them. Any implementation must pass the suite in model/modeltest.
type Provider interface {
	// Name is the provider's name in the configuration.
	Name() string

	// Stream sends the prompt and yields the answer as it comes. A whole answer ends with exactly one chunk that has
	// Stop set; anything else ends with exactly one error, an [*Error] of code [ModelError] with its reason, or ctx's
	// cause where ctx ended it. A stream that ends without the provider's own terminal event is a [ReasonTruncated]
	// error. Cancelling ctx, or breaking out of the loop, closes the connection to the provider before Stream's
	// iterator returns. Stream makes one attempt: retries have one owner, and it is not the adapter.
	Stream(ctx context.Context, p Prompt) iter.Seq2[Chunk, error]
}

// Prompt is what a model is sent.
type Prompt struct {
	Model     string // the provider's own name for it
	System    string // "" for none
	Messages  []PromptMessage
	MaxTokens int // most tokens of the answer; 0 leaves it to the provider
	// ContextWindow is the model's in tokens, 0 where unknown. Only Ollama must be told: it truncates in silence at a
	// default of 4096 otherwise.
	ContextWindow int
}

// Bytes is how long the prompt's text is, in bytes.
func (p Prompt) Bytes() int {
	n := len(p.System)
	for _, m := range p.Messages {
		n += len(m.Content)
	}
	return n
}

// PromptMessage is one message of a prompt. They alternate between user and assistant, begin and end with user, and are
// not empty.
type PromptMessage struct {
	Role    Role
	Content string
}

// Chunk is a piece of an answer.
type Chunk struct {
	Text  string     // may be empty; valid UTF-8
	Stop  StopReason // set on the last chunk of a whole answer, and on no other
	Usage *Usage     // on the last chunk, the provider's own figures; nil where it gave none
	Model string     // set by failover: which model answers
}

// StopReason is why a model ended its answer.
type StopReason string

// The reasons for which an answer is whole.
const (
	StopEnd    StopReason = "end"    // the model had no more to say, or met a stop sequence
	StopLength StopReason = "length" // the answer reached the most tokens allowed
)
