// Package anthropic speaks Anthropic's Messages API.
package anthropic

import (
	"cmp"
	"context"
	"iter"
	"net/http"
	"strings"

	"github.com/openclaw/openclaw/claw"
	"github.com/openclaw/openclaw/model/internal/call"
)

// DefaultBaseURL is Anthropic's own server.
const DefaultBaseURL = "https://api.anthropic.com"

// defaultMaxTokens is sent where the prompt leaves the answer's length to the provider: this API demands a figure, and
// every model of it, back to the oldest, accepts this one.
const defaultMaxTokens = 4096

// Options configure a provider. Nothing else does: no environment variable is read.
type Options struct {
	Name       string // in the configuration; "" is "anthropic"
	APIKey     string
	BaseURL    string       // with or without /v1; "" is [DefaultBaseURL]
	HTTPClient *http.Client // nil is one of Go's defaults
}

// Provider is a [claw.Provider] on the Messages API.
type Provider struct {
	name     string
	url      string
	keyless  error // why no call can be made; nil where one can
	endpoint call.Endpoint
}

// New returns a provider. It makes no call.
func New(o Options) *Provider {
	key := strings.TrimSpace(o.APIKey) // a line break comes along from many a file
	name := cmp.Or(o.Name, "anthropic")
	base := strings.TrimSuffix(strings.TrimRight(cmp.Or(o.BaseURL, DefaultBaseURL), "/"), "/v1")
	p := &Provider{
		name: name,
		url:  base + "/v1/messages",
		endpoint: call.Endpoint{
			Provider: name,
			Header:   call.NewHeader(),
			Secret:   key,
			Client:   call.HTTPClient(o.HTTPClient),
			Framing:  call.SSE,
		},
	}
	p.endpoint.Header.Set("Anthropic-Version", "2023-06-01")
	switch {
	case key != "":
		p.endpoint.Header.Set("X-Api-Key", key)
	case base == DefaultBaseURL: // a proxy may add the key itself
		p.keyless = call.NoKey(name, "ANTHROPIC_API_KEY")
	}
	return p
}

// Name is the provider's name in the configuration.
func (p *Provider) Name() string { return p.name }

type request struct {
	Model     string    `json:"model"`
	MaxTokens int       `json:"max_tokens"`
	System    string    `json:"system,omitzero"`
	Messages  []message `json:"messages"`
	Stream    bool      `json:"stream"`
}

type message struct {
	Role    string `json:"role"`
	Content string `json:"content"`
}

// Stream sends the prompt and yields the answer, see [claw.Provider].
func (p *Provider) Stream(ctx context.Context, prompt claw.Prompt) iter.Seq2[claw.Chunk, error] {
	if p.keyless != nil {
		return call.Fail(p.keyless)
	}
	body := request{
		Model:     prompt.Model,
		MaxTokens: cmp.Or(prompt.MaxTokens, defaultMaxTokens),
		System:    prompt.System,
		Messages:  make([]message, len(prompt.Messages)),
		Stream:    true,
	}
	for i, m := range prompt.Messages {
		body.Messages[i] = message{Role: string(m.Role), Content: m.Content} // the domain's roles are this API's
	}
	return p.endpoint.Stream(ctx, p.url, prompt, body, newAnswer)
}
