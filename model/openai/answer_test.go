package openai_test

import (
	"encoding/json/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/openclaw/openclaw/claw"
	"github.com/openclaw/openclaw/model/modeltest"
	"github.com/openclaw/openclaw/model/modeltest/upstream"
	"github.com/openclaw/openclaw/model/openai"
)

// TestAnswers has the variations that servers of this API show.
func TestAnswers(t *testing.T) {
	const done = "data: [DONE]\n\n"
	chunk := func(delta, finish, rest string) string {
		return `data: {"choices":[{"index":0,"delta":` + delta + `,"finish_reason":` + finish + `}]` + rest + "}\n\n"
	}
	hi := chunk(`{"content":"hi"}`, "null", "")
	for name, c := range map[string]struct {
		answer string
		text   string
		stop   claw.StopReason
		usage  *claw.Usage
		reason claw.Reason
	}{
		"usage with the finish_reason": {hi + chunk(`{}`, `"stop"`, `,"usage":{"prompt_tokens":3,"completion_tokens":4}`) + done, "hi", claw.StopEnd, &claw.Usage{InputTokens: 3, OutputTokens: 4}, ""},
		"usage in every chunk": {chunk(`{"content":"hi"}`, "null", `,"usage":{"prompt_tokens":3,"completion_tokens":1}`) +
			chunk(`{}`, `"stop"`, `,"usage":{"prompt_tokens":3,"completion_tokens":4}`) + done, "hi", claw.StopEnd, &claw.Usage{InputTokens: 3, OutputTokens: 4}, ""},
		"usage without choices": {hi + chunk(`{}`, `"stop"`, "") + `data: {"usage":{"prompt_tokens":3,"completion_tokens":4}}` + "\n\n" + done, "hi", claw.StopEnd, &claw.Usage{InputTokens: 3, OutputTokens: 4}, ""},
		"negative usage":        {hi + chunk(`{}`, `"stop"`, `,"usage":{"prompt_tokens":-3,"completion_tokens":-4}`) + done, "hi", claw.StopEnd, nil, ""},
		"text with the end":     {chunk(`{"content":"hi"}`, `"stop"`, "") + done, "hi", claw.StopEnd, nil, ""},
		"null content":          {chunk(`{"role":"assistant","content":null}`, "null", "") + hi + chunk(`{"content":null}`, `"stop"`, "") + done, "hi", claw.StopEnd, nil, ""},
		"content in parts": {chunk(`{"content":[{"type":"thinking","thinking":[{"type":"text","text":"hm"}]}]}`, "null", "") +
			chunk(`{"content":[{"type":"text","text":"h"},{"type":"reference","reference_ids":[1]},{"type":"text","text":"i"}]}`, "null", "") +
			chunk(`{"content":""}`, `"stop"`, "") + done, "hi", claw.StopEnd, nil, ""},
		"reasoning is no text":  {chunk(`{"reasoning_content":"hm"}`, "null", "") + hi + chunk(`{}`, `"stop"`, "") + done, "hi", claw.StopEnd, nil, ""},
		"another choice":        {hi + `data: {"choices":[{"index":1,"delta":{"content":"no"},"finish_reason":"stop"}]}` + "\n\n" + chunk(`{}`, `"stop"`, "") + done, "hi", claw.StopEnd, nil, ""},
		"signs of life":         {": OPENROUTER PROCESSING\n\n" + hi + ": keep-alive\n\n" + chunk(`{}`, `"stop"`, "") + done, "hi", claw.StopEnd, nil, ""},
		"null error":            {chunk(`{"content":"hi"}`, `"stop"`, `,"error":null`) + done, "hi", claw.StopEnd, nil, ""},
		"refusal":               {chunk(`{"refusal":"I will not."}`, "null", "") + chunk(`{}`, `"stop"`, "") + done, "", "", nil, claw.ReasonRejected},
		"done without a reason": {hi + done, "hi", "", nil, claw.ReasonTruncated},
		"reason without done":   {hi + chunk(`{}`, `"stop"`, ""), "hi", "", nil, claw.ReasonTruncated},
		"error as a string":     {`data: {"error":"out of memory"}` + "\n\n", "", "", nil, claw.ReasonUnavailable},
		"error as a list":       {`data: {"error":[1]}` + "\n\n", "", "", nil, claw.ReasonUnavailable},
		"error with a number":   {`data: {"error":{"code":429}}` + "\n\n", "", "", nil, claw.ReasonRateLimited},
		"number in a string":    {`data: {"error":{"code":"529"}}` + "\n\n", "", "", nil, claw.ReasonOverloaded},
		"error with a type":     {hi + `data: {"error":{"type":"invalid_request_error","code":null}}` + "\n\n", "hi", "", nil, claw.ReasonRejected},
		"error with a code":     {`data: {"error":{"type":"x","code":"model_not_found"}}` + "\n\n", "", "", nil, claw.ReasonUnconfigured},
		"no credit":             {`data: {"error":{"type":"insufficient_quota","code":"insufficient_quota"}}` + "\n\n", "", "", nil, claw.ReasonUnconfigured},
		"timeout":               {`data: {"error":{"type":"timeout"}}` + "\n\n", "", "", nil, claw.ReasonTimeout},
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

// TestNoCredit has the refusal of an account without credit. Its status is that of too many requests, but no wait helps.
func TestNoCredit(t *testing.T) {
	up := upstream.New()
	server := httptest.NewServer(up)
	defer server.Close()
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	for body, want := range map[string]claw.Reason{
		`{"error":{"message":"You exceeded your current quota.","type":"insufficient_quota","code":"insufficient_quota"}}`: claw.ReasonUnconfigured,
		`{"error":{"message":"Rate limit reached.","type":"requests","code":"rate_limit_exceeded"}}`:                       claw.ReasonRateLimited,
		`{"error":"busy"}`: claw.ReasonRateLimited,
		`busy`:             claw.ReasonRateLimited,
	} {
		up.Queue(upstream.Script{Status: http.StatusTooManyRequests, Header: map[string]string{"Retry-After": "2"}, Body: body})
		_, _, err := modeltest.Collect(t, t.Context(), newProvider(server.URL+"/v1", &http.Client{Transport: transport}), modeltest.Ask("Hello"))
		e := claw.AsError(err)
		if e.Reason != want || (want == claw.ReasonUnconfigured) != strings.Contains(e.Message, "credit") || (want == claw.ReasonUnconfigured) != (e.RetryAfter == 0) {
			t.Errorf("%s: error is %v after %v, want reason %q", body, err, e.RetryAfter, want)
		}
	}
}

func TestLocalServerNeedsNoKey(t *testing.T) {
	t.Setenv("OPENAI_API_KEY", "from-the-environment")
	up := upstream.New()
	server := httptest.NewServer(up)
	defer server.Close()
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	for _, base := range []string{server.URL + "/v1", server.URL + "/v1/"} {
		p := openai.New(openai.Options{Name: "local", BaseURL: base, HTTPClient: &http.Client{Transport: transport}})
		prompt := modeltest.Ask("Hello")
		prompt.MaxTokens = 50
		if _, _, err := modeltest.Collect(t, t.Context(), p, prompt); err != nil || p.Name() != "local" {
			t.Fatalf("%s: %v", base, err)
		}
	}
	for _, r := range up.Requests() {
		if v, ok := r.Header["Authorization"]; ok {
			t.Errorf("a call without a key carries %q", v)
		}
		if !strings.Contains(r.Body, `"max_tokens":50`) || strings.Contains(r.Body, "max_completion_tokens") {
			t.Errorf("a local server was sent %s, want max_tokens", r.Body)
		}
	}
}

// spy keeps the request and gives no answer.
type spy struct{ r *http.Request }

func (s *spy) RoundTrip(r *http.Request) (*http.Response, error) {
	s.r = r
	return nil, http.ErrHandlerTimeout
}

func TestOwnServer(t *testing.T) {
	var s spy
	p := openai.New(openai.Options{APIKey: " key\n", HTTPClient: &http.Client{Transport: &s}})
	prompt := modeltest.Ask("Hello")
	prompt.MaxTokens = 50
	for range p.Stream(t.Context(), prompt) { //nolint:revive // the request is what counts
	}
	if got := s.r.URL.String(); got != "https://api.openai.com/v1/chat/completions" {
		t.Errorf("the call goes to %s", got)
	}
	if got := s.r.Header.Get("Authorization"); got != "Bearer key" {
		t.Errorf("Authorization is %q, want the key without the space around it", got)
	}
	var body struct {
		MaxTokens           *int `json:"max_tokens"`
		MaxCompletionTokens int  `json:"max_completion_tokens"`
	}
	if err := json.UnmarshalRead(s.r.Body, &body); err != nil || body.MaxTokens != nil || body.MaxCompletionTokens != 50 {
		t.Errorf("the body has %+v, %v, want max_completion_tokens", body, err)
	}

	_, _, err := modeltest.Collect(t, t.Context(), openai.New(openai.Options{}), modeltest.Ask("Hello"))
	if e := claw.AsError(err); e.Reason != claw.ReasonUnconfigured || !strings.Contains(e.Message, "OPENAI_API_KEY") {
		t.Errorf("error is %v, want one that says how to set the key", err)
	}
}
