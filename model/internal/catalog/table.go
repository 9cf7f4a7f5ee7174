package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"charm.land/catwalk/pkg/catwalk"
	"charm.land/catwalk/pkg/embedded"
)

// longestAnswer caps what is asked of models that could write a book: what is kept for the answer is lost to the
// conversation. The configuration can ask for more.
const longestAnswer = 16384

type key struct{ providerType, name string }

type limits struct{ window, maxTokens int64 }

// older are models still in use that catwalk has dropped from its own vendors' lists.
var older = map[key]limits{
	{"anthropic", "claude-3-haiku"}:    {200_000, 4096},
	{"anthropic", "claude-3-opus"}:     {200_000, 4096},
	{"anthropic", "claude-3-5-haiku"}:  {200_000, 8192},
	{"anthropic", "claude-3-5-sonnet"}: {200_000, 8192},
	{"anthropic", "claude-3-7-sonnet"}: {200_000, longestAnswer},
	{"anthropic", "claude-sonnet-4"}:   {200_000, longestAnswer},
	{"anthropic", "claude-sonnet-4-0"}: {200_000, longestAnswer},
	{"anthropic", "claude-opus-4"}:     {200_000, longestAnswer},
	{"anthropic", "claude-opus-4-0"}:   {200_000, longestAnswer},
	{"anthropic", "claude-opus-4-1"}:   {200_000, longestAnswer},
	{"openai", "gpt-3.5-turbo"}:        {16_385, 0},
	{"openai", "gpt-4"}:                {8192, 0},
	{"openai", "gpt-4-turbo"}:          {128_000, 0},
	{"openai", "gpt-4.1-nano"}:         {1_047_576, 0},
	{"openai", "o1"}:                   {200_000, 0},
	{"openai", "o3-mini"}:              {200_000, 0},
	{"openai", "o4-mini"}:              {200_000, 0},
	{"gemini", "gemini-2.0-flash"}:     {1_048_576, 0},
	{"gemini", "gemini-1.5-pro"}:       {2_097_152, 0},
	{"gemini", "gemini-1.5-flash"}:     {1_048_576, 0},
}

// own are the vendors whose word on their own models counts. Other vendors' models go under "*".
var own = map[catwalk.InferenceProvider]string{
	catwalk.InferenceProviderAnthropic: "anthropic",
	catwalk.InferenceProviderOpenAI:    "openai",
	catwalk.InferenceProviderGemini:    "gemini",
}

// table returns the catalogue's text.
func table() string {
	models := maps.Clone(older)
	for _, p := range embedded.GetAll() {
		providerType, isOwn := own[p.ID]
		for _, m := range p.Models {
			if m.ContextWindow <= 0 || strings.ContainsAny(m.ID, " \n") {
				continue
			}
			k, l := key{providerType, m.ID}, limits{m.ContextWindow, min(m.DefaultMaxTokens, longestAnswer)}
			if !isOwn {
				k.providerType, l.maxTokens = "*", 0
				// Vendors serve one model with different windows. The smallest is the one that fits everywhere.
				if known, ok := models[k]; ok {
					l.window = min(l.window, known.window)
				}
			}
			models[k] = l
		}
	}
	keys := slices.SortedFunc(maps.Keys(models), func(a, b key) int {
		return cmp.Or(cmp.Compare(a.providerType, b.providerType), cmp.Compare(a.name, b.name))
	})
	var b strings.Builder
	for _, k := range keys {
		fmt.Fprintf(&b, "%s %s %d %d\n", k.providerType, k.name, models[k].window, models[k].maxTokens)
	}
	return b.String()
}
