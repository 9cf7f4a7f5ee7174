package app

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"

	"github.com/openclaw/openclaw/claw"
	"github.com/openclaw/openclaw/config"
	"github.com/openclaw/openclaw/model"
	"github.com/openclaw/openclaw/model/anthropic"
	"github.com/openclaw/openclaw/model/gemini"
	"github.com/openclaw/openclaw/model/offline"
	"github.com/openclaw/openclaw/model/ollama"
	"github.com/openclaw/openclaw/model/openai"
)

// choice is which models answer, in the order in which they are asked, and why.
type choice struct {
	targets []model.Target
	why     string   // a clause, "" where the configuration names the model
	notes   []string // what whoever starts the gateway should know, a sentence each
}

// choose takes the models that the configuration names. Where it names none, it takes the first that can be used: a
// vendor whose key is there, a model server on this machine, and at last none, which the offline provider says plainly.
func choose(ctx context.Context, cfg *config.Config, local []model.Candidate) (choice, error) {
	client := model.NewHTTPClient(cfg.Models.Timeouts.Connect)
	c := choice{}
	first := cfg.Models.Default
	if first == "" {
		first, c.why = cfg.AutoModel()
	}
	if first == "" {
		if local == nil {
			local = model.LocalCandidates()
		}
		t, why, notes := discovered(ctx, client, local)
		if t.Provider == nil {
			t = model.Target{Provider: offline.New(config.TypeOffline), Model: config.TypeOffline}
		}
		c.targets, c.why, c.notes = []model.Target{t}, why, notes
	}
	names := cfg.Models.Fallbacks
	if first != "" {
		names = append([]string{first}, names...)
	}
	for _, name := range names {
		t, err := target(cfg, client, name)
		if err != nil {
			return choice{}, err
		}
		c.targets = append(c.targets, t)
	}
	return c, nil
}

// discovered is the first model that a server on this machine has, if any has one.
func discovered(ctx context.Context, client *http.Client, local []model.Candidate) (t model.Target, why string, notes []string) {
	for _, f := range model.Discover(ctx, local) {
		switch {
		case len(f.Models) == 0:
			notes = append(notes, fmt.Sprintf("The %s server at %s has no model to chat with yet.", f.Type, f.BaseURL))
		case t.Provider != nil:
			notes = append(notes, fmt.Sprintf("There is also a model server at %s, with %s.", f.BaseURL, f.Models[0]))
		default:
			t = model.Target{Provider: provider(f.Type, f.Type, "", f.BaseURL, client), Model: f.Models[0]}
			t.ContextWindow = model.LimitsOf(f.Type, t.Model).ContextWindow
			why = "a model server answers at " + f.BaseURL
			notes = append(notes, fmt.Sprintf("To keep to this model whatever else is found, set models.default to %s in the configuration.", t))
		}
	}
	return t, why, notes
}

// target is the model of a name "provider/model" that the configuration has a provider for.
func target(cfg *config.Config, client *http.Client, name string) (model.Target, error) {
	providerName, modelName, ok := config.SplitModel(name)
	p, known := cfg.Models.Providers[providerName]
	if !ok || !known {
		return model.Target{}, fmt.Errorf("model %q: there is no provider of that name in models.providers", name)
	}
	limits := model.LimitsOf(p.Type, modelName)
	own := p.Models[modelName]
	return model.Target{
		Provider:      provider(p.Type, providerName, string(p.APIKey), p.BaseURL, client),
		Model:         modelName,
		ContextWindow: cmp.Or(own.ContextWindow, limits.ContextWindow),
		MaxTokens:     cmp.Or(own.MaxTokens, cfg.Models.MaxTokens, limits.MaxTokens),
	}, nil
}

func provider(kind, name, key, baseURL string, client *http.Client) claw.Provider {
	switch kind {
	case config.TypeAnthropic:
		return anthropic.New(anthropic.Options{Name: name, APIKey: key, BaseURL: baseURL, HTTPClient: client})
	case config.TypeOpenAI:
		return openai.New(openai.Options{Name: name, APIKey: key, BaseURL: baseURL, HTTPClient: client})
	case config.TypeGemini:
		return gemini.New(gemini.Options{Name: name, APIKey: key, BaseURL: baseURL, HTTPClient: client})
	case config.TypeOllama:
		return ollama.New(ollama.Options{Name: name, APIKey: key, BaseURL: baseURL, HTTPClient: client})
	default:
		return offline.New(name)
	}
}

// offline reports whether no model is connected at all.
func (c choice) offline() bool {
	return !slices.ContainsFunc(c.targets, func(t model.Target) bool {
		_, is := t.Provider.(*offline.Provider)
		return !is
	})
}

// promptBytes is how much history is worth reading for a prompt: what fills the largest context window, at twice the
// four bytes that a token has in most texts. 0, the engine's own limit, where a window is unknown.
func (c choice) promptBytes() int {
	largest := 0
	for _, t := range c.targets {
		if t.ContextWindow == 0 {
			return 0
		}
		largest = max(largest, t.ContextWindow)
	}
	return 8 * largest
}

// Model is the model that is asked first, as provider/model.
func (a *App) Model() string { return a.asked.Load().targets[0].String() }

// ModelReason is why that model was chosen, as a clause; "" where the configuration names it.
func (a *App) ModelReason() string { return a.asked.Load().why }

// Offline reports whether no model is connected.
func (a *App) Offline() bool { return a.asked.Load().offline() }

// Notes are sentences on models that whoever starts the gateway should know.
func (a *App) Notes() []string { return a.asked.Load().notes }
