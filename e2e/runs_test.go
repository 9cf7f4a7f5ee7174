package e2e

import (
	"context"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/openclaw/openclaw/model/modeltest/upstream"
)

// running starts a streamed answer that stops in its middle until someone ends it, and reads its first two deltas.
func running(ctx context.Context, t *testing.T, g *gateway, u *upstream.Server, body string, headers ...header) (id string, s *stream) {
	t.Helper()
	u.Queue(upstream.Script{Text: words(3), End: upstream.EndStall, After: 2})
	s, err := g.open(ctx, "POST", "/api/v1/chat/stream", body, headers...)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		ev, err := s.next()
		if err != nil {
			t.Fatal(err)
		}
		if ev.name == "start" {
			id = ev.field("id")
		}
	}
	return id, s
}

// hungUp waits until the provider sees that its client has left, and returns how long that took.
func hungUp(t *testing.T, u *upstream.Server, calls int) time.Duration {
	t.Helper()
	began := time.Now()
	err := u.Wait(t.Context(), func(rs []upstream.Request) bool { return len(rs) == calls && rs[calls-1].Gone })
	if err != nil {
		t.Fatal(err)
	}
	return time.Since(began)
}

func TestCancelReachesTheProvider(t *testing.T) {
	for _, wire := range upstream.Wires() {
		t.Run(string(wire), func(t *testing.T) {
			u, server := newUpstream(t)
			g := newGateway(t, api+models(server, wire)).start()
			id, s := running(t.Context(), t, g, u, message("q", "s"))
			r := g.do("POST", "/api/v1/messages/"+id+"/cancel", "")
			if r.status != http.StatusOK || r.text("status") != "incomplete" || r.text("content") != join(words(2)) || r.field("running") != nil {
				t.Errorf("cancel: %d %s", r.status, r.body)
			}
			t.Logf("the provider was hung up on %s after the cancel was answered", hungUp(t, u, 1))
			rest, err := s.rest()
			if err != nil || len(rest) != 1 || rest[0].name != "error" || rest[0].field("error.code") != "CANCELLED" {
				t.Errorf("the stream ended with %v %+v", err, rest)
			}
			if r := g.do("POST", "/api/v1/messages/"+id+"/cancel", ""); r.status != http.StatusOK {
				t.Errorf("the second cancel: %d %s", r.status, r.body)
			}
			if r := g.do("POST", "/api/v1/chat", message("next", "s")); r.status != http.StatusOK {
				t.Errorf("the session is not free: %d %s", r.status, r.body)
			}
		})
	}
}

func TestTheClientLeaves(t *testing.T) {
	u, server := newUpstream(t)
	g := newGateway(t, api+models(server, upstream.OpenAI)).start()

	ctx, leave := context.WithCancel(t.Context())
	id, _ := running(ctx, t, g, u, `{"message": "q", "onDisconnect": "cancel"}`)
	leave()
	hungUp(t, u, 1)
	events := g.events("GET", "/api/v1/messages/"+id+"/stream", "")
	if last := events[len(events)-1]; last.field("error.code") != "CANCELLED" {
		t.Errorf("with onDisconnect cancel it ended with %+v", last)
	}

	u.Queue(upstream.Script{Text: words(50), PerChunk: upstream.Duration(2 * time.Millisecond)})
	s, err := g.open(t.Context(), "POST", "/api/v1/chat/stream", message("q", ""))
	if err != nil {
		t.Fatal(err)
	}
	first, err := s.next()
	if err != nil {
		t.Fatal(err)
	}
	s.close()
	events = g.events("GET", "/api/v1/messages/"+first.field("id")+"/stream", "")
	if last := events[len(events)-1]; last.name != "done" || text(events) != join(words(50)) {
		t.Errorf("without its client it ended with %+v", last)
	}
}

func TestDeleteDuringARun(t *testing.T) {
	u, server := newUpstream(t)
	g := newGateway(t, api+models(server, upstream.OpenAI)).start()
	id, s := running(t.Context(), t, g, u, message("q", "s"))
	if r := g.do("DELETE", "/api/v1/sessions/s", ""); r.status != http.StatusNoContent {
		t.Errorf("DELETE: %d %s", r.status, r.body)
	}
	hungUp(t, u, 1)
	rest, err := s.rest()
	if err != nil || len(rest) != 1 || rest[0].field("error.code") != "SESSION_DELETED" {
		t.Errorf("the stream ended with %v %+v", err, rest)
	}
	if r := g.do("GET", "/api/v1/messages/"+id, ""); r.status != http.StatusNotFound {
		t.Errorf("the message of a deleted session: %d %s", r.status, r.body)
	}
}

func TestQueueOfASession(t *testing.T) {
	u, server := newUpstream(t)
	g := newGateway(t, api+models(server, upstream.OpenAI)).start()
	_, s := running(t.Context(), t, g, u, message("q", "s"))
	defer s.close()
	answers := make(chan reply, 20)
	for range 20 {
		go func() {
			r, err := g.try(t.Context(), "POST", "/api/v1/chat", message("waits", "s"))
			if err != nil {
				t.Error(err)
			}
			answers <- r
		}()
	}
	for range 12 { // those for whom there is no room, while the first is still running
		if r := <-answers; r.status != http.StatusConflict || r.text("error.code") != "SESSION_BUSY" || r.header.Get("Retry-After") == "" {
			t.Errorf("beyond the eighth: %d %v %s", r.status, r.header, r.body)
		}
	}
	history, _ := g.do("GET", "/api/v1/sessions/s/history", "").field("messages").([]any)
	if n := len(history); n != 1 {
		t.Errorf("history has %d messages while the first runs, want its question alone", n)
	}
	g.do("DELETE", "/api/v1/sessions/s", "")
	for range 8 {
		if r := <-answers; r.text("error.code") != "SESSION_DELETED" {
			t.Errorf("waiting when the session was deleted: %d %s", r.status, r.body)
		}
	}
}

// A duplicate of a streamed call attaches to the run and gets its events from the first.
func TestDuplicateStreamAttaches(t *testing.T) {
	u, server := newUpstream(t)
	g := newGateway(t, api+models(server, upstream.OpenAI)).start()
	key := header{"Idempotency-Key", "k"}
	id, first := running(t.Context(), t, g, u, message("q", "s"), key)
	second, err := g.open(t.Context(), "POST", "/api/v1/chat/stream", message("q", "s"), key)
	if err != nil {
		t.Fatal(err)
	}
	var seen []event
	for range 3 {
		ev, err := second.next()
		if err != nil {
			t.Fatal(err)
		}
		seen = append(seen, ev)
	}
	if seen[0].id != 1 || seen[0].field("id") != id || text(seen) != join(words(2)) {
		t.Errorf("the duplicate got %+v", seen)
	}
	g.do("POST", "/api/v1/messages/"+id+"/cancel", "")
	a, errA := first.rest()
	b, errB := second.rest()
	if errA != nil || errB != nil || !slices.Equal(a, b) || len(u.Requests()) != 1 {
		t.Errorf("the two ended with %v %+v and %v %+v; the model was called %d times", errA, a, errB, b, len(u.Requests()))
	}
}
