package openclaw

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// serve runs a gateway of one handler and returns a client of it that does not wait between tries.
func serve(t *testing.T, h http.HandlerFunc, opts ...Option) *Client {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	c := New(server.URL, append([]Option{WithAPIKey("secret-token")}, opts...)...)
	t.Cleanup(c.CloseIdleConnections)
	c.sleep = func(ctx context.Context, _ time.Duration) error { return ctx.Err() }
	return c
}

func TestCancelledContext(t *testing.T) {
	arrived := make(chan struct{}, 1)
	c := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		arrived <- struct{}{}
		<-r.Context().Done()
	})
	ctx, cancel := context.WithCancelCause(context.Background())
	why := errors.New("the user has left")
	go func() {
		<-arrived
		cancel(why)
	}()
	_, err := c.Status(ctx)
	if !errors.Is(err, why) || !errors.Is(err, context.Canceled) || errors.Is(err, ErrConnection) || errors.Is(err, ErrTimeout) {
		t.Errorf("got %v, want context.Canceled, what it was cancelled for, and no kind of failure", err)
	}
}

func TestCancelledBeforeTheCall(t *testing.T) {
	var requests atomic.Int32
	c := serve(t, func(http.ResponseWriter, *http.Request) { requests.Add(1) })
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for _, err := range c.Stream(ctx, ChatRequest{Message: "Hi"}) {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	}
	if n := requests.Load(); n != 0 {
		t.Errorf("%d requests were sent", n)
	}
}

func TestDeadlineOfTheContext(t *testing.T) {
	c := serve(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	_, err := c.Status(ctx)
	if !errors.Is(err, ErrTimeout) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want a timeout", err)
	}
}

func TestDeadlineOfTheContextWithACause(t *testing.T) {
	c := serve(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	why := errors.New("the page has to be sent by then")
	ctx, cancel := context.WithTimeoutCause(context.Background(), 50*time.Millisecond, why)
	defer cancel()
	_, err := c.Status(ctx)
	if !errors.Is(err, ErrTimeout) || !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, why) {
		t.Errorf("got %v, want a timeout and its cause", err)
	}
}

// Whoever runs out of time in a wait is told what was waited for.
func TestDeadlineDuringAWait(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusTooManyRequests)
		_, _ = io.WriteString(w, `{"error":{"code":"RATE_LIMITED","message":"Slow down.","retryAfter":45}}`)
	})
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	c.sleep = sleep
	_, err := c.Status(ctx)
	if !errors.Is(err, ErrTimeout) || !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "RATE_LIMITED: Slow down.") {
		t.Errorf("got %v, want a timeout that tells of the rate limit", err)
	}
}

func TestCancelledDuringAWait(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "30")
		w.WriteHeader(http.StatusServiceUnavailable)
	})
	ctx, cancel := context.WithCancel(context.Background())
	c.sleep = func(ctx context.Context, d time.Duration) error {
		cancel()
		return sleep(ctx, d) // the real one, which must not sit out 30 s
	}
	begun := time.Now()
	if _, err := c.Status(ctx); !errors.Is(err, context.Canceled) || time.Since(begun) > 10*time.Second {
		t.Errorf("got %v after %s", err, time.Since(begun))
	}
}

// An iterator may be ranged over by several readers at a time; the race detector would tell.
func TestOneStreamForSeveralReaders(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, "id: 1\nevent: start\ndata: {\"id\":\"msg_1\"}\n\nid: 2\nevent: done\ndata: {}\n\n")
	})
	stream := c.Messages.Stream(context.Background(), "msg_1", 0)
	var readers sync.WaitGroup
	for range 4 {
		readers.Add(1)
		go func() {
			defer readers.Done()
			n := 0
			for _, err := range stream {
				if err != nil {
					t.Error(err)
				}
				n++
			}
			if n != 2 {
				t.Errorf("%d events, want 2", n)
			}
		}()
	}
	readers.Wait()
}

// A stream that the reader cancels in the middle ends with the context's error, not with one of the stream.
func TestCancelledStream(t *testing.T) {
	left := make(chan struct{})
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, "id: 1\nevent: start\ndata: {\"id\":\"msg_1\"}\n\n")
		w.(http.Flusher).Flush()
		<-r.Context().Done()
		close(left)
	})
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var events, failures int
	for _, err := range c.Stream(ctx, ChatRequest{Message: "Hi"}) {
		if err == nil {
			events++
			cancel()
			continue
		}
		failures++
		if !errors.Is(err, context.Canceled) || errors.Is(err, ErrIncompleteStream) {
			t.Errorf("got %v", err)
		}
	}
	if events != 1 || failures != 1 {
		t.Errorf("%d events and %d errors, want one each", events, failures)
	}
	<-left
}

// A stream may last longer than the timeout, and the time that its reader takes between two events is not silence.
func TestLongStream(t *testing.T) {
	const timeout = 200 * time.Millisecond
	goOn := make(chan struct{})
	c := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, "id: 1\nevent: start\ndata: {\"id\":\"msg_1\"}\n\n")
		w.(http.Flusher).Flush()
		<-goOn
		_, _ = io.WriteString(w, "id: 2\nevent: done\ndata: {}\n\n")
	}, WithTimeout(timeout), WithMaxRetries(0))
	for ev, err := range c.Stream(context.Background(), ChatRequest{Message: "Hi"}) {
		if err != nil {
			t.Fatal(err)
		}
		if ev.Type == EventStart {
			<-time.After(2 * timeout) // that this time passes is the point
			close(goOn)
		}
	}
}

// A stream read to its end leaves its connection for the next call.
func TestConnectionIsUsedAgain(t *testing.T) {
	var conns atomic.Int32
	done := make(chan struct{})
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, "id: 1\nevent: start\ndata: {\"id\":\"msg_1\"}\n\nid: 2\nevent: done\ndata: {}\n\n")
		w.(http.Flusher).Flush()
		<-done // so that the end of the body comes by itself, behind the last event
	}))
	server.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			conns.Add(1)
		}
	}
	server.Start()
	defer server.Close()
	c := New(server.URL)
	defer c.CloseIdleConnections()
	for range 5 {
		for ev, err := range c.Stream(context.Background(), ChatRequest{Message: "Hi"}) {
			if err != nil {
				t.Fatal(err)
			}
			if ev.Type == EventDone {
				done <- struct{}{}
			}
		}
	}
	if n := conns.Load(); n != 1 {
		t.Errorf("5 streams took %d connections", n)
	}
}

func TestOwnHTTPClient(t *testing.T) {
	var used atomic.Int32
	transport := roundTripper(func(r *http.Request) (*http.Response, error) {
		used.Add(1)
		return http.DefaultTransport.RoundTrip(r)
	})
	own := &http.Client{Transport: transport}
	c := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{}`) }, WithHTTPClient(own))
	if _, err := c.Status(context.Background()); err != nil || used.Load() != 1 {
		t.Errorf("%d requests by the own transport, error %v", used.Load(), err)
	}
	if own.CheckRedirect != nil {
		t.Error("the caller's client was modified")
	}
}

func TestTimeoutOfTheOwnHTTPClient(t *testing.T) {
	var requests atomic.Int32
	c := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		<-r.Context().Done()
	}, WithHTTPClient(&http.Client{Timeout: 50 * time.Millisecond}))
	if _, err := c.Status(context.Background()); !errors.Is(err, ErrTimeout) || requests.Load() != 1 {
		t.Errorf("got %v after %d requests, want a timeout after one", err, requests.Load())
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// A certificate that is not trusted will not be trusted a second later either.
func TestUntrustedCertificate(t *testing.T) {
	server := httptest.NewTLSServer(http.NotFoundHandler())
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	defer server.Close()
	c := New(server.URL)
	defer c.CloseIdleConnections()
	waits := 0
	c.sleep = func(context.Context, time.Duration) error {
		waits++
		return nil
	}
	if _, err := c.Status(context.Background()); !errors.Is(err, ErrConnection) || waits != 0 {
		t.Errorf("got %v after %d waits", err, waits)
	}
}

func TestLogTellsNoSecrets(t *testing.T) {
	var log bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	c := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Request-Id", "req_ABC")
		_, _ = io.WriteString(w, `{"content":"an answer of secrets"}`)
	}, WithLogger(logger))
	if _, err := c.Chat(context.Background(), ChatRequest{Message: "a message of secrets"}); err != nil {
		t.Fatal(err)
	}
	got := log.String()
	if strings.Contains(got, "secret") {
		t.Errorf("the log tells: %s", got)
	}
	for _, want := range []string{"operation=chat", "method=POST", "path=/api/v1/chat", "status=200", "requestId=req_ABC"} {
		if !strings.Contains(got, want) {
			t.Errorf("the log lacks %s: %s", want, got)
		}
	}
}

func TestInvalidArguments(t *testing.T) {
	var requests atomic.Int32
	for name, tc := range map[string]struct {
		opts []Option
		req  ChatRequest
	}{
		"message not in UTF-8":     {req: ChatRequest{Message: "a\xff"}},
		"session key not in UTF-8": {req: ChatRequest{Message: "a", SessionKey: "\xff"}},
		"key with a line's end":    {req: ChatRequest{Message: "a", IdempotencyKey: "k\n"}},
		"key too long":             {req: ChatRequest{Message: "a", IdempotencyKey: strings.Repeat("k", 256)}},
		"channel":                  {opts: []Option{WithChannel("Web")}},
		"retries":                  {opts: []Option{WithMaxRetries(-1)}},
		"timeout":                  {opts: []Option{WithTimeout(-time.Second)}},
		"user agent":               {opts: []Option{WithUserAgent("a\r\nb")}},
	} {
		t.Run(name, func(t *testing.T) {
			c := serve(t, func(http.ResponseWriter, *http.Request) { requests.Add(1) }, tc.opts...)
			if _, err := c.Chat(context.Background(), tc.req); !errors.Is(err, ErrInvalidArgument) {
				t.Errorf("Chat: %v", err)
			}
			for _, err := range c.Stream(context.Background(), tc.req) {
				if !errors.Is(err, ErrInvalidArgument) {
					t.Errorf("Stream: %v", err)
				}
			}
		})
	}
	for _, err := range New("").Sessions.List(context.Background(), SessionQuery{}, SessionQuery{}) {
		if !errors.Is(err, ErrInvalidArgument) {
			t.Errorf("two queries: %v", err)
		}
	}
	if n := requests.Load(); n != 0 {
		t.Errorf("%d requests were sent", n)
	}
}

// Two messages of the same text are two messages.
func TestEachCallHasItsOwnKey(t *testing.T) {
	keys := make(chan string, 3)
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		keys <- r.Header.Get("Idempotency-Key")
		_, _ = io.WriteString(w, `{}`)
	})
	for range 2 {
		if _, err := c.Chat(context.Background(), ChatRequest{Message: "Hi"}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.Messages.Cancel(context.Background(), "msg_1"); err != nil {
		t.Fatal(err)
	}
	if a, b, c := <-keys, <-keys, <-keys; a == b || b == c || a == c || a == "" {
		t.Errorf("the keys are %q, %q, %q", a, b, c)
	}
}

// A limit is for the gateway to refuse. One that lets it pass must not bring the caller down.
func TestHistoryOfAGatewayThatTakesAnyLimit(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"messages":[]}`) })
	for m, err := range c.Sessions.History(context.Background(), "s", HistoryQuery{Limit: -1}) {
		t.Errorf("got %v, %v, want nothing", m, err)
	}
}

// A gateway that hands out the same cursor again must not keep a client busy for ever.
func TestCursorThatLeadsNowhere(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"sessions":[{"key":"a"}],"nextCursor":"c"}`)
	})
	n := 0
	var last error
	for _, err := range c.Sessions.List(context.Background()) {
		n++
		last = err
	}
	var e *Error
	if n != 3 || !errors.As(last, &e) {
		t.Errorf("%d times around, the last with %v", n, last)
	}
}

func TestErrorText(t *testing.T) {
	for want, err := range map[string]error{
		"openclaw: RATE_LIMITED: Slow down. [try again in 1m0s] [request req_A]": &Error{
			Code: CodeRateLimited, Status: 429, Message: "Slow down.", RetryAfter: time.Minute, RequestID: "req_A",
		},
		"openclaw: MODEL_ERROR (overloaded): Busy.": &Error{Code: CodeModelError, Reason: ReasonOverloaded, Message: "Busy."},
		"openclaw: HTTP 502 Bad Gateway, but not from an OpenClaw gateway: it answered with text/html": notOurs(
			&http.Response{StatusCode: 502, Header: http.Header{"Content-Type": {"text/html; charset=utf-8"}}}, ""),
	} {
		if got := err.Error(); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
	if CodeOf(errors.New("else")) != "" || CodeOf(&Error{Code: CodeNotFound}) != CodeNotFound {
		t.Error("CodeOf")
	}
}
