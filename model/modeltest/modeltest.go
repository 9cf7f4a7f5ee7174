// Package modeltest is the suite that every [claw.Provider] with a vendor's server passes: one behaviour, whatever the
// protocol. The server is package upstream, over real HTTP.
package modeltest

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/openclaw/openclaw/claw"
	"github.com/openclaw/openclaw/model/modeltest/upstream"
)

// Key is the API key that providers under test must be made with.
const Key = "sk-modeltest-0123456789abcdef"

// Model is the model that the suite asks for.
const Model = "some-model-1"

// patience bounds what a test waits for; it passes only where something is broken.
const patience = 10 * time.Second

// NewProvider makes the provider under test, with [Key] as its API key.
type NewProvider func(baseURL string, client *http.Client) claw.Provider

// Run runs the suite against a provider of the given wire.
func Run(t *testing.T, newProvider NewProvider, wire upstream.Wire) {
	s := suite{newProvider, wire}
	for name, test := range map[string]func(*testing.T, suite){
		"Whole":            testWhole,
		"Prompt":           testPrompt,
		"Usage":            testUsage,
		"Stop":             testStop,
		"Statuses":         testStatuses,
		"RetryAfter":       testRetryAfter,
		"ErrorInStream":    testErrorInStream,
		"Broken":           testBroken,
		"Garbage":          testGarbage,
		"Unreachable":      testUnreachable,
		"Redirect":         testRedirect,
		"Environment":      testEnvironment,
		"UTF8":             testUTF8,
		"SlowFirstByte":    testSlowFirstByte,
		"CancelBeforeByte": testCancelBeforeByte,
		"CancelInStall":    testCancelInStall,
		"BreakOut":         testBreakOut,
		"Concurrent":       testConcurrent,
	} {
		t.Run(name, func(t *testing.T) { test(t, s) })
	}
}

type suite struct {
	newProvider NewProvider
	wire        upstream.Wire
}

// rig is a provider with its upstream.
type rig struct {
	up       *upstream.Server
	url      string
	client   *http.Client
	provider claw.Provider
	conns    *conns
}

func (s suite) rig(t *testing.T, scripts ...upstream.Script) *rig {
	t.Helper()
	r := &rig{up: upstream.New(), conns: &conns{}}
	r.up.Queue(scripts...)
	server := httptest.NewServer(r.up)
	t.Cleanup(server.Close)
	transport := &http.Transport{DialContext: r.conns.dial}
	t.Cleanup(transport.CloseIdleConnections)
	r.url = server.URL
	r.client = &http.Client{Transport: transport}
	r.provider = s.newProvider(s.wire.BaseURL(server.URL), r.client)
	return r
}

// wait waits until the upstream's calls are as ok wants them.
func (r *rig) wait(t *testing.T, ok func([]upstream.Request) bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := r.up.Wait(ctx, ok); err != nil {
		t.Fatal(err)
	}
}

// conns knows the connections that are open.
type conns struct {
	mu   sync.Mutex
	open map[net.Conn]bool
}

func (c *conns) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.open == nil {
		c.open = map[net.Conn]bool{}
	}
	tracked := &trackedConn{Conn: conn, of: c}
	c.open[tracked] = true
	return tracked, nil
}

func (c *conns) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.open)
}

type trackedConn struct {
	net.Conn
	of *conns
}

func (c *trackedConn) Close() error {
	c.of.mu.Lock()
	delete(c.of.open, c)
	c.of.mu.Unlock()
	return c.Conn.Close()
}

// Ask is a prompt of one message.
func Ask(text string) claw.Prompt {
	return claw.Prompt{Model: Model, Messages: []claw.PromptMessage{{Role: claw.RoleUser, Content: text}}}
}

// Collect reads an answer to its end. It fails the test where the stream breaks a rule that holds for every answer,
// good or bad: one end and nothing behind it, text in UTF-8, figures on the last chunk only.
func Collect(
	t testing.TB, ctx context.Context, p claw.Provider, prompt claw.Prompt,
) (texts []string, last claw.Chunk, err error) {
	t.Helper()
	ended := false
	for chunk, e := range p.Stream(ctx, prompt) {
		switch {
		case ended:
			t.Errorf("Stream yielded %+v, %v behind its end", chunk, e)
		case e != nil:
			ended, err = true, e
			if chunk != (claw.Chunk{}) {
				t.Errorf("Stream yielded a chunk along with an error: %+v", chunk)
			}
			continue
		}
		if !utf8.ValidString(chunk.Text) {
			t.Errorf("text is not UTF-8: %q", chunk.Text)
		}
		if chunk.Text != "" {
			texts = append(texts, chunk.Text)
		}
		if chunk.Stop == "" && chunk.Usage != nil {
			t.Errorf("usage on a chunk that is not the last: %+v", chunk)
		}
		if chunk.Stop != "" {
			ended, last = true, chunk
		}
	}
	if !ended {
		t.Errorf("Stream ended without Stop and without an error, after %q", texts)
	}
	return texts, last, err
}

// failure asserts that err is a model's error fit for a client, and returns it.
func failure(t testing.TB, err error) *claw.Error {
	t.Helper()
	e, ok := errors.AsType[*claw.Error](err)
	if !ok || e.Code != claw.ModelError || e.Reason == "" {
		t.Fatalf("error is %v, want a MODEL_ERROR with a reason", err)
	}
	if strings.Contains(err.Error(), Key) {
		t.Errorf("error contains the API key: %v", err)
	}
	// "scripted" stands in every error that the upstream writes.
	for _, leak := range []string{"scripted", "://", "127.0.0.1", "<html"} {
		if strings.Contains(e.Message, leak) {
			t.Errorf("message for the client contains %q: %s", leak, e.Message)
		}
	}
	if e.Message == "" || !strings.HasSuffix(e.Message, ".") {
		t.Errorf("message for the client is no sentence: %q", e.Message)
	}
	return e
}

// wantReason asserts the reason of the answer's error.
func wantReason(t *testing.T, r *rig, prompt claw.Prompt, reasons ...claw.Reason) *claw.Error {
	t.Helper()
	_, _, err := Collect(t, t.Context(), r.provider, prompt)
	e := failure(t, err)
	for _, reason := range reasons {
		if e.Reason == reason {
			return e
		}
	}
	t.Fatalf("reason is %q, want one of %q: %v", e.Reason, reasons, err)
	return nil
}
