package ollama_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/openclaw/openclaw/claw"
	"github.com/openclaw/openclaw/model/modeltest"
	"github.com/openclaw/openclaw/model/modeltest/upstream"
	"github.com/openclaw/openclaw/model/ollama"
)

func TestAnswers(t *testing.T) {
	const hi = `{"message":{"content":"hi"},"done":false}` + "\n"
	for name, c := range map[string]struct {
		answer string
		text   string
		stop   claw.StopReason
		usage  *claw.Usage
		reason claw.Reason
	}{
		"thinking is no text":  {`{"message":{"content":"","thinking":"hm"},"done":false}` + "\n" + hi + `{"done":true,"done_reason":"stop"}` + "\n", "hi", claw.StopEnd, nil, ""},
		"prompt in its cache":  {hi + `{"done":true,"eval_count":4}` + "\n", "hi", claw.StopEnd, &claw.Usage{InputTokens: 2, OutputTokens: 4, Estimated: true}, ""},
		"text with the end":    {`{"message":{"content":"hi"},"done":true,"done_reason":"length","prompt_eval_count":3,"eval_count":4}` + "\n", "hi", claw.StopLength, &claw.Usage{InputTokens: 3, OutputTokens: 4}, ""},
		"loaded, not run":      {`{"done":true,"done_reason":"load"}` + "\n", "", "", nil, claw.ReasonUnavailable},
		"no line break at end": {hi + `{"done":true,"done_reason":"stop"}`, "hi", "", nil, claw.ReasonTruncated},
	} {
		t.Run(name, func(t *testing.T) {
			p := newProvider("http://127.0.0.1:1", modeltest.Canned(c.answer))
			texts, last, err := modeltest.Collect(t, t.Context(), p, modeltest.Ask("Hello"))
			if got := strings.Join(texts, ""); got != c.text || last.Stop != c.stop {
				t.Errorf("got %q, stop %q, want %q, %q", got, last.Stop, c.text, c.stop)
			}
			if got := last.Usage; (got == nil) != (c.usage == nil) || got != nil && *got != *c.usage {
				t.Errorf("usage is %+v, want %+v", got, c.usage)
			}
			if err != nil && claw.AsError(err).Reason != c.reason || err == nil && c.reason != "" {
				t.Errorf("error is %v, want reason %q", err, c.reason)
			}
		})
	}
}

// TestRequest has what the model would otherwise forget in silence: the size of its window.
func TestRequest(t *testing.T) {
	up := upstream.New()
	server := httptest.NewServer(up)
	defer server.Close()
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	prompt := modeltest.Ask("Hello")
	for _, suffix := range []string{"", "/", "/api", "/v1/"} {
		p := ollama.New(ollama.Options{BaseURL: server.URL + suffix, HTTPClient: &http.Client{Transport: transport}})
		if _, _, err := modeltest.Collect(t, t.Context(), p, prompt); err != nil {
			t.Errorf("base URL with %q: %v", suffix, err)
		}
		prompt.ContextWindow, prompt.MaxTokens = 16384, 50
	}
	reqs := up.Requests()
	if body := reqs[0].Body; strings.Contains(body, "options") {
		t.Errorf("an unknown window is sent as %s", body)
	}
	if body := reqs[1].Body; !strings.Contains(body, `"options":{"num_ctx":16384,"num_predict":50}`) {
		t.Errorf("a window of 16384 and 50 tokens are sent as %s", body)
	}
}
