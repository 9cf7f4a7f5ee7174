// Package e2e drives the built binary as users drive it and as accidents do: over real sockets, in front of a scripted
// upstream that is another process to it, stopped with real signals.
package e2e

import (
	"bytes"
	"context"
	"encoding/json/v2"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/openclaw/openclaw/model/modeltest/upstream"
	"github.com/openclaw/openclaw/spec/spectest"
)

// binary is the gateway as users get it, built once for all tests.
var binary string

func TestMain(m *testing.M) { os.Exit(buildAndRun(m)) }

func buildAndRun(m *testing.M) int {
	// Tests run under nohup, as in many a CI, are to hand down a SIGHUP that works: one that is caught is.
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	defer signal.Stop(hangups)
	dir, err := os.MkdirTemp("", "openclaw-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	binary = filepath.Join(dir, "openclaw")
	build := exec.Command("go", "build", "-o", binary, "../cmd/openclaw")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "cannot build the gateway: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// lookAtSources has go test know what these tests depend on. It takes a test's result from its cache while the files that the
// test looked at are the same, and does not see those that the gateway is built from. TestMain would be too early.
var lookAtSources = sync.OnceFunc(func() {
	_ = filepath.WalkDir("..", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return nil // gone meanwhile, or nobody's business
		case entry.IsDir() && path != ".." && (entry.Name()[0] == '.' || entry.Name() == "node_modules"):
			return filepath.SkipDir
		case !entry.IsDir() && !strings.HasSuffix(path, "_test.go"):
			_, _ = os.Stat(path)
		}
		return nil
	})
})

// secret is the token of the tests' default configuration.
const secret = "a-token-that-only-the-tests-know"

// gateway is a process of the real binary.
type gateway struct {
	t      testing.TB
	dir    string
	url    string
	config string // YAML
	prefix []string

	cmd    *exec.Cmd
	exited chan struct{}
	state  error // of the process, once exited is closed
	log    *logBuffer
}

type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// newGateway prepares a gateway in a folder of its own, not yet started. The configuration's server and storage are
// filled in.
func newGateway(t testing.TB, config string) *gateway {
	t.Helper()
	lookAtSources()
	addr := freeAddr(t)
	_, port, _ := strings.Cut(addr, ":")
	dir := t.TempDir()
	g := &gateway{
		t: t, dir: dir, url: "http://" + addr,
		config: fmt.Sprintf("server: {port: %s}\nstorage: {path: %s}\nlog: {format: json}\n", port, filepath.Join(dir, "openclaw.db")) + config,
	}
	t.Cleanup(func() {
		g.kill()
		if t.Failed() && g.log != nil {
			t.Logf("the gateway's log:\n%s", tail(g.log.String(), 4000))
		}
	})
	return g
}

// freeAddr is a loopback address that nothing listens on.
func freeAddr(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func tail(s string, n int) string {
	if len(s) > n {
		return "..." + s[len(s)-n:]
	}
	return s
}

// start runs the gateway and waits until it is ready.
func (g *gateway) start() *gateway {
	g.t.Helper()
	path := filepath.Join(g.dir, "openclaw.yaml")
	if err := os.WriteFile(path, []byte(g.config), 0o600); err != nil {
		g.t.Fatal(err)
	}
	args := append(append([]string{}, g.prefix...), binary, "serve", "--config", path)
	g.log = &logBuffer{}
	g.cmd = exec.Command(args[0], args[1:]...)
	g.cmd.Env = append(os.Environ(), "HOME="+g.dir)
	g.cmd.Stdout, g.cmd.Stderr = g.log, g.log
	if err := g.cmd.Start(); err != nil {
		g.t.Fatal(err)
	}
	exited, cmd := make(chan struct{}), g.cmd
	g.exited = exited
	go func() {
		g.state = cmd.Wait()
		close(exited)
	}()
	for {
		if resp, err := client.Get(g.url + "/readyz"); err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return g
			}
		}
		select {
		case <-exited:
			g.t.Fatalf("the gateway exited: %v\n%s", g.state, g.log)
		case <-time.After(2 * time.Millisecond):
		}
	}
}

// kill ends the process as a power cut would, and waits for it to be gone.
func (g *gateway) kill() {
	if g.cmd == nil {
		return
	}
	_ = g.cmd.Process.Signal(syscall.SIGKILL)
	<-g.exited
	g.cmd = nil
}

// pid of the gateway itself, also where it runs below a tracer.
func (g *gateway) pid() int {
	if len(g.prefix) == 0 {
		return g.cmd.Process.Pid
	}
	out, err := exec.Command("pgrep", "-P", strconv.Itoa(g.cmd.Process.Pid)).Output()
	if err != nil {
		g.t.Fatal(err)
	}
	pid, _ := strconv.Atoi(strings.TrimSpace(string(out)))
	return pid
}

// terminate asks the gateway to end, and returns when it has.
func (g *gateway) terminate() error {
	if err := syscall.Kill(g.pid(), syscall.SIGTERM); err != nil {
		return err
	}
	<-g.exited
	g.cmd = nil
	return g.state
}

// models is the part of a configuration that reaches the upstream over one of its wires.
func models(u *httptest.Server, wire upstream.Wire) string {
	return fmt.Sprintf("models:\n  default: %s/scripted\n  providers:\n    %s: {apiKey: key-of-the-tests, baseUrl: %q}\n", wire, wire, wire.BaseURL(u.URL))
}

// api is a configuration's part with one token that may do everything, as often as the tests like.
const api = `api:
  tokens: [{name: tests, token: ` + secret + `, permissions: [chat, sessions]}]
  rateLimits: {chat: 10000000, read: 10000000}
`

// newUpstream starts a scripted model server.
func newUpstream(t testing.TB) (*upstream.Server, *httptest.Server) {
	u := upstream.New()
	s := httptest.NewServer(u)
	t.Cleanup(s.Close)
	return u, s
}

// reply is an answer of the gateway, held against the published document.
type reply struct {
	status int
	header http.Header
	body   []byte
}

// field takes a value out of a JSON body by its path, such as "error.code".
func (r reply) field(path string) any {
	var v any
	if err := json.Unmarshal(r.body, &v); err != nil {
		return nil
	}
	for key := range strings.SplitSeq(path, ".") {
		m, _ := v.(map[string]any)
		v = m[key]
	}
	return v
}

func (r reply) text(path string) string {
	s, _ := r.field(path).(string)
	return s
}

// decode fills v from the body.
func (r reply) decode(t testing.TB, v any) {
	t.Helper()
	if err := json.Unmarshal(r.body, v); err != nil {
		t.Fatalf("%v in %s", err, r.body)
	}
}

// header adds a header line to a request.
type header [2]string

var client = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 256}}

func (g *gateway) request(ctx context.Context, method, path, body string, headers ...header) (*http.Request, error) {
	var r io.Reader
	if body != "" {
		r = strings.NewReader(body)
	}
	req, err := http.NewRequestWithContext(ctx, method, g.url+path, r)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+secret)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for _, h := range headers {
		req.Header.Set(h[0], h[1])
	}
	return req, nil
}

// try makes a request that may fail, as requests to a gateway that is being killed do.
func (g *gateway) try(ctx context.Context, method, path, body string, headers ...header) (reply, error) {
	req, err := g.request(ctx, method, path, body, headers...)
	if err != nil {
		return reply{}, err
	}
	resp, err := client.Do(req)
	if err != nil {
		return reply{}, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return reply{}, err
	}
	if err := spectest.Check(req, resp, text); err != nil {
		g.t.Errorf("%s %s: %v", method, path, err)
	}
	return reply{resp.StatusCode, resp.Header, text}, nil
}

// do makes a request that has to be answered.
func (g *gateway) do(method, path, body string, headers ...header) reply {
	g.t.Helper()
	r, err := g.try(g.t.Context(), method, path, body, headers...)
	if err != nil {
		g.t.Fatalf("%s %s: %v", method, path, err)
	}
	return r
}

// message is a chat call's body.
func message(text, session string) string {
	b, err := json.Marshal(struct {
		Message    string `json:"message"`
		SessionKey string `json:"sessionKey,omitempty"`
	}{text, session})
	if err != nil {
		panic(err)
	}
	return string(b)
}

// event is one event of a stream.
type event struct {
	id   int64
	name string
	data string
}

func (e event) terminal() bool { return e.name == "done" || e.name == "error" }

func (e event) field(path string) string { return reply{body: []byte(e.data)}.text(path) }

// stream is an open event stream.
type stream struct {
	resp *http.Response
	sc   *lineReader
}

// open opens a stream; anything but a 200 is an error.
func (g *gateway) open(ctx context.Context, method, path, body string, headers ...header) (*stream, error) {
	req, err := g.request(ctx, method, path, body, headers...)
	if err != nil {
		return nil, err
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		defer resp.Body.Close()
		text, _ := io.ReadAll(resp.Body)
		return nil, fmt.Errorf("status %d: %s", resp.StatusCode, text)
	}
	return &stream{resp, newLineReader(resp.Body)}, nil
}

// next reads one event; io.EOF where the stream has ended.
func (s *stream) next() (event, error) {
	var ev event
	for {
		line, err := s.sc.line()
		if err != nil {
			return event{}, err
		}
		switch name, value, _ := strings.Cut(line, ": "); {
		case line == "":
			if ev.name != "" {
				return ev, nil
			}
		case name == "id":
			ev.id, _ = strconv.ParseInt(value, 10, 64)
		case name == "event":
			ev.name = value
		case name == "data":
			ev.data = value
		}
	}
}

// rest reads all events that are left.
func (s *stream) rest() ([]event, error) {
	defer s.close()
	var all []event
	for {
		ev, err := s.next()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return all, err
		}
		all = append(all, ev)
	}
}

func (s *stream) close() { s.resp.Body.Close() }

// events makes a streamed call and reads it to its end.
func (g *gateway) events(method, path, body string, headers ...header) []event {
	g.t.Helper()
	s, err := g.open(g.t.Context(), method, path, body, headers...)
	if err != nil {
		g.t.Fatalf("%s %s: %v", method, path, err)
	}
	all, err := s.rest()
	if err != nil {
		g.t.Fatalf("%s %s: %v", method, path, err)
	}
	return all
}

// text is what the deltas of a stream say.
func text(events []event) string {
	var b strings.Builder
	for _, ev := range events {
		if ev.name == "delta" {
			b.WriteString(ev.field("content"))
		}
	}
	return b.String()
}
