package httpapi_test

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json/v2"
	"errors"
	"io"
	"iter"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tmaxmax/go-sse"

	"github.com/openclaw/openclaw/claw"
	"github.com/openclaw/openclaw/httpapi"
	"github.com/openclaw/openclaw/spec/spectest"
)

// live is a run whose events a test makes as it goes.
type live struct {
	events chan claw.Event
	ended  chan error // what ended the watch: nil for the terminal event or a reader that stopped
}

// goLive makes the conversation's next Watch follow the run that is returned.
func (c *conversation) goLive() *live {
	l := &live{make(chan claw.Event), make(chan error, 1)}
	c.watch = func(ctx context.Context, _ string, _ int64) (iter.Seq2[claw.Event, error], error) {
		return func(yield func(claw.Event, error) bool) {
			for {
				select {
				case ev := <-l.events:
					if !yield(ev, nil) || ev.Terminal() {
						l.ended <- nil
						return
					}
				case <-ctx.Done():
					l.ended <- ctx.Err()
					yield(claw.Event{}, context.Cause(ctx))
					return
				}
			}
		}, nil
	}
	return l
}

// say makes the next event, once somebody is there to take it.
func (l *live) say(t *testing.T, ev claw.Event) {
	t.Helper()
	select {
	case l.events <- ev:
	case <-time.After(patience):
		t.Fatal("nobody takes the event")
	}
}

func (l *live) end(t *testing.T) error {
	t.Helper()
	select {
	case err := <-l.ended:
		return err
	case <-time.After(patience):
		t.Fatal("the run is still being watched")
		return nil
	}
}

// lines reads a stream line by line while it goes on.
func lines(t *testing.T, resp *http.Response) func() string {
	t.Helper()
	br := bufio.NewReader(resp.Body)
	return func() string {
		t.Helper()
		s, err := br.ReadString('\n')
		if err != nil {
			t.Fatalf("the stream broke: %v", err)
		}
		return strings.TrimSuffix(s, "\n")
	}
}

func (g *gateway) stream(req *http.Request) *http.Response {
	g.t.Helper()
	resp, err := g.http.Do(req)
	if err != nil {
		g.t.Fatal(err)
	}
	g.t.Cleanup(func() { _ = resp.Body.Close() })
	return resp
}

func TestEventsComeAsTheyAreMade(t *testing.T) {
	g := open(t)
	run := g.chat.goLive()
	resp := g.stream(g.request("POST", "/api/v1/chat/stream", `{"message":"hi"}`)) // returns before there is any event
	if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("%s %v", resp.Status, resp.Header)
	}
	next := lines(t, resp)
	for i, ev := range poem() {
		run.say(t, ev)
		want := []string{"id: " + string(rune('1'+i)), "event: " + string(ev.Type)}
		if got := []string{next(), next()}; got[0] != want[0] || got[1] != want[1] {
			t.Fatalf("got %q, want %q", got, want)
		}
		if data := next(); !strings.HasPrefix(data, "data: {") || next() != "" {
			t.Fatalf("data %q", data)
		}
	}
	if err := run.end(t); err != nil {
		t.Error(err)
	}
}

func TestSilenceIsFilled(t *testing.T) {
	g := open(t, func(cfg *httpapi.Config, _ *http.Server) { cfg.KeepAlive = 5 * time.Millisecond })
	run := g.chat.goLive()
	next := lines(t, g.stream(g.request("POST", "/api/v1/chat/stream", `{"message":"hi"}`)))
	for range 3 {
		if got := []string{next(), next()}; got[0] != ": keep-alive" || got[1] != "" {
			t.Fatalf("%q", got)
		}
	}
	for _, ev := range poem() {
		run.say(t, ev)
	}
	for line := ""; line != "event: done"; line = next() {
		if line != "" && line != ": keep-alive" && !strings.Contains("id: event: data: ", line[:4]) {
			t.Fatalf("%q", line)
		}
	}
}

func TestTheClientLeaves(t *testing.T) {
	g := open(t)
	started := make(chan context.Context, 1)
	g.chat.start = func(ctx ctxT, _ claw.Principal, _ claw.ChatRequest) (claw.Started, error) {
		started <- ctx
		return claw.Started{ID: "msg_123"}, nil
	}
	for _, path := range []string{"/api/v1/chat/stream", "/api/v1/chat"} {
		run := g.chat.goLive()
		ctx, leave := context.WithCancel(t.Context())
		answered := make(chan error, 1)
		go func() {
			resp, err := g.http.Do(g.request("POST", path, `{"message":"hi"}`).WithContext(ctx))
			if err == nil {
				_, err = bufio.NewReader(resp.Body).ReadString(0)
				_ = resp.Body.Close()
			}
			answered <- err
		}()
		run.say(t, poem()[0])
		leave()
		if err := run.end(t); err != nil && !errors.Is(err, context.Canceled) { // nil: the reader found out first
			t.Errorf("%s: the watch ended with %v", path, err)
		}
		if err := <-answered; !errors.Is(err, context.Canceled) {
			t.Errorf("%s: the client saw %v", path, err)
		}
		select { // the engine, too, is told that the connection is gone
		case <-(<-started).Done():
		case <-time.After(patience):
			t.Errorf("%s: the request's context lives on", path)
		}
	}
	eventually(t, "both requests are in the log as cut", func() bool { return strings.Count(g.log.String(), `"cut":true`) == 2 })
	if strings.Contains(g.log.String(), `"level":"ERROR"`) {
		t.Errorf("a client that leaves is no error of ours:\n%s", g.log.String())
	}
}

// A client that does not read is cut off. Nobody but its own handler has waited for it.
func TestASlowReaderIsCutOff(t *testing.T) {
	g := open(t, func(cfg *httpapi.Config, _ *http.Server) { cfg.WriteTimeout = 50 * time.Millisecond })
	watching := make(chan error, 1)
	g.chat.watch = func(ctx context.Context, _ string, _ int64) (iter.Seq2[claw.Event, error], error) {
		return func(yield func(claw.Event, error) bool) {
			defer func() { watching <- context.Cause(ctx) }()
			text := strings.Repeat("x", 32<<10)
			yield(poem()[0], nil)
			for seq := int64(2); yield(claw.Event{Seq: seq, Type: claw.EventDelta, Text: text}, nil); seq++ {
			}
		}, nil
	}
	w := g.dial()
	w.write("GET /api/v1/messages/msg_1/stream HTTP/1.1\r\nHost: localhost\r\n" + auth + "\r\n")
	select {
	case err := <-watching:
		if !errors.Is(err, context.Canceled) {
			t.Errorf("the watch's context: %v", err)
		}
	case <-time.After(patience):
		t.Fatal("the gateway still waits for the reader")
	}
	// What the reader finds afterwards is torn off, not ended.
	resp, err := http.ReadResponse(w.br, nil)
	if err != nil {
		t.Fatal(err)
	}
	var torn error
	for buf := make([]byte, 64<<10); torn == nil; {
		_, torn = resp.Body.Read(buf)
	}
	if errors.Is(torn, io.EOF) {
		t.Error("the stream looks whole")
	}
}

// A client that takes long for much is not a slow one.
func TestAnAnswerMayTakeLong(t *testing.T) {
	const patience, pieces = 500 * time.Millisecond, 30
	g := open(t, func(cfg *httpapi.Config, _ *http.Server) { cfg.WriteTimeout = patience })
	text := strings.Repeat("x", 16<<20)
	g.chat.history = func(string, claw.HistoryQuery) ([]claw.Message, error) {
		return []claw.Message{{ID: "msg_1", Role: claw.RoleUser, Content: text, Status: claw.StatusComplete, CreatedAt: born}}, nil
	}
	resp := g.stream(g.request("GET", "/api/v1/sessions/session_abc123/history?limit=1", ""))
	begun, got := time.Now(), int64(0)
	for range pieces {
		n, err := io.CopyN(io.Discard, resp.Body, int64(len(text)/pieces))
		if got += n; err != nil {
			t.Fatalf("cut off after %d bytes and %v: %v", got, time.Since(begun), err)
		}
		time.Sleep(2 * patience / pieces) // the client's pace
	}
	rest, err := io.Copy(io.Discard, resp.Body)
	if got += rest; err != nil || got != resp.ContentLength {
		t.Errorf("%d bytes of %d: %v", got, resp.ContentLength, err)
	}
}

func TestStreamsAreTakenUpAgain(t *testing.T) {
	g := open(t)
	var afters []int64
	g.chat.watch = func(_ ctxT, id string, after int64) (seqT, error) {
		if id != "msg_123" {
			return nil, claw.Errorf(claw.NotFound, "There is no such message.")
		}
		afters = append(afters, after)
		return replay(after, poem()...), nil
	}
	for _, tt := range []struct {
		query, header string
		first         int64 // 0 where nothing follows
	}{
		{"", "", 1},
		{"?after=0", "", 1},
		{"?after=3", "", 4},
		{"", "Last-Event-ID: 2", 3},
		{"?after=1", "Last-Event-ID: 4", 5}, // EventSource repeats its address, and the header is newer
		{"?after=5", "", 0},
		{"", "Last-Event-ID: 9223372036854775807", 0},
	} {
		r := g.do("GET", "/api/v1/messages/msg_123/stream"+tt.query, "", cmp.Or(tt.header, "Last-Event-ID:"))
		if tt.first == 0 {
			r.mustBe(t, 204)
			continue
		}
		r.mustBe(t, 200)
		events, err := spectest.ParseEvents(r.body)
		if err != nil || events[0].ID != tt.first || len(events) != int(6-tt.first) {
			t.Errorf("%+v: %v %v", tt, events, err)
		}
	}
	g.do("GET", "/api/v1/messages/msg_9/stream", "").mustFail(t, 404, claw.NotFound)
	for _, bad := range []string{"-1", "x", "1.5", "+1", "9223372036854775808"} {
		g.do("GET", "/api/v1/messages/msg_123/stream", "", "Last-Event-ID: "+bad).mustFail(t, 400, claw.InvalidRequest, "Last-Event-ID")
	}
	for _, values := range [][]string{{"1", "1"}, {""}} {
		req := g.request("GET", "/api/v1/messages/msg_123/stream", "")
		for _, v := range values {
			req.Header.Add("Last-Event-ID", v)
		}
		g.send(req).mustFail(t, 400, claw.InvalidRequest, "Last-Event-ID")
	}
	if len(afters) != 7 {
		t.Errorf("the engine was asked %d times: %v", len(afters), afters)
	}
}

// Whatever goes wrong behind the 200, the client is told in the stream, once.
func TestStreamsEndExplicitly(t *testing.T) {
	g := open(t)
	for name, failure := range map[string]error{
		"a defect":        errors.New("a secret cause"),
		"the log is lost": claw.Errorf(claw.Unavailable, "The events were lost."),
		"no end":          nil,
	} {
		t.Run(name, func(t *testing.T) {
			g.chat.watch = func(ctxT, string, int64) (seqT, error) {
				return func(yield func(claw.Event, error) bool) {
					if yield(poem()[0], nil) && yield(poem()[1], nil) && failure != nil {
						yield(claw.Event{}, failure)
					}
				}, nil
			}
			r := g.do("POST", "/api/v1/chat/stream", `{"message":"hi"}`)
			r.mustBe(t, 200)
			code := string(claw.CodeOf(failure))
			if failure == nil {
				code = string(claw.InternalError)
			}
			if body := string(r.body); !strings.Contains(body, "id: 3\nevent: error\n") || !strings.Contains(body, code) ||
				strings.Contains(body, "secret") {
				t.Errorf("%s", body)
			}
			plain := g.do("POST", "/api/v1/chat", `{"message":"hi"}`)
			if got := string(plain.fault(t).Error.Code); got != code {
				t.Errorf("whole: %s, want %s", got, code)
			}
		})
	}
}

// Shutting down ends the contexts of all requests, with a cause that clients are told.
func TestTheGatewayEndsTheStream(t *testing.T) {
	ctx, stop := context.WithCancelCause(context.Background())
	defer stop(nil)
	g := open(t, func(_ *httpapi.Config, srv *http.Server) {
		srv.BaseContext = func(net.Listener) context.Context { return ctx }
	})
	run := g.chat.goLive()
	next := lines(t, g.stream(g.request("POST", "/api/v1/chat/stream", `{"message":"hi"}`)))
	run.say(t, poem()[0])
	stop(claw.Errorf(claw.Unavailable, "The gateway is shutting down."))
	for line := ""; line != "event: error"; line = next() {
		if line == "event: done" {
			t.Fatal("done?")
		}
	}
	if data := next(); !strings.Contains(data, "UNAVAILABLE") {
		t.Error(data)
	}
}

// What a model says cannot leave its line: a parser that others wrote reads the same text.
func TestTextStaysInsideItsEvent(t *testing.T) {
	g := open(t)
	texts := []string{
		"\n\nevent: done\ndata: {}\n\n", "\r\n\r\n: \r", "data: \x00\x01\x1f", "\u2028\u2029\u0085", `"}\` + "\\\n", "\xff torn", "\U0001f600",
		strings.Repeat("long ", 30000), "\ufeff",
	}
	events := poem()[:1]
	for i, text := range texts {
		events = append(events, claw.Event{Seq: int64(i + 2), Type: claw.EventDelta, Text: text})
	}
	done := poem()[4]
	done.Seq = int64(len(events) + 1)
	events = append(events, done)
	g.chat.watch = func(_ ctxT, _ string, after int64) (seqT, error) { return replay(after, events...), nil }

	r := g.do("POST", "/api/v1/chat/stream", `{"message":"hi"}`)
	i := 0
	for ev, err := range sse.Read(strings.NewReader(string(r.body)), &sse.ReadConfig{MaxEventSize: 1 << 20}) {
		if err != nil {
			t.Fatal(err)
		}
		if i >= len(events) || ev.Type != string(events[i].Type) {
			t.Fatalf("event %d: %+v", i, ev)
		}
		if ev.Type == "delta" {
			covers(t, `{"content":`+quoted(t, strings.ToValidUTF8(texts[i-1], "\ufffd"))+`}`, []byte(ev.Data))
		}
		i++
	}
	if i != len(events) {
		t.Errorf("%d events, want %d", i, len(events))
	}
}

func quoted(t *testing.T, s string) string {
	t.Helper()
	b, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
