package httpapi_test

import (
	"context"
	"encoding/json/v2"
	"errors"
	"io"
	"iter"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/openclaw/openclaw/claw"
	"github.com/openclaw/openclaw/httpapi"
	"github.com/openclaw/openclaw/spec"
)

func TestProbes(t *testing.T) {
	var notReady error
	g := open(t, func(cfg *httpapi.Config, _ *http.Server) { cfg.Ready = func() error { return notReady } })
	for path, want := range map[string]string{"/healthz": `{"status":"ok"}`, "/readyz": `{"status":"ready"}`} {
		r := g.do("GET", path, "", "Authorization:")
		r.mustBe(t, 200)
		if got := strings.TrimSpace(string(r.body)); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
	notReady = errors.New("the disk is full of secrets")
	r := g.do("GET", "/readyz", "", "Authorization:")
	r.mustFail(t, 503, claw.Unavailable)
	if strings.Contains(string(r.body), "disk") {
		t.Errorf("%s tells too much", r.body)
	}
	g.do("GET", "/healthz", "", "Authorization:").mustBe(t, 200)
}

func TestOpenAPIIsServed(t *testing.T) {
	g := open(t)
	r := g.do("GET", "/api/v1/openapi.json", "", "Authorization:")
	r.mustBe(t, 200)
	want, err := spec.JSON()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want)+"\n", string(r.body)); diff != "" {
		t.Error(diff)
	}
}

func TestDegraded(t *testing.T) {
	g := open(t, func(cfg *httpapi.Config, _ *http.Server) {
		cfg.Status = func(_ context.Context, who claw.Principal) (httpapi.Status, error) {
			if who.Workspace != "default" {
				return httpapi.Status{}, claw.Errorf(claw.Unavailable, "The storage is locked.")
			}
			return httpapi.Status{Reasons: []string{"The storage is full."}, Version: "1"}, nil
		}
	})
	r := g.do("GET", "/api/v1/status", "")
	r.mustBe(t, 200)
	covers(t, `{"status":"degraded","reasons":["The storage is full."]}`, r.body)
	g.do("GET", "/api/v1/status", "", "Authorization: Bearer "+otherToken).mustFail(t, 503, claw.Unavailable)
}

func TestThePage(t *testing.T) {
	page := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		w.Header().Set("Cache-Control", "max-age=60")
		_, _ = io.WriteString(w, "<p>"+r.URL.Path)
	})
	g := open(t, func(cfg *httpapi.Config, _ *http.Server) { cfg.Page = page })
	r := g.raw("GET /index.html HTTP/1.1\r\nHost: localhost\r\n\r\n")
	r.mustBe(t, 200)
	if string(r.body) != "<p>/index.html" || r.Header.Get("X-Request-Id") == "" || r.Header.Get("Cache-Control") != "max-age=60" {
		t.Errorf("%v %s", r.Header, r.body)
	}
	g.raw("GET /index.html HTTP/1.1\r\nHost: evil.example\r\n\r\n").mustFail(t, 421, claw.MisdirectedRequest)
	g.raw("POST /index.html HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n").mustFail(t, 404, claw.NotFound)
	g.raw("GET /api/v1/nothing HTTP/1.1\r\nHost: localhost\r\n\r\n").mustFail(t, 404, claw.NotFound)
	g.raw("GET /x/../y HTTP/1.1\r\nHost: localhost\r\n\r\n").mustFail(t, 404, claw.NotFound)
	g.do("GET", "/healthz", "").mustBe(t, 200)
}

func TestPanics(t *testing.T) {
	g := open(t)
	g.chat.start = func(ctxT, claw.Principal, claw.ChatRequest) (claw.Started, error) { panic("a fault") }
	g.do("POST", "/api/v1/chat", `{"message":"hi"}`).mustFail(t, 500, claw.InternalError)
	if log := g.log.String(); !strings.Contains(log, "a fault") || !strings.Contains(log, "TestPanics") {
		t.Errorf("the log lacks the panic or its stack:\n%s", log)
	}
	// Behind the 200 nothing can be taken back. The stream must not look whole.
	g.chat.start = nil
	g.chat.watch = func(ctxT, string, int64) (iter.Seq2[claw.Event, error], error) {
		return func(yield func(claw.Event, error) bool) {
			yield(poem()[0], nil)
			panic("another fault")
		}, nil
	}
	resp := g.stream(g.request("POST", "/api/v1/chat/stream", `{"message":"hi"}`))
	if b, err := io.ReadAll(resp.Body); err == nil {
		t.Errorf("the stream looks whole: %s", b)
	}
	g.chat.watch = nil
	g.do("POST", "/api/v1/chat", `{"message":"hi"}`).mustBe(t, 200)
}

func TestTheLog(t *testing.T) {
	g := open(t)
	for _, r := range []reply{
		g.do("GET", "/api/v1/sessions/session_abc123/history?limit=5&secret=sesame", ""),
		g.do("POST", "/api/v1/chat", `{"message":"open sesame","sessionKey":"session_sesame"}`, "Idempotency-Key: sesame"),
		g.do("GET", "/api/v1/sesame", "", "Authorization: Bearer sesame"),
		g.do("GET", "/api/v1/status", "", "Authorization: Bearer sesame"),
	} {
		id := r.Header.Get("X-Request-Id")
		if !regexp.MustCompile(`^req_[A-Z2-7]{26}$`).MatchString(id) {
			t.Errorf("request id %q", id)
		}
		eventually(t, "the request is in the log", func() bool { return strings.Contains(g.log.String(), id) })
	}
	type entry struct {
		Level, Msg, ID, Method, Route, Token, Code string
		Status, Bytes                              int
	}
	byRoute := map[string]entry{}
	for line := range strings.Lines(g.log.String()) {
		var e entry
		if err := json.Unmarshal([]byte(line), &e, json.MatchCaseInsensitiveNames(true)); err != nil {
			t.Fatalf("%v\n%s", err, line)
		}
		if e.Bytes == 0 || e.ID == "" {
			t.Errorf("%s", line)
		}
		e.ID, e.Bytes = "", 0
		byRoute[e.Route] = e
	}
	want := map[string]entry{
		"/api/v1/sessions/{key}/history": {
			Level: "DEBUG", Msg: "request", Method: "GET", Route: "/api/v1/sessions/{key}/history", Token: "my-app", Status: 200,
		},
		"/api/v1/chat":   {Level: "INFO", Msg: "request", Method: "POST", Route: "/api/v1/chat", Token: "my-app", Status: 200},
		"/":              {Level: "INFO", Msg: "request", Method: "GET", Route: "/", Status: 404, Code: "NOT_FOUND"},
		"/api/v1/status": {Level: "INFO", Msg: "request", Method: "GET", Route: "/api/v1/status", Status: 401, Code: "UNAUTHORIZED"},
	}
	if diff := cmp.Diff(want, byRoute); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if log := g.log.String(); strings.Contains(log, "sesame") || strings.Contains(log, fullToken) {
		t.Errorf("the log has what was said, or a token:\n%s", log)
	}
}

func TestNewRefuses(t *testing.T) {
	if _, err := httpapi.New(httpapi.Config{}); err == nil {
		t.Error("an empty configuration is accepted")
	}
	conv := new(conversation)
	if _, err := httpapi.New(httpapi.Config{
		Chat: conv, Sessions: conv, Limiter: limiterFunc(nil), Tokens: []httpapi.Token{{}},
		Status: func(context.Context, claw.Principal) (httpapi.Status, error) { return httpapi.Status{}, nil },
	}); err == nil {
		t.Error("a token without a name is accepted")
	}
}

// limiterFunc is a limiter of one function.
type limiterFunc func(key string) (claw.Decision, error)

func (f limiterFunc) Take(_ context.Context, key string, _ claw.Limit) (claw.Decision, error) {
	return f(key)
}

// A limiter that fails is no reason to let a request pass, nor to tell of it more than that.
func TestTheLimiterFails(t *testing.T) {
	g := open(t, func(cfg *httpapi.Config, _ *http.Server) {
		cfg.Limiter = limiterFunc(func(string) (claw.Decision, error) {
			return claw.Decision{}, claw.Errorf(claw.Unavailable, "The limiter does not answer.").Because(errors.New("a secret"))
		})
	})
	g.do("GET", "/api/v1/status", "").mustFail(t, 503, claw.Unavailable)
	g.do("GET", "/api/v1/status", "", "Authorization:").mustFail(t, 401, claw.Unauthorized)
	if asked := len(g.chat.asked()); asked > 0 {
		t.Errorf("the engine was asked %d times", asked)
	}
}
