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
	real := listen(t, upstream.New())
	closed := httptest.NewServer(nil)
	closed.Close()
	hangs := listen(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	begin := time.Now()
	got := Discover(t.Context(), []Candidate{
		{"ollama", closed.URL},
		{"openai", hangs + "/v1"},
		{"openai", listen(t, says("<html>Jenkins</html>")) + "/v1"},
		{"openai", listen(t, says(`{"status":"ok"}`)) + "/v1"},
		{"openai", listen(t, says(`{"data":[]}`)) + "/v1"},
		{"openai", listen(t, says(`[]`)) + "/v1"},
		{"ollama", listen(t, says(`{"object":"list","data":[]}`))},
		{"openai", listen(t, http.RedirectHandler(real+"/v1/models", http.StatusFound)) + "/v1"},
		{"openai", listen(t, http.NotFoundHandler()) + "/v1"},
		{"openai", "http://bad host/%zz"},
		{"ollama", listen(t, says(`{"models":[]}`))},
		{"ollama", real},
		{"openai", real + "/v1"},
	})
	if took := time.Since(begin); took > 5*discoverTime {
		t.Errorf("it took %v, want %v", took, discoverTime)
	}
	if len(got) != 3 || got[0].Models != nil {
		t.Fatalf("found %+v, want three servers, the first of them without models", got)
	}
	want := []Found{
		{Type: "ollama", BaseURL: real, Models: []string{"scripted:latest"}},
		{Type: "openai", BaseURL: real + "/v1", Models: []string{"scripted"}},
	}
	if !reflect.DeepEqual(got[1:], want) {
		t.Errorf("found %+v, want %+v", got[1:], want)
	}
}
