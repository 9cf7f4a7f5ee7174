package model

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/openclaw/openclaw/model/internal/call"
)

// Found is a model server that answers.
type Found struct {
	Type    string   // of provider: "ollama" or "openai"
	BaseURL string   // as the provider of that type takes it
	Models  []string // their names, of those that answer; empty where the server has none loaded or pulled
}

// Candidate is where a model server may be.
type Candidate struct {
	Type    string // "ollama" or "openai"
	BaseURL string // as the provider of that type takes it
}

// LocalCandidates returns where model servers listen on this machine unless they are told otherwise: Ollama, llama.cpp and
// LM Studio.
func LocalCandidates() []Candidate {
	return []Candidate{
		{"ollama", "http://127.0.0.1:11434"},
		{"openai", "http://127.0.0.1:8080/v1"},
		{"openai", "http://127.0.0.1:1234/v1"},
	}
}

const (
	discoverTime = 300 * time.Millisecond
	maxListing   = 1 << 20
)

// Discover asks all candidates at once for their models and returns those that answered as a server of their type does, in
// the candidates' order. It takes 300 ms at most; where nothing listens it returns at once. No key is sent.
func Discover(ctx context.Context, candidates []Candidate) []Found {
	return discover(ctx, candidates, discoverTime)
}

func discover(ctx context.Context, candidates []Candidate, within time.Duration) []Found {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	// A client of its own, which leaves no connection behind, asks no proxy about loopback, and follows no redirect.
	client := call.HTTPClient(&http.Client{Transport: &http.Transport{DisableKeepAlives: true}})

	results := make([]*Found, len(candidates))
	var all sync.WaitGroup
	for i, c := range candidates {
		all.Go(func() { results[i] = ask(ctx, client, c) })
	}
	all.Wait()
	var found []Found
	for _, f := range results {
		if f != nil {
			found = append(found, *f)
		}
	}
	return found
}

// listing is the answer of either type of server; both always have their list, if only an empty one.
type listing struct {
	Object string `json:"object"`
	Data   *[]struct {
		ID string `json:"id"`
	} `json:"data"` // OpenAI-compatible
	Models *[]struct {
		Name    string `json:"name"`
		Details struct {
			Family string `json:"family"`
		} `json:"details"`
	} `json:"models"` // Ollama
}

// embeds reports whether a model makes vectors of texts rather than answers. Neither listing says so outright: Ollama's has
// the architecture, and such models carry it in their names.
func embeds(name, family string) bool {
	return strings.Contains(strings.ToLower(name), "embed") || strings.Contains(family, "bert")
}

// ask returns nil where no server of the type answers: at a well-known port anything may listen.
func ask(ctx context.Context, client *http.Client, c Candidate) *Found {
	path := "models"
	if c.Type == "ollama" {
		path = "api/tags"
	}
	to, err := url.JoinPath(c.BaseURL, path)
	if err != nil {
		return nil
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, to, nil)
	if err != nil {
		return nil
	}
	res, err := client.Do(req)
	if err != nil {
		return nil
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxListing))
	var l listing
	if err != nil || res.StatusCode != http.StatusOK || call.Decode(body, &l) != nil {
		return nil
	}
	found := &Found{Type: c.Type, BaseURL: c.BaseURL}
	switch {
	case c.Type == "ollama" && l.Models != nil:
		for _, m := range *l.Models {
			if !embeds(m.Name, m.Details.Family) {
				found.Models = append(found.Models, m.Name)
			}
		}
	case c.Type == "openai" && l.Data != nil && l.Object == "list":
		for _, m := range *l.Data {
			if !embeds(m.ID, "") {
				found.Models = append(found.Models, m.ID)
			}
		}
	default:
		return nil
	}
	return found
}
