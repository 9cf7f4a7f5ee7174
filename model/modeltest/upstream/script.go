package upstream

import (
	"time"
)

// Wire is a vendor's protocol.
type Wire string

// The protocols spoken.
const (
	Anthropic Wire = "anthropic"
	OpenAI    Wire = "openai"
	Gemini    Wire = "gemini"
	Ollama    Wire = "ollama"
)

// Wires lists all protocols.
func Wires() []Wire { return []Wire{Anthropic, OpenAI, Gemini, Ollama} }

// BaseURL returns what a provider of the wire's type takes as its base URL, given the server's root, such as
// "http://127.0.0.1:4000".
func (w Wire) BaseURL(root string) string {
	if w == OpenAI {
		return root + "/v1"
	}
	return root
}

// End is how a scripted stream ends.
type End string

// The ways for a stream to end.
const (
	EndWhole    End = ""         // with the terminal event
	EndError    End = "error"    // an error event, of kind Script.ErrorKind
	EndTruncate End = "truncate" // the HTTP answer ends properly, but without the terminal event
	EndAbort    End = "abort"    // the connection is closed in the middle of the HTTP answer
	EndReset    End = "reset"    // the same with a TCP reset
	EndStall    End = "stall"    // nothing more comes until the client leaves
)

// Duration is a [time.Duration] that is a string such as "1.5s" in JSON.
type Duration time.Duration

// MarshalText writes the duration as Go does.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText reads what [time.ParseDuration] does.
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	*d = Duration(v)
	return err
}

// Usage is what the upstream says that a call has cost, in tokens.
type Usage struct {
	Input  int `json:"input"`
	Output int `json:"output"`
}

// Script says how one call is answered. The zero Script is the default one: an echo of the last user's message, a word a
// chunk, at once, with usage.
type Script struct {
	Model  string `json:"model,omitzero"`  // only calls of this model; "" is any
	Repeat bool   `json:"repeat,omitzero"` // stays for the calls that follow

	Text      []string `json:"text,omitzero"`  // chunks of the answer; nil is the echo
	Empty     bool     `json:"empty,omitzero"` // a whole answer without any text
	FirstByte Duration `json:"firstByte,omitzero"`
	PerChunk  Duration `json:"perChunk,omitzero"` // before each chunk
	Stop      string   `json:"stop,omitzero"`     // "end" (default), "length" or "filter"
	Usage     *Usage   `json:"usage,omitzero"`    // nil is made up from the lengths
	NoUsage   bool     `json:"noUsage,omitzero"`
	Segment   int      `json:"segment,omitzero"` // writes so many bytes at a time, each flushed; 0 is an event at a time

	End       End    `json:"end,omitzero"`
	After     int    `json:"after,omitzero"`     // End comes after so many chunks of text, where it is not whole
	ErrorKind string `json:"errorKind,omitzero"` // of EndError: overloaded (default), rate_limited, rejected, unavailable

	Status int               `json:"status,omitzero"` // other than 200: an error answer, with Body or the vendor's usual one
	Header map[string]string `json:"header,omitzero"`
	Body   string            `json:"body,omitzero"` // sent as it is, also with status 200
}

// Request is a call that came in.
type Request struct {
	Method string              `json:"method"`
	Path   string              `json:"path"` // with the query
	Header map[string][]string `json:"header"`
	Body   string              `json:"body"`

	Wire     Wire      `json:"wire"`
	Model    string    `json:"model"`
	System   string    `json:"system"`
	Messages []Message `json:"messages"` // without the system prompt

	Answered bool `json:"answered"` // the script was played to its end
	Gone     bool `json:"gone"`     // the client left before that
}

// Message is one message of a call. Roles are "user" and "assistant" on every wire.
type Message struct {
	Role    string `json:"role"`
	Content string `json:"content"`
}
