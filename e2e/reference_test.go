package e2e

import (
	"encoding/json/v2"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/openclaw/openclaw/model/modeltest/upstream"
)

// The configuration and the requests of the published reference, to the letter, and its example answers: every field that
// they have is there, with a value of the same kind.
func TestReference(t *testing.T) {
	u, server := newUpstream(t)
	g := newGateway(t, `api:
  enabled: true
  tokens:
    - name: "my-app"
      token: "your-secure-token"
      permissions: ["chat", "sessions"]
models:
  default: anthropic/claude-sonnet-4-20250514
  providers: {anthropic: {apiKey: k, baseUrl: "`+server.URL+`"}}
`).start()
	token := header{"Authorization", "Bearer your-secure-token"}

	u.Queue(upstream.Script{Text: []string{"I'd be happy ", "to check the weather for you..."}, Usage: &upstream.Usage{Input: 15, Output: 142}})
	r := g.do("POST", "/api/v1/chat", `{
		"message": "What's the weather like today?",
		"sessionKey": "optional-session-id",
		"stream": false
	}`, token)
	like(t, "POST /chat", r.body, `{
		"id": "msg_123456",
		"content": "I'd be happy to check the weather for you...",
		"sessionKey": "optional-session-id",
		"model": "claude-sonnet-4-20250514",
		"usage": {"inputTokens": 15, "outputTokens": 142},
		"createdAt": "2026-02-08T10:30:00Z"
	}`, "id", "createdAt")

	u.Queue(upstream.Script{Text: []string{"The ", "morning ", "sun..."}, Usage: &upstream.Usage{Input: 10, Output: 45}})
	events := g.events("POST", "/api/v1/chat/stream", `{"message": "Write a short poem", "sessionKey": "session_abc123"}`, token)
	var names []string
	for _, ev := range events {
		names = append(names, ev.name)
	}
	if want := []string{"start", "delta", "delta", "delta", "done"}; !slices.Equal(names, want) {
		t.Fatalf("events: %v, want %v", names, want)
	}
	like(t, "start", []byte(events[0].data), `{"id": "msg_123"}`, "id")
	like(t, "delta", []byte(events[1].data), `{"content": "The "}`)
	like(t, "delta", []byte(events[2].data), `{"content": "morning "}`)
	like(t, "done", []byte(events[4].data), `{"usage": {"inputTokens": 10, "outputTokens": 45}}`)

	r = g.do("GET", "/api/v1/sessions", "", token)
	like(t, "GET /sessions", r.body, `{"sessions": [
		{"key": "session_abc123", "channel": "api", "createdAt": "2026-02-08T09:00:00Z", "lastActivity": "2026-02-08T10:30:00Z", "messageCount": 2},
		{"key": "optional-session-id", "channel": "api", "createdAt": "2026-02-08T09:00:00Z", "lastActivity": "2026-02-08T10:30:00Z", "messageCount": 2}
	]}`, "createdAt", "lastActivity")

	r = g.do("GET", "/api/v1/sessions/session_abc123/history?limit=50", "", token)
	like(t, "GET /history", r.body, `{"messages": [
		{"role": "user", "content": "Write a short poem", "timestamp": "2026-02-08T10:00:00Z"},
		{"role": "assistant", "content": "The morning sun...", "timestamp": "2026-02-08T10:00:01Z"}
	]}`, "timestamp")

	r = g.do("GET", "/api/v1/status", "", token)
	like(t, "GET /status", r.body, `{
		"status": "healthy",
		"version": "2026.2.3",
		"uptime": 86400,
		"activeSessions": 2,
		"model": {"provider": "anthropic", "model": "claude-sonnet-4-20250514"}
	}`, "version", "uptime")

	if r = g.do("DELETE", "/api/v1/sessions/session_abc123", "", token); r.status != http.StatusNoContent || len(r.body) != 0 {
		t.Errorf("DELETE: %d %s", r.status, r.body)
	}
	r = g.do("DELETE", "/api/v1/sessions/session_abc123", "", token)
	like(t, "DELETE again", r.body, `{"error": {"code": "NOT_FOUND", "message": "any"}}`, "message")

	r = g.do("GET", "/api/v1/status", "", header{"Authorization", "Bearer wrong"})
	like(t, "wrong token", r.body, `{"error": {"code": "UNAUTHORIZED", "message": "any"}}`, "message")
}

// like fails the test where the answer lacks a field of the example, or has another value there; of the fields named in
// varying only the kind of value is compared. Fields that the example does not have are additions and may be there.
func like(t *testing.T, what string, answer []byte, example string, varying ...string) {
	t.Helper()
	var got, want any
	if err := json.Unmarshal(answer, &got); err != nil {
		t.Errorf("%s: %v in %s", what, err, answer)
		return
	}
	if err := json.Unmarshal([]byte(example), &want); err != nil {
		t.Fatal(err)
	}
	var walk func(path string, got, want any)
	walk = func(path string, got, want any) {
		t.Helper()
		switch want := want.(type) {
		case map[string]any:
			m, _ := got.(map[string]any)
			for _, k := range slices.Sorted(maps.Keys(want)) {
				if _, ok := m[k]; !ok {
					t.Errorf("%s: %s.%s is missing in %s", what, path, k, answer)
					continue
				}
				if slices.Contains(varying, k) {
					sameKind(t, what, path+"."+k, m[k], want[k])
					continue
				}
				walk(path+"."+k, m[k], want[k])
			}
		case []any:
			l, _ := got.([]any)
			if len(l) != len(want) {
				t.Errorf("%s: %s has %d elements, want %d: %s", what, path, len(l), len(want), answer)
				return
			}
			for i := range want {
				walk(fmt.Sprintf("%s[%d]", path, i), l[i], want[i])
			}
		default:
			if got != want {
				t.Errorf("%s: %s is %v, want %v", what, path, got, want)
			}
		}
	}
	walk("", got, want)
}

var (
	timePattern = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$`)
	idPattern   = regexp.MustCompile(`^msg_[A-Za-z0-9]+$`)
)

func sameKind(t *testing.T, what, path string, got, want any) {
	t.Helper()
	s, isText := got.(string)
	w, wantText := want.(string)
	n, isNumber := got.(float64)
	switch {
	case isText != wantText:
		t.Errorf("%s: %s is %v, want something like %v", what, path, got, want)
	case strings.HasPrefix(w, "msg_") && !idPattern.MatchString(s), timePattern.MatchString(w) && !timePattern.MatchString(s), isText && s == "":
		t.Errorf("%s: %s is %q, want something like %q", what, path, s, w)
	case isNumber && n != float64(int(n)):
		t.Errorf("%s: %s is %v, want a whole number", what, path, n)
	}
}

// Every kind of provider, whole and streamed, with the conversation so far.
func TestProviders(t *testing.T) {
	for _, wire := range upstream.Wires() {
		t.Run(string(wire), func(t *testing.T) {
			u, server := newUpstream(t)
			g := newGateway(t, api+models(server, wire)+"  systemPrompt: Be kind.\n").start()
			u.Queue(
				upstream.Script{Text: []string{"Hi ", "thére"}, Usage: &upstream.Usage{Input: 3, Output: 4}},
				upstream.Script{Text: []string{"fine", "!"}, Usage: &upstream.Usage{Input: 5, Output: 6}},
				upstream.Script{Status: 400},
			)
			r := g.do("POST", "/api/v1/chat", message("hello", "s"))
			like(t, "chat", r.body, `{"content": "Hi thére", "sessionKey": "s", "model": "scripted", "usage": {"inputTokens": 3, "outputTokens": 4}}`)
			events := g.events("POST", "/api/v1/chat", `{"message": "how are you?", "sessionKey": "s", "stream": true}`)
			if got := text(events); got != "fine!" {
				t.Errorf("streamed %q", got)
			}
			like(t, "done", []byte(events[len(events)-1].data), `{"sessionKey": "s", "model": "scripted", "usage": {"inputTokens": 5, "outputTokens": 6}}`)
			calls := u.Requests()
			if len(calls) != 2 || calls[0].System != "Be kind." {
				t.Fatalf("upstream saw %+v", calls)
			}
			want := []upstream.Message{{Role: "user", Content: "hello"}, {Role: "assistant", Content: "Hi thére"}, {Role: "user", Content: "how are you?"}}
			if !slices.Equal(calls[1].Messages, want) {
				t.Errorf("the model was sent %+v, want %+v", calls[1].Messages, want)
			}
			r = g.do("POST", "/api/v1/chat", message("again", "s"))
			if r.status != http.StatusBadGateway || r.text("error.code") != "MODEL_ERROR" || r.text("error.reason") != "rejected" {
				t.Errorf("a refusal: %d %s", r.status, r.body)
			}
		})
	}
}

func TestFailover(t *testing.T) {
	first, firstServer := newUpstream(t)
	second, secondServer := newUpstream(t)
	g := newGateway(t, api+fmt.Sprintf(`models:
  default: one/a
  fallbacks: [two/b]
  providers:
    one: {type: openai, baseUrl: %q}
    two: {type: anthropic, apiKey: k, baseUrl: %q}
`, firstServer.URL+"/v1", secondServer.URL)).start()

	first.Queue(upstream.Script{Status: 500}, upstream.Script{Text: []string{"retried"}})
	like(t, "one retry", g.do("POST", "/api/v1/chat", message("q", "")).body, `{"content": "retried", "model": "a"}`)

	first.Queue(upstream.Script{Status: 529}, upstream.Script{Status: 529})
	second.Queue(upstream.Script{Text: []string{"second"}})
	like(t, "next model", g.do("POST", "/api/v1/chat", message("q", "")).body, `{"content": "second", "model": "b"}`)

	first.Queue(upstream.Script{Status: 401})
	second.Queue(upstream.Script{Status: 429, Header: map[string]string{"Retry-After": "60"}})
	r := g.do("POST", "/api/v1/chat", message("q", ""))
	if r.status != http.StatusBadGateway || r.text("error.reason") != "rate_limited" || r.header.Get("Retry-After") != "60" {
		t.Errorf("all failed: %d %v %s", r.status, r.header, r.body)
	}

	first.Queue(upstream.Script{Text: []string{"con", "tent"}, End: upstream.EndReset, After: 1})
	before := len(second.Requests())
	r = g.do("POST", "/api/v1/chat", message("q", ""))
	if r.status != http.StatusBadGateway || r.text("error.reason") != "truncated" || len(second.Requests()) != before {
		t.Errorf("after content: %d %s, and the next model was asked %d times", r.status, r.body, len(second.Requests())-before)
	}
}

func TestWorkspaces(t *testing.T) {
	_, server := newUpstream(t)
	g := newGateway(t, models(server, upstream.OpenAI)+`api:
  tokens:
    - {name: a, token: token-of-workspace-a, permissions: [chat, sessions], workspace: a}
    - {name: b, token: token-of-workspace-b, permissions: [chat, sessions], workspace: b}
`).start()
	a, b := header{"Authorization", "Bearer token-of-workspace-a"}, header{"Authorization", "Bearer token-of-workspace-b"}
	id := g.do("POST", "/api/v1/chat", message("a's secret", "shared-key"), a).text("id")
	for _, path := range []string{"/api/v1/sessions/%s", "/api/v1/sessions/%s/history", "/api/v1/messages/%s", "/api/v1/messages/%s/stream"} {
		key, method := "shared-key", "GET"
		if strings.Contains(path, "messages") {
			key = id
		}
		foreign := g.do(method, fmt.Sprintf(path, key), "", b)
		unknown := g.do(method, fmt.Sprintf(path, "msg_none"), "", b)
		if foreign.status != http.StatusNotFound || string(foreign.body) != string(unknown.body) {
			t.Errorf("%s: %d %s; of one that is nowhere: %s", path, foreign.status, foreign.body, unknown.body)
		}
	}
	if r := g.do("DELETE", "/api/v1/sessions/shared-key", "", b); r.status != http.StatusNotFound {
		t.Errorf("DELETE: %d", r.status)
	}
	if r := g.do("POST", "/api/v1/messages/"+id+"/cancel", "", b); r.status != http.StatusNotFound {
		t.Errorf("cancel: %d", r.status)
	}
	like(t, "b's list", g.do("GET", "/api/v1/sessions", "", b).body, `{"sessions": []}`)
	like(t, "b's status", g.do("GET", "/api/v1/status", "", b).body, `{"activeSessions": 0}`)
	g.do("POST", "/api/v1/chat", message("b's own", "shared-key"), b)
	like(t, "a's history", g.do("GET", "/api/v1/sessions/shared-key/history", "", a).body,
		`{"messages": [{"role": "user", "content": "a's secret"}, {"role": "assistant"}]}`)
}

func TestRateLimit(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for a minute to pass")
	}
	t.Parallel()
	_, server := newUpstream(t)
	g := newGateway(t, models(server, upstream.OpenAI)+"api: {tokens: [{name: tests, token: "+secret+", permissions: [chat, sessions]}]}\n").start()
	for i := range 100 {
		r := g.do("POST", "/api/v1/chat", message("q", ""))
		if want := strconv.Itoa(99 - i); r.status != http.StatusOK || r.header.Get("X-RateLimit-Limit") != "100" || r.header.Get("X-RateLimit-Remaining") != want {
			t.Fatalf("request %d: %d %v", i+1, r.status, r.header)
		}
	}
	r := g.do("POST", "/api/v1/chat", message("q", ""))
	wait, ok := r.field("error.retryAfter").(float64)
	if r.status != http.StatusTooManyRequests || r.text("error.code") != "RATE_LIMITED" || !ok || r.header.Get("Retry-After") != strconv.Itoa(int(wait)) ||
		r.header.Get("X-RateLimit-Remaining") != "0" {
		t.Fatalf("the 101st: %d %v %s", r.status, r.header, r.body)
	}
	reset, err := strconv.ParseInt(r.header.Get("X-RateLimit-Reset"), 10, 64)
	if until := time.Until(time.Unix(reset, 0)); err != nil || until <= 0 || until > 61*time.Second {
		t.Errorf("X-RateLimit-Reset is %q, %s away", r.header.Get("X-RateLimit-Reset"), until)
	}
	if r := g.do("GET", "/api/v1/sessions", ""); r.status != http.StatusOK || r.header.Get("X-RateLimit-Remaining") != "999" {
		t.Errorf("reading has a limit of its own: %d %v", r.status, r.header)
	}
	time.Sleep(time.Duration(wait) * time.Second) // the promise itself: who waits so long gets in
	if r := g.do("POST", "/api/v1/chat", message("q", "")); r.status != http.StatusOK || r.header.Get("X-RateLimit-Remaining") != "99" {
		t.Errorf("after waiting %v s: %d %v", wait, r.status, r.header)
	}
}
