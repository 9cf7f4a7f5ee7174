// Package openai speaks OpenAI's Chat Completions API: the one that llama.cpp, vLLM, LM Studio, OpenRouter and most other
// model servers speak too, each with gaps of its own. Text and its end are all that this package asks of them.
package openai

import (
	"cmp"
	"context"
	"iter"
	"net/http"
	"net/url"
	"strings"

	"github.com/openclaw/openclaw/claw"
	"github.com/openclaw/openclaw/model/internal/call"
)

// DefaultBaseURL is OpenAI's own server. As with OpenAI's clients, /v1 is part of it.
const DefaultBaseURL = "https://api.openai.com/v1"

// Options configure a provider. Nothing else does: no environment variable is read.
type Options struct {
	Name       string       // in the configuration; "" is "openai"
	APIKey     string       // optional, save at OpenAI's own server
	BaseURL    string       // "" is [DefaultBaseURL]
	HTTPClient *http.Client // nil is one of Go's defaults
}

// Provider is a [claw.Provider] on the Chat Completions API.
type Provider struct {
	name     string
	url      string
	own      bool  // OpenAI's own server
	keyless  error // why no call can be made; nil where one can
	endpoint call.Endpoint
}

// New returns a provider. It makes no call.
func New(o Options) *Provider {
	key := strings.TrimSpace(o.APIKey) // a line break comes along from many a file
	name := cmp.Or(o.Name, "openai")
	base := strings.TrimRight(cmp.Or(o.BaseURL, DefaultBaseURL), "/")
	p := &Provider{
		name: name,
		url:  base + "/chat/completions",
		own:  isOwn(base),
		endpoint: call.Endpoint{
			Provider: name,
			Header:   call.NewHeader(),
			Secret:   key,
			Client:   call.HTTPClient(o.HTTPClient),
			Framing:  call.SSE,
		},
	}
	p.endpoint.Refine = p.refine
	switch {
	case key != "":
		p.endpoint.Header.Set("Authorization", "Bearer "+key)
	case p.own:
		p.keyless = call.NoKey(name, "OPENAI_API_KEY")
	}
	return p
}

// isOwn reports whether the server is OpenAI's own, in any of its regions.
func isOwn(base string) bool {
	u, err := url.Parse(base)
	return err == nil && (u.Hostname() == "api.openai.com" || strings.HasSuffix(u.Hostname(), ".api.openai.com"))
}

// Name is the provider's name in the configuration.
func (p *Provider) Name() string { return p.name }

type request struct {
	Model         string    `json:"model"`
	Messages      []message `json:"messages"`
	Stream        bool      `json:"stream"`
	StreamOptions struct {
		IncludeUsage bool `json:"include_usage"`
	} `json:"stream_options"`
	MaxTokens           int `json:"max_tokens,omitzero"`
	MaxCompletionTokens int `json:"max_completion_tokens,omitzero"`
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
	body := request{Model: prompt.Model, Messages: make([]message, 0, len(prompt.Messages)+1), Stream: true}
	body.StreamOptions.IncludeUsage = true
	// OpenAI's newer models refuse max_tokens; most other servers know only that.
	if p.own {
		body.MaxCompletionTokens = prompt.MaxTokens
	} else {
		body.MaxTokens = prompt.MaxTokens
	}
	if prompt.System != "" {
		body.Messages = append(body.Messages, message{Role: "system", Content: prompt.System})
	}
	for _, m := range prompt.Messages {
		body.Messages = append(body.Messages, message{Role: string(m.Role), Content: m.Content})
	}
	return p.endpoint.Stream(ctx, p.url, prompt, body, newAnswer)
}

// refine tells an account without credit from one that asks too often. OpenAI answers both with 429, and only the second
// passes by waiting.
func (p *Provider) refine(body []byte, err *claw.Error) *claw.Error {
	var b struct {
		Error struct {
			Code string `json:"code"`
		} `json:"error"`
	}
	if err.Reason != claw.ReasonRateLimited || call.Decode(body, &b) != nil || b.Error.Code != noCredit {
		return err
	}
	return claw.ModelErrorf(claw.ReasonUnconfigured, "The account of this API key at provider %q has no credit left. Add some "+
		"there, or choose another model in the configuration.", p.name).Because(err.Err)
}
