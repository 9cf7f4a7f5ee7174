package httpapi_test

import (
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/openclaw/openclaw/claw"
	"github.com/openclaw/openclaw/httpapi"
)

// records is an audit log that a test can read.
type records struct {
	mu  sync.Mutex
	all []claw.AuditRecord
}

func (r *records) Audit(one claw.AuditRecord) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = append(r.all, one)
}

func (r *records) taken() []claw.AuditRecord {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := r.all
	r.all = nil
	return all
}

func token(name, secret string, permissions ...claw.Permission) httpapi.Token {
	return httpapi.Token{Name: name, Hash: sha256.Sum256([]byte(secret)), Permissions: permissions}
}

// endless makes every run one that says a word and then waits for its reader to leave.
func (g *gateway) endless() {
	g.chat.watch = func(ctx ctxT, _ string, _ int64) (seqT, error) {
		return func(yield func(claw.Event, error) bool) {
			for _, ev := range poem()[:2] {
				if !yield(ev, nil) {
					return
				}
			}
			<-ctx.Done()
			if cause := claw.CauseOf(ctx); cause != nil {
				yield(claw.Event{}, cause)
				return
			}
			yield(claw.Event{}, ctx.Err())
		}, nil
	}
}

// rest reads an open stream to its end.
func rest(t *testing.T, resp *http.Response) string {
	t.Helper()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Error(err)
	}
	return string(text)
}

func (g *gateway) streamWith(secret string) *http.Response {
	g.t.Helper()
	resp := g.stream(g.request("POST", "/api/v1/chat/stream", `{"message":"hi"}`, "Authorization: Bearer "+secret))
	if resp.StatusCode != http.StatusOK {
		g.t.Fatalf("status %d", resp.StatusCode)
	}
	return resp
}

// A token that goes takes its streams with it; those of tokens that stay, and may do what they could, do not notice.
func TestStreamsOfRevokedTokensEnd(t *testing.T) {
	for _, tt := range []struct {
		name string
		to   []httpapi.Token
		ends bool
	}{
		{"as it was", []httpapi.Token{token("app", "one", claw.Permissions()...)}, false},
		{"more of them", []httpapi.Token{token("app", "one", claw.Permissions()...), token("app", "two", claw.Permissions()...)}, false},
		{"other limits", []httpapi.Token{{
			Name: "app", Hash: sha256.Sum256([]byte("one")), Permissions: claw.Permissions(), ChatLimit: claw.Limit{Requests: 1, Window: time.Hour},
		}}, false},
		{"expires later", []httpapi.Token{{
			Name: "app", Hash: sha256.Sum256([]byte("one")), Permissions: claw.Permissions(), ExpiresAt: time.Now().Add(time.Hour),
		}}, false},
		{"gone", []httpapi.Token{token("app", "two", claw.Permissions()...)}, true},
		{"fewer permissions", []httpapi.Token{token("app", "one", claw.PermissionSessions)}, true},
		{"another workspace", []httpapi.Token{{
			Name: "app", Workspace: "w", Hash: sha256.Sum256([]byte("one")), Permissions: claw.Permissions(),
		}}, true},
		{"expires now", []httpapi.Token{{
			Name: "app", Hash: sha256.Sum256([]byte("one")), Permissions: claw.Permissions(), ExpiresAt: time.Now(),
		}}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := open(t, func(cfg *httpapi.Config, _ *http.Server) {
				cfg.Tokens = []httpapi.Token{token("app", "one", claw.Permissions()...)}
				cfg.KeepAlive = 10 * time.Millisecond
			})
			g.endless()
			resp := g.streamWith("one")
			begun := time.Now()
			if err := g.api.SetPolicy(httpapi.Policy{Tokens: tt.to}); err != nil {
				t.Fatal(err)
			}
			if tt.ends {
				if text := rest(t, resp); !strings.Contains(text, "event: error\ndata: {\"error\":{\"code\":\"UNAUTHORIZED\"") {
					t.Errorf("the stream ended with %s", text)
				}
				if took := time.Since(begun); took > 5*time.Second {
					t.Errorf("it took %v", took)
				}
				return
			}
			buf := make([]byte, 4096)
			for heard := ""; strings.Count(heard, ": keep-alive") < 3; { // it goes on
				n, err := resp.Body.Read(buf)
				if heard += string(buf[:n]); err != nil {
					t.Fatalf("the stream ended: %v\n%s", err, heard)
				}
			}
		})
	}
}

// A client that does not read its stream is cut off as well, though nothing can be said to it.
func TestSilentStreamsOfRevokedTokensEnd(t *testing.T) {
	g := open(t, func(cfg *httpapi.Config, _ *http.Server) {
		cfg.Tokens = []httpapi.Token{token("app", "one", claw.Permissions()...)}
	})
	left := make(chan struct{})
	g.chat.watch = func(ctx ctxT, _ string, _ int64) (seqT, error) {
		return func(yield func(claw.Event, error) bool) {
			defer close(left)
			big := strings.Repeat("x", 60<<10)
			for n := int64(2); yield(claw.Event{Seq: n, Type: claw.EventDelta, Text: big}, nil); n++ {
			}
		}, nil
	}
	w := g.dial()
	_ = w.conn.SetReadBuffer(4096)
	w.write("POST /api/v1/chat/stream HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nAuthorization: Bearer one\r\n" +
		"Content-Length: 16\r\n\r\n{\"message\":\"hi\"}")
	eventually(t, "the stream is open", func() bool { return len(g.chat.asked()) == 1 })
	begun := time.Now()
	if err := g.api.SetPolicy(httpapi.Policy{}); err != nil {
		t.Fatal(err)
	}
	<-left
	if took := time.Since(begun); took > 5*time.Second {
		t.Errorf("it took %v", took)
	}
}

func TestTokensExpire(t *testing.T) {
	audit := &records{}
	g := open(t, func(cfg *httpapi.Config, _ *http.Server) {
		cfg.Audit = audit
		cfg.Tokens = []httpapi.Token{
			{Name: "old", Hash: sha256.Sum256([]byte("old")), ExpiresAt: time.Now().Add(-time.Second)},
			{Name: "soon", Hash: sha256.Sum256([]byte("soon")), Permissions: claw.Permissions(), ExpiresAt: time.Now().Add(500 * time.Millisecond)},
		}
	})
	g.endless()
	with := func(secret string) reply {
		return g.do("GET", "/api/v1/status", "", "Authorization: Bearer "+secret)
	}
	unknown := with("unknown")
	if old := with("old"); old.StatusCode != 401 || string(old.body) != string(unknown.body) {
		t.Errorf("expired: %d %s; unknown: %s", old.StatusCode, old.body, unknown.body)
	}
	if got := audit.taken(); len(got) != 2 || got[0].Reason != "unknown token" || got[0].Token != "" || got[1].Reason != "expired token" || got[1].Token != "old" {
		t.Errorf("%+v", got)
	}
	with("soon").mustBe(t, 200)
	if text := rest(t, g.streamWith("soon")); !strings.Contains(text, "UNAUTHORIZED") {
		t.Errorf("the stream ended with %s", text)
	}
	if soon := with("soon"); soon.StatusCode != 401 || string(soon.body) != string(unknown.body) {
		t.Errorf("expired since: %d %s", soon.StatusCode, soon.body)
	}
}

// Two tokens of a name are one application: they share its limits.
func TestRotatedTokensShareTheirLimits(t *testing.T) {
	g := open(t, func(cfg *httpapi.Config, _ *http.Server) {
		cfg.Tokens = []httpapi.Token{token("app", "one", claw.Permissions()...), token("app", "two", claw.Permissions()...)}
	})
	for i, secret := range []string{"one", "two", "one"} {
		r := g.do("GET", "/api/v1/status", "", "Authorization: Bearer "+secret)
		r.mustBe(t, 200)
		if _, remaining, _ := limits(t, r); remaining != 999-i {
			t.Errorf("%d left, want %d", remaining, 999-i)
		}
	}
}

func TestOrigins(t *testing.T) {
	g := open(t, func(cfg *httpapi.Config, _ *http.Server) {
		cfg.AllowedOrigins = []string{"https://app.example.com", "http://localhost:5173"}
	})
	preflight := func(origin string) reply {
		return g.do("OPTIONS", "/api/v1/chat", "", "Authorization:", "Origin: "+origin, "Access-Control-Request-Method: POST",
			"Access-Control-Request-Headers: authorization")
	}
	for _, origin := range []string{"https://app.example.com", "http://localhost:5173"} {
		r := preflight(origin)
		r.mustBe(t, 204)
		h := r.Header
		if h.Get("Access-Control-Allow-Origin") != origin || h.Get("Access-Control-Allow-Methods") != "OPTIONS, POST" || h.Get("Vary") != "Origin" ||
			!strings.Contains(h.Get("Access-Control-Allow-Headers"), "Authorization") || h.Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("%s: %v", origin, h)
		}
		for _, path := range []string{"/api/v1/status", "/api/v1/nothing"} { // a page may read errors, too
			r = g.do("GET", path, "", "Origin: "+origin)
			if h = r.Header; h.Get("Access-Control-Allow-Origin") != origin || !strings.Contains(h.Get("Access-Control-Expose-Headers"), "X-Request-Id") {
				t.Errorf("%s: %v", origin, h)
			}
		}
	}
	for _, origin := range []string{
		"https://evil.example", "null", "http://app.example.com", "https://app.example.com:8443", "https://app.example.com.evil.example",
		"https://APP.example.com", "https://app.example.com/", "*",
	} {
		r := preflight(origin)
		r.mustFail(t, 403, claw.Forbidden, "server.allowedOrigins")
		for _, r := range []reply{r, g.do("GET", "/api/v1/status", "", "Origin: "+origin)} {
			for name := range r.Header {
				if strings.HasPrefix(name, "Access-Control-") {
					t.Errorf("%s: %s is sent", origin, name)
				}
			}
		}
	}
	// Nothing is shared where nothing is configured, and a change is one without a restart.
	if err := g.api.SetPolicy(httpapi.Policy{Tokens: tokens()}); err != nil {
		t.Fatal(err)
	}
	preflight("https://app.example.com").mustFail(t, 403, claw.Forbidden)
	if r := g.do("GET", "/api/v1/status", "", "Origin: https://app.example.com"); r.Header.Get("Access-Control-Allow-Origin") != "" || r.Header.Get("Vary") != "" {
		t.Errorf("%v", r.Header)
	}
}

// Failures are counted by the address that a trusted proxy vouches for, and by no other.
func TestForwardedAddresses(t *testing.T) {
	audit := &records{}
	g := open(t, func(cfg *httpapi.Config, _ *http.Server) {
		cfg.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
		cfg.Audit = audit
	})
	from := func(forwarded string) reply {
		return g.do("GET", "/api/v1/status", "", "Authorization:", "X-Forwarded-For: "+forwarded)
	}
	for range 100 {
		from("203.0.113.9").mustFail(t, 401, claw.Unauthorized)
	}
	from("203.0.113.9").mustFail(t, 429, claw.RateLimited)
	from("198.51.100.1, 203.0.113.9").mustFail(t, 429, claw.RateLimited) // what stands before is made up
	from("203.0.113.9, 198.51.100.1").mustFail(t, 401, claw.Unauthorized)
	if got := audit.taken(); got[0].Address != "203.0.113.9" || got[len(got)-1].Address != "198.51.100.1" {
		t.Errorf("%+v", got[len(got)-1])
	}
}

// What an operator may have to account for leaves a record; what is merely read does not.
func TestAuditRecords(t *testing.T) {
	audit := &records{}
	g := open(t, func(cfg *httpapi.Config, _ *http.Server) { cfg.Audit = audit })
	for _, tt := range []struct {
		method, path, secret string
		want                 []claw.AuditRecord
	}{
		{"GET", "/api/v1/status", fullToken, nil},
		{"GET", "/healthz", "none", nil},
		{"GET", "/api/v1/nothing", "none", nil},
		{"GET", "/api/v1/status", "wrong", []claw.AuditRecord{{Action: claw.AuditRefused, Route: "GET /api/v1/status", Status: 401, Reason: "unknown token"}}},
		{"GET", "/api/v1/status", "", []claw.AuditRecord{{Action: claw.AuditRefused, Route: "GET /api/v1/status", Status: 401, Reason: "no token"}}},
		{"DELETE", "/api/v1/sessions/s", chatToken, []claw.AuditRecord{
			{Action: claw.AuditRefused, Token: "chatter", Route: "DELETE /api/v1/sessions/{key}", Status: 403, Reason: "permission"},
		}},
		{"DELETE", "/api/v1/sessions/session_abc123", fullToken, []claw.AuditRecord{
			{Action: claw.AuditSessionDeleted, Token: "my-app", Route: "DELETE /api/v1/sessions/{key}", Target: "session_abc123", Status: 204},
		}},
		{"DELETE", "/api/v1/sessions/%2e%2e", fullToken, []claw.AuditRecord{
			{Action: claw.AuditSessionDeleted, Token: "my-app", Route: "DELETE /api/v1/sessions/{key}", Status: 400},
		}},
		{"POST", "/api/v1/messages/msg_1/cancel", fullToken, []claw.AuditRecord{
			{Action: claw.AuditRunCancelled, Token: "my-app", Route: "POST /api/v1/messages/{id}/cancel", Target: "msg_1", Status: 404},
		}},
	} {
		header := "Authorization: Bearer " + tt.secret
		if tt.secret == "" {
			header = "Authorization:"
		}
		r := g.do(tt.method, tt.path, "", header)
		var got []claw.AuditRecord
		eventually(t, "the record of "+tt.path, func() bool { // a record may be made after the answer was read
			got = append(got, audit.taken()...)
			return len(got) >= len(tt.want)
		})
		for i := range tt.want {
			tt.want[i].Address, tt.want[i].RequestID = "127.0.0.1", r.Header.Get("X-Request-Id")
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s %s with %q: %+v, want %+v", tt.method, tt.path, tt.secret, got, tt.want)
		}
	}
}

// Every route, with every caller that there is: who may not pass does not, whatever else the token may do.
func TestEveryRouteWithEveryCaller(t *testing.T) {
	expired := token("expired", "expired", claw.Permissions()...)
	expired.ExpiresAt = time.Now().Add(-time.Minute)
	revoked := token("revoked", "revoked", claw.Permissions()...)
	audit := &records{}
	g := open(t, func(cfg *httpapi.Config, _ *http.Server) {
		cfg.Audit = audit
		cfg.Tokens = append(tokens(), expired, revoked)
	})
	g.chat.message = func(id string) (claw.MessageView, error) { return view(id), nil }
	g.chat.cancel = g.chat.message
	g.do("GET", "/api/v1/status", "", "Authorization: Bearer revoked").mustBe(t, 200)
	if err := g.api.SetPolicy(httpapi.Policy{Tokens: append(tokens(), expired)}); err != nil {
		t.Fatal(err)
	}
	type caller struct {
		name, secret string
		permissions  []claw.Permission // nil: not even a token
	}
	callers := []caller{
		{"no token", "", nil},
		{"unknown", "unknown", nil},
		{"wrong case", strings.ToUpper(fullToken), nil},
		{"expired", "expired", nil},
		{"revoked", "revoked", nil},
		{"no permission", idleToken, []claw.Permission{}},
		{"chat only", chatToken, []claw.Permission{claw.PermissionChat}},
		{"sessions only", sessionsToken, []claw.Permission{claw.PermissionSessions}},
		{"another workspace", otherToken, claw.Permissions()},
		{"all", fullToken, claw.Permissions()},
	}
	walked, refused := 0, 0
	for _, op := range httpapi.Operations() {
		path := strings.NewReplacer("{key}", "session_abc123", "{id}", "msg_123").Replace(op.Pattern)
		body := ""
		if strings.HasPrefix(op.ID, "chat") {
			body = `{"message":"hi"}`
		}
		for _, who := range callers {
			header := "Authorization: Bearer " + who.secret
			if who.secret == "" {
				header = "Authorization:"
			}
			r := g.do(op.Method, path, body, header)
			walked++
			what := fmt.Sprintf("%s by %s", op.ID, who.name)
			allowed := len(op.AnyOf) == 0 || slices.ContainsFunc(op.AnyOf, func(p claw.Permission) bool { return slices.Contains(who.permissions, p) })
			switch {
			case op.Public:
				r.mustBe(t, 200)
			case who.permissions == nil:
				refused++
				if r.StatusCode != 401 || r.fault(t).Error.Code != claw.Unauthorized {
					t.Errorf("%s: %d %s", what, r.StatusCode, r.body)
				}
			case !allowed:
				refused++
				if r.StatusCode != 403 || r.fault(t).Error.Code != claw.Forbidden {
					t.Errorf("%s: %d %s", what, r.StatusCode, r.body)
				}
			case who.name == "another workspace" && strings.Contains(op.Pattern, "{key}") && op.Method == "GET":
				if r.StatusCode != 404 {
					t.Errorf("%s: %d %s", what, r.StatusCode, r.body)
				}
			case r.StatusCode >= 300:
				t.Errorf("%s: %d %s", what, r.StatusCode, r.body)
			}
		}
	}
	records := slices.DeleteFunc(audit.taken(), func(r claw.AuditRecord) bool { return r.Action != claw.AuditRefused })
	if len(records) != refused {
		t.Errorf("%d refusals left %d records", refused, len(records))
	}
	t.Logf("%d routes with %d callers: %d requests, %d refused", len(httpapi.Operations()), len(callers), walked, refused)
}
