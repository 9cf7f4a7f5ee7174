// Package gemini speaks Google's Gemini API (generateContent, as server-sent events).
package gemini

import (
	"cmp"
	"context"
	"iter"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/openclaw/openclaw/claw"
	"github.com/openclaw/openclaw/model/internal/call"
)

// DefaultBaseURL is Google's own server.
const DefaultBaseURL = "https://generativelanguage.googleapis.com"

const version = "/v1beta"

// Options configure a provider. Nothing else does: no environment variable is read.
type Options struct {
	Name       string // in the configuration; "" is "gemini"
	APIKey     string
	BaseURL    string       // with or without /v1beta; "" is [DefaultBaseURL]
	HTTPClient *http.Client // nil is one of Go's defaults
}

// Provider is a [claw.Provider] on the Gemini API.
type Provider struct {
	name     string
	models   string // URL that the model's name follows
	keyless  error  // why no call can be made; nil where one can
	endpoint call.Endpoint
}

// New returns a provider. It makes no call.
func New(o Options) *Provider {
	key := strings.TrimSpace(o.APIKey) // a line break comes along from many a file
	name := cmp.Or(o.Name, "gemini")
	base := strings.TrimSuffix(strings.TrimRight(cmp.Or(o.BaseURL, DefaultBaseURL), "/"), version)
	p := &Provider{
		name:   name,
		models: base + version + "/models/",
		endpoint: call.Endpoint{
			Provider: name,
			Header:   call.NewHeader(),
			Secret:   key,
			Client:   call.HTTPClient(o.HTTPClient),
			Framing:  call.SSE,
			Refine:   refine,
		},
	}
	switch {
	case key != "":
		// Not in the query, where the key would end up in every proxy's log.
		p.endpoint.Header.Set("X-Goog-Api-Key", key)
	case base == DefaultBaseURL:
		p.keyless = call.NoKey(name, "GEMINI_API_KEY")
	}
	return p
}

// Name is the provider's name in the configuration.
func (p *Provider) Name() string { return p.name }

type request struct {
	SystemInstruction *content  `json:"systemInstruction,omitzero"`
	Contents          []content `json:"contents"`
	GenerationConfig  struct {
		MaxOutputTokens int `json:"maxOutputTokens,omitzero"`
	} `json:"generationConfig,omitzero"`
}

type content struct {
	Role  string `json:"role,omitzero"`
	Parts []part `json:"parts"`
}

type part struct {
	Text    string `json:"text"`
	Thought bool   `json:"thought,omitzero"` // of an answer: not meant for the reader
}

// Stream sends the prompt and yields the answer, see [claw.Provider].
func (p *Provider) Stream(ctx context.Context, prompt claw.Prompt) iter.Seq2[claw.Chunk, error] {
	if p.keyless != nil {
		return call.Fail(p.keyless)
	}
	body := request{Contents: make([]content, len(prompt.Messages))}
	body.GenerationConfig.MaxOutputTokens = prompt.MaxTokens
	if prompt.System != "" {
		body.SystemInstruction = &content{Parts: []part{{Text: prompt.System}}}
	}
	for i, m := range prompt.Messages {
		role := "user"
		if m.Role == claw.RoleAssistant {
			role = "model"
		}
		body.Contents[i] = content{Role: role, Parts: []part{{Text: m.Content}}}
	}
	// The name is one segment of the path, whatever stands in it.
	to := p.models + url.PathEscape(strings.TrimPrefix(prompt.Model, "models/")) + ":streamGenerateContent?alt=sse"
	return p.endpoint.Stream(ctx, to, prompt, body, newAnswer)
}

// refine reads what Google says in the body only: that a key is wrong, which it answers with 400, and when to come back.
func refine(body []byte, err *claw.Error) *claw.Error {
	var b struct {
		Error struct {
			Details []struct {
				Reason     string `json:"reason"`
				RetryDelay string `json:"retryDelay"` // such as "37s"
			} `json:"details"`
		} `json:"error"`
	}
	if call.Decode(body, &b) != nil {
		return err
	}
	for _, d := range b.Error.Details {
		if d.Reason == "API_KEY_INVALID" {
			return claw.ModelErrorf(claw.ReasonUnconfigured,
				"Gemini refused the API key. Check the apiKey of this provider in the configuration.").Because(err.Err)
		}
		if wait, e := time.ParseDuration(d.RetryDelay); e == nil && err.RetryAfter == 0 && call.Transient(err.Reason) {
			err = err.After(min(max(wait, 0), call.MaxRetryAfter))
		}
	}
	return err
}
