package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/openclaw/openclaw/model/modeltest/upstream"
)

// words is an answer in n pieces, with text that is easily broken: several bytes a character, line ends, an event of its own.
func words(n int) []string {
	odd := []string{"plain ", "zwölf ", "日本 ", "🦀 ", "\n\n", "event: done\ndata: {}\n\n", "\u202e", "</script>", "\x1b[31m"}
	out := make([]string, n)
	for i := range out {
		out[i] = odd[i%len(odd)] + strconv.Itoa(i)
	}
	return out
}

// A stream that is cut after any of its events and taken up again is the same stream.
func TestResumeAfterEveryEvent(t *testing.T) {
	u, server := newUpstream(t)
	g := newGateway(t, api+models(server, upstream.OpenAI)).start()
	const events = 200
	u.Default(upstream.Script{Text: words(events - 2), PerChunk: upstream.Duration(time.Millisecond)})

	whole := map[string][]event{} // by message id, as put together from two streams
	var mu sync.Mutex
	var cuts sync.WaitGroup
	slots := make(chan struct{}, 16)
	for cut := 1; cut <= events; cut++ {
		slots <- struct{}{}
		cuts.Go(func() {
			defer func() { <-slots }()
			id, all, err := g.cutAndResume(cut)
			if err != nil {
				t.Errorf("cut after %d: %v", cut, err)
				return
			}
			mu.Lock()
			whole[id] = all
			mu.Unlock()
		})
	}
	cuts.Wait()
	same := func(when string) {
		t.Helper()
		identical := 0
		for id, got := range whole {
			if want := g.events("GET", "/api/v1/messages/"+id+"/stream", ""); slices.Equal(got, want) && len(want) == events {
				identical++
			} else {
				t.Errorf("%s: put together: %d events, replayed: %d events, and they differ", when, len(got), len(want))
			}
		}
		t.Logf("%s: %d of %d identical", when, identical, events)
	}
	same("finished")
	g.kill()
	g.start()
	same("after a SIGKILL and a restart")

	for id, all := range whole { // one of them again after each event, from the store
		for k := range events {
			got := g.events("GET", fmt.Sprintf("/api/v1/messages/%s/stream?after=%d", id, k), "")
			if !slices.Equal(got, all[k:]) {
				t.Errorf("after event %d: got %d events, want %d", k, len(got), len(all)-k)
			}
		}
		r := g.do("GET", "/api/v1/messages/"+id+"/stream", "", header{"Last-Event-ID", strconv.Itoa(events)})
		if r.status != http.StatusNoContent {
			t.Errorf("past the terminal event: %d", r.status)
		}
		break
	}
}

// cutAndResume reads a stream up to an event, drops the connection, and takes the stream up behind it.
func (g *gateway) cutAndResume(cut int) (id string, all []event, err error) {
	ctx := g.t.Context()
	s, err := g.open(ctx, "POST", "/api/v1/chat/stream", message("q", ""))
	if err != nil {
		return "", nil, err
	}
	for len(all) < cut {
		ev, err := s.next()
		if err != nil {
			s.close()
			return "", nil, err
		}
		all = append(all, ev)
	}
	s.close()
	id = all[0].field("id")
	if all[len(all)-1].terminal() {
		return id, all, nil
	}
	s, err = g.open(ctx, "GET", "/api/v1/messages/"+id+"/stream", "", header{"Last-Event-ID", strconv.FormatInt(all[cut-1].id, 10)})
	if err != nil {
		return "", nil, err
	}
	more, err := s.rest()
	return id, append(all, more...), err
}

// Whoever watches when the gateway is killed, and whoever comes back, gets the prefix and then the end.
func TestResumeAfterAKillInTheMiddle(t *testing.T) {
	u, server := newUpstream(t)
	g := newGateway(t, api+models(server, upstream.Anthropic)).start()
	u.Queue(upstream.Script{Text: words(10), PerChunk: upstream.Duration(5 * time.Millisecond), End: upstream.EndStall, After: 10})
	s, err := g.open(t.Context(), "POST", "/api/v1/chat/stream", message("q", "s"))
	if err != nil {
		t.Fatal(err)
	}
	var seen []event
	for len(seen) < 11 {
		ev, err := s.next()
		if err != nil {
			t.Fatal(err)
		}
		seen = append(seen, ev)
	}
	id := seen[0].field("id")
	g.kill()
	if _, err := s.rest(); err == nil {
		t.Error("the stream of a killed gateway ended as if it were whole")
	}
	g.start()
	back := g.events("GET", "/api/v1/messages/"+id+"/stream", "", header{"Last-Event-ID", strconv.FormatInt(seen[10].id, 10)})
	if len(back) != 1 || back[0].name != "error" || back[0].field("error.code") != "UNAVAILABLE" {
		t.Errorf("behind all that was seen: %+v, want the terminal error alone", back)
	}
	all := g.events("GET", "/api/v1/messages/"+id+"/stream", "")
	prefix, full := text(all), text(seen)
	if len(prefix) > len(full) || full[:len(prefix)] != prefix || all[len(all)-1].name != "error" {
		t.Errorf("from the start: %q, want a prefix of %q and an error", prefix, full)
	}
	m := g.do("GET", "/api/v1/messages/"+id, "")
	if m.text("status") != "incomplete" || m.text("content") != prefix {
		t.Errorf("the message: %s", m.body)
	}
	u.Queue(upstream.Script{Text: []string{"fine"}})
	if r := g.do("POST", "/api/v1/chat", message("go on", "s")); r.text("content") != "fine" {
		t.Errorf("the session is not free: %d %s", r.status, r.body)
	}
}

// Whatever the upstream does at whatever place: one terminal event, failover only before anything was sent.
func TestUpstreamBreaksAtEveryEvent(t *testing.T) {
	const chunks = 10
	for _, end := range []upstream.End{upstream.EndAbort, upstream.EndReset, upstream.EndTruncate, upstream.EndError} {
		t.Run(string(end), func(t *testing.T) {
			t.Parallel()
			first, firstServer := newUpstream(t)
			second, secondServer := newUpstream(t)
			second.Default(upstream.Script{Text: []string{"from the second"}})
			g := newGateway(t, api+fmt.Sprintf(`models:
  default: one/m
  fallbacks: [two/m]
  providers:
    one: {type: openai, baseUrl: %q}
    two: {type: anthropic, apiKey: k, baseUrl: %q}
`, firstServer.URL+"/v1", secondServer.URL))
			for after := range chunks + 1 {
				g.start() // afresh: after five failures in a row a provider would rest
				script := upstream.Script{Text: words(chunks), End: end, After: after}
				first.Replace(script, script) // the first try, and the retry where there is one
				events := g.events("POST", "/api/v1/chat/stream", message("q", ""))
				terminals := 0
				for _, ev := range events {
					if ev.terminal() {
						terminals++
					}
				}
				last := events[len(events)-1]
				switch {
				case terminals != 1 || !last.terminal():
					t.Errorf("after %d: %d terminal events, the last event is %s", after, terminals, last.name)
				case after == 0 && (last.name != "done" || text(events) != "from the second"):
					t.Errorf("before anything was sent: %q and %+v, want the second model's answer", text(events), last)
				case after > 0 && (last.name != "error" || text(events) != join(words(chunks)[:after])):
					t.Errorf("after %d: %q and %+v, want the prefix and an error", after, text(events), last)
				}
				g.kill()
			}
			if n := len(second.Requests()); n != 1 {
				t.Errorf("the second model was asked %d times, want once", n)
			}
		})
	}
}

func join(parts []string) string {
	all := ""
	for _, p := range parts {
		all += p
	}
	return all
}

// A duplicate of a streamed call joins the run and gets its events from the first.
func TestManyCallsWithOneKey(t *testing.T) {
	u, server := newUpstream(t)
	g := newGateway(t, api+models(server, upstream.OpenAI)).start()
	key := header{"Idempotency-Key", "the one key"}
	call := func(n int) []reply {
		replies := make([]reply, n)
		var callers sync.WaitGroup
		for i := range n {
			callers.Go(func() {
				r, err := g.try(t.Context(), "POST", "/api/v1/chat", message("q", ""), key)
				if err == nil {
					replies[i] = r
				}
			})
		}
		callers.Wait()
		return replies
	}
	equal := func(when string, replies []reply, calls int) {
		t.Helper()
		for _, r := range replies {
			if r.status != http.StatusOK || string(r.body) != string(replies[0].body) {
				t.Errorf("%s: %d %s, another got %s", when, r.status, r.body, replies[0].body)
			}
		}
		if n := len(u.Requests()); n != calls {
			t.Errorf("%s: the model was called %d times, want %d", when, n, calls)
		}
	}
	u.Queue(upstream.Script{Text: words(5), PerChunk: upstream.Duration(20 * time.Millisecond)})
	first := call(50)
	equal("50 at once", first, 1)
	equal("50 more", append(call(50), first[0]), 1)
	g.kill()
	g.start()
	again := call(50)
	equal("after a SIGKILL", append(again, first[0]), 1)
	if again[0].header.Get("Idempotent-Replayed") != "true" {
		t.Error("a replay does not say so")
	}

	// And with the kill in the middle: a second try under the same message.
	key = header{"Idempotency-Key", "another key"}
	u.Queue(upstream.Script{Text: words(3), End: upstream.EndStall, After: 2})
	cut := make(chan []reply)
	go func() { cut <- call(50) }()
	if err := u.Wait(t.Context(), func(rs []upstream.Request) bool { return len(rs) == 2 }); err != nil {
		t.Fatal(err)
	}
	g.kill()
	for _, r := range <-cut {
		if r.status != 0 {
			t.Errorf("a killed gateway answered %d", r.status)
		}
	}
	g.start()
	final := call(50)
	equal("with a SIGKILL between", final, 3)
	var history struct {
		Messages []struct {
			Role   string `json:"role"`
			Status string `json:"status"`
		} `json:"messages"`
	}
	g.do("GET", "/api/v1/sessions/"+final[0].text("sessionKey")+"/history", "").decode(t, &history)
	users, complete := 0, 0
	for _, m := range history.Messages {
		switch {
		case m.Role == "user":
			users++
		case m.Status == "complete":
			complete++
		}
	}
	if users != 1 || complete != 1 {
		t.Errorf("history has %d user's messages and %d complete answers, want one each: %+v", users, complete, history)
	}

	stream := g.events("POST", "/api/v1/chat/stream", message("q", ""), key)
	if stream[0].id != 1 || stream[0].name != "start" || text(stream) != final[0].text("content") {
		t.Errorf("a duplicate stream got %+v", stream)
	}
	if r := g.do("POST", "/api/v1/chat", message("another body", ""), key); r.status != http.StatusUnprocessableEntity {
		t.Errorf("another body: %d %s", r.status, r.body)
	}
}
