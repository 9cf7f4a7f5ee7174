package modeltest

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/openclaw/openclaw/claw"
	"github.com/openclaw/openclaw/model/modeltest/upstream"
)

func testWhole(t *testing.T, s suite) {
	want := []string{"The ", "morning ", "sun", " — 日の出 🌅\n\ndata: [DONE]\n\n", `{"type":"message_stop"}`, "."}
	r := s.rig(t, upstream.Script{Text: want})
	got, last, err := Collect(t, t.Context(), r.provider, Ask("A poem"))
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got, want) {
		t.Errorf("chunks are %q, want %q", got, want)
	}
	if last.Stop != claw.StopEnd || last.Model != "" {
		t.Errorf("last chunk is %+v, want a stop at the end and no model, which is failover's to say", last)
	}

	slashed := s.newProvider(s.wire.BaseURL(r.url)+"/", r.client)
	if got, _, err = Collect(t, t.Context(), slashed, Ask("Hello")); err != nil || strings.Join(got, "") != "You said: Hello" {
		t.Errorf("a base URL with a slash at its end gives %q, %v", got, err)
	}

	r = s.rig(t, upstream.Script{Empty: true})
	if got, last, err = Collect(t, t.Context(), r.provider, Ask("Say nothing")); err != nil || len(got) != 0 {
		t.Errorf("empty answer gives %q, %v, want a success without text", got, err)
	}
	if last.Stop != claw.StopEnd {
		t.Errorf("empty answer stops with %q", last.Stop)
	}
}

func testPrompt(t *testing.T, s suite) {
	prompt := claw.Prompt{
		Model:  "vendor/some model:7b?x=%2F",
		System: "You are \"terse\".\n\tNo <b>HTML</b>. \u2028 ✓",
		Messages: []claw.PromptMessage{
			{Role: claw.RoleUser, Content: "Hello \\ \"there\" \u0001 </script> 👩‍🚀"},
			{Role: claw.RoleAssistant, Content: "  Hi.\r\n"},
			{Role: claw.RoleUser, Content: strings.Repeat("long ", 50_000) + "?"},
		},
	}
	r := s.rig(t)
	if _, _, err := Collect(t, t.Context(), r.provider, prompt); err != nil {
		t.Fatal(err)
	}
	got := r.up.Requests()[0]
	if got.Wire != s.wire || got.Model != prompt.Model || got.System != prompt.System {
		t.Errorf("the upstream got model %q with system prompt %q on wire %s", got.Model, got.System, got.Wire)
	}
	if len(got.Messages) != len(prompt.Messages) {
		t.Fatalf("the upstream got %d messages, want %d", len(got.Messages), len(prompt.Messages))
	}
	for i, m := range prompt.Messages {
		if g := got.Messages[i]; g.Role != string(m.Role) || g.Content != m.Content {
			t.Errorf("message %d is %.80q from %s, want %.80q from %s", i, g.Content, g.Role, m.Content, m.Role)
		}
	}
	if strings.Contains(got.Path, Key) || strings.Contains(got.Body, Key) {
		t.Error("the API key stands in the path or the body, where logs catch it")
	}
	keyHeader := map[upstream.Wire]string{
		upstream.Anthropic: "X-Api-Key", upstream.Gemini: "X-Goog-Api-Key",
		upstream.OpenAI: "Authorization", upstream.Ollama: "Authorization",
	}[s.wire]
	if v := http.Header(got.Header).Get(keyHeader); strings.TrimPrefix(v, "Bearer ") != Key {
		t.Errorf("%s is %q, want the API key", keyHeader, v)
	}

	// Without a system prompt none is sent, not an empty one, which some vendors refuse.
	r = s.rig(t)
	if _, _, err := Collect(t, t.Context(), r.provider, Ask("Hello")); err != nil {
		t.Fatal(err)
	}
	if body := strings.ToLower(r.up.Requests()[0].Body); strings.Contains(body, "system") {
		t.Errorf("a prompt without a system prompt was sent as %s", body)
	}
}

func testUsage(t *testing.T, s suite) {
	for name, c := range map[string]struct {
		script upstream.Script
		want   *claw.Usage
	}{
		"given": {
			upstream.Script{Usage: &upstream.Usage{Input: 15, Output: 142}},
			&claw.Usage{InputTokens: 15, OutputTokens: 142},
		},
		"none":     {upstream.Script{NoUsage: true}, nil},
		"all zero": {upstream.Script{Usage: &upstream.Usage{}}, nil},
		"empty":    {upstream.Script{Empty: true, Usage: &upstream.Usage{Input: 3}}, &claw.Usage{InputTokens: 3}},
		"half given": {
			upstream.Script{Text: []string{"12345"}, Usage: &upstream.Usage{Input: 9}},
			&claw.Usage{InputTokens: 9, OutputTokens: 2, Estimated: true},
		},
		"other half": {
			upstream.Script{Usage: &upstream.Usage{Output: 9}},
			&claw.Usage{InputTokens: 2, OutputTokens: 9, Estimated: true},
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := s.rig(t, c.script)
			_, last, err := Collect(t, t.Context(), r.provider, Ask("Hello"))
			if err != nil {
				t.Fatal(err)
			}
			if got := last.Usage; (got == nil) != (c.want == nil) || got != nil && *got != *c.want {
				t.Errorf("usage is %+v, want %+v", got, c.want)
			}
		})
	}
}

func testStop(t *testing.T, s suite) {
	r := s.rig(t, upstream.Script{Text: []string{"cut of"}, Stop: "length"})
	if _, last, err := Collect(t, t.Context(), r.provider, Ask("Long")); err != nil || last.Stop != claw.StopLength {
		t.Errorf("an answer at its longest ends with %q, %v, want %q", last.Stop, err, claw.StopLength)
	}
	if s.wire == upstream.Ollama {
		return // which has no filter
	}
	r = s.rig(t, upstream.Script{Empty: true, Stop: "filter"})
	wantReason(t, r, Ask("Something bad"), claw.ReasonRejected)
	r = s.rig(t, upstream.Script{Text: []string{"I "}, Stop: "filter"})
	got, last, err := Collect(t, t.Context(), r.provider, Ask("Hm"))
	if claw.AsError(err) == nil || claw.AsError(err).Reason != claw.ReasonRejected || last.Stop != "" || len(got) != 1 {
		t.Errorf("an answer that was filtered in the middle gives %q, %+v, %v, want its text and that it is not whole", got, last, err)
	}
}

func testUTF8(t *testing.T, s suite) {
	want := "häßlich 日本語 👩‍🚀 é"
	for _, size := range []int{1, 2, 3, 7} {
		r := s.rig(t, upstream.Script{Text: []string{want, want}, Segment: size})
		got, _, err := Collect(t, t.Context(), r.provider, Ask("Hello"))
		if err != nil || strings.Join(got, "") != want+want {
			t.Errorf("in segments of %d bytes: %q, %v, want %q twice", size, got, err, want)
		}
	}
	r := s.rig(t, upstream.Script{Text: []string{"a\xff\xfeb", "\xe6\x97"}})
	got, _, err := Collect(t, t.Context(), r.provider, Ask("Hello"))
	if text := strings.Join(got, ""); err != nil || !strings.HasPrefix(text, "a\uFFFD") || !strings.Contains(text, "b\uFFFD") {
		t.Errorf("invalid bytes give %q, %v, want replacement characters in their place", text, err)
	}
}

func testConcurrent(t *testing.T, s suite) {
	r := s.rig(t)
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			text := fmt.Sprintf("number %d", i)
			got, _, err := Collect(t, t.Context(), r.provider, Ask(text))
			if want := "You said: " + text; err != nil || strings.Join(got, "") != want {
				t.Errorf("got %q, %v, want %q", got, err, want)
			}
		})
	}
	all.Wait()
}
