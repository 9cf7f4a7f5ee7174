package httpapi_test

import (
	"encoding/json/v2"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/openclaw/openclaw/claw"
	"github.com/openclaw/openclaw/spec/spectest"
)

// covers fails t unless got has everything that want, an example of the API reference, has. Times are compared as times;
// fields beyond the example's are additions.
func covers(t *testing.T, want string, got []byte) {
	t.Helper()
	var w, g any
	if err := errors.Join(json.Unmarshal([]byte(want), &w), json.Unmarshal(got, &g)); err != nil {
		t.Fatalf("%v\n%s", err, got)
	}
	if diff := cmp.Diff(w, within(w, g)); diff != "" {
		t.Errorf("(-reference +answer):\n%s\n%s", diff, got)
	}
}

// within cuts got down to the fields that want has, and its times to the form in which want writes them.
func within(want, got any) any {
	switch w := want.(type) {
	case map[string]any:
		g, isObject := got.(map[string]any)
		if !isObject {
			return got
		}
		cut := map[string]any{}
		for name, v := range w {
			if has, there := g[name]; there {
				cut[name] = within(v, has)
			}
		}
		return cut
	case []any:
		g, isArray := got.([]any)
		if !isArray || len(g) != len(w) {
			return got
		}
		cut := make([]any, len(g))
		for i := range g {
			cut[i] = within(w[i], g[i])
		}
		return cut
	case string:
		g, _ := got.(string)
		wt, err1 := time.Parse(time.RFC3339, w)
		gt, err2 := time.Parse(time.RFC3339, g)
		if err1 == nil && err2 == nil && wt.Equal(gt) && strings.HasSuffix(g, "Z") {
			return w
		}
	}
	return got
}

func TestReferenceChat(t *testing.T) {
	g := open(t)
	g.chat.watch = nil
	r := g.do("POST", "/api/v1/chat", `{
		"message": "What's the weather like today?",
		"sessionKey": "optional-session-id",
		"stream": false
	}`)
	r.mustBe(t, 200)
	covers(t, `{
		"id": "msg_123",
		"content": "The morning sun...",
		"sessionKey": "session_abc123",
		"model": "claude-sonnet-4-20250514",
		"usage": {"inputTokens": 10, "outputTokens": 45},
		"createdAt": "2026-02-08T10:30:00Z"
	}`, r.body)
	want := []claw.ChatRequest{{Message: "What's the weather like today?", SessionKey: "optional-session-id", Channel: "api"}}
	if diff := cmp.Diff(want, g.chat.asked()); diff != "" {
		t.Errorf("asked of the engine (-want +got):\n%s", diff)
	}
}

func TestReferenceChatStream(t *testing.T) {
	g := open(t)
	for _, path := range []string{"/api/v1/chat/stream", "/api/v1/chat"} {
		body := `{"message": "Write a short poem", "sessionKey": "session_abc123"}`
		if path == "/api/v1/chat" {
			body = `{"message": "Write a short poem", "sessionKey": "session_abc123", "stream": true}`
		}
		r := g.do("POST", path, body)
		r.mustBe(t, 200)
		for name, want := range map[string]string{
			"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no",
		} {
			if got := r.Header.Get(name); got != want {
				t.Errorf("%s: %q, want %q", name, got, want)
			}
		}
		events, err := spectest.ParseEvents(r.body)
		if err != nil {
			t.Fatal(err)
		}
		want := []spectest.Event{
			{ID: 1, Type: "start", Data: `{"id": "msg_123"}`},
			{ID: 2, Type: "delta", Data: `{"content": "The "}`},
			{ID: 3, Type: "delta", Data: `{"content": "morning "}`},
			{ID: 4, Type: "delta", Data: `{"content": "sun..."}`},
			{ID: 5, Type: "done", Data: `{"usage": {"inputTokens": 10, "outputTokens": 45}}`},
		}
		if len(events) != len(want) {
			t.Fatalf("%d events, want %d\n%s", len(events), len(want), r.body)
		}
		for i, ev := range events {
			if ev.ID != want[i].ID || ev.Type != want[i].Type {
				t.Errorf("event %d is %d %s", i, ev.ID, ev.Type)
			}
			covers(t, want[i].Data, []byte(ev.Data))
		}
	}
}

func TestReferenceSessions(t *testing.T) {
	g := open(t)
	r := g.do("GET", "/api/v1/sessions", "")
	r.mustBe(t, 200)
	covers(t, `{"sessions": [{
		"key": "session_abc123",
		"channel": "api",
		"createdAt": "2026-02-08T09:00:00Z",
		"lastActivity": "2026-02-08T10:30:00Z",
		"messageCount": 15
	}]}`, r.body)
	if strings.Contains(string(r.body), "nextCursor") {
		t.Error("nextCursor where nothing follows")
	}
	one := g.do("GET", "/api/v1/sessions/session_abc123", "")
	one.mustBe(t, 200)
	covers(t, `{"key": "session_abc123", "channel": "api", "messageCount": 15}`, one.body)
}

func TestReferenceHistory(t *testing.T) {
	g := open(t)
	r := g.do("GET", "/api/v1/sessions/session_abc123/history?limit=50", "")
	r.mustBe(t, 200)
	covers(t, `{"messages": [
		{"role": "user", "content": "Hello!", "timestamp": "2026-02-08T10:00:00Z"},
		{"role": "assistant", "content": "Hi there! How can I help?", "timestamp": "2026-02-08T10:00:01Z"}
	]}`, r.body)
}

func TestReferenceDelete(t *testing.T) {
	g := open(t)
	erased := map[string]bool{}
	g.chat.erase = func(_ claw.Principal, key string) error {
		if erased[key] {
			return claw.Errorf(claw.NotFound, "There is no such session.")
		}
		erased[key] = true
		return nil
	}
	r := g.do("DELETE", "/api/v1/sessions/session_abc123", "")
	r.mustBe(t, 204)
	if len(r.body) > 0 || !erased["session_abc123"] {
		t.Errorf("body %q, erased %v", r.body, erased)
	}
	g.do("DELETE", "/api/v1/sessions/session_abc123", "").mustFail(t, 404, claw.NotFound)
}

func TestReferenceStatus(t *testing.T) {
	g := open(t)
	r := g.do("GET", "/api/v1/status", "", "Authorization: Bearer "+idleToken)
	r.mustBe(t, 200)
	covers(t, `{
		"status": "healthy",
		"version": "2026.2.3",
		"uptime": 86400,
		"activeSessions": 5,
		"model": {"provider": "anthropic", "model": "claude-sonnet-4-20250514"}
	}`, r.body)
}

func TestReferenceErrors(t *testing.T) {
	g := open(t)
	for _, tt := range []struct {
		err    *claw.Error
		status int
	}{
		{claw.Errorf(claw.InvalidRequest, "No."), 400},
		{claw.Errorf(claw.NotFound, "No."), 404},
		{claw.Errorf(claw.SessionBusy, "No.").After(1500 * time.Millisecond), 409},
		{claw.Errorf(claw.SessionDeleted, "No."), 409},
		{claw.Errorf(claw.Cancelled, "No."), 409},
		{claw.Errorf(claw.IdempotencyKeyReused, "No."), 422},
		{claw.Errorf(claw.InternalError, "No.").Because(errors.New("a secret")), 500},
		{claw.ModelErrorf(claw.ReasonOverloaded, "No.").After(time.Second), 502},
		{claw.ModelErrorf(claw.ReasonRejected, "No."), 502},
		{claw.Errorf(claw.Unavailable, "No.").After(5 * time.Second), 503},
	} {
		check := func(t *testing.T, r reply) {
			r.mustFail(t, tt.status, tt.err.Code, "No.")
			e := r.fault(t).Error
			if e.Reason != tt.err.Reason {
				t.Errorf("reason %q, want %q", e.Reason, tt.err.Reason)
			}
			header := r.Header.Get("Retry-After")
			if tt.err.RetryAfter == 0 {
				if e.RetryAfter != nil || header != "" {
					t.Errorf("retryAfter %v, Retry-After %q where waiting does not help", e.RetryAfter, header)
				}
			} else if want := int((tt.err.RetryAfter + time.Second - 1) / time.Second); e.RetryAfter == nil || *e.RetryAfter != want ||
				header != string(rune('0'+want)) {
				t.Errorf("retryAfter %v, Retry-After %q, want %d", e.RetryAfter, header, want)
			}
			if strings.Contains(string(r.body), "secret") {
				t.Error("an internal cause is shown")
			}
		}
		t.Run("start/"+string(tt.err.Code), func(t *testing.T) {
			g.chat.start = func(_ ctxT, _ claw.Principal, _ claw.ChatRequest) (claw.Started, error) {
				return claw.Started{}, tt.err
			}
			check(t, g.do("POST", "/api/v1/chat", `{"message":"hi"}`))
			check(t, g.do("POST", "/api/v1/chat/stream", `{"message":"hi"}`))
			g.chat.start = nil
		})
		t.Run("run/"+string(tt.err.Code), func(t *testing.T) {
			g.chat.watch = func(_ ctxT, _ string, after int64) (seqT, error) {
				return replay(after, poem()[0], poem()[1], claw.Event{Seq: 3, Type: claw.EventError, Err: tt.err}), nil
			}
			if tt.status != 400 && tt.status != 404 && tt.status != 422 { // a run that has begun does not end so
				check(t, g.do("POST", "/api/v1/chat", `{"message":"hi"}`))
			}
			r := g.do("POST", "/api/v1/chat/stream", `{"message":"hi"}`)
			r.mustBe(t, http.StatusOK)
			events, err := spectest.ParseEvents(r.body)
			if err != nil {
				t.Fatal(err)
			}
			last := events[len(events)-1]
			covers(t, `{"error":{"code":"`+string(tt.err.Code)+`","message":"No."}}`, []byte(last.Data))
			g.chat.watch = nil
		})
	}
	if !strings.Contains(g.log.String(), "a secret") {
		t.Error("the internal cause is not in the log")
	}
}
