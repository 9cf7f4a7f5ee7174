package httpapi_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/openclaw/openclaw/claw"
)

func TestBadBodies(t *testing.T) {
	g := open(t)
	for _, tt := range []struct {
		name, body string
		says       []string
	}{
		{"blank", "  \n", []string{"body", "empty"}},
		{"malformed", `{"message":"hi",}`, []string{"body", "offset 15"}},
		{"cut off", `{"message":"hi`, []string{"body", "too early", "offset 14"}},
		{"byte order mark", "\ufeff" + `{"message":"hi"}`, []string{"body", "byte order mark"}},
		{"second value", `{"message":"hi"}{}`, []string{"body", "offset 16"}},
		{"duplicate key", `{"message":"hi","message":"ho"}`, []string{"message", "twice"}},
		{"escaped duplicate", `{"message":"hi","mess\u0061ge":"ho"}`, []string{"message", "twice"}},
		{"unknown field", `{"message":"hi","temperature":1}`, []string{"temperature"}},
		{"wrong case", `{"Message":"hi"}`, []string{"Message", "takes message"}},
		{"invalid UTF-8", "{\"message\":\"a\xffb\"}", []string{"body", "UTF-8"}},
		{"lone surrogate", `{"message":"\ud800"}`, []string{"body", "offset"}},
		{"NUL", `{"message":"a\u0000b"}`, []string{"message", "U+0000"}},
		{"NaN", `{"message":NaN}`, []string{"body", "offset 11"}},
		{"deep message", `{"message":` + strings.Repeat("[", 33) + strings.Repeat("]", 33) + `}`, []string{"message", "string"}},
		{"deep unknown field", `{"x":` + strings.Repeat(`{"x":`, 10000) + `1` + strings.Repeat("}", 10001), []string{"x"}},
		{"deep array", strings.Repeat("[", 100000), []string{"body"}},
		{"null", `null`, []string{"body", "object"}},
		{"array", `[{"message":"hi"}]`, []string{"body", "object"}},
		{"string", `"hi"`, []string{"body", "object"}},
		{"empty object", `{}`, []string{"message", "required"}},
		{"message null", `{"message":null}`, []string{"message", "required"}},
		{"message number", `{"message":7}`, []string{"message", "string"}},
		{"message object", `{"message":{"message":"hi"}}`, []string{"message", "string"}},
		{"message empty", `{"message":""}`, []string{"message", "blank"}},
		{"message blank", `{"message":" \t\r\n\u00a0\u3000"}`, []string{"message", "blank"}},
		{"message too long", `{"message":"` + strings.Repeat("x", 256<<10+1) + `"}`, []string{"message", "256 KiB", "262145"}},
		{"message too long in bytes", `{"message":"` + strings.Repeat("\u20ac", 87382) + `"}`, []string{"message", "256 KiB"}},
		{"stream string", `{"message":"hi","stream":"true"}`, []string{"stream", "true or false"}},
		{"stream number", `{"message":"hi","stream":1}`, []string{"stream"}},
		{"key empty", `{"message":"hi","sessionKey":""}`, []string{"sessionKey", "1 to 128"}},
		{"key number", `{"message":"hi","sessionKey":5}`, []string{"sessionKey", "string"}},
		{"key a path", `{"message":"hi","sessionKey":"../etc"}`, []string{"sessionKey"}},
		{"key with a line", `{"message":"hi","sessionKey":"a\n"}`, []string{"sessionKey"}},
		{"key too long", `{"message":"hi","sessionKey":"` + strings.Repeat("k", 129) + `"}`, []string{"sessionKey"}},
		{"onDisconnect unknown", `{"message":"hi","onDisconnect":"stop"}`, []string{"onDisconnect", "continue", "cancel"}},
		{"onDisconnect empty", `{"message":"hi","onDisconnect":""}`, []string{"onDisconnect"}},
		{"onDisconnect bool", `{"message":"hi","onDisconnect":true}`, []string{"onDisconnect", "string"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, path := range []string{"/api/v1/chat", "/api/v1/chat/stream"} {
				g.do("POST", path, tt.body).mustFail(t, 400, claw.InvalidRequest, tt.says...)
			}
		})
	}
	g.do("POST", "/api/v1/chat", "", "Content-Type: application/json").mustFail(t, 400, claw.InvalidRequest, "body", "empty")
	g.do("POST", "/api/v1/chat/stream", `{"message":"hi","stream":false}`).mustFail(t, 400, claw.InvalidRequest, "stream")
	if asked := g.chat.asked(); len(asked) > 0 {
		t.Errorf("the engine was asked: %v", asked)
	}
}

func TestGoodBodies(t *testing.T) {
	g := open(t)
	odd := "\x1b[31mred\x1b[0m \u202eevil\u2066 </script> \u2028 \U0001f600"
	longest := strings.Repeat("x", 256<<10)
	for _, tt := range []struct {
		path, body string
		want       claw.ChatRequest
	}{
		{"chat", `{"message":"hi"}`, claw.ChatRequest{Message: "hi"}},
		{"chat", " \n{\"message\":\" h\\u0069 \"}\n ", claw.ChatRequest{Message: " hi "}},
		{
			"chat", `{"message":"hi","sessionKey":null,"stream":null,"onDisconnect":null}`,
			claw.ChatRequest{Message: "hi"},
		},
		{"chat/stream", `{"message":"hi","stream":true,"onDisconnect":"continue"}`, claw.ChatRequest{Message: "hi"}},
		{"chat", `{"message":"hi","onDisconnect":"cancel"}`, claw.ChatRequest{Message: "hi", CancelOnDisconnect: true}},
		{"chat", `{"message":"\ud83d\ude00"}`, claw.ChatRequest{Message: "\U0001f600"}},
		{"chat", `{"message":"` + longest + `","sessionKey":"A.b_c:d@e+f~g-1"}`, claw.ChatRequest{Message: longest, SessionKey: "A.b_c:d@e+f~g-1"}},
		{"chat", "{\"message\":\"" + strings.ReplaceAll(odd, "\x1b", `\u001b`) + "\"}", claw.ChatRequest{Message: odd}},
	} {
		before := len(g.chat.asked())
		g.do("POST", "/api/v1/"+tt.path, tt.body).mustBe(t, 200)
		tt.want.Channel = "api"
		if diff := cmp.Diff([]claw.ChatRequest{tt.want}, g.chat.asked()[before:]); diff != "" {
			t.Errorf("%.80s (-want +got):\n%s", tt.body, diff)
		}
	}
}

func TestContentTypes(t *testing.T) {
	g := open(t)
	post := func(headers ...string) reply { return g.do("POST", "/api/v1/chat", `{"message":"hi"}`, headers...) }
	for _, good := range []string{
		"application/json", "application/json; charset=utf-8", `Application/JSON;charset="UTF-8"`, "application/json; version=1",
	} {
		post("Content-Type: "+good).mustBe(t, 200)
	}
	for _, bad := range []string{
		"", "text/plain", "application/json; charset=iso-8859-1", "application/json; charset=utf-16", "application/problem+json",
		"application/x-www-form-urlencoded", "json", "application/json, text/plain", "multipart/form-data; boundary=x",
	} {
		post("Content-Type: "+bad).mustFail(t, 415, claw.UnsupportedMediaType, "application/json")
	}
	for _, coding := range []string{"gzip", "br", "identity, gzip"} {
		post("Content-Encoding: "+coding).mustFail(t, 415, claw.UnsupportedMediaType, "Content-Encoding")
	}
	post("Content-Encoding: identity").mustBe(t, 200)

	twice := g.request("POST", "/api/v1/chat", `{"message":"hi"}`)
	twice.Header.Add("Content-Type", "application/json")
	g.send(twice).mustFail(t, 415, claw.UnsupportedMediaType)
}

func TestHeadersOfChat(t *testing.T) {
	g := open(t)
	for _, tt := range []struct {
		name, value string
		ok          bool
	}{
		{"Idempotency-Key", "7d1c3c9e-3b0f", true},
		{"Idempotency-Key", "two words ~!", true},
		{"Idempotency-Key", strings.Repeat("k", 255), true},
		{"Idempotency-Key", strings.Repeat("k", 256), false},
		{"Idempotency-Key", "caf\u00e9", false},
		{"Idempotency-Key", "a\tb", false},
		{"X-OpenClaw-Channel", "web", true},
		{"X-OpenClaw-Channel", "Web", false},
		{"X-OpenClaw-Channel", "w_b", false},
		{"X-OpenClaw-Channel", strings.Repeat("w", 33), false},
	} {
		before := len(g.chat.asked())
		r := g.do("POST", "/api/v1/chat", `{"message":"hi"}`, tt.name+": "+tt.value)
		asked := g.chat.asked()[before:]
		if !tt.ok {
			r.mustFail(t, 400, claw.InvalidRequest, tt.name)
			if len(asked) > 0 {
				t.Errorf("%s %q: the engine was asked", tt.name, tt.value)
			}
			continue
		}
		r.mustBe(t, 200)
		want := claw.ChatRequest{Message: "hi", Channel: "api"}
		if tt.name == "Idempotency-Key" {
			want.IdempotencyKey = tt.value
		} else {
			want.Channel = tt.value
		}
		if diff := cmp.Diff([]claw.ChatRequest{want}, asked); diff != "" {
			t.Error(diff)
		}
	}
	for _, name := range []string{"Idempotency-Key", "X-OpenClaw-Channel"} {
		for _, values := range [][]string{{"a", "a"}, {""}} {
			req := g.request("POST", "/api/v1/chat", `{"message":"hi"}`)
			for _, v := range values {
				req.Header.Add(name, v)
			}
			g.send(req).mustFail(t, 400, claw.InvalidRequest, name)
		}
	}
}

func TestReplayedAnswersAreMarked(t *testing.T) {
	g := open(t)
	for _, replayed := range []bool{true, false} {
		g.chat.start = func(ctxT, claw.Principal, claw.ChatRequest) (claw.Started, error) {
			return claw.Started{ID: "msg_123", Replayed: replayed}, nil
		}
		want := map[bool]string{true: "true"}[replayed]
		for _, path := range []string{"/api/v1/chat", "/api/v1/chat/stream"} {
			r := g.do("POST", path, `{"message":"hi"}`, "Idempotency-Key: k")
			r.mustBe(t, 200)
			if got := r.Header.Get("Idempotent-Replayed"); got != want {
				t.Errorf("%s: Idempotent-Replayed %q, want %q", path, got, want)
			}
		}
	}
}
