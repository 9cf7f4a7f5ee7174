// Package offline is the provider of a gateway that has no model yet. It answers every message with what to do about
// that, so that a first run works end to end without a key and nobody takes its words for a model's.
package offline

import (
	"cmp"
	"context"
	"iter"
	"strings"

	"github.com/openclaw/openclaw/claw"
)

// Model is the name of the model that there is not.
const Model = "offline"

const answer = `No model is connected to this gateway, so this is not an answer to your message: it is a fixed text.

To connect a model, do one of these:

1. Set ANTHROPIC_API_KEY, OPENAI_API_KEY or GEMINI_API_KEY in the gateway's environment and restart it.
2. Run Ollama, or an OpenAI-compatible server such as llama.cpp or LM Studio, on this machine and restart the gateway. It finds a server on its usual port by itself.
3. Edit the "models" section of the configuration file: name a provider there, and a model of it as the default.

Your message has been saved in this session.`

// Provider is a [claw.Provider] without a model.
type Provider struct{ name string }

// New returns a provider of the given name in the configuration; "" is "offline".
func New(name string) *Provider { return &Provider{name: cmp.Or(name, "offline")} }

// Name is the provider's name in the configuration.
func (p *Provider) Name() string { return p.name }

// Stream yields the fixed text, a line at a time. Its usage is an estimate of what a model would have counted.
func (p *Provider) Stream(ctx context.Context, prompt claw.Prompt) iter.Seq2[claw.Chunk, error] {
	return func(yield func(claw.Chunk, error) bool) {
		for line := range strings.SplitAfterSeq(answer, "\n") {
			if ctx.Err() != nil {
				yield(claw.Chunk{}, context.Cause(ctx))
				return
			}
			if !yield(claw.Chunk{Text: line}, nil) {
				return
			}
		}
		yield(claw.Chunk{Stop: claw.StopEnd, Usage: &claw.Usage{
			InputTokens: claw.EstimateTokens(prompt.Bytes()), OutputTokens: claw.EstimateTokens(len(answer)), Estimated: true,
		}}, nil)
	}
}
