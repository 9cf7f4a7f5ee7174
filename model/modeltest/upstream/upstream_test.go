package upstream_test

import (
	"context"
	"encoding/json/v2"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/openclaw/openclaw/model/modeltest/upstream"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestControl scripts a server over HTTP, as another process does.
func TestControl(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error)
	go func() { served <- upstream.New().Serve(ctx, l) }()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	call := func(method, path, body string) (int, string) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, "http://"+l.Addr().String()+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		res, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		got, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, string(got)
	}

	status, body := call("POST", "/_script", `{"scripts":[{"text":["old"]}]}`)
	if status != http.StatusNoContent {
		t.Fatalf("scripting gives %d %s", status, body)
	}
	call("POST", "/_script", `{"replace":true,"scripts":[{"model":"m","text":["new"],"perChunk":"1ms"}],"default":{"status":503}}`)
	if status, body = call("POST", "/_script", `{"skripts":[]}`); status != http.StatusBadRequest {
		t.Errorf("a misspelt script gives %d %s", status, body)
	}

	ask := `{"model":"m","stream":true,"messages":[{"role":"user","content":"Hi"}]}`
	if status, body = call("POST", "/api/chat", strings.Replace(ask, `"m"`, `"other"`, 1)); status != 503 {
		t.Errorf("another model gives %d %s, want the default script", status, body)
	}
	if _, body = call("POST", "/api/chat", ask); !strings.Contains(body, "new") || !strings.Contains(body, `"done":true`) {
		t.Errorf("the scripted answer is %s", body)
	}
	if status, body = call("POST", "/v1/messages", ask); status != http.StatusBadRequest || !strings.Contains(body, "anthropic-version") {
		t.Errorf("an invalid call gives %d %s", status, body)
	}

	var list struct {
		Requests []upstream.Request `json:"requests"`
		Total    int                `json:"total"`
	}
	_, body = call("GET", "/_requests", "")
	if err := json.Unmarshal([]byte(body), &list); err != nil {
		t.Fatal(err)
	}
	if list.Total != 3 || len(list.Requests) != 3 {
		t.Fatalf("requests are %s", body)
	}
	if r := list.Requests[1]; r.Path != "/api/chat" || r.Model != "m" || r.Body != ask || !r.Answered || r.Gone {
		t.Errorf("the second request is %+v", r)
	}
	call("DELETE", "/_requests", "")
	if _, body = call("GET", "/_requests", ""); !strings.Contains(body, `"total":0`) {
		t.Errorf("after the deletion there are %s", body)
	}

	cancel()
	if err := <-served; err != nil {
		t.Errorf("Serve returned %v", err)
	}
}

func TestWaitGivesUp(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	err := upstream.New().Wait(ctx, func([]upstream.Request) bool { return false })
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Wait returned %v", err)
	}
}
