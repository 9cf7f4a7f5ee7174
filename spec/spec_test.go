package spec_test

import (
	"encoding/json/v2"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/openclaw/openclaw/spec"
	"github.com/openclaw/openclaw/spec/spectest"
)

func TestDocumentIsValid(t *testing.T) {
	doc, err := spectest.Document()
	if err != nil {
		t.Fatal(err)
	}
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			for status, ref := range op.Responses.Map() {
				if ref.Value.Headers["X-Request-Id"] == nil {
					t.Errorf("%s %s %s: says nothing of X-Request-Id", method, path, status)
				}
			}
			for _, status := range []string{"421", "431", "500"} {
				if op.Responses.Value(status) == nil {
					t.Errorf("%s %s: lacks %s", method, path, status)
				}
			}
		}
	}
}

func TestJSONIsTheSameDocument(t *testing.T) {
	b, err := spec.JSON()
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		OpenAPI string                    `json:"openapi"`
		Paths   map[string]map[string]any `json:"paths"`
	}
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatal(err)
	}
	doc, err := spectest.Document()
	if err != nil {
		t.Fatal(err)
	}
	want := slices.Sorted(maps.Keys(doc.Paths.Map()))
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(got.Paths))); diff != "" {
		t.Errorf("paths (-yaml +json):\n%s", diff)
	}
	if got.OpenAPI != doc.OpenAPI {
		t.Errorf("openapi: %q, want %q", got.OpenAPI, doc.OpenAPI)
	}
	again, _ := spec.JSON()
	if &again[0] != &b[0] {
		t.Error("the document is converted anew")
	}
}

// The checker must be able to say no: every test that relies on it would pass otherwise.
func TestCheckRefuses(t *testing.T) {
	limits := http.Header{
		"X-Request-Id": {"req_ABCDEFG"}, "X-Ratelimit-Limit": {"100"}, "X-Ratelimit-Remaining": {"99"},
		"X-Ratelimit-Reset": {"1707388800"},
	}
	header := func(contentType string) http.Header {
		h := limits.Clone()
		h.Set("Content-Type", contentType)
		return h
	}
	const done = `{"usage":{"inputTokens":1,"outputTokens":1},"id":"msg_1","sessionKey":"s","model":"m","createdAt":"2026-02-08T10:30:00.000Z"}`
	const start = "id: 1\nevent: start\ndata: {\"id\":\"msg_1\",\"sessionKey\":\"s\"}\n\n"
	const status = `{"status":"healthy","version":"1","uptime":1,"activeSessions":1,"model":{"provider":"p","model":"m"}}`
	for _, tt := range []struct {
		name, method, path string
		status             int
		header             http.Header
		body               string
		want               string // part of the error, "" for none
	}{
		{"good", "GET", "/api/v1/status", 200, header("application/json"), status, ""},
		{"undocumented status", "GET", "/api/v1/status", 201, header("application/json"), status, "status is not supported"},
		{"undocumented field", "GET", "/api/v1/status", 200, header("application/json"),
			strings.Replace(status, `"uptime"`, `"extra":1,"uptime"`, 1), "/extra: is not in the document"},
		{"wrong type", "GET", "/api/v1/status", 200, header("application/json"), strings.Replace(status, `"uptime":1`, `"uptime":"1"`, 1), "uptime"},
		{"missing header", "GET", "/api/v1/status", 200,
			http.Header{"X-Request-Id": {"req_A"}, "Content-Type": {"application/json"}}, status, "X-RateLimit"},
		{"no request id", "GET", "/api/v1/status", 200, http.Header{}, status, "X-Request-Id"},
		{"wrong code", "GET", "/api/v1/status", 401,
			http.Header{"X-Request-Id": {"req_A"}, "Content-Type": {"application/json"}, "Www-Authenticate": {"Bearer"}},
			`{"error":{"code":"FORBIDDEN","message":"no"}}`, "UNAUTHORIZED"},
		{"good stream", "POST", "/api/v1/chat/stream", 200, header("text/event-stream"),
			start + ": keep-alive\n\nid: 2\nevent: done\ndata: " + done + "\n\n", ""},
		{"endless stream", "POST", "/api/v1/chat/stream", 200, header("text/event-stream"), start, "event 1 of 1"},
		{"torn stream", "POST", "/api/v1/chat/stream", 200, header("text/event-stream"), start + "id: 2\nevent: do", "three lines"},
		{"event after the end", "POST", "/api/v1/chat/stream", 200, header("text/event-stream"),
			start + "id: 2\nevent: done\ndata: " + done + "\n\nid: 3\nevent: delta\ndata: {\"content\":\"x\"}\n\n", "event 2 of 3"},
		{"repeated event", "POST", "/api/v1/chat/stream", 200, header("text/event-stream"), start + start, "event 1"},
		{"stream where none is", "GET", "/api/v1/status", 200, header("text/event-stream"), start, "does not stream"},
		{"405 without Allow", "POST", "/api/v1/status", 405, header("application/json"),
			`{"error":{"code":"METHOD_NOT_ALLOWED","message":"no"}}`, "Allow"},
		{"body of HEAD", "HEAD", "/api/v1/status", 200, header("application/json"), status, "HEAD"},
		{"body of 204", "DELETE", "/api/v1/sessions/s", 204, header("application/json"), "x", "none is documented"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			req, err := http.NewRequest(tt.method, "http://localhost"+tt.path, nil)
			if err != nil {
				t.Fatal(err)
			}
			err = spectest.Check(req, &http.Response{StatusCode: tt.status, Header: tt.header}, []byte(tt.body))
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("got %v, want an error with %q", err, tt.want)
			}
		})
	}
}
