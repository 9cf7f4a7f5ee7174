package httpapi

import (
	"net/http"
	"net/http/httptest"
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
