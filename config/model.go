package config

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

// The types of provider.
const (
	TypeAnthropic = "anthropic"
	TypeOpenAI    = "openai"
	TypeGemini    = "gemini"
	TypeOllama    = "ollama"
	TypeOffline   = "offline" // no model at all: it answers how to connect one
)

// vendor is what is known of a type of provider ahead of all configuration.
type vendor struct {
	name         string
	keys         []string // environment variables with its API key, the first that is set counts
	defaultModel string   // used where nobody chose one
}

// vendors in the order in which a model is chosen where nobody chose one. Their default models must be looked at with each
// release: vendors retire models within a year or two, and a retired one answers every first question with an error.
var vendors = []vendor{
	{name: TypeAnthropic, keys: []string{"ANTHROPIC_API_KEY"}, defaultModel: "claude-sonnet-5-5"},
	{name: TypeOpenAI, keys: []string{"OPENAI_API_KEY"}, defaultModel: "gpt-6-luna"},
	{name: TypeGemini, keys: []string{"GEMINI_API_KEY", "GOOGLE_API_KEY"}, defaultModel: "gemini-3.8-flash"},
	{name: TypeOllama},
	{name: TypeOffline},
}

func vendorOf(name string) (vendor, bool) {
	i := slices.IndexFunc(vendors, func(v vendor) bool { return v.name == name })
	if i < 0 {
		return vendor{}, false
	}
	return vendors[i], true
}

func typeNames() []string {
	names := make([]string, len(vendors))
	for i, v := range vendors {
		names[i] = v.name
	}
	return names
}

// needsKey reports whether p can answer at all without an API key: vendors' own servers cannot, any other may.
func (p Provider) needsKey() bool {
	v, ok := vendorOf(p.Type)
	return ok && len(v.keys) > 0 && p.BaseURL == "" && p.APIKey == ""
}

// SplitModel takes "provider/model" apart at its first slash (models' names may have slashes of their own). The
// offline provider has but one model, so "offline" alone will do. ok is false where either part is missing.
func SplitModel(s string) (provider, model string, ok bool) {
	if s == TypeOffline {
		return TypeOffline, TypeOffline, true
	}
	provider, model, ok = strings.Cut(s, "/")
	return provider, model, ok && provider != "" && model != ""
}

// AutoModel chooses among the configured providers where models.default is unset: the first vendor with an API key,
// in the order anthropic, openai, gemini, then, by name, any other provider that lists a model. It returns
// "provider/model" and the reason as a clause ("ANTHROPIC_API_KEY is set"), or "" where no provider will do. The
// caller goes on from there: to servers found on this machine, and at last to the offline provider.
func (c *Config) AutoModel() (model, why string) {
	names := slices.SortedFunc(maps.Keys(c.Models.Providers), func(a, b string) int {
		rank := func(name string) int {
			return slices.IndexFunc(vendors, func(v vendor) bool { return v.name == c.Models.Providers[name].Type })
		}
		return cmp.Or(cmp.Compare(rank(a), rank(b)), strings.Compare(a, b))
	})
	for _, name := range names {
		p := c.Models.Providers[name]
		if p.needsKey() || p.Type == TypeOffline {
			continue
		}
		if listed := slices.Sorted(maps.Keys(p.Models)); len(listed) > 0 {
			return name + "/" + listed[0], "models.providers." + name + " lists it"
		}
		if v, _ := vendorOf(p.Type); v.defaultModel != "" && p.BaseURL == "" {
			return name + "/" + v.defaultModel, c.keyOrigin(name)
		}
	}
	return "", ""
}

func (c *Config) keyOrigin(provider string) string {
	if s := c.sources["models.providers."+provider+".apiKey"]; s.Env != "" {
		return s.Env + " is set"
	}
	return "models.providers." + provider + " has an API key"
}

// implyProviders completes the providers: each type by its name where an API key for it is in the environment or a
// model refers to it, and the vendor's own key where a provider has none. A key is only ever implied for the vendor's
// own server, never for an address that the configuration names.
func (c *Config) implyProviders(env Env) {
	models := append([]string{c.Models.Default}, c.Models.Fallbacks...)
	for _, v := range vendors {
		_, listed := c.Models.Providers[v.name]
		referred := slices.ContainsFunc(models, func(m string) bool {
			provider, _, _ := SplitModel(m)
			return provider == v.name
		})
		if _, _, hasKey := firstSet(env, v.keys); !listed && (referred || hasKey) {
			if c.Models.Providers == nil {
				c.Models.Providers = map[string]Provider{}
			}
			c.Models.Providers[v.name] = Provider{}
		}
	}
	for name, p := range c.Models.Providers {
		p.Type = cmp.Or(p.Type, name)
		p.BaseURL = strings.TrimRight(p.BaseURL, "/")
		if v, _ := vendorOf(p.Type); p.needsKey() {
			if key, from, ok := firstSet(env, v.keys); ok {
				p.APIKey = Secret(key)
				c.sources["models.providers."+name+".apiKey"] = Source{Env: from}
			}
		}
		c.Models.Providers[name] = p
	}
}

func firstSet(env Env, names []string) (value, name string, ok bool) {
	for _, n := range names {
		if v, ok := env(n); ok && strings.TrimSpace(v) != "" {
			return strings.TrimSpace(v), n, true
		}
	}
	return "", "", false
}
