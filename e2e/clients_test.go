package e2e

import (
	"bufio"
	"bytes"
	"database/sql"
	"encoding/json/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/openclaw/openclaw/model/modeltest/upstream"
)

// The three clients go through one scenario against the real gateway, which is killed and started again in the middle of
// a stream, and come out with the same.
func TestClients(t *testing.T) {
	programs := map[string][]string{
		"go":     {"go", "run", "./scenario/golang"},
		"node":   {"node", "scenario/node/scenario.mjs", "../sdk/node/dist/esm/index.js"},
		"python": {pythonWithSDK(), "scenario/python/scenario.py"},
	}
	if _, err := os.Stat(programs["node"][2]); err != nil {
		needed(t, "sdk/node is not built: run `make test`, or `npm ci && npm run build` there")
	}
	if err := exec.Command(programs["python"][0], "-c", "import openclaw").Run(); err != nil {
		needed(t, "sdk/python is not installed: run `make test`, or set OPENCLAW_TEST_PYTHON to a Python that has it")
	}
	want := scenario()
	for name, program := range programs {
		t.Run(name, func(t *testing.T) {
			got := play(t, program)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func pythonWithSDK() string {
	if p := os.Getenv("OPENCLAW_TEST_PYTHON"); p != "" {
		return p
	}
	return "python3"
}

// needed skips the test, or fails it where everything was promised to be there.
func needed(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("OPENCLAW_TEST_ALL") != "" {
		t.Fatal(what)
	}
	t.Skip(what)
}

type step = map[string]any

// scenario is what every client has to print.
func scenario() []step {
	list := func(all ...string) []any {
		out := make([]any, len(all))
		for i, s := range all {
			out[i] = s
		}
		return out
	}
	cut := join(words(2))
	return []step{
		{"step": "status", "status": "healthy", "provider": "openai", "model": "scripted"},
		{"step": "chat", "content": "Hello there", "session": "live", "model": "scripted", "input": 7.0, "output": 2.0},
		{"step": "same key", "same": true, "replayed": true},
		{"step": "stream", "text": "a b c", "types": list("start", "delta", "delta", "delta", "done")},
		{"step": "error", "code": "MODEL_ERROR", "reason": "rejected"},
		{"step": "unknown", "code": "NOT_FOUND", "reason": ""},
		{"step": "cancelled", "code": "CANCELLED", "reason": ""},
		{"step": "message", "status": "incomplete", "content": "part ", "session": "live"},
		{"step": "streaming"},
		{"step": "interrupted", "code": "UNAVAILABLE", "reason": "", "text": cut},
		{"step": "after", "content": "back"},
		{"step": "history", "messages": []any{
			list("user", "complete", "one"), list("assistant", "complete", "Hello there"),
			list("user", "complete", "two"), list("assistant", "complete", "a b c"),
			list("user", "complete", "three"),
			list("user", "complete", "four"), list("assistant", "incomplete", "part "),
			list("user", "complete", "five"), list("assistant", "incomplete", cut),
			list("user", "complete", "six"), list("assistant", "complete", "back"),
		}},
		{"step": "sessions", "keys": list("live"), "messages": 11.0},
		{"step": "deleted", "code": "NOT_FOUND", "reason": ""},
	}
}

// play runs a program before a fresh gateway and returns what it printed.
func play(t *testing.T, program []string) []step {
	u, server := newUpstream(t)
	u.Queue(
		upstream.Script{Text: []string{"Hello ", "there"}, Usage: &upstream.Usage{Input: 7, Output: 2}},
		upstream.Script{Text: []string{"a ", "b ", "c"}},
		upstream.Script{Status: 400},
		upstream.Script{Text: []string{"part ", "never"}, End: upstream.EndStall, After: 1},
		upstream.Script{Text: words(3), End: upstream.EndStall, After: 2},
		upstream.Script{Text: []string{"back"}},
	)
	g := newGateway(t, api+models(server, upstream.OpenAI)).start()
	cmd := exec.CommandContext(t.Context(), program[0], program[1:]...)
	cmd.Env = append(os.Environ(), "OPENCLAW_BASE_URL="+g.url, "OPENCLAW_API_KEY="+secret)
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var steps []step
	for lines := bufio.NewScanner(out); lines.Scan(); {
		var s step
		if err := json.Unmarshal(lines.Bytes(), &s); err != nil {
			t.Errorf("%v in %s", err, lines.Text())
			continue
		}
		steps = append(steps, s)
		if s["step"] == "streaming" {
			g.awaitCheckpoint(len(join(words(2))))
			g.kill()
			g.start()
		}
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("%v: %v\n%s", program, err, complaints.String())
	}
	return steps
}

// awaitCheckpoint waits until so many bytes of running answers are on the disk.
func (g *gateway) awaitCheckpoint(bytes int) {
	g.t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(g.dir, "openclaw.db")+"?mode=ro")
	if err != nil {
		g.t.Fatal(err)
	}
	defer db.Close()
	for {
		var have int
		if err := db.QueryRow("SELECT coalesce(sum(octet_length(text)), 0) FROM run_parts").Scan(&have); err != nil {
			g.t.Fatal(err)
		}
		if have >= bytes {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
}
