package httpapi

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"path"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/openclaw/openclaw/claw"
)

// Whatever a chat call is given, what gets past the decoder is what the engine is promised.
func FuzzChatRequest(f *testing.F) {
	for _, body := range []string{
		`{"message":"hi","sessionKey":"s","stream":true,"onDisconnect":"cancel"}`, `{"message":"\u0000"}`, `{"message":" "}`,
		`{"message":"\ud800"}`, `{"a":[{"b":1}]}`, "\ufeff{}", `null`, `[[`, ``,
	} {
		f.Add(body, "application/json", "key", "web")
	}
	api := &API{bodyTimeout: time.Second}
	f.Fuzz(func(t *testing.T, body, contentType, key, channel string) {
		r := httptest.NewRequest(http.MethodPost, "/api/v1/chat", strings.NewReader(body))
		r.Header["Content-Type"] = []string{contentType}
		r.Header["Idempotency-Key"] = []string{key}
		r.Header["X-Openclaw-Channel"] = []string{channel}
		w := httptest.NewRecorder()
		x := &exchange{api: api, w: w, r: r, control: http.NewResponseController(w), begun: time.Now()}
		req, _, err := x.chatRequest()
		if err != nil {
			if e := claw.AsError(err); statusOf(e) >= 500 || e.Message == "" || !utf8.ValidString(e.Message) {
				t.Errorf("%v", err)
			}
			return
		}
		if strings.TrimSpace(req.Message) == "" || len(req.Message) > maxMessage || !utf8.ValidString(req.Message) ||
			strings.Contains(req.Message, "\x00") {
			t.Errorf("the message %q got through", req.Message)
		}
		if req.SessionKey != "" && !claw.ValidSessionKey(req.SessionKey) || !claw.ValidChannel(req.Channel) || req.IdempotencyKey != key {
			t.Errorf("%+v got through", req)
		}
	})
}

// A path that passes is one that nothing would rewrite.
func FuzzCleanPath(f *testing.F) {
	for _, p := range []string{"/", "/a/b", "/a//b", "/a/../b", "/a/.b", "/a/..", "*", ""} {
		f.Add(p)
	}
	f.Fuzz(func(t *testing.T, p string) {
		if clean := path.Clean(p); cleanPath(p) && p != clean && p != clean+"/" {
			t.Errorf("%q passes, and would be rewritten to %q", p, clean)
		}
	})
}

func FuzzBearer(f *testing.F) {
	for _, v := range []string{"Bearer x", "bearer  x", "Bearer", "Bearer x y", "Basic x", "Bearer\tx"} {
		f.Add(v)
	}
	f.Fuzz(func(t *testing.T, value string) {
		if secret, ok := bearer(value); ok && (secret == "" || !strings.HasSuffix(value, " "+secret) || strings.ContainsAny(secret, " \t")) {
			t.Errorf("%q gives %q", value, secret)
		}
	})
}

func FuzzLimit(f *testing.F) {
	for _, v := range []string{"1", "1000", "1001", "0", "-1", "1e3", "007", "\uff15"} {
		f.Add(v)
	}
	f.Fuzz(func(t *testing.T, value string) {
		n, err := query{"limit": {value}}.limit(50)
		if err == nil && (n < 1 || n > maxPage || strings.Trim(value, "0123456789") != "") {
			t.Errorf("%q gives %d", value, n)
		}
	})
}

// An event number that passes is one that a log can have, wherever it came from.
func FuzzLastEventID(f *testing.F) {
	for _, v := range []string{"0", "7", "-1", "007", "9223372036854775807", "9223372036854775808", "1e3", "", " 1", "\uff11"} {
		f.Add(v, v, true)
		f.Add(v, "", false)
	}
	f.Fuzz(func(t *testing.T, header, after string, given bool) {
		r := httptest.NewRequest(http.MethodGet, "/api/v1/messages/msg_1/stream", nil)
		r.Header["Last-Event-Id"] = []string{header}
		if given {
			r.URL.RawQuery = url.Values{"after": {after}}.Encode()
		}
		n, err := (&exchange{r: r}).lastEventID()
		if err != nil {
			if e := claw.AsError(err); e.Code != claw.InvalidRequest || e.Message == "" {
				t.Errorf("%v", err)
			}
			return
		}
		digits := func(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }
		if n < 0 || header != "" && !digits(header) || given && !digits(after) {
			t.Errorf("header %q, query %q (%v) give %d", header, after, given, n)
		}
	})
}

// A session key that passes is harmless in a path, a log, a page and a shell.
func FuzzSessionKey(f *testing.F) {
	for _, v := range []string{"a", "session_1", "A.b_c:d@e+f~g-1", "..", "-a", "a/b", "a\x00", "a\n", "\u00e9", strings.Repeat("k", 129)} {
		f.Add(v)
	}
	f.Fuzz(func(t *testing.T, key string) {
		got, err := validKey("sessionKey", key)
		if err == nil && (got != key || key == "" || len(key) > 128 || strings.ContainsAny(key, "/\\%?#<>&\"'` \t\r\n\x00") || key[0] == '.' || key[0] == '-' ||
			strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r > '~' })) {
			t.Errorf("%q passes", key)
		}
	})
}

// Whoever a header says is asking, it is an address, and the connection's own where its peer is not trusted.
func FuzzForwarded(f *testing.F) {
	for _, v := range []string{"", "1.2.3.4", "1.2.3.4, 10.0.0.1", "::1", "a, b", ",", "[::1]:80", "1.2.3.4%eth0", "fe80::1%x"} {
		f.Add(v)
	}
	p := &policy{proxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}
	f.Fuzz(func(t *testing.T, forwarded string) {
		for _, remote := range []string{"10.0.0.1:1", "192.0.2.1:1"} {
			got := p.client(&http.Request{RemoteAddr: remote, Header: http.Header{"X-Forwarded-For": {forwarded}}})
			addr, err := netip.ParseAddr(got)
			if err != nil || addr.Zone() != "" || party(got) == "" || remote == "192.0.2.1:1" && got != "192.0.2.1" {
				t.Errorf("%q from %s is %q", forwarded, remote, got)
			}
		}
	})
}
