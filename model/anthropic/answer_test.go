package anthropic_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/openclaw/openclaw/claw"
	"github.com/openclaw/openclaw/model/anthropic"
	"github.com/openclaw/openclaw/model/modeltest"
	"github.com/openclaw/openclaw/model/modeltest/upstream"
)

func TestAnswers(t *testing.T) {
	const start = `data: {"type":"message_start","message":{"usage":{"input_tokens":10,"cache_creation_input_tokens":200,"cache_read_input_tokens":3000,"output_tokens":1}}}` + "\n\n"
	const stop = `data: {"type":"message_stop"}` + "\n\n"
	delta := func(reason, usage string) string {
		return `data: {"type":"message_delta","delta":{"stop_reason":"` + reason + `"}` + usage + "}\n\n"
	}
	text := func(s string) string {
		return `data: {"type":"content_block_delta","delta":{"type":"text_delta","text":"` + s + `"}}` + "\n\n"
	}
	for name, c := range map[string]struct {
		answer string
		text   string
		stop   claw.StopReason
		usage  claw.Usage
		reason claw.Reason
	}{
		"caches are input too": {start + text("hi") + delta("end_turn", `,"usage":{"output_tokens":7}`) + stop, "hi", claw.StopEnd, claw.Usage{InputTokens: 3210, OutputTokens: 7}, ""},
		"thinking is no text": {start + `data: {"type":"content_block_delta","delta":{"type":"thinking_delta","thinking":"hm"}}` + "\n\n" +
			`data: {"type":"content_block_delta","delta":{"type":"signature_delta","signature":"x"}}` + "\n\n" + text("hi") + delta("end_turn", "") + stop, "hi", claw.StopEnd, claw.Usage{InputTokens: 3210, OutputTokens: 1}, ""},
		"text in a block's start": {start + `data: {"type":"content_block_start","content_block":{"type":"text","text":"hi"}}` + "\n\n" + delta("stop_sequence", "") + stop, "hi", claw.StopEnd, claw.Usage{InputTokens: 3210, OutputTokens: 1}, ""},
		"unknown events":          {`data: {"type":"new_thing","delta":{"x":1}}` + "\n\n" + start + text("hi") + delta("new_reason", "") + stop, "hi", claw.StopEnd, claw.Usage{InputTokens: 3210, OutputTokens: 1}, ""},
		"window full":             {start + text("hi") + delta("model_context_window_exceeded", "") + stop, "hi", claw.StopLength, claw.Usage{InputTokens: 3210, OutputTokens: 1}, ""},
		"no reason to stop":       {start + text("hi") + stop, "hi", "", claw.Usage{}, claw.ReasonTruncated},
		"no stop":                 {start + text("hi") + delta("end_turn", ""), "hi", "", claw.Usage{}, claw.ReasonTruncated},
		"authentication error":    {`data: {"type":"error","error":{"type":"authentication_error"}}` + "\n\n", "", "", claw.Usage{}, claw.ReasonUnconfigured},
		"timeout error":           {`data: {"type":"error","error":{"type":"timeout_error"}}` + "\n\n", "", "", claw.Usage{}, claw.ReasonTimeout},
		"unknown error":           {`data: {"type":"error"}` + "\n\n", "", "", claw.Usage{}, claw.ReasonUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			p := newProvider("http://127.0.0.1:1", modeltest.Canned(c.answer))
			texts, last, err := modeltest.Collect(t, t.Context(), p, modeltest.Ask("Hello"))
			if got := strings.Join(texts, ""); got != c.text || last.Stop != c.stop {
				t.Errorf("got %q, stop %q, want %q, %q", got, last.Stop, c.text, c.stop)
			}
			if last.Usage != nil && *last.Usage != c.usage || last.Usage == nil && c.reason == "" {
				t.Errorf("usage is %+v, want %+v", last.Usage, c.usage)
			}
			if err != nil && claw.AsError(err).Reason != c.reason || err == nil && c.reason != "" {
				t.Errorf("error is %v, want reason %q", err, c.reason)
			}
		})
	}
}

func TestWithoutKey(t *testing.T) {
	t.Setenv("ANTHROPIC_API_KEY", "from-the-environment")
	_, _, err := modeltest.Collect(t, t.Context(), anthropic.New(anthropic.Options{HTTPClient: modeltest.Canned("")}), modeltest.Ask("Hello"))
	if e := claw.AsError(err); e.Reason != claw.ReasonUnconfigured || !strings.Contains(e.Message, "ANTHROPIC_API_KEY") {
		t.Errorf("error is %v, want one that says how to set the key", err)
	}
}

func TestBaseURLWithVersion(t *testing.T) {
	server := httptest.NewServer(upstream.New())
	defer server.Close()
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	p := newProvider(server.URL+"/v1/", &http.Client{Transport: transport})
	if _, _, err := modeltest.Collect(t, t.Context(), p, modeltest.Ask("Hello")); err != nil {
		t.Error(err)
	}
}
