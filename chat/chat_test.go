package chat_test

import (
	"context"
	"errors"
	"iter"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/openclaw/openclaw/chat"
	"github.com/openclaw/openclaw/claw"
	"github.com/openclaw/openclaw/live/mem"
	"github.com/openclaw/openclaw/store/sqlite"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// model is a fake provider that a test plays: each call of Stream is handed to the test, which says what comes of it.
type model struct{ calls chan *call }

// call is one call of a model. The test sends what the model says on say, and closes it to break the stream off.
type call struct {
	prompt claw.Prompt
	say    chan said
	gone   chan struct{} // closed when the engine has let go of the stream
}

type said struct {
	chunk claw.Chunk
	err   error
	panic bool
}

func newModel() *model { return &model{calls: make(chan *call)} }

func (m *model) Name() string { return "fake" }

func (m *model) Stream(ctx context.Context, p claw.Prompt) iter.Seq2[claw.Chunk, error] {
	return func(yield func(claw.Chunk, error) bool) {
		c := &call{prompt: p, say: make(chan said), gone: make(chan struct{})}
		defer close(c.gone)
		select {
		case m.calls <- c:
		case <-ctx.Done():
			yield(claw.Chunk{}, context.Cause(ctx))
			return
		}
		for {
			select {
			case s, open := <-c.say:
				switch {
				case !open:
					return
				case s.panic:
					panic("a model's adapter with a fault")
				case !yield(s.chunk, s.err) || s.err != nil || s.chunk.Stop != "":
					return
				}
			case <-ctx.Done():
				yield(claw.Chunk{}, context.Cause(ctx))
				return
			}
		}
	}
}

// next waits for the model to be called.
func (m *model) next(t *testing.T) *call {
	t.Helper()
	select {
	case c := <-m.calls:
		return c
	case <-t.Context().Done():
		t.Fatal("the model was never called")
		return nil
	}
}

// send says something, unless the engine has let go of the stream.
func (c *call) send(s said) {
	select {
	case c.say <- s:
	case <-c.gone:
	}
}

func (c *call) text(s string)   { c.send(said{chunk: claw.Chunk{Text: s, Model: "fake-1"}}) }
func (c *call) fail(err error)  { c.send(said{err: err}) }
func (c *call) finish(s string) { c.finishWith(s, &claw.Usage{InputTokens: 3, OutputTokens: 5}) }
func (c *call) finishWith(s string, u *claw.Usage) {
	c.send(said{chunk: claw.Chunk{Text: s, Model: "fake-1", Stop: claw.StopEnd, Usage: u}})
}

// gateway is an engine on a real store, with a model that the test plays.
type gateway struct {
	*chat.Engine
	store claw.Store
	model *model
	path  string
}

type option func(*chat.Config)

func open(t *testing.T, opts ...option) *gateway {
	t.Helper()
	return openAt(t, filepath.Join(t.TempDir(), "openclaw.db"), opts...)
}

func openAt(t *testing.T, path string, opts ...option) *gateway {
	t.Helper()
	store, err := sqlite.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	m := newModel()
	cfg := chat.Config{Store: store, Log: &mem.Log{}, Model: chat.Model{Provider: m, SystemPrompt: "Be brief."}}
	for _, o := range opts {
		o(&cfg)
	}
	e, err := chat.New(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	g := &gateway{Engine: e, store: store, model: m, path: path}
	t.Cleanup(func() { g.close(t) })
	return g
}

// close stops the gateway at once. Closing twice does nothing.
func (g *gateway) close(t *testing.T) {
	if g.Engine == nil {
		return
	}
	now, cancel := context.WithCancel(context.Background())
	cancel()
	_ = g.Stop(now)
	if err := g.store.Close(); err != nil {
		t.Error(err)
	}
	g.Engine = nil
}

var alice = claw.Principal{Name: "alice", Workspace: "default", Permissions: claw.Permissions()}

// pending is a message on its way: Start called in a goroutine of its own.
type pending struct {
	started claw.Started
	err     error
	done    chan struct{}
	leave   context.CancelFunc
}

func (g *gateway) send(t *testing.T, p claw.Principal, req claw.ChatRequest) *pending {
	ctx, cancel := context.WithCancel(t.Context())
	s := &pending{done: make(chan struct{}), leave: cancel}
	if req.Channel == "" {
		req.Channel = claw.DefaultChannel
	}
	e := g.Engine
	go func() {
		defer close(s.done)
		s.started, s.err = e.Start(ctx, p, req)
	}()
	t.Cleanup(cancel)
	return s
}

func (s *pending) id(t *testing.T) string {
	t.Helper()
	<-s.done
	if s.err != nil {
		t.Fatalf("Start: %v", s.err)
	}
	return s.started.ID
}

func (s *pending) code() claw.Code {
	<-s.done
	return claw.CodeOf(s.err)
}

// watch reads a run's events to its end.
func (g *gateway) watch(t *testing.T, id string, after int64) []claw.Event {
	t.Helper()
	events, err := g.Watch(t.Context(), alice, id, after)
	if err != nil {
		t.Fatalf("Watch: %v", err)
	}
	if events == nil {
		return nil
	}
	var all []claw.Event
	for some, err := range events {
		if err != nil {
			t.Fatalf("Watch: %v", err)
		}
		all = append(all, some...)
	}
	return all
}

// end waits for the terminal event.
func (g *gateway) end(t *testing.T, id string) claw.Event {
	t.Helper()
	all := g.watch(t, id, 0)
	if len(all) == 0 || !all[len(all)-1].Terminal() {
		t.Fatalf("the events of %s do not end: %v", id, all)
	}
	return all[len(all)-1]
}

// until reads events until the run's text so far is want, so that a test knows how far the engine is.
func (g *gateway) until(t *testing.T, id, want string) {
	t.Helper()
	events, err := g.Watch(t.Context(), alice, id, 0)
	if err != nil {
		t.Fatalf("Watch: %v", err)
	}
	text := ""
	for some, err := range events {
		if err != nil {
			t.Fatalf("Watch: %v", err)
		}
		for _, ev := range some {
			if text += ev.Text; text == want {
				return
			}
		}
	}
	t.Fatalf("the run ended with %q, waited for %q", text, want)
}

// history gives a session's messages as "role status: content" lines.
func (g *gateway) history(t *testing.T, key string) string {
	t.Helper()
	ms, err := g.store.History(t.Context(), "default", key, claw.HistoryQuery{Limit: 100})
	if err != nil {
		return string(claw.CodeOf(err))
	}
	s, err := g.store.Session(t.Context(), "default", key)
	if err != nil || s.MessageCount != len(ms) {
		t.Errorf("the session counts %d messages (%v), its history has %d", s.MessageCount, err, len(ms))
	}
	var b strings.Builder
	for _, m := range ms {
		b.WriteString(string(m.Role) + " " + string(m.Status) + ": " + m.Content + "\n")
	}
	return b.String()
}

func wantHistory(t *testing.T, g *gateway, key string, lines ...string) {
	t.Helper()
	want := ""
	if len(lines) > 0 {
		want = strings.Join(lines, "\n") + "\n"
	}
	if got := g.history(t, key); got != want {
		t.Errorf("history of %s:\n%swant:\n%s", key, got, want)
	}
}

// flaky is a store that fails on demand, as a full disk does.
type flaky struct {
	claw.Store
	mu    sync.Mutex
	full  bool
	times int
}

var errFull = claw.Errorf(claw.Unavailable, "The storage is full.").Because(errors.New("disk full"))

// openOnFlaky opens a gateway whose store refuses writes when told to, and which checkpoints so often.
func openOnFlaky(t *testing.T, checkpointEvery time.Duration) (*gateway, *flaky) {
	t.Helper()
	disk := &flaky{}
	g := open(t, func(c *chat.Config) {
		disk.Store = c.Store
		c.Store = disk
		c.CheckpointEvery = checkpointEvery
	})
	return g, disk
}

func (f *flaky) fill(full bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.full = full
}

func (f *flaky) trouble() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.full {
		f.times++
		return errFull
	}
	return nil
}

// refused is how many writes it has refused.
func (f *flaky) refused() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.times
}

func (f *flaky) BeginRun(ctx context.Context, n claw.NewRun) (claw.Run, bool, error) {
	if err := f.trouble(); err != nil {
		return claw.Run{}, false, err
	}
	return f.Store.BeginRun(ctx, n)
}

func (f *flaky) SaveProgress(ctx context.Context, ps []claw.Progress) error {
	if err := f.trouble(); err != nil {
		return err
	}
	return f.Store.SaveProgress(ctx, ps)
}

func (f *flaky) EndRun(ctx context.Context, r claw.Run) error {
	if err := f.trouble(); err != nil {
		return err
	}
	return f.Store.EndRun(ctx, r)
}
