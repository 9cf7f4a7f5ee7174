package gemini_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/openclaw/openclaw/claw"
	"github.com/openclaw/openclaw/model/gemini"
	"github.com/openclaw/openclaw/model/modeltest"
	"github.com/openclaw/openclaw/model/modeltest/upstream"
)

func TestAnswers(t *testing.T) {
	const hi = `data: {"candidates":[{"content":{"parts":[{"text":"h"},{"text":"i"}],"role":"model"}}]}` + "\n\n"
	end := func(finish, usage string) string {
		return `data: {"candidates":[{"finishReason":"` + finish + `"}]` + usage + "}\n\n"
	}
	for name, c := range map[string]struct {
		answer string
		text   string
		stop   claw.StopReason
		usage  *claw.Usage
		reason claw.Reason
	}{
		"thoughts are output, not text": {`data: {"candidates":[{"content":{"parts":[{"text":"hm","thought":true}]}}]}` + "\n\n" + hi +
			end("STOP", `,"usageMetadata":{"promptTokenCount":3,"candidatesTokenCount":4,"thoughtsTokenCount":50}`), "hi", claw.StopEnd, &claw.Usage{InputTokens: 3, OutputTokens: 54}, ""},
		"only thoughts":                {end("MAX_TOKENS", `,"usageMetadata":{"promptTokenCount":3,"thoughtsTokenCount":50}`), "", claw.StopLength, &claw.Usage{InputTokens: 3, OutputTokens: 50}, ""},
		"figures behind the end":       {hi + end("STOP", "") + `data: {"usageMetadata":{"promptTokenCount":3,"candidatesTokenCount":4}}` + "\n\n", "hi", claw.StopEnd, &claw.Usage{InputTokens: 3, OutputTokens: 4}, ""},
		"no end":                       {hi, "hi", "", nil, claw.ReasonTruncated},
		"prompt blocked":               {`data: {"promptFeedback":{"blockReason":"SAFETY"}}` + "\n\n", "", "", nil, claw.ReasonRejected},
		"answer blocked":               {end("PROHIBITED_CONTENT", ""), "", "", nil, claw.ReasonRejected},
		"answer blocked in the middle": {hi + end("RECITATION", ""), "hi", "", nil, claw.ReasonRejected},
		"a tool that nobody offered":   {end("MALFORMED_FUNCTION_CALL", ""), "", "", nil, claw.ReasonUnavailable},
		"stopped, and not said why":    {hi + end("OTHER", ""), "hi", "", nil, claw.ReasonUnavailable},
		"error without a code":         {`data: {"error":{}}` + "\n\n", "", "", nil, claw.ReasonUnavailable},
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

// TestErrorDetails has errors that mean something else than their status says.
func TestErrorDetails(t *testing.T) {
	up := upstream.New()
	server := httptest.NewServer(up)
	defer server.Close()
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	for name, c := range map[string]struct {
		script upstream.Script
		reason claw.Reason
		after  time.Duration
	}{
		"wrong key":  {upstream.Script{Status: 400, Body: `{"error":{"code":400,"details":[{"@type":"x"},{"reason":"API_KEY_INVALID"}]}}`}, claw.ReasonUnconfigured, 0},
		"bad prompt": {upstream.Script{Status: 400, Body: `{"error":{"code":400,"details":[{"reason":"OTHER","retryDelay":"3s"}]}}`}, claw.ReasonRejected, 0},
		"delay":      {upstream.Script{Status: 429, Body: `{"error":{"code":429,"details":[{"retryDelay":"37.5s"}]}}`}, claw.ReasonRateLimited, 37500 * time.Millisecond},
		"negative":   {upstream.Script{Status: 429, Body: `{"error":{"code":429,"details":[{"retryDelay":"-3s"}]}}`}, claw.ReasonRateLimited, 0},
		"header":     {upstream.Script{Status: 429, Header: map[string]string{"Retry-After": "2"}, Body: `{"error":{"details":[{"retryDelay":"37s"}]}}`}, claw.ReasonRateLimited, 2 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			up.Queue(c.script)
			p := newProvider(server.URL+"/v1beta/", &http.Client{Transport: transport})
			_, _, err := modeltest.Collect(t, t.Context(), p, modeltest.Ask("Hello"))
			if e := claw.AsError(err); e.Reason != c.reason || e.RetryAfter != c.after {
				t.Errorf("error is %v after %v, want %q after %v", err, e.RetryAfter, c.reason, c.after)
			}
		})
	}
}

func TestWithoutKey(t *testing.T) {
	t.Setenv("GEMINI_API_KEY", "from-the-environment")
	_, _, err := modeltest.Collect(t, t.Context(), gemini.New(gemini.Options{HTTPClient: modeltest.Canned("")}), modeltest.Ask("Hello"))
	if e := claw.AsError(err); e.Reason != claw.ReasonUnconfigured || !strings.Contains(e.Message, "GEMINI_API_KEY") {
		t.Errorf("error is %v, want one that says how to set the key", err)
	}
}
