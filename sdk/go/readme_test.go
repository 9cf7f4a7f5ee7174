package openclaw

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The quick start of the README builds in an empty module that requires this one, and prints what it should.
func TestQuickStart(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a program")
	}
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(readme), "```go\npackage main\n")
	program, _, ok := strings.Cut(rest, "```")
	if !ok {
		t.Fatal("the README has no program")
	}
	server := httptest.NewServer(http.HandlerFunc(quickStartGateway))
	defer server.Close()
	program = "package main\n" + strings.Replace(program, "http://localhost:3000", server.URL, 1)
	here, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	mod := fmt.Sprintf("module quickstart\n\ngo 1.24\n\nrequire github.com/openclaw/openclaw-go v%s\n\n"+
		"replace github.com/openclaw/openclaw-go => %s\n", Version, here)
	for name, text := range map[string]string{"main.go": program, "go.mod": mod} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	run := exec.Command("go", "run", ".")
	run.Dir = dir
	run.Env = append(os.Environ(), "OPENCLAW_API_KEY=quick-start", "GOWORK=off", "GOFLAGS=-mod=mod", "GOPROXY=off")
	out, err := run.CombinedOutput()
	const want = "Hi there!\nThe morning sun\nuser Hello, OpenClaw!\nassistant Hi there!\n"
	if err != nil || string(out) != want {
		t.Errorf("%v\n%s\nwant\n%s", err, out, want)
	}
}

func quickStartGateway(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Authorization") != "Bearer quick-start" {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	switch r.Method + " " + r.URL.Path {
	case "POST /api/v1/chat":
		_ = json.NewEncoder(w).Encode(map[string]any{"id": "msg_1", "content": "Hi there!", "sessionKey": "s1"})
	case "POST /api/v1/chat/stream":
		w.Header().Set("Content-Type", "text/event-stream")
		events := []string{`start {"id":"msg_2"}`, `delta {"content":"The "}`, `delta {"content":"morning sun"}`, `done {}`}
		for i, ev := range events {
			name, data, _ := strings.Cut(ev, " ")
			fmt.Fprintf(w, "id: %d\nevent: %s\ndata: %s\n\n", i+1, name, data)
		}
	case "GET /api/v1/sessions/s1/history":
		fmt.Fprint(w, `{"messages":[{"id":"msg_0","role":"user","content":"Hello, OpenClaw!"},`+
			`{"id":"msg_1","role":"assistant","content":"Hi there!"}]}`)
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}
