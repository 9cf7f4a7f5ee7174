package httpapi_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json/v2"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/openclaw/openclaw/claw"
	"github.com/openclaw/openclaw/httpapi"
	"github.com/openclaw/openclaw/live/mem"
	"github.com/openclaw/openclaw/spec"
	"github.com/openclaw/openclaw/spec/spectest"
)

// TestMain fails where a goroutine is left behind. net/http lingers for half a second on a connection that it has hung up
// on, longer than goleak waits by itself.
func TestMain(m *testing.M) {
	code := m.Run()
	if code == 0 {
		leak := goleak.Find()
		for deadline := time.Now().Add(patience); leak != nil && time.Now().Before(deadline); {
			leak = goleak.Find()
		}
		if leak != nil {
			fmt.Fprintln(os.Stderr, leak)
			code = 1
		}
	}
	os.Exit(code)
}

// patience is how long a test waits for what must come.
const patience = 10 * time.Second

var born = time.Date(2026, 2, 8, 10, 30, 0, 0, time.UTC)

// conversation stands in for the engine and the store. What a test does not set answers as the API reference's examples.
type conversation struct {
	start    func(ctx context.Context, who claw.Principal, req claw.ChatRequest) (claw.Started, error)
	watch    func(ctx context.Context, id string, after int64) (iter.Seq2[claw.Event, error], error)
	message  func(id string) (claw.MessageView, error)
	cancel   func(id string) (claw.MessageView, error)
	erase    func(who claw.Principal, key string) error
	list     func(q claw.SessionQuery) (claw.SessionPage, error)
	history  func(key string, q claw.HistoryQuery) ([]claw.Message, error)
	mu       sync.Mutex
	requests []claw.ChatRequest
}

// asked returns the chat requests that got through to the engine.
func (c *conversation) asked() []claw.ChatRequest {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.requests
}

func (c *conversation) Start(ctx context.Context, who claw.Principal, req claw.ChatRequest) (claw.Started, error) {
	c.mu.Lock()
	c.requests = append(c.requests, req)
	c.mu.Unlock()
	if c.start != nil {
		return c.start(ctx, who, req)
	}
	return claw.Started{ID: "msg_123456", SessionKey: "session_abc123"}, nil
}

func (c *conversation) Watch(ctx context.Context, _ claw.Principal, id string, after int64) (iter.Seq2[[]claw.Event, error], error) {
	if c.watch == nil {
		return oneByOne(replay(after, poem()...)), nil
	}
	events, err := c.watch(ctx, id, after)
	return oneByOne(events), err
}

// oneByOne puts each event into a slice of its own.
func oneByOne(events iter.Seq2[claw.Event, error]) iter.Seq2[[]claw.Event, error] {
	if events == nil {
		return nil
	}
	return func(yield func([]claw.Event, error) bool) {
		for ev, err := range events {
			if !yield([]claw.Event{ev}, err) {
				return
			}
		}
	}
}

// Wait adds up what Watch yields.
func (c *conversation) Wait(ctx context.Context, who claw.Principal, id string) (m claw.MessageView, err error) {
	events, err := c.Watch(ctx, who, id, 0)
	if err != nil {
		return m, err
	}
	for some, err := range events {
		if err != nil {
			return m, err
		}
		switch ev := some[0]; ev.Type {
		case claw.EventDelta:
			m.Content += ev.Text
		case claw.EventError:
			m.Status, m.Err = claw.StatusFailed, ev.Err
		case claw.EventDone:
			m.ID, m.SessionKey, m.Status, m.CreatedAt = ev.Run.ID, ev.Run.SessionKey, claw.StatusComplete, ev.Run.CreatedAt
			m.Model, m.Usage = ev.Run.Model, &ev.Run.Usage
		}
	}
	return m, nil
}

func (c *conversation) Message(_ context.Context, _ claw.Principal, id string) (claw.MessageView, error) {
	if c.message != nil {
		return c.message(id)
	}
	return claw.MessageView{}, claw.Errorf(claw.NotFound, "There is no such message.")
}

func (c *conversation) Cancel(_ context.Context, _ claw.Principal, id string) (claw.MessageView, error) {
	if c.cancel != nil {
		return c.cancel(id)
	}
	return claw.MessageView{}, claw.Errorf(claw.NotFound, "There is no such message.")
}

func (c *conversation) DeleteSession(_ context.Context, who claw.Principal, key string) error {
	if c.erase != nil {
		return c.erase(who, key)
	}
	return nil
}

var theSession = claw.Session{
	Key: "session_abc123", Channel: "api", CreatedAt: born.Add(-90 * time.Minute), LastActivity: born, MessageCount: 15,
}

func (c *conversation) Session(_ context.Context, workspace, key string) (claw.Session, error) {
	if workspace != "default" || key != theSession.Key {
		return claw.Session{}, claw.Errorf(claw.NotFound, "There is no such session.")
	}
	return theSession, nil
}

func (c *conversation) Sessions(_ context.Context, _ string, q claw.SessionQuery) (claw.SessionPage, error) {
	if c.list != nil {
		return c.list(q)
	}
	return claw.SessionPage{Sessions: []claw.Session{theSession}}, nil
}

func (c *conversation) History(_ context.Context, workspace, key string, q claw.HistoryQuery) ([]claw.Message, error) {
	if c.history != nil {
		return c.history(key, q)
	}
	if workspace != "default" || key != theSession.Key {
		return nil, claw.Errorf(claw.NotFound, "There is no such session.")
	}
	return []claw.Message{
		{ID: "msg_1", Role: claw.RoleUser, Content: "Hello!", Status: claw.StatusComplete, CreatedAt: born.Add(-30 * time.Minute)},
		{
			ID: "msg_2", Role: claw.RoleAssistant, Content: "Hi there! How can I help?", Status: claw.StatusComplete,
			Model: "claude-sonnet-4-20250514", Usage: &claw.Usage{InputTokens: 8, OutputTokens: 9},
			CreatedAt: born.Add(-30*time.Minute + time.Second),
		},
	}, nil
}

// poem is the run of the API reference's streaming example.
func poem() []claw.Event {
	return []claw.Event{
		{Seq: 1, Type: claw.EventStart, Run: &claw.Answer{ID: "msg_123", SessionKey: "session_abc123"}},
		{Seq: 2, Type: claw.EventDelta, Text: "The "},
		{Seq: 3, Type: claw.EventDelta, Text: "morning "},
		{Seq: 4, Type: claw.EventDelta, Text: "sun..."},
		{Seq: 5, Type: claw.EventDone, Run: &claw.Answer{
			ID: "msg_123", SessionKey: "session_abc123", Model: "claude-sonnet-4-20250514",
			Usage: claw.Usage{InputTokens: 10, OutputTokens: 45}, CreatedAt: born,
		}},
	}
}

// replay is what an engine's Watch returns of a run that has ended.
func replay(after int64, events ...claw.Event) iter.Seq2[claw.Event, error] {
	if after >= events[len(events)-1].Seq {
		return nil
	}
	return func(yield func(claw.Event, error) bool) {
		for _, ev := range events {
			if ev.Seq > after && !yield(ev, nil) {
				return
			}
		}
	}
}

// gateway is an API on a real socket.
type gateway struct {
	t    *testing.T
	addr string
	chat *conversation
	api  *httpapi.API
	log  *logBuffer
	http *http.Client
}

// The tokens of every test's gateway, by what they may do.
const (
	fullToken     = "your-api-token"
	chatToken     = "a-token-that-may-chat"
	sessionsToken = "a-token-that-may-read-sessions"
	idleToken     = "a-token-without-permissions"
	otherToken    = "a-token-of-another-workspace"
)

func tokens() []httpapi.Token {
	return []httpapi.Token{
		{Name: "my-app", Hash: sha256.Sum256([]byte(fullToken)), Permissions: claw.Permissions()},
		{Name: "chatter", Hash: sha256.Sum256([]byte(chatToken)), Permissions: []claw.Permission{claw.PermissionChat}},
		{Name: "reader", Hash: sha256.Sum256([]byte(sessionsToken)), Permissions: []claw.Permission{claw.PermissionSessions}},
		{Name: "idler", Hash: sha256.Sum256([]byte(idleToken))},
		{Name: "stranger", Hash: sha256.Sum256([]byte(otherToken)), Workspace: "elsewhere", Permissions: claw.Permissions()},
	}
}

// open starts a gateway. A setting may change its configuration and its server before it starts.
func open(t *testing.T, settings ...func(*httpapi.Config, *http.Server)) *gateway {
	t.Helper()
	doc, err := spec.JSON()
	if err != nil {
		t.Fatal(err)
	}
	conv, log := new(conversation), new(logBuffer)
	logger := slog.New(slog.NewJSONHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	cfg := httpapi.Config{
		Chat: conv, Sessions: conv, Limiter: new(mem.Limiter), OpenAPI: doc, Logger: logger,
		Policy: httpapi.Policy{Tokens: tokens(), AllowedHosts: []string{"gateway.example"}},
		Status: func(context.Context, claw.Principal) (httpapi.Status, error) {
			return httpapi.Status{
				Version: "2026.2.3", Uptime: 24*time.Hour + 900*time.Millisecond, ActiveSessions: 5,
				Provider: "anthropic", Model: "claude-sonnet-4-20250514",
			}, nil
		},
	}
	srv := httpapi.NewServer(nil, logger)
	for _, set := range settings {
		set(&cfg, srv)
	}
	api, err := httpapi.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	srv.Handler = api
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(lis) }()
	transport := &http.Transport{}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		_ = srv.Close()
		if err := <-served; !errors.Is(err, http.ErrServerClosed) {
			t.Errorf("serve: %v", err)
		}
	})
	return &gateway{t, lis.Addr().String(), conv, api, log, &http.Client{Transport: transport, Timeout: patience}}
}

// reply is an answer, read to its end and held against the document.
type reply struct {
	*http.Response
	body []byte
}

// request makes a request with the token that may do everything. Headers are "Name: value"; one without a value takes the
// header out.
func (g *gateway) request(method, path, body string, headers ...string) *http.Request {
	g.t.Helper()
	var src io.Reader
	if body != "" {
		src = strings.NewReader(body)
	}
	req, err := http.NewRequestWithContext(g.t.Context(), method, "http://"+g.addr+path, src)
	if err != nil {
		g.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+fullToken)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ":")
		req.Header.Del(name)
		if value = strings.TrimSpace(value); value != "" {
			req.Header.Set(name, value)
		}
	}
	return req
}

func (g *gateway) do(method, path, body string, headers ...string) reply {
	g.t.Helper()
	return g.send(g.request(method, path, body, headers...))
}

func (g *gateway) send(req *http.Request) reply {
	g.t.Helper()
	resp, err := g.http.Do(req)
	if err != nil {
		g.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		g.t.Fatal(err)
	}
	spectest.Validate(g.t, req, resp, b)
	return reply{resp, b}
}

// dial opens a bare connection, for what an HTTP client would not send.
func (g *gateway) dial() *wire {
	g.t.Helper()
	conn, err := net.Dial("tcp", g.addr)
	if err != nil {
		g.t.Fatal(err)
	}
	g.t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(patience))
	return &wire{g.t, conn.(*net.TCPConn), bufio.NewReader(conn)}
}

// raw sends bytes on a connection of their own and returns the first answer.
func (g *gateway) raw(text string) reply {
	g.t.Helper()
	w := g.dial()
	w.write(text)
	return w.read(method(text))
}

// method is that of a raw request.
func method(text string) string {
	m, _, _ := strings.Cut(text, " ")
	return m
}

type wire struct {
	t    *testing.T
	conn *net.TCPConn
	br   *bufio.Reader
}

func (w *wire) write(text string) {
	w.t.Helper()
	// The gateway may refuse and hang up before it has read everything; what it said is still there to be read.
	_, _ = io.WriteString(w.conn, text)
}

func (w *wire) read(method string) reply {
	w.t.Helper()
	resp, err := http.ReadResponse(w.br, &http.Request{Method: method})
	if err != nil {
		w.t.Fatalf("no answer: %v", err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		w.t.Fatalf("a torn answer: %v", err)
	}
	return reply{resp, b}
}

// closed reports whether the gateway has hung up without another byte.
func (w *wire) closed() bool {
	_, err := w.br.ReadByte()
	return err != nil && !errors.Is(err, context.DeadlineExceeded) && !isTimeout(err)
}

func isTimeout(err error) bool {
	var ne net.Error
	return errors.As(err, &ne) && ne.Timeout()
}

// envelope is the error in an answer.
type envelope struct {
	Error struct {
		Code       claw.Code   `json:"code"`
		Message    string      `json:"message"`
		Reason     claw.Reason `json:"reason"`
		RetryAfter *int        `json:"retryAfter"`
	} `json:"error"`
}

func (r reply) fault(t *testing.T) envelope {
	t.Helper()
	var e envelope
	if err := json.Unmarshal(r.body, &e); err != nil {
		t.Fatalf("status %d, not an error envelope: %v\n%s", r.StatusCode, err, r.body)
	}
	return e
}

// mustFail fails t unless r is an error of that status and code whose message has every one of parts.
func (r reply) mustFail(t *testing.T, status int, code claw.Code, parts ...string) {
	t.Helper()
	if r.StatusCode != status {
		t.Fatalf("status %d, want %d\n%s", r.StatusCode, status, r.body)
	}
	e := r.fault(t)
	if e.Error.Code != code {
		t.Errorf("code %s, want %s", e.Error.Code, code)
	}
	for _, p := range parts {
		if !strings.Contains(e.Error.Message, p) {
			t.Errorf("the message %q does not say %q", e.Error.Message, p)
		}
	}
}

func (r reply) mustBe(t *testing.T, status int) {
	t.Helper()
	if r.StatusCode != status {
		t.Fatalf("status %d, want %d\n%s", r.StatusCode, status, r.body)
	}
}

// logBuffer is a log that a test can read.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logBuffer) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(b)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// eventually waits for what another goroutine is about to do.
func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for !done() {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
		time.Sleep(time.Millisecond)
	}
}

// Short names for what test's fakes are declared with.
type (
	ctxT = context.Context
	seqT = iter.Seq2[claw.Event, error]
)
