package e2e

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/openclaw/openclaw/model/modeltest/upstream"
)

// Two thousand connections that dribble their headers, a byte now and then, do not slow a normal client down, and each is
// cut off after the ten seconds that a header has. What is compared is the client with itself at another gateway that has no
// such connections, by turns: whatever else the machine has to do slows both.
func TestSlowLoris(t *testing.T) {
	dribblers := 2000
	if testing.Short() {
		dribblers = 200
	}
	u, server := newUpstream(t)
	u.Default(upstream.Script{Text: []string{"hi"}})
	g := newGateway(t, api+models(server, upstream.OpenAI)).start()
	undisturbed := newGateway(t, api+models(server, upstream.OpenAI)).start()
	medians := func() (disturbed, alone time.Duration) {
		var took [2][]time.Duration
		for range 200 {
			for i, g := range []*gateway{g, undisturbed} {
				begun := time.Now()
				if r := g.do("POST", "/api/v1/chat", message("q", "")); r.status != http.StatusOK {
					t.Fatalf("%d %s", r.status, r.body)
				}
				took[i] = append(took[i], time.Since(begun))
			}
		}
		slices.Sort(took[0])
		slices.Sort(took[1])
		return took[0][100], took[1][100]
	}
	medians() // connections are warm, and the databases have their pages

	const line = "GET /api/v1/status HTTP/1.1\r\nHost: localhost\r\nX-Slow: "
	conns := make([]net.Conn, dribblers)
	for i := range conns {
		c, err := net.Dial("tcp", strings.TrimPrefix(g.url, "http://"))
		if err != nil {
			t.Fatalf("connection %d: %v", i, err)
		}
		defer c.Close()
		if _, err := io.WriteString(c, line); err != nil {
			t.Fatal(err)
		}
		conns[i] = c
	}
	stop := make(chan struct{})
	var dribbling sync.WaitGroup
	dribbling.Go(func() {
		tick := time.NewTicker(2 * time.Second) // each says a byte in this time
		defer tick.Stop()
		for {
			for _, c := range conns {
				_, _ = c.Write([]byte("x")) // those that were cut off say no more
			}
			select {
			case <-stop:
				return
			case <-tick.C:
			}
		}
	})
	disturbed, alone := medians()
	var cut sync.WaitGroup
	var mu sync.Mutex
	open := 0
	for _, c := range conns {
		cut.Go(func() {
			_ = c.SetReadDeadline(time.Now().Add(30 * time.Second))
			if _, err := io.Copy(io.Discard, c); errors.Is(err, os.ErrDeadlineExceeded) {
				mu.Lock()
				open++
				mu.Unlock()
			}
		})
	}
	cut.Wait()
	close(stop)
	dribbling.Wait()
	t.Logf("%d dribbling connections: median of a chat %v beside them, %v without: %.2f times", dribblers, disturbed, alone,
		float64(disturbed)/float64(alone))
	if disturbed > 2*alone {
		t.Errorf("a chat took %v, and %v where nobody dribbles", disturbed, alone)
	}
	if open > 0 {
		t.Errorf("%d of them were never cut off", open)
	}
}

// Connections beyond server.maxConnections are closed at once, and those that there are go on.
func TestTooManyConnections(t *testing.T) {
	_, server := newUpstream(t)
	g := newGateway(t, api+models(server, upstream.OpenAI))
	g.config = strings.Replace(g.config, "server: {", "server: {maxConnections: 20, ", 1)
	g.start()
	refused := 0
	for range 40 {
		c, err := net.Dial("tcp", strings.TrimPrefix(g.url, "http://"))
		if err != nil {
			refused++
			continue
		}
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(10 * time.Second))
		_, err = io.WriteString(c, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
		if err == nil {
			_, err = c.Read(make([]byte, 12))
		}
		if err != nil {
			refused++
		}
	}
	if refused < 20 || refused > 21 { // the test's own client holds one
		t.Errorf("%d of 40 were refused, want those beyond 20", refused)
	}
	if r := g.do("GET", "/api/v1/status", ""); r.status != http.StatusOK {
		t.Errorf("an open connection: %d", r.status)
	}
	g.logged("server.maxConnections", 1)
}

// Secrets that are planted wherever one could get in are found nowhere that an operator or a client looks.
func TestPlantedSecrets(t *testing.T) {
	u, server := newUpstream(t)
	canary := map[string]string{}
	for _, name := range []string{
		"token", "token of the environment", "key in the file", "key of the environment", "unknown token", "token in a query", "token in a cookie",
		"basic password", "token in a path", "message", "answer", "failed message", "malformed message", "value in the wrong place",
		"token with a space", "origin",
	} {
		canary[name] = fmt.Sprintf("canary-%02d-in-the-mine", len(canary))
	}
	g := newGateway(t, fmt.Sprintf(`log: {format: json, level: debug}
api:
  tokens:
    - {name: tests, token: %s, permissions: [chat, sessions]}
    - {name: env, token: "${CANARY_TOKEN}", permissions: [chat]}
models:
  default: openai/scripted
  providers:
    openai: {apiKey: %s, baseUrl: %q}
    anthropic: {apiKey: "${CANARY_KEY}", baseUrl: %q}
`, canary["token"], canary["key in the file"], server.URL+"/v1", server.URL))
	g.config = strings.Replace(g.config, "log: {format: json}\n", "", 1)
	t.Setenv("CANARY_TOKEN", canary["token of the environment"])
	t.Setenv("CANARY_KEY", canary["key of the environment"])
	t.Setenv("CANARY_WRONG", canary["value in the wrong place"])
	g.start()

	var seen strings.Builder // what clients and operators are shown, but for the answers that were asked for
	look := func(r reply) reply {
		fmt.Fprintf(&seen, "%d %v %s\n", r.status, r.header, r.body)
		return r
	}
	auth := bearer(canary["token"])
	u.Queue(upstream.Script{Text: []string{canary["answer"]}},
		upstream.Script{Status: 401, Body: `{"error": {"message": "Incorrect API key provided: ` + canary["key in the file"] + `"}}`})
	if r := g.do("POST", "/api/v1/chat", message(canary["message"], "s"), auth); !strings.Contains(string(r.body), canary["answer"]) {
		t.Fatalf("%d %s", r.status, r.body)
	}
	look(g.do("POST", "/api/v1/chat", message(canary["failed message"], "s"), auth))
	look(g.do("POST", "/api/v1/chat", `{"message": "`+canary["malformed message"]+`", }`, auth))
	look(g.do("POST", "/api/v1/chat", `{"message": 1, "`+canary["malformed message"]+`x": 1}`, auth))
	look(g.do("GET", "/api/v1/status", "", bearer(canary["unknown token"])))
	look(g.do("GET", "/api/v1/status?token="+canary["token in a query"], "", header{"Authorization", ""}))
	look(g.do("GET", "/api/v1/status", "", header{"Authorization", ""}, header{"Cookie", "token=" + canary["token in a cookie"]}))
	look(g.do("GET", "/api/v1/status", "", header{"Authorization", "Basic " + canary["basic password"]}))
	look(g.do("GET", "/api/v1/sessions/"+canary["token in a path"]+"%2f/history", "", auth))
	look(g.do("GET", "/"+canary["token in a path"], "", header{"Authorization", ""}))
	look(g.do("GET", "/api/v1/status", "", bearer(canary["token with a space"]+" x")))
	look(g.do("GET", "/api/v1/status", "", auth, header{"Origin", "https://" + canary["origin"]}))
	look(g.do("GET", "/api/v1/status", "", auth))
	look(g.do("GET", "/api/v1/openapi.json", "", auth))

	run := func(args ...string) {
		cmd := exec.Command(binary, append(args, "--config", filepath.Join(g.dir, "openclaw.yaml"))...)
		cmd.Env = append(os.Environ(), "HOME="+g.dir)
		out, _ := cmd.CombinedOutput() // a refused configuration is an exit code of 1
		if len(out) == 0 {
			t.Errorf("%v said nothing", args)
		}
		fmt.Fprintf(&seen, "%v: %s\n", args, out)
	}
	run("config", "show")
	run("config", "show", "--json")
	run("config", "check")
	run("token", "list")
	// A variable with a secret, put where its value would be quoted in the complaint.
	good := g.config
	for i, wrong := range []string{
		"server: {port: \"${CANARY_WRONG}\", ", "server: {allowedOrigins: [\"${CANARY_WRONG}\"], ", "server: {trustedProxies: [\"${CANARY_WRONG}\"], ",
	} {
		g.rewrite(strings.Replace(good, "server: {", wrong, 1))
		g.logged("the configuration is refused", i+1)
		run("config", "check")
		run("config", "check", "--json")
		look(g.do("GET", "/api/v1/status", "", auth))
	}
	g.rewrite(strings.Replace(good, "token: "+canary["token"], "token: "+canary["token"]+", rights: [chat]", 1))
	g.logged("the configuration is refused", 4)
	run("config", "check")

	places := map[string]string{"answers and commands": seen.String(), "log": g.log.String()}
	audit, err := os.ReadFile(filepath.Join(g.dir, "openclaw.audit.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	places["audit log"] = string(audit)
	found := 0
	for name, secret := range canary {
		for place, text := range places {
			if i := strings.Index(text, secret); i >= 0 {
				found++
				t.Errorf("the %s is in the %s: ...%s", name, place, text[max(0, i-200):min(len(text), i+60)])
			}
		}
	}
	t.Logf("%d secrets planted, %d bytes searched in %d places, %d found", len(canary), seen.Len()+len(places["log"])+len(audit), len(places), found)
}

// Message bodies are in the log where the configuration asks for them, and nowhere else.
func TestMessagesAreLoggedOnRequest(t *testing.T) {
	u, server := newUpstream(t)
	u.Default(upstream.Script{Text: []string{"an answer in the log"}})
	g := newGateway(t, api+models(server, upstream.OpenAI)).start()
	g.do("POST", "/api/v1/chat", message("a question in the log", "s"))
	g.logged(`"msg":"run complete"`, 1)
	for _, body := range []string{"a question", "an answer"} {
		if strings.Contains(g.log.String(), body) {
			t.Errorf("%s is in the log", body)
		}
	}
	g.rewrite(strings.Replace(g.config, "log: {", "log: {messages: true, ", 1))
	g.logged(reloaded, 1)
	g.do("POST", "/api/v1/chat", message("a question in the log", "s"))
	g.logged(`"content":"a question in the log"`, 1)
	g.logged(`"content":"an answer in the log"`, 1)
	// Every line of a run has what it takes to put them together.
	for _, what := range []string{`"run":"msg_`, `"session":"s"`, `"token":"tests"`, `"inputTokens":`, `"duration":`, `"took":`, `"id":"req_`} {
		if !strings.Contains(g.log.String(), what) {
			t.Errorf("the log lacks %s", what)
		}
	}
}
