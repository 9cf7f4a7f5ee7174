package chat_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/openclaw/openclaw/chat"
	"github.com/openclaw/openclaw/claw"
)

func TestWholeTurn(t *testing.T) {
	g := open(t)
	s := g.send(t, alice, claw.ChatRequest{Message: "Hello", SessionKey: "s"})
	c := g.model.next(t)
	if want := (claw.Prompt{System: "Be brief.", Messages: []claw.PromptMessage{{Role: claw.RoleUser, Content: "Hello"}}}); !cmp.Equal(c.prompt, want) {
		t.Errorf("prompt: %s", cmp.Diff(want, c.prompt))
	}
	id := s.id(t)
	c.text("Hi ")
	c.finish("there")
	all := g.watch(t, id, 0)
	var types []claw.EventType
	for i, ev := range all {
		types = append(types, ev.Type)
		if ev.Seq != int64(i+1) {
			t.Errorf("event %d has seq %d", i+1, ev.Seq)
		}
	}
	if want := []claw.EventType{claw.EventStart, claw.EventDelta, claw.EventDelta, claw.EventDone}; !cmp.Equal(types, want) {
		t.Fatalf("events: %v", types)
	}
	done := all[3].Run
	if done.ID != id || done.SessionKey != "s" || done.Model != "fake-1" || done.Usage != (claw.Usage{InputTokens: 3, OutputTokens: 5}) || done.CreatedAt.IsZero() {
		t.Errorf("done: %+v", done)
	}
	wantHistory(t, g, "s", "user complete: Hello", "assistant complete: Hi there")

	for after := range int64(6) { // and the same again from the store, after any event
		if got, want := g.watch(t, id, after), all[min(after, 4):]; !cmp.Equal(got, want, cmpopts.EquateEmpty()) {
			t.Errorf("replay after %d: %s", after, cmp.Diff(want, got))
		}
	}
}

// Whoever sees done finds the answer in history: the store has it before the event is told.
func TestDoneIsDurable(t *testing.T) {
	g := open(t)
	for i := range 50 {
		key := fmt.Sprint("s", i)
		s := g.send(t, alice, claw.ChatRequest{Message: "q", SessionKey: key})
		c := g.model.next(t)
		go c.finish("a")
		g.end(t, s.id(t))
		wantHistory(t, g, key, "user complete: q", "assistant complete: a")
	}
}

func TestConversationGoesToTheModel(t *testing.T) {
	g := open(t)
	play := func(message string, answer func(*call)) {
		s := g.send(t, alice, claw.ChatRequest{Message: message, SessionKey: "s"})
		answer(g.model.next(t))
		g.end(t, s.id(t))
	}
	play("one", func(c *call) { c.finish("1") })
	play("two", func(c *call) { c.text("tw"); c.fail(claw.ModelErrorf(claw.ReasonTruncated, "broke off")) })
	play("three", func(c *call) { c.finish("") }) // complete, but empty
	s := g.send(t, alice, claw.ChatRequest{Message: "four", SessionKey: "s"})
	c := g.model.next(t)
	want := []claw.PromptMessage{
		{Role: claw.RoleUser, Content: "one"}, {Role: claw.RoleAssistant, Content: "1"},
		{Role: claw.RoleUser, Content: "two\n\nthree\n\nfour"},
	}
	if !cmp.Equal(c.prompt.Messages, want) {
		t.Errorf("prompt: %s", cmp.Diff(want, c.prompt.Messages))
	}
	c.finish("4")
	g.end(t, s.id(t))
	wantHistory(t, g, "s", "user complete: one", "assistant complete: 1", "user complete: two", "assistant failed: tw",
		"user complete: three", "assistant complete: ", "user complete: four", "assistant complete: 4")
}

func TestHowRunsEnd(t *testing.T) {
	rejected := claw.ModelErrorf(claw.ReasonRejected, "no")
	for _, tc := range []struct {
		name   string
		play   func(*call)
		code   claw.Code
		reason claw.Reason
		answer string // history's last line, "" for none
	}{
		{"refused at once", func(c *call) { c.fail(rejected) }, claw.ModelError, claw.ReasonRejected, ""},
		{"fails in the middle", func(c *call) { c.text("part"); c.fail(rejected) }, claw.ModelError, claw.ReasonRejected, "assistant failed: part"},
		{"ends without an end", func(c *call) { c.text("part"); close(c.say) }, claw.ModelError, claw.ReasonTruncated, "assistant failed: part"},
		{"says nothing at all", func(c *call) { close(c.say) }, claw.ModelError, claw.ReasonTruncated, ""},
		{"grows too long", func(c *call) { c.text("part"); c.text(strings.Repeat("x", 100)) }, claw.ModelError, claw.ReasonRejected, "assistant failed: part"},
		{"stalls", func(c *call) { c.text("part") }, claw.ModelError, claw.ReasonTimeout, "assistant failed: part"},
		{"an adapter panics", func(c *call) { c.text("part"); c.send(said{panic: true}) }, claw.InternalError, "", "assistant failed: part"},
		{"an adapter's own error", func(c *call) { c.fail(errors.New("secret detail")) }, claw.InternalError, "", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			g := open(t, func(c *chat.Config) {
				c.MaxAnswerBytes = 50
				if tc.reason == claw.ReasonTimeout {
					c.RunTimeout = time.Second // which saying "part" must not take
				}
			})
			s := g.send(t, alice, claw.ChatRequest{Message: "q", SessionKey: "s"})
			c := g.model.next(t)
			tc.play(c)
			ev := g.end(t, s.id(t))
			<-c.gone
			if ev.Type != claw.EventError || ev.Err.Code != tc.code || ev.Err.Reason != tc.reason {
				t.Errorf("ended with %s %v, want %s %s", ev.Type, ev.Err, tc.code, tc.reason)
			}
			if ev.Err != nil && strings.Contains(ev.Err.Message, "secret") {
				t.Errorf("the cause is shown: %s", ev.Err.Message)
			}
			want := []string{"user complete: q"}
			if tc.answer != "" {
				want = append(want, tc.answer)
			}
			wantHistory(t, g, "s", want...)

			g.SetModel(chat.Model{Provider: g.model})
			s = g.send(t, alice, claw.ChatRequest{Message: "q2", SessionKey: "s"}) // and the session is free
			g.model.next(t).finish("a2")
			if ev := g.end(t, s.id(t)); ev.Type != claw.EventDone {
				t.Errorf("the next turn ended with %v", ev.Err)
			}
		})
	}
}

func TestUsageIsEstimatedWhereTheProviderGivesNone(t *testing.T) {
	g := open(t)
	for _, usage := range []*claw.Usage{nil, {}} {
		s := g.send(t, alice, claw.ChatRequest{Message: "12345678"})
		g.model.next(t).finishWith("1234", usage)
		if got, want := g.end(t, s.id(t)).Run.Usage, (claw.Usage{InputTokens: 5, OutputTokens: 1, Estimated: true}); got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
}

func TestClientLeaves(t *testing.T) {
	g := open(t)
	s := g.send(t, alice, claw.ChatRequest{Message: "q", SessionKey: "s"})
	c := g.model.next(t)
	id := s.id(t)
	s.leave()
	c.text("still ")
	c.finish("here")
	g.end(t, id)
	wantHistory(t, g, "s", "user complete: q", "assistant complete: still here")
}

func TestClientLeavesAndCancels(t *testing.T) {
	g := open(t)
	s := g.send(t, alice, claw.ChatRequest{Message: "q", SessionKey: "s", CancelOnDisconnect: true})
	c := g.model.next(t)
	id := s.id(t)
	c.text("part")
	g.until(t, id, "part")
	s.leave()
	<-c.gone
	if ev := g.end(t, id); claw.CodeOf(ev.Err) != claw.Cancelled {
		t.Errorf("ended with %v, want %s", ev.Err, claw.Cancelled)
	}
	wantHistory(t, g, "s", "user complete: q", "assistant incomplete: part")
}

func TestCancel(t *testing.T) {
	g := open(t)
	s := g.send(t, alice, claw.ChatRequest{Message: "q", SessionKey: "s"})
	c := g.model.next(t)
	id := s.id(t)
	c.text("part")
	g.until(t, id, "part")
	if m, err := g.Message(t.Context(), alice, id); err != nil || !m.Running || m.Content != "part" || m.Status != claw.StatusIncomplete || m.SessionKey != "s" {
		t.Errorf("while it runs: %+v, %v", m, err)
	}
	for range 2 { // the second time it has ended already
		m, err := g.Cancel(t.Context(), alice, id)
		if err != nil || m.Running || m.Content != "part" || m.Status != claw.StatusIncomplete || claw.CodeOf(m.Err) != claw.Cancelled {
			t.Errorf("cancelled: %+v, %v", m, err)
		}
	}
	<-c.gone
	wantHistory(t, g, "s", "user complete: q", "assistant incomplete: part")

	bob := claw.Principal{Name: "bob", Workspace: "elsewhere"}
	if _, err := g.Cancel(t.Context(), bob, id); claw.CodeOf(err) != claw.NotFound {
		t.Errorf("from another workspace: %v", err)
	}
	ms, err := g.store.History(t.Context(), "default", "s", claw.HistoryQuery{Limit: 1, Before: id})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := g.Cancel(t.Context(), alice, ms[0].ID); claw.CodeOf(err) != claw.NotFound {
		t.Errorf("a user's message: %v", err)
	}
}

func TestOtherWorkspacesSeeNothing(t *testing.T) {
	g := open(t)
	bob := claw.Principal{Name: "bob", Workspace: "elsewhere"}
	s := g.send(t, alice, claw.ChatRequest{Message: "q", SessionKey: "s"})
	c := g.model.next(t)
	id := s.id(t)
	look := func(when string) {
		t.Helper()
		if _, err := g.Watch(t.Context(), bob, id, 0); claw.CodeOf(err) != claw.NotFound {
			t.Errorf("%s: Watch: %v", when, err)
		}
		if _, err := g.Message(t.Context(), bob, id); claw.CodeOf(err) != claw.NotFound {
			t.Errorf("%s: Message: %v", when, err)
		}
		if err := g.DeleteSession(t.Context(), bob, "s"); claw.CodeOf(err) != claw.NotFound {
			t.Errorf("%s: DeleteSession: %v", when, err)
		}
	}
	look("while it runs")
	c.finish("a")
	g.end(t, id)
	look("when it has ended")
	wantHistory(t, g, "s", "user complete: q", "assistant complete: a")
}

func TestWatchOfWhatHasNotHappened(t *testing.T) {
	g := open(t)
	s := g.send(t, alice, claw.ChatRequest{Message: "q"})
	c := g.model.next(t)
	id := s.id(t)
	if _, err := g.Watch(t.Context(), alice, id, 7); claw.CodeOf(err) != claw.InvalidRequest {
		t.Errorf("got %v, want %s", err, claw.InvalidRequest)
	}
	c.finish("a")
	g.end(t, id)
	if events, err := g.Watch(t.Context(), alice, id, 7); events != nil || err != nil {
		t.Errorf("past the end: %v, %v; want neither events nor an error", events, err)
	}
}

func TestWait(t *testing.T) {
	g := open(t)
	bob := claw.Principal{Name: "bob", Workspace: "elsewhere"}
	s := g.send(t, alice, claw.ChatRequest{Message: "q", SessionKey: "s"})
	c := g.model.next(t)
	id := s.id(t)
	if _, err := g.Wait(t.Context(), bob, id); claw.CodeOf(err) != claw.NotFound {
		t.Errorf("from another workspace: %v", err)
	}
	impatient, leave := context.WithCancelCause(t.Context())
	leave(errLeft)
	if _, err := g.Wait(impatient, alice, id); !errors.Is(err, errLeft) {
		t.Errorf("whoever leaves is told %v", err)
	}
	type waited struct {
		m   claw.MessageView
		err error
	}
	live := make(chan waited)
	go func() {
		m, err := g.Wait(t.Context(), alice, id)
		live <- waited{m, err}
	}()
	c.text("an ")
	g.until(t, id, "an ")
	c.finish("answer")
	got := <-live
	later, err := g.Wait(t.Context(), alice, id)
	for when, w := range map[string]waited{"live": got, "later": {later, err}} {
		if w.err != nil || w.m.Running || w.m.Content != "an answer" || w.m.Status != claw.StatusComplete || w.m.SessionKey != "s" {
			t.Errorf("%s: %+v, %v", when, w.m, w.err)
		}
	}
}

var errLeft = errors.New("left")

func TestStop(t *testing.T) {
	g := open(t)
	ends := g.send(t, alice, claw.ChatRequest{Message: "ends in time", SessionKey: "a"})
	endsCall := g.model.next(t)
	stays := g.send(t, alice, claw.ChatRequest{Message: "does not", SessionKey: "b"})
	staysCall := g.model.next(t)
	waits := g.send(t, alice, claw.ChatRequest{Message: "waits", SessionKey: "b"})
	endsID, staysID := ends.id(t), stays.id(t)
	staysCall.text("part")
	waitFor(t, func() bool { return g.Waiting() == 1 })

	ctx, deadline := context.WithCancel(t.Context())
	stopped := make(chan error)
	e := g.Engine
	go func() { stopped <- e.Stop(ctx) }()
	if code := waits.code(); code != claw.Unavailable {
		t.Errorf("what waited got %s, want %s", code, claw.Unavailable)
	}
	waitFor(t, g.Closing)
	if s := g.send(t, alice, claw.ChatRequest{Message: "new"}); s.code() != claw.Unavailable {
		t.Errorf("new work got %v, want %s", s.err, claw.Unavailable)
	}
	endsCall.finish("done")
	if ev := g.end(t, endsID); ev.Type != claw.EventDone {
		t.Errorf("a run that ends in time: %v", ev.Err)
	}
	deadline()
	if ev := g.end(t, staysID); claw.CodeOf(ev.Err) != claw.Unavailable {
		t.Errorf("a run that does not: %v", ev.Err)
	}
	if err := <-stopped; !errors.Is(err, context.Canceled) {
		t.Errorf("Stop: %v", err)
	}
	wantHistory(t, g, "a", "user complete: ends in time", "assistant complete: done")
	wantHistory(t, g, "b", "user complete: does not", "assistant incomplete: part")
}

func TestStopWithNothingToWaitFor(t *testing.T) {
	for range 20 { // whichever it notices first: that nothing is at work, or that there is no time
		g := open(t)
		now, cancel := context.WithCancel(t.Context())
		cancel()
		if err := g.Stop(now); err != nil {
			t.Fatalf("Stop without any work: %v", err)
		}
		if err := g.store.Close(); err != nil {
			t.Error(err)
		}
		g.Engine = nil
	}
}

// waitFor waits for a condition that no event tells of.
func waitFor(t *testing.T, cond func() bool) {
	t.Helper()
	for !cond() {
		select {
		case <-t.Context().Done():
			t.Fatal("waited in vain")
		case <-time.After(time.Millisecond):
		}
	}
}
