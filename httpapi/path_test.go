package httpapi_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/openclaw/openclaw/claw"
	"github.com/openclaw/openclaw/httpapi"
)

func TestMethods(t *testing.T) {
	g := open(t)
	for _, tt := range []struct{ method, path, allow string }{
		{"GET", "/api/v1/chat", "OPTIONS, POST"},
		{"HEAD", "/api/v1/chat", "OPTIONS, POST"},
		{"PUT", "/api/v1/chat/stream", "OPTIONS, POST"},
		{"POST", "/api/v1/sessions", "GET, HEAD, OPTIONS"},
		{"PATCH", "/api/v1/sessions/session_abc123", "DELETE, GET, HEAD, OPTIONS"},
		{"DELETE", "/healthz", "GET, HEAD, OPTIONS"},
		{"TRACE", "/api/v1/status", "GET, HEAD, OPTIONS"},
		{"get", "/api/v1/status", "GET, HEAD, OPTIONS"},
		{"BREW", "/api/v1/status", "GET, HEAD, OPTIONS"},
	} {
		t.Run(tt.method+" "+tt.path, func(t *testing.T) {
			r := g.raw(tt.method + " " + tt.path + " HTTP/1.1\r\nHost: localhost\r\n\r\n")
			if got := r.Header.Get("Allow"); got != tt.allow {
				t.Errorf("Allow %q, want %q", got, tt.allow)
			}
			if tt.method == "HEAD" {
				r.mustBe(t, 405)
				return
			}
			r.mustFail(t, 405, claw.MethodNotAllowed, tt.allow)
		})
	}
}

func TestHead(t *testing.T) {
	g := open(t)
	g.chat.message = func(id string) (claw.MessageView, error) { return view(id), nil }
	for _, op := range httpapi.Operations() {
		if op.Method != http.MethodGet {
			continue
		}
		path := strings.NewReplacer("{key}", "session_abc123", "{id}", "msg_123").Replace(op.Pattern)
		get, head := g.do("GET", path, ""), g.do("HEAD", path, "")
		head.mustBe(t, 200)
		if len(head.body) > 0 || head.Header.Get("Content-Type") != get.Header.Get("Content-Type") ||
			head.ContentLength != get.ContentLength {
			t.Errorf("%s: HEAD %v %d %q, GET %v %d", path, head.Header, head.ContentLength, head.body, get.Header, get.ContentLength)
		}
	}
}

func TestOptions(t *testing.T) {
	g := open(t)
	r := g.do("OPTIONS", "/api/v1/chat", "", "Authorization:")
	r.mustBe(t, 204)
	if got := r.Header.Get("Allow"); got != "OPTIONS, POST" {
		t.Errorf("Allow %q", got)
	}
	g.raw("OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n").mustBe(t, 204)
	g.do("OPTIONS", "/api/v1/nothing", "").mustFail(t, 404, claw.NotFound)

	preflight := g.do("OPTIONS", "/api/v1/chat", "", "Origin: https://evil.example", "Access-Control-Request-Method: POST")
	preflight.mustFail(t, 403, claw.Forbidden)
	plain := g.do("GET", "/api/v1/status", "", "Origin: https://evil.example")
	plain.mustBe(t, 200)
	for _, r := range []reply{preflight, plain} {
		for name := range r.Header {
			if strings.HasPrefix(name, "Access-Control-") {
				t.Errorf("%s is sent", name)
			}
		}
	}
}

func TestPathsThatAreNoRoutes(t *testing.T) {
	g := open(t)
	for _, path := range []string{
		"/", "/api", "/api/v1", "/api/v1/", "/api/v1/chat/", "/api/v1//chat", "//api/v1/chat", "/api/v1/x/../chat", "/api/v1/./chat",
		"/api/v1/chat/..", "/API/v1/chat", "/api/v1/Chat", "/api/v2/chat", "/api/v1/sessions/", "/api/v1/sessions//history",
		"/api/v1/sessions/s/history/", "/api/v1/messages/", "/api/v1/messages/m/unknown", "/healthz/", "/index.html", "/api/v1/chat%2fstream",
		"/api/v1/chat;x=1", "*",
	} {
		for _, header := range []string{"", auth} { // with a token or without, it is not there
			r := g.raw("GET " + path + " HTTP/1.1\r\nHost: localhost\r\n" + header + "\r\n")
			if r.Header.Get("Location") != "" {
				t.Errorf("%s redirects to %s", path, r.Header.Get("Location"))
			}
			r.mustFail(t, 404, claw.NotFound)
		}
	}
}

func TestSessionKeysInPaths(t *testing.T) {
	g := open(t)
	for _, key := range []string{
		"%2e%2e", "..%2f..%2fetc", "a%2fb", "a%00", "a%0d%0ab", "%ff", "\u00e9", "%C3%A9", "a%20b", ".hidden", "-x",
		strings.Repeat("k", 129), strings.Repeat("k", 10<<10),
	} {
		for _, op := range []string{"GET /api/v1/sessions/%s", "DELETE /api/v1/sessions/%s", "GET /api/v1/sessions/%s/history"} {
			r := g.raw(strings.Replace(op, "%s", key, 1) + " HTTP/1.1\r\nHost: localhost\r\n" + auth + "\r\n")
			r.mustFail(t, 400, claw.InvalidRequest, "session key", "1 to 128 characters")
		}
	}
	longest := strings.Repeat("k", 128)
	g.do("GET", "/api/v1/sessions/"+longest, "").mustFail(t, 404, claw.NotFound)
	g.do("GET", "/api/v1/sessions/session%5Fabc123", "").mustBe(t, 200)
}

func TestMessageIDsInPaths(t *testing.T) {
	g := open(t)
	g.chat.message = func(id string) (claw.MessageView, error) {
		t.Errorf("the engine was asked for %q", id)
		return claw.MessageView{}, claw.Errorf(claw.NotFound, "There is no such message.")
	}
	for _, id := range []string{"%2e%2e", "a%2fb", "a%00", "%ff", strings.Repeat("m", 10<<10)} {
		g.raw("GET /api/v1/messages/"+id+" HTTP/1.1\r\nHost: localhost\r\n"+auth+"\r\n").mustFail(t, 404, claw.NotFound)
	}
}

func TestMessages(t *testing.T) {
	g := open(t)
	g.chat.message = func(id string) (claw.MessageView, error) { return view(id), nil }
	g.chat.cancel = func(id string) (claw.MessageView, error) {
		v := view(id)
		v.Running = false
		v.Err = claw.Errorf(claw.Cancelled, "Cancelled.")
		return v, nil
	}
	r := g.do("GET", "/api/v1/messages/msg_7", "")
	r.mustBe(t, 200)
	covers(t, `{"id":"msg_7","role":"assistant","content":"The morning","timestamp":"2026-02-08T10:30:00Z","status":"incomplete",
		"running":true,"sessionKey":"session_abc123"}`, r.body)
	for range 2 {
		r = g.do("POST", "/api/v1/messages/msg_7/cancel", "")
		r.mustBe(t, 200)
		covers(t, `{"id":"msg_7","status":"incomplete","error":{"code":"CANCELLED","message":"Cancelled."}}`, r.body)
		if strings.Contains(string(r.body), "running") {
			t.Error("running, though it was cancelled")
		}
	}
}
