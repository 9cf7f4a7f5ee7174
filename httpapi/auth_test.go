package httpapi_test

import (
	"crypto/sha256"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/openclaw/openclaw/claw"
	"github.com/openclaw/openclaw/httpapi"
)

func TestAuthorizationForms(t *testing.T) {
	g := open(t)
	status := func(header string) reply {
		return g.raw("GET /api/v1/status HTTP/1.1\r\nHost: localhost\r\n" + header + "\r\n")
	}
	for _, scheme := range []string{"Bearer ", "bearer ", "BEARER ", "Bearer   "} {
		status("Authorization: "+scheme+fullToken+"\r\n").mustBe(t, 200)
	}
	refused := status("Authorization: Bearer wrong\r\n")
	refused.mustFail(t, 401, claw.Unauthorized)
	if got := refused.Header.Get("WWW-Authenticate"); got != "Bearer" {
		t.Errorf("WWW-Authenticate %q", got)
	}
	for _, header := range []string{
		"Authorization: Bearer", "Authorization: Bearer ", "Authorization:", "Authorization: Bearer\t" + fullToken,
		"Authorization: Bearer " + fullToken + " more", "Authorization: Bearer " + fullToken + "\tmore",
		"Authorization: Basic " + fullToken, "Authorization: " + fullToken, "Authorization: Bearer " + strings.ToUpper(fullToken),
		"Authorization: Bearer " + fullToken + "x", "Authorization: Bearer " + fullToken[1:], "Authorization: Bearer \"" + fullToken + "\"",
	} {
		r := status(header + "\r\n")
		r.mustFail(t, 401, claw.Unauthorized)
		if string(r.body) != string(refused.body) {
			t.Errorf("%q is refused otherwise than an unknown token: %s", header, r.body)
		}
	}
	status(auth+auth).mustFail(t, 400, claw.InvalidRequest, "Authorization", "once")
	status("Cookie: token="+fullToken+"\r\n").mustFail(t, 401, claw.Unauthorized)
	g.do("GET", "/api/v1/status?token="+fullToken+"&access_token="+fullToken, "", "Authorization:").mustFail(t, 401, claw.Unauthorized)
	if strings.Contains(g.log.String(), fullToken) {
		t.Error("the log has a token")
	}
}

func TestTokensAreReplaced(t *testing.T) {
	g := open(t)
	g.do("GET", "/api/v1/status", "").mustBe(t, 200)
	unknown := g.do("GET", "/api/v1/status", "", "Authorization: Bearer unknown")
	if err := g.api.SetPolicy(httpapi.Policy{Tokens: []httpapi.Token{{Name: "new", Hash: sha256.Sum256([]byte("new-token"))}}}); err != nil {
		t.Fatal(err)
	}
	revoked := g.do("GET", "/api/v1/status", "")
	revoked.mustFail(t, 401, claw.Unauthorized)
	if string(revoked.body) != string(unknown.body) {
		t.Errorf("revoked %s, unknown %s", revoked.body, unknown.body)
	}
	g.do("GET", "/api/v1/status", "", "Authorization: Bearer new-token").mustBe(t, 200)

	for name, bad := range map[string][]httpapi.Token{
		"no name":     {{Hash: [32]byte{1}}},
		"same name":   {{Name: "a", Hash: [32]byte{1}}, {Name: "a", Hash: [32]byte{2}}, {Name: "a", Hash: [32]byte{3}}},
		"same secret": {{Name: "a", Hash: [32]byte{1}}, {Name: "b", Hash: [32]byte{1}}},
	} {
		if err := g.api.SetPolicy(httpapi.Policy{Tokens: bad}); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	g.do("GET", "/api/v1/status", "", "Authorization: Bearer new-token").mustBe(t, 200)
}

// limits are the headers of a rate limit.
func limits(t *testing.T, r reply) (limit, remaining int, reset int64) {
	t.Helper()
	number := func(name string) int64 {
		n, err := strconv.ParseInt(r.Header.Get(name), 10, 64)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		return n
	}
	return int(number("X-RateLimit-Limit")), int(number("X-RateLimit-Remaining")), number("X-RateLimit-Reset")
}

func TestRateLimits(t *testing.T) {
	g := open(t)
	begun := time.Now()
	// Every class from its own account, everything that is authenticated and routed, whatever became of it.
	for i, tt := range []struct {
		method, path, body string
		status             int
		limit, remaining   int
	}{
		{"POST", "/api/v1/chat", `{"message":"hi"}`, 200, 100, 99},
		{"POST", "/api/v1/chat/stream", `{"message":"hi"}`, 200, 100, 98},
		{"POST", "/api/v1/chat", `{`, 400, 100, 97},
		{"GET", "/api/v1/status", "", 200, 1000, 999},
		{"GET", "/api/v1/sessions/nowhere", "", 404, 1000, 998},
		{"DELETE", "/api/v1/sessions/session_abc123", "", 204, 1000, 997},
		{"GET", "/api/v1/messages/msg_123/stream?after=5", "", 204, 1000, 996},
		{"HEAD", "/api/v1/sessions", "", 200, 1000, 995},
		{"POST", "/api/v1/chat", `{"message":"hi"}`, 200, 100, 96},
	} {
		r := g.do(tt.method, tt.path, tt.body)
		r.mustBe(t, tt.status)
		limit, remaining, reset := limits(t, r)
		if limit != tt.limit || remaining != tt.remaining {
			t.Errorf("%d: %d of %d left, want %d of %d", i, remaining, limit, tt.remaining, tt.limit)
		}
		if from, to := begun.Add(time.Minute).Unix(), time.Now().Add(time.Minute).Unix()+1; reset < from || reset > to {
			t.Errorf("%d: reset %d, want %d to %d", i, reset, from, to)
		}
	}
	// What is not authenticated, or not routed, or public, neither counts nor tells.
	for _, path := range []string{"/healthz", "/readyz", "/api/v1/openapi.json", "/api/v1/nothing"} {
		if r := g.do("GET", path, ""); r.Header.Get("X-RateLimit-Limit") != "" {
			t.Errorf("%s tells of a limit", path)
		}
	}
	if _, remaining, _ := limits(t, g.do("GET", "/api/v1/status", "")); remaining != 994 {
		t.Errorf("%d left, want 994", remaining)
	}
	if _, remaining, _ := limits(t, g.do("GET", "/api/v1/status", "", "Authorization: Bearer "+otherToken)); remaining != 999 {
		t.Errorf("another token has %d left, want 999", remaining)
	}
	// The permission is not what is looked at first: 403 counts.
	for want := 999; want > 997; want-- {
		r := g.do("GET", "/api/v1/sessions", "", "Authorization: Bearer "+idleToken)
		r.mustFail(t, 403, claw.Forbidden)
		if _, remaining, _ := limits(t, r); remaining != want {
			t.Errorf("%d left, want %d", remaining, want)
		}
	}
}

func TestRateLimited(t *testing.T) {
	const window = 5 * time.Second // long enough for what is to happen within it, on a busy machine too
	g := open(t, func(cfg *httpapi.Config, _ *http.Server) {
		cfg.Tokens = []httpapi.Token{{
			Name: "my-app", Hash: sha256.Sum256([]byte(fullToken)), Permissions: claw.Permissions(),
			ChatLimit: claw.Limit{Requests: 2, Window: window},
		}}
	})
	for range 2 {
		g.do("POST", "/api/v1/chat", `{"message":"hi"}`).mustBe(t, 200)
	}
	var wait time.Duration
	for range 3 { // a refused request does not count, nor prolong the wait
		r := g.do("POST", "/api/v1/chat/stream", `{"message":"hi"}`)
		r.mustFail(t, 429, claw.RateLimited, "Too many requests. Please try again later.")
		if limit, remaining, _ := limits(t, r); limit != 2 || remaining != 0 {
			t.Errorf("%d of %d left", remaining, limit)
		}
		after := r.fault(t).Error.RetryAfter
		if after == nil || *after < 1 || *after > 5 || r.Header.Get("Retry-After") != strconv.Itoa(*after) {
			t.Fatalf("retryAfter %v, Retry-After %q, want what is left of %s", after, r.Header.Get("Retry-After"), window)
		}
		wait = time.Duration(*after) * time.Second
	}
	g.do("GET", "/api/v1/status", "").mustBe(t, 200)
	timer := time.NewTimer(wait) // what retryAfter said
	<-timer.C
	r := g.do("POST", "/api/v1/chat", `{"message":"hi"}`)
	r.mustBe(t, 200)
	if _, remaining, _ := limits(t, r); remaining != 1 {
		t.Errorf("%d left in the new window, want 1", remaining)
	}
	if asked := len(g.chat.asked()); asked != 3 {
		t.Errorf("the engine was asked %d times, want 3", asked)
	}
}

func TestFailuresAreLimitedByAddress(t *testing.T) {
	g := open(t)
	for i := range 100 {
		header := "Authorization: Bearer guess-" + strconv.Itoa(i)
		if i%2 == 0 {
			header = "Authorization:"
		}
		g.do("GET", "/api/v1/status", "", header).mustFail(t, 401, claw.Unauthorized)
	}
	for range 2 {
		r := g.do("GET", "/api/v1/status", "", "Authorization: Bearer guess")
		r.mustFail(t, 429, claw.RateLimited, "address")
		if r.Header.Get("X-RateLimit-Limit") != "" || r.Header.Get("WWW-Authenticate") != "" {
			t.Errorf("headers %v", r.Header)
		}
		if after, err := strconv.Atoi(r.Header.Get("Retry-After")); err != nil || after < 1 || after > 60 {
			t.Errorf("Retry-After %q", r.Header.Get("Retry-After"))
		}
	}
	g.do("GET", "/api/v1/status", "").mustBe(t, 200) // others' failures are not this token's
	g.do("GET", "/healthz", "", "Authorization:").mustBe(t, 200)
}
