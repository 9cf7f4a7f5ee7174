package chat_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/openclaw/openclaw/claw"
)

func TestOneAtATimeInOrder(t *testing.T) {
	g := open(t)
	var sent []*pending
	for i := range 9 { // one at work, eight waiting
		sent = append(sent, g.send(t, alice, claw.ChatRequest{Message: fmt.Sprint("m", i), SessionKey: "s"}))
		if i > 0 {
			waitFor(t, func() bool { return g.Waiting() == i })
			continue
		}
		sent[0].id(t) // it blocks in the fake model, which no one has asked for its call yet
	}
	tenth := g.send(t, alice, claw.ChatRequest{Message: "too much", SessionKey: "s"})
	if tenth.code() != claw.SessionBusy || claw.AsError(tenth.err).RetryAfter <= 0 {
		t.Fatalf("the tenth: %v, want %s with a time to wait", tenth.err, claw.SessionBusy)
	}
	other := g.send(t, alice, claw.ChatRequest{Message: "x", SessionKey: "other"})
	other.id(t) // another session does not wait for this one

	var want []string
	for range 10 {
		c := g.model.next(t)
		last := c.prompt.Messages[len(c.prompt.Messages)-1].Content
		c.finish("re " + last)
		if last != "x" {
			want = append(want, "user complete: "+last, "assistant complete: re "+last)
		}
	}
	for i, s := range sent {
		g.end(t, s.id(t))
		if got := fmt.Sprint("user complete: m", i); want[2*i] != got {
			t.Errorf("message %d ran as %q", i, want[2*i])
		}
	}
	g.end(t, other.started.ID)
	wantHistory(t, g, "s", want...)
}

func TestLeavingTheQueue(t *testing.T) {
	g := open(t)
	first := g.send(t, alice, claw.ChatRequest{Message: "first", SessionKey: "s"})
	c := g.model.next(t)
	stays := g.send(t, alice, claw.ChatRequest{Message: "stays", SessionKey: "s"})
	waitFor(t, func() bool { return g.Waiting() == 1 })
	goes := g.send(t, alice, claw.ChatRequest{Message: "goes", SessionKey: "s", CancelOnDisconnect: true})
	waitFor(t, func() bool { return g.Waiting() == 2 })
	stays.leave()
	goes.leave()
	<-stays.done
	<-goes.done
	waitFor(t, func() bool { return g.Waiting() == 1 })
	c.finish("1")
	g.end(t, first.id(t))
	g.model.next(t).finish("2")
	waitFor(t, g.Idle)
	wantHistory(t, g, "s", "user complete: first", "assistant complete: 1", "user complete: stays", "assistant complete: 2")
}

func TestDeleteDuringARun(t *testing.T) {
	g := open(t)
	s := g.send(t, alice, claw.ChatRequest{Message: "q", SessionKey: "s"})
	c := g.model.next(t)
	id := s.id(t)
	c.text("part")
	g.until(t, id, "part")
	waits := g.send(t, alice, claw.ChatRequest{Message: "waits", SessionKey: "s"})
	waitFor(t, func() bool { return g.Waiting() == 1 })
	events, err := g.Watch(t.Context(), alice, id, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := g.DeleteSession(t.Context(), alice, "s"); err != nil {
		t.Fatalf("DeleteSession: %v", err)
	}
	<-c.gone
	if code := waits.code(); code != claw.SessionDeleted {
		t.Errorf("what waited got %s, want %s", code, claw.SessionDeleted)
	}
	var last claw.Event
	for some, err := range events {
		if err != nil {
			t.Fatal(err)
		}
		last = some[len(some)-1]
	}
	if claw.CodeOf(last.Err) != claw.SessionDeleted {
		t.Errorf("watchers got %v, want %s", last.Err, claw.SessionDeleted)
	}
	if got := g.history(t, "s"); got != string(claw.NotFound) {
		t.Errorf("its history: %s, want %s", got, claw.NotFound)
	}
	if err := g.DeleteSession(t.Context(), alice, "s"); claw.CodeOf(err) != claw.NotFound {
		t.Errorf("the second time: %v, want %s", err, claw.NotFound)
	}
	if _, err := g.Message(t.Context(), alice, id); claw.CodeOf(err) != claw.NotFound {
		t.Errorf("its message: %v, want %s", err, claw.NotFound)
	}

	again := g.send(t, alice, claw.ChatRequest{Message: "new", SessionKey: "s"})
	c = g.model.next(t)
	if len(c.prompt.Messages) != 1 {
		t.Errorf("the new session remembers: %v", c.prompt.Messages)
	}
	c.finish("fresh")
	g.end(t, again.id(t))
	wantHistory(t, g, "s", "user complete: new", "assistant complete: fresh")
}

// However a deletion and messages to the same session fall together, the session is there with whole turns or not at all.
func TestDeletionsAmongTurns(t *testing.T) {
	g := open(t)
	ctx, stop := context.WithCancel(t.Context())
	played := make(chan struct{})
	go func() {
		defer close(played)
		for {
			select {
			case c := <-g.model.calls:
				go c.finish("a")
			case <-ctx.Done():
				return
			}
		}
	}()
	deadline := time.Now().Add(500 * time.Millisecond)
	var senders []*pending
	for i := 0; time.Now().Before(deadline); i++ {
		s := g.send(t, alice, claw.ChatRequest{Message: fmt.Sprint(i), SessionKey: "s"})
		senders = append(senders, s)
		if i%3 == 0 {
			if err := g.DeleteSession(t.Context(), alice, "s"); err != nil && claw.CodeOf(err) != claw.NotFound {
				t.Fatal(err)
			}
		}
		<-s.done
	}
	for _, s := range senders {
		if code := s.code(); code != "" && code != claw.SessionDeleted {
			t.Errorf("a sender got %v", s.err)
		}
	}
	waitFor(t, g.Idle)
	if err := g.DeleteSession(t.Context(), alice, "s"); err != nil && claw.CodeOf(err) != claw.NotFound {
		t.Fatal(err)
	}
	if n, err := g.store.CountSessions(t.Context(), "default"); n != 0 || err != nil {
		t.Errorf("%d sessions are left (%v)", n, err)
	}
	stop()
	<-played
}
