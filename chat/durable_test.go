package chat_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/openclaw/openclaw/chat"
	"github.com/openclaw/openclaw/claw"
	"github.com/openclaw/openclaw/store/sqlite"
)

func TestIdempotencyKey(t *testing.T) {
	g := open(t)
	req := claw.ChatRequest{Message: "q", IdempotencyKey: "k"}

	first := g.send(t, alice, req)
	c := g.model.next(t)
	id := first.id(t)
	var joined []*pending
	for range 5 {
		joined = append(joined, g.send(t, alice, req))
	}
	for _, s := range joined {
		if s.id(t) != id || s.started.Replayed || s.started.SessionKey != first.started.SessionKey {
			t.Errorf("in flight: %+v, want the same run", s.started)
		}
	}
	if s := g.send(t, alice, claw.ChatRequest{Message: "other", IdempotencyKey: "k"}); s.code() != claw.IdempotencyKeyReused {
		t.Errorf("in flight, another body: %v", s.err)
	}
	bob := claw.Principal{Name: "bob", Workspace: "default", Permissions: claw.Permissions()}
	bobs := g.send(t, bob, req)
	g.model.next(t).finish("for bob")
	if bobs.id(t) == id {
		t.Error("another token's key joined this run")
	}

	c.finish("a")
	g.end(t, id)
	waitFor(t, g.Idle)
	if s := g.send(t, alice, req); s.id(t) != id || !s.started.Replayed {
		t.Errorf("completed: %+v, want a replay", s.started)
	}
	if s := g.send(t, alice, claw.ChatRequest{Message: "other", IdempotencyKey: "k"}); s.code() != claw.IdempotencyKeyReused {
		t.Errorf("completed, another body: %v", s.err)
	}
	wantHistory(t, g, first.started.SessionKey, "user complete: q", "assistant complete: a")

	g.close(t)
	g = openAt(t, g.path)
	if s := g.send(t, alice, req); s.id(t) != id || !s.started.Replayed {
		t.Errorf("after a restart: %+v, want a replay", s.started)
	}
	if n := g.Held(); n != 0 {
		t.Errorf("the engine still holds %d things", n)
	}
}

func TestIdempotencyKeyAfterAFailure(t *testing.T) {
	g := open(t)
	req := claw.ChatRequest{Message: "q", IdempotencyKey: "k"}
	first := g.send(t, alice, req)
	c := g.model.next(t)
	c.text("par")
	c.fail(claw.ModelErrorf(claw.ReasonTruncated, "broke off"))
	g.end(t, first.id(t))
	waitFor(t, g.Idle)

	second := g.send(t, alice, req)
	c = g.model.next(t)
	if second.id(t) == first.started.ID || second.started.SessionKey != first.started.SessionKey || second.started.Replayed {
		t.Errorf("got %+v, want a new run in the session of %+v", second.started, first.started)
	}
	if want := []claw.PromptMessage{{Role: claw.RoleUser, Content: "q"}}; !cmp.Equal(c.prompt.Messages, want) {
		t.Errorf("prompt: %s", cmp.Diff(want, c.prompt.Messages))
	}
	c.finish("whole")
	g.end(t, second.started.ID)
	waitFor(t, g.Idle)
	if third := g.send(t, alice, req); third.id(t) != second.started.ID || !third.started.Replayed {
		t.Errorf("got %+v, want the second run replayed", third.started)
	}
	wantHistory(t, g, first.started.SessionKey, "user complete: q", "assistant failed: par", "assistant complete: whole")
}

// A token that was moved to another workspace must not see into the one that it has left, so its keys are new there.
func TestIdempotencyKeyInAnotherWorkspace(t *testing.T) {
	for _, message := range []string{"q", "another body"} {
		for _, inFlight := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, in flight %v", message, inFlight), func(t *testing.T) {
				g := open(t)
				first := g.send(t, alice, claw.ChatRequest{Message: "q", IdempotencyKey: "k"})
				c := g.model.next(t)
				id := first.id(t)
				if !inFlight {
					c.finish("a")
					g.end(t, id)
				}
				moved := alice
				moved.Workspace = "elsewhere"
				s := g.send(t, moved, claw.ChatRequest{Message: message, IdempotencyKey: "k"})
				if s.id(t) == id || s.started.Replayed || s.started.SessionKey == first.started.SessionKey {
					t.Fatalf("got %+v, want a new run beside %+v", s.started, first.started)
				}
				g.model.next(t).finish("b")
				if inFlight {
					c.finish("a")
					g.end(t, id)
				}
				wantHistory(t, g, first.started.SessionKey, "user complete: q", "assistant complete: a")
			})
		}
	}
}

func TestIdempotentReplayDoesNotQueue(t *testing.T) {
	g := open(t)
	req := claw.ChatRequest{Message: "q", SessionKey: "s", IdempotencyKey: "k"}
	first := g.send(t, alice, req)
	g.model.next(t).finish("a")
	g.end(t, first.id(t))
	waitFor(t, g.Idle)
	busy := g.send(t, alice, claw.ChatRequest{Message: "long", SessionKey: "s"})
	c := g.model.next(t)
	if s := g.send(t, alice, req); s.id(t) != first.started.ID || !s.started.Replayed {
		t.Errorf("got %+v, want a replay beside the run", s.started)
	}
	c.finish("b")
	g.end(t, busy.id(t))
}

func TestCheckpoints(t *testing.T) {
	g := open(t, func(c *chat.Config) { c.CheckpointEvery = time.Millisecond })
	s := g.send(t, alice, claw.ChatRequest{Message: "q", SessionKey: "s"})
	c := g.model.next(t)
	id := s.id(t)
	for _, want := range []string{"a", "ab", "abc"} {
		c.text(want[len(want)-1:])
		waitFor(t, func() bool {
			r, err := g.store.Run(t.Context(), "default", id)
			return err == nil && r.Answer.Content == want && len(r.Deltas) == len(want) && r.Running
		})
	}
	c.finish("d")
	g.end(t, id)
	wantHistory(t, g, "s", "user complete: q", "assistant complete: abcd")
}

func TestCheckpointsThatFail(t *testing.T) {
	g, disk := openOnFlaky(t, time.Millisecond)
	s := g.send(t, alice, claw.ChatRequest{Message: "q", SessionKey: "s"})
	c := g.model.next(t)
	id := s.id(t)
	disk.fill(true)
	for i, text := range []string{"a", "b", "c"} { // more comes while what came before still waits to be stored
		c.text(text)
		failed := disk.refused()
		waitFor(t, func() bool { return disk.refused() >= failed+2 })
		if r, err := g.store.Run(t.Context(), "default", id); err != nil || r.Answer.Content != "" {
			t.Fatalf("after %d texts on a full disk: %+v, %v", i+1, r, err)
		}
	}
	disk.fill(false)
	waitFor(t, func() bool {
		r, err := g.store.Run(t.Context(), "default", id)
		if err == nil && len(r.Answer.Content) > len("abc") {
			t.Fatalf("stored twice: %q", r.Answer.Content)
		}
		return err == nil && r.Answer.Content == "abc" && len(r.Deltas) == 3
	})
	c.finish("d")
	g.end(t, id)
	wantHistory(t, g, "s", "user complete: q", "assistant complete: abcd")
}

// A process that is killed runs no code of ours, so what it leaves is made with the store alone, and its successor is real.
func TestRecovery(t *testing.T) {
	path := t.TempDir() + "/openclaw.db"
	store, err := sqlite.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"some", "none"} {
		n := claw.NewRun{
			ID: "msg_" + key, Token: "alice", Workspace: "default", SessionKey: key, Channel: "api",
			User: claw.Message{ID: "msg_u" + key, Role: claw.RoleUser, Content: "q", Status: claw.StatusComplete, CreatedAt: time.Now()},
		}
		if _, _, err := store.BeginRun(t.Context(), n); err != nil {
			t.Fatal(err)
		}
	}
	if err := store.SaveProgress(t.Context(), []claw.Progress{{RunID: "msg_some", Text: "prefix", Deltas: []int{3, 3}}}); err != nil {
		t.Fatal(err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}

	g := openAt(t, path)
	wantHistory(t, g, "some", "user complete: q", "assistant incomplete: prefix")
	wantHistory(t, g, "none", "user complete: q")
	all := g.watch(t, "msg_some", 0)
	if len(all) != 4 || all[1].Text != "pre" || all[2].Text != "fix" || claw.CodeOf(all[3].Err) != claw.Unavailable {
		t.Errorf("whoever comes back gets %+v", all)
	}
	// Also a watcher who had seen events that were never checkpointed is told of the end.
	if late := g.watch(t, "msg_some", 40); len(late) != 1 || claw.CodeOf(late[0].Err) != claw.Unavailable {
		t.Errorf("whoever comes back from event 40 gets %+v", late)
	}
	s := g.send(t, alice, claw.ChatRequest{Message: "again", SessionKey: "some"})
	c := g.model.next(t)
	want := []claw.PromptMessage{
		{Role: claw.RoleUser, Content: "q"}, {Role: claw.RoleAssistant, Content: "prefix"}, {Role: claw.RoleUser, Content: "again"},
	}
	if !cmp.Equal(c.prompt.Messages, want) {
		t.Errorf("prompt: %s", cmp.Diff(want, c.prompt.Messages))
	}
	c.finish("a")
	g.end(t, s.id(t))
}

func TestStorageTrouble(t *testing.T) {
	g, disk := openOnFlaky(t, time.Millisecond)
	s := g.send(t, alice, claw.ChatRequest{Message: "q", SessionKey: "s"})
	c := g.model.next(t)
	id := s.id(t)
	disk.fill(true)
	c.finish("whole answer")
	if ev := g.end(t, id); claw.CodeOf(ev.Err) != claw.Unavailable {
		t.Errorf("an answer that cannot be stored ended with %+v, want %s", ev, claw.Unavailable)
	}
	if s := g.send(t, alice, claw.ChatRequest{Message: "new", SessionKey: "s"}); s.code() != claw.Unavailable {
		t.Errorf("new work got %v, want %s", s.err, claw.Unavailable)
	}
	if m, err := g.Message(t.Context(), alice, id); err != nil || m.Running || m.Content != "whole answer" || m.Status != claw.StatusIncomplete {
		t.Errorf("the message: %+v, %v", m, err)
	}
	disk.fill(false)
	waitFor(t, func() bool { return g.Held() == 0 }) // heals by itself
	wantHistory(t, g, "s", "user complete: q", "assistant incomplete: whole answer")
	if ev := g.end(t, id); claw.CodeOf(ev.Err) != claw.Unavailable {
		t.Errorf("from the store it ends with %+v, want what the watchers were told", ev)
	}
	s = g.send(t, alice, claw.ChatRequest{Message: "q2", SessionKey: "s"})
	g.model.next(t).finish("a2")
	g.end(t, s.id(t))
	wantHistory(t, g, "s", "user complete: q", "assistant incomplete: whole answer", "user complete: q2", "assistant complete: a2")
}

// What is deleted is gone at once, also where its end is still kept in memory for want of room.
func TestDeletionOfWhatCouldNotBeStored(t *testing.T) {
	g, disk := openOnFlaky(t, time.Hour)
	s := g.send(t, alice, claw.ChatRequest{Message: "q", SessionKey: "s"})
	c := g.model.next(t)
	id := s.id(t)
	disk.fill(true)
	c.finish("answer")
	g.end(t, id)
	disk.fill(false)
	if err := g.DeleteSession(t.Context(), alice, "s"); err != nil {
		t.Fatal(err)
	}
	if m, err := g.Message(t.Context(), alice, id); claw.CodeOf(err) != claw.NotFound {
		t.Errorf("its message: %+v, %v; want %s", m, err, claw.NotFound)
	}
	if _, err := g.Watch(t.Context(), alice, id, 0); claw.CodeOf(err) != claw.NotFound {
		t.Errorf("its events: %v, want %s", err, claw.NotFound)
	}
}

// The last chance for an end that could not be stored is when the gateway stops.
func TestStopStoresWhatCouldNotBeStored(t *testing.T) {
	g, disk := openOnFlaky(t, time.Hour)
	s := g.send(t, alice, claw.ChatRequest{Message: "q", SessionKey: "s"})
	c := g.model.next(t)
	id := s.id(t)
	disk.fill(true)
	c.finish("whole answer")
	g.end(t, id)
	disk.fill(false)
	g.close(t)
	g = openAt(t, g.path)
	wantHistory(t, g, "s", "user complete: q", "assistant incomplete: whole answer")
}

// faulty is a store with a defect that the first message meets.
type faulty struct {
	claw.Store
	met bool
}

func (f *faulty) BeginRun(ctx context.Context, n claw.NewRun) (claw.Run, bool, error) {
	if !f.met {
		f.met = true
		panic("a defect")
	}
	return f.Store.BeginRun(ctx, n)
}

// A defect costs the message that meets it, and neither the session nor the end of the gateway waits for it.
func TestAPanicDoesNotHoldUpTheSession(t *testing.T) {
	g := open(t, func(c *chat.Config) { c.Store = &faulty{Store: c.Store} })
	if s := g.send(t, alice, claw.ChatRequest{Message: "q", SessionKey: "s", IdempotencyKey: "k"}); s.code() != claw.InternalError {
		t.Fatalf("the message that met the defect: %v", s.err)
	}
	s := g.send(t, alice, claw.ChatRequest{Message: "again", SessionKey: "s", IdempotencyKey: "k2"})
	g.model.next(t).finish("a")
	g.end(t, s.id(t))
	waitFor(t, g.Idle)
}
