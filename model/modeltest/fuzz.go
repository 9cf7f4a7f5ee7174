package modeltest

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/openclaw/openclaw/claw"
	"github.com/openclaw/openclaw/model/modeltest/upstream"
)

// Fuzz feeds arbitrary answers to the reader of a provider. Whatever comes, the rules of [Collect] hold, and an error is
// one that a client may see.
func Fuzz(f *testing.F, newProvider NewProvider, wire upstream.Wire) {
	for _, seed := range upstream.Samples(wire) {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, answer []byte) {
		provider := newProvider(wire.BaseURL("http://127.0.0.1:1"), Canned(string(answer)))
		_, _, err := Collect(t, t.Context(), provider, Ask("Hello"))
		if err != nil {
			e := claw.AsError(err)
			if e.Code != claw.ModelError || e.Reason == "" || e.Message == "" {
				t.Errorf("error is %v, want a MODEL_ERROR with a reason and a message", err)
			}
		}
	})
}

// Canned returns a client that gets one answer to every call, without a server: for what only one vendor says.
func Canned(answer string) *http.Client { return &http.Client{Transport: canned(answer)} }

type canned string

func (c canned) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(string(c))),
	}, nil
}
