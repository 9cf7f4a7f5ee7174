// Package ollama speaks Ollama's own API. The OpenAI-compatible one that it has too takes no context window: every
// prompt above 4096 tokens would lose its beginning in silence.
package ollama

import (
	"cmp"
	"context"
	"iter"
	"net/http"
	"strings"

	"github.com/openclaw/openclaw/claw"
	"github.com/openclaw/openclaw/model/internal/call"
)

// DefaultBaseURL is where Ollama listens unless it is told otherwise.
const DefaultBaseURL = "http://127.0.0.1:11434"

// Options configure a provider. Nothing else does: no environment variable is read.
type Options struct {
	Name       string       // in the configuration; "" is "ollama"
	APIKey     string       // optional: for a server behind a proxy that asks for one
	BaseURL    string       // with or without /api or /v1; "" is [DefaultBaseURL]
	HTTPClient *http.Client // nil is one of Go's defaults
}

// Provider is a [claw.Provider] on Ollama's chat API.
type Provider struct {
	name     string
	url      string
	endpoint call.Endpoint
}

// New returns a provider. It makes no call.
func New(o Options) *Provider {
	key := strings.TrimSpace(o.APIKey) // a line break comes along from many a file
	name := cmp.Or(o.Name, "ollama")
	base := strings.TrimRight(cmp.Or(o.BaseURL, DefaultBaseURL), "/")
	base = strings.TrimSuffix(strings.TrimSuffix(base, "/api"), "/v1") // the one users know from other programs
	p := &Provider{
		name: name,
		url:  base + "/api/chat",
		endpoint: call.Endpoint{
			Provider: name,
			Header:   call.NewHeader(),
			Secret:   key,
			Client:   call.HTTPClient(o.HTTPClient),
			Framing:  call.Lines,
		},
	}
	if key != "" {
		p.endpoint.Header.Set("Authorization", "Bearer "+key)
	}
	return p
}

// Name is the provider's name in the configuration.
func (p *Provider) Name() string { return p.name }

type request struct {
	Model    string    `json:"model"`
	Messages []message `json:"messages"`
	Stream   bool      `json:"stream"`
	Options  options   `json:"options,omitzero"`
}

type options struct {
	ContextWindow int `json:"num_ctx,omitzero"`
	MaxTokens     int `json:"num_predict,omitzero"`
}

type message struct {
	Role    string `json:"role"`
	Content string `json:"content"`
}

// Stream sends the prompt and yields the answer, see [claw.Provider].
func (p *Provider) Stream(ctx context.Context, prompt claw.Prompt) iter.Seq2[claw.Chunk, error] {
	body := request{
		Model:    prompt.Model,
		Messages: make([]message, 0, len(prompt.Messages)+1),
		Stream:   true,
		Options:  options{ContextWindow: prompt.ContextWindow, MaxTokens: prompt.MaxTokens},
	}
	if prompt.System != "" {
		body.Messages = append(body.Messages, message{Role: "system", Content: prompt.System})
	}
	for _, m := range prompt.Messages {
		body.Messages = append(body.Messages, message{Role: string(m.Role), Content: m.Content})
	}
	return p.endpoint.Stream(ctx, p.url, prompt, body, newAnswer)
}

type event struct {
	Message struct {
		Content string `json:"content"`
	} `json:"message"`
	Done       bool   `json:"done"`
	DoneReason string `json:"done_reason"`
	Input      *int64 `json:"prompt_eval_count"` // left out where the whole prompt was still in its cache
	Output     *int64 `json:"eval_count"`
	Error      string `json:"error"`
}

// skim reads an ordinary line, see [call.Skim]: text, and more to come.
type skim struct {
	call.Skim
	said []byte
}

func (s *skim) event(name []byte) {
	switch string(name) {
	case "message":
		s.Object(s.message)
	case "done":
		s.Literal("false")
	case "done_reason", "prompt_eval_count", "eval_count", "error":
		s.Literal("null")
	default:
		s.Skip()
	}
}

func (s *skim) message(name []byte) {
	if string(name) == "content" {
		s.said = s.Text()
		return
	}
	s.Skip()
}

// answer reads one answer: lines, the last of them with done set.
type answer struct {
	call.Answer
}

func newAnswer(a call.Answer) call.Protocol { return &answer{Answer: a} }

// Event reads one line; see [call.Protocol].
func (a *answer) Event(data []byte) (claw.Chunk, error) {
	s := skim{Skim: call.NewSkim(data)}
	if s.Object(s.event); s.Done() {
		return a.Text(string(s.said)), nil
	}
	return a.decode(data)
}

// decode reads what skim leaves.
func (a *answer) decode(data []byte) (claw.Chunk, error) {
	var ev event
	if err := call.Decode(data, &ev); err != nil {
		return claw.Chunk{}, err
	}
	if ev.Error != "" {
		return claw.Chunk{}, a.Failed(claw.ReasonUnavailable, data)
	}
	chunk := a.Text(ev.Message.Content)
	if !ev.Done {
		return chunk, nil
	}
	a.In, a.Out = ev.Input, ev.Output
	switch ev.DoneReason {
	case "load", "unload": // the answer to a prompt without messages: it was not run
		return claw.Chunk{}, a.Failed(claw.ReasonUnavailable, data)
	case "length":
		return a.Whole(chunk, claw.StopLength), nil
	default:
		return a.Whole(chunk, claw.StopEnd), nil
	}
}
