package model

import (
	"net/http"
	"net/http/httptest"
	"reflect"
	"testing"
	"time"

	"github.com/openclaw/openclaw/model/modeltest/upstream"
)

func listen(t *testing.T, h http.Handler) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

func says(body string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(body)) })
}

func TestDiscover(t *testing.T) {
	server := listen(t, upstream.New())
	closed := httptest.NewServer(nil)
	closed.Close()
	got := discover(t.Context(), []Candidate{
		{"ollama", closed.URL},
		{"openai", listen(t, says("<html>Jenkins</html>")) + "/v1"},
		{"openai", listen(t, says(`{"status":"ok"}`)) + "/v1"},
		{"openai", listen(t, says(`{"data":[]}`)) + "/v1"},
		{"openai", listen(t, says(`[]`)) + "/v1"},
		{"ollama", listen(t, says(`{"object":"list","data":[]}`))},
		{"openai", listen(t, http.RedirectHandler(server+"/v1/models", http.StatusFound)) + "/v1"},
		{"openai", listen(t, http.NotFoundHandler()) + "/v1"},
		{"openai", "http://bad host/%zz"},
		{"ollama", listen(t, says(`{"models":[]}`))},
		{"ollama", server},
		{"openai", server + "/v1"},
	}, time.Minute)
	if len(got) != 3 || got[0].Models != nil {
		t.Fatalf("found %+v, want three servers, the first of them without models", got)
	}
	want := []Found{
		{Type: "ollama", BaseURL: server, Models: []string{"scripted:latest"}},
		{Type: "openai", BaseURL: server + "/v1", Models: []string{"scripted"}},
	}
	if !reflect.DeepEqual(got[1:], want) {
		t.Errorf("found %+v, want %+v", got[1:], want)
	}
}

// TestDiscoverDoesNotWait has a server that takes the call and never answers.
func TestDiscoverDoesNotWait(t *testing.T) {
	hangs := listen(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	begin := time.Now()
	got := Discover(t.Context(), []Candidate{{"openai", hangs + "/v1"}, {"ollama", hangs}})
	if took := time.Since(begin); len(got) != 0 || took > 10*discoverTime {
		t.Errorf("found %+v after %v, want nothing after %v", got, took, discoverTime)
	}
}

// TestDiscoverModelsThatChat has servers whose list begins with models that make vectors of texts, not answers: LM Studio
// brings one along, and who searches documents with Ollama has pulled one.
func TestDiscoverModelsThatChat(t *testing.T) {
	got := discover(t.Context(), []Candidate{
		{"openai", listen(t, says(`{"object":"list","data":[{"id":"text-embedding-nomic-embed-text-v1.5"},{"id":"qwen3-8b"}]}`)) + "/v1"},
		{"ollama", listen(t, says(`{"models":[{"name":"all-minilm:latest","details":{"family":"bert"}},{"name":"mxbai-Embed-large"},
			{"name":"llama3.2:latest","details":{"family":"llama"}}]}`))},
		{"ollama", listen(t, says(`{"models":[{"name":"nomic-embed-text:latest","details":{"family":"nomic-bert"}}]}`))},
	}, time.Minute)
	var models [][]string
	for _, f := range got {
		models = append(models, f.Models)
	}
	if want := [][]string{{"qwen3-8b"}, {"llama3.2:latest"}, nil}; !reflect.DeepEqual(models, want) {
		t.Errorf("found %q, want %q", models, want)
	}
}
