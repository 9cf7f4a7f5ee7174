package httpapi_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/openclaw/openclaw/claw"
)

func TestBadQueries(t *testing.T) {
	g := open(t)
	for _, query := range []string{
		"limit=0", "limit=-1", "limit=%2B5", "limit=abc", "limit=", "limit", "limit=1e3", "limit=1001", "limit=5&limit=5", "limit=0x10",
		"limit=1_0", "limit=07", "limit=%31%00", "limit=99999999999999999999", "limit=%EF%BC%95",
	} {
		for _, path := range []string{"/api/v1/sessions?", "/api/v1/sessions/session_abc123/history?"} {
			g.do("GET", path+query, "").mustFail(t, 400, claw.InvalidRequest, "limit")
		}
	}
	for path, field := range map[string]string{
		"/api/v1/sessions?limit=1;x=2":                            "query string",
		"/api/v1/sessions?limit=%zz":                              "query string",
		"/api/v1/sessions?x=%":                                    "query string",
		"/api/v1/sessions/session_abc123/history?a;b":             "query string",
		"/api/v1/messages/msg_1/stream?a;b":                       "query string",
		"/api/v1/sessions?cursor=":                                "cursor",
		"/api/v1/sessions?cursor=a&cursor=a":                      "cursor",
		"/api/v1/sessions?channel=":                               "channel",
		"/api/v1/sessions?channel=No":                             "channel",
		"/api/v1/sessions?channel=api&channel=web":                "channel",
		"/api/v1/sessions/session_abc123/history?before=":         "before",
		"/api/v1/sessions/session_abc123/history?before=a&before": "before",
		"/api/v1/messages/msg_1/stream?after=-1":                  "after",
		"/api/v1/messages/msg_1/stream?after=x":                   "after",
		"/api/v1/messages/msg_1/stream?after=1&after=1":           "after",
		"/api/v1/messages/msg_1/stream?after=9223372036854775808": "after",
	} {
		g.do("GET", path, "").mustFail(t, 400, claw.InvalidRequest, field)
	}
	// A header that counts more does not excuse a parameter.
	g.do("GET", "/api/v1/messages/msg_1/stream?after=-1", "", "Last-Event-ID: 1").mustFail(t, 400, claw.InvalidRequest, "after")
}

func TestQueries(t *testing.T) {
	g := open(t)
	var lists []claw.SessionQuery
	g.chat.list = func(q claw.SessionQuery) (claw.SessionPage, error) {
		lists = append(lists, q)
		return claw.SessionPage{Next: "more"}, nil
	}
	var histories []claw.HistoryQuery
	g.chat.history = func(_ string, q claw.HistoryQuery) ([]claw.Message, error) {
		histories = append(histories, q)
		return nil, nil
	}
	for _, path := range []string{
		"/api/v1/sessions", "/api/v1/sessions?limit=1000&unknown=1&unknown=2", "/api/v1/sessions?limit=1&cursor=abc%3D&channel=web",
	} {
		r := g.do("GET", path, "")
		r.mustBe(t, 200)
		if got := string(r.body); got != `{"sessions":[],"nextCursor":"more"}`+"\n" {
			t.Errorf("%s", got)
		}
	}
	for _, path := range []string{"", "?limit=7&before=msg_1"} {
		r := g.do("GET", "/api/v1/sessions/any/history"+path, "")
		r.mustBe(t, 200)
		if got := string(r.body); got != `{"messages":[]}`+"\n" {
			t.Errorf("%s", got)
		}
	}
	if diff := cmp.Diff([]claw.SessionQuery{{Limit: 1000}, {Limit: 1000}, {Limit: 1, Cursor: "abc=", Channel: "web"}}, lists); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]claw.HistoryQuery{{Limit: 50, MaxBytes: 1 << 20}, {Limit: 7, Before: "msg_1", MaxBytes: 1 << 20}}, histories); diff != "" {
		t.Error(diff)
	}
}
