package e2e

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/openclaw/openclaw/model/modeltest/upstream"
)

// TestConversationsAreNotHeld has models that write for long in long conversations. What they were sent is not needed while
// they write, and would be most of the memory of a gateway that is in use.
func TestConversationsAreNotHeld(t *testing.T) {
	const (
		talks = 10
		turns = 4
		allow = 80_000 // bytes a stream: connections, buffers, goroutines' objects
	)
	for _, wire := range upstream.Wires() {
		t.Run(string(wire), func(t *testing.T) {
			u, server := newUpstream(t)
			profiler := freeAddr(t)
			g := newGateway(t, api+models(server, wire)+fmt.Sprintf("debug: {pprof: %q}\n", profiler)).start()
			u.Default(upstream.Script{Text: []string{"Go on."}})
			long := strings.Repeat("word ", 19_000)
			for i := range talks * turns {
				if r := g.do("POST", "/api/v1/chat", message(long, fmt.Sprint("s", i%talks))); r.status != http.StatusOK {
					t.Fatalf("status %d: %s", r.status, r.body)
				}
			}
			heap(t, profiler) // what is pooled is gone after two collections
			before := heap(t, profiler)
			u.Default(upstream.Script{Text: []string{"Once ", "upon"}, End: upstream.EndStall, After: 1})
			for i := range talks {
				s, err := g.open(t.Context(), "POST", "/api/v1/chat/stream", message("Tell me a story.", fmt.Sprint("s", i)))
				if err != nil {
					t.Fatal(err)
				}
				defer s.close()
				for {
					ev, err := s.next()
					if err != nil {
						t.Fatal(err)
					}
					if ev.name == "delta" {
						break
					}
				}
			}
			each := (heap(t, profiler) - before) / talks
			t.Logf("%d bytes for each stream in a conversation of %d", each, turns*len(long))
			if each > allow {
				t.Errorf("each stream holds %d bytes, want %d at most", each, allow)
			}
		})
	}
}

// heap is how much of the gateway's memory is in use, in bytes, garbage not counted.
func heap(t *testing.T, profiler string) int {
	t.Helper()
	resp, err := client.Get("http://" + profiler + "/debug/pprof/heap?gc=1&debug=1")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "\n# HeapAlloc = ")
	line, _, _ := strings.Cut(rest, "\n")
	n, err := strconv.Atoi(line)
	if err != nil {
		t.Fatalf("no heap in %.200s", text)
	}
	return n
}

// TestHistoriesAreNotHeld has clients that ask for a long history and take their time to read it.
func TestHistoriesAreNotHeld(t *testing.T) {
	const (
		turns   = 40
		readers = 8
		allow   = 3 << 20 // bytes a reader, of a history of 10 MB
	)
	u, server := newUpstream(t)
	profiler := freeAddr(t)
	g := newGateway(t, api+models(server, upstream.OpenAI)+fmt.Sprintf("debug: {pprof: %q}\n", profiler)).start()
	u.Default(upstream.Script{Text: []string{"Yes."}})
	long := strings.Repeat("word ", 50_000)
	for range turns {
		if r := g.do("POST", "/api/v1/chat", message(long, "s")); r.status != http.StatusOK {
			t.Fatalf("status %d: %s", r.status, r.body)
		}
	}
	heap(t, profiler) // what is pooled is gone after two collections
	before := heap(t, profiler)
	var bodies []io.ReadCloser
	for range readers {
		req, err := g.request(t.Context(), "GET", "/api/v1/sessions/s/history?limit=1000", "")
		if err != nil {
			t.Fatal(err)
		}
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		bodies = append(bodies, resp.Body)
	}
	each := (heap(t, profiler) - before) / readers
	t.Logf("%d bytes for each reader of a history of %d", each, turns*len(long))
	if each > allow {
		t.Errorf("each reader holds %d bytes, want %d at most", each, allow)
	}
	for _, body := range bodies {
		text, err := io.ReadAll(body)
		if n := strings.Count(string(text), `"content":"word `); err != nil || n != turns {
			t.Errorf("%d of %d messages: %v", n, turns, err)
		}
	}
}
