package httpapi

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/openclaw/openclaw/claw"
)

// client is the writing side of a connection, whose other end a test plays.
type client struct {
	mu      sync.Mutex
	got     bytes.Buffer
	flushes int
	fail    error
	block   chan struct{} // where set, a write waits for it
}

func (c *client) Header() http.Header { return http.Header{} }
func (c *client) WriteHeader(int)     {}
func (c *client) read() (text string, flushes int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.got.String(), c.flushes
}
func (c *client) Write(b []byte) (int, error) {
	if c.block != nil {
		<-c.block
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.fail != nil {
		return 0, c.fail
	}
	return c.got.Write(b)
}

func (c *client) FlushError() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.flushes++
	return c.fail
}

func delta(seq int64, text string) claw.Event {
	return claw.Event{Seq: seq, Type: claw.EventDelta, Text: text}
}

func many(n int, text string) []claw.Event {
	events := make([]claw.Event, n)
	for i := range events {
		events[i] = delta(int64(i+1), text)
	}
	return events
}

func TestEventsShareAFlush(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := new(client)
		out := newEventWriter(c, time.Minute, func() {})
		out.send(many(1000, "x")...)
		synctest.Wait()
		text, flushes := c.read()
		if flushes != 1 || strings.Count(text, "event: delta") != 1000 || !strings.HasSuffix(text, "id: 1000\nevent: delta\ndata: {\"content\":\"x\"}\n\n") {
			t.Errorf("%d flushes, %d events", flushes, strings.Count(text, "event: delta"))
		}
		if err := out.close(); err != nil {
			t.Error(err)
		}
	})
}

func TestTheHeaderWaitsForNoEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := new(client)
		out := newEventWriter(c, time.Minute, func() {})
		begun := time.Now()
		synctest.Wait()
		if text, flushes := c.read(); text != "" || flushes != 1 || time.Since(begun) != 0 {
			t.Errorf("after %v: %d flushes, %q", time.Since(begun), flushes, text)
		}
		_ = out.close()
	})
}

func TestEventsAreNotDelayed(t *testing.T) {
	c := new(client)
	out := newEventWriter(c, time.Minute, func() {})
	for seq := range int64(10) {
		out.send(delta(seq+1, "x"))
		if text, _ := c.read(); strings.Count(text, "event: delta") != int(seq+1) {
			t.Fatalf("event %d is not out", seq+1)
		}
	}
	_ = out.close()
}

func TestSilenceHasSignsOfLife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := new(client)
		out := newEventWriter(c, 15*time.Second, func() {})
		beats := func() int { text, _ := c.read(); return strings.Count(text, ": keep-alive\n\n") }
		for _, tt := range []struct {
			wait  time.Duration
			event bool
			want  int // beats so far
		}{
			{15*time.Second - 1, false, 0},
			{1, false, 1},
			{15 * time.Second, false, 2},
			{10 * time.Second, true, 2}, // not silent: the count begins anew
			{15*time.Second - 1, false, 2},
			{1, false, 3},
		} {
			time.Sleep(tt.wait)
			synctest.Wait()
			if tt.event {
				out.send(delta(1, "x"))
			}
			if got := beats(); got != tt.want {
				t.Fatalf("%v: %d beats, want %d", time.Now(), got, tt.want)
			}
		}
		_ = out.close()
		time.Sleep(time.Hour)
		if got := beats(); got != 3 {
			t.Errorf("%d beats after the end", got-3)
		}
	})
}

// A client that takes nothing is waited for. A sign of life would only be more for it to take.
func TestEventsWaitForTheClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &client{block: make(chan struct{})}
		out := newEventWriter(c, time.Second, func() {})
		sent := make(chan bool, 1)
		go func() { sent <- out.send(many(100, strings.Repeat("x", 10<<10))...) }()
		time.Sleep(time.Hour)
		select {
		case <-sent:
			t.Fatal("nobody has waited")
		default:
		}
		close(c.block)
		if ok := <-sent; !ok || out.close() != nil {
			t.Error("the client is lost")
		}
		text, flushes := c.read()
		if strings.Count(text, "event: delta") != 100 || strings.Contains(text, "keep-alive") {
			t.Errorf("%d events of 100, %d signs of life", strings.Count(text, "event: delta"), strings.Count(text, "keep-alive"))
		}
		if most := 1 + len(text)/maxWrite; flushes > most || flushes < most/2 {
			t.Errorf("%d bytes took %d writes, want about %d", len(text), flushes, most)
		}
	})
}

func TestALostClientStopsTheRunsReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := new(client)
		stopped := false
		out := newEventWriter(c, time.Minute, func() { stopped = true })
		synctest.Wait()
		c.mu.Lock()
		c.fail = errors.New("gone")
		c.mu.Unlock()
		if out.send(delta(1, "x")) || !stopped || out.send(delta(2, "x")) || out.close() == nil {
			t.Error("a lost client is not noticed")
		}
		if text, _ := c.read(); text != "" {
			t.Errorf("%q", text)
		}
	})
}

func TestASignOfLifeFindsTheClientLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &client{fail: errors.New("gone")}
		stopped := make(chan struct{})
		out := newEventWriter(c, time.Minute, func() { close(stopped) })
		<-stopped
		time.Sleep(time.Hour)
		if out.close() == nil {
			t.Error("a lost client is not noticed")
		}
	})
}

func FuzzAppendEvent(f *testing.F) {
	f.Add("The ")
	f.Add("\n\nevent: done\ndata: {}\n\n")
	f.Add("\r\u2028\x00\xff\\\"")
	f.Fuzz(func(t *testing.T, text string) {
		b := string(appendEvent(nil, delta(7, text)))
		head, data, ok := strings.Cut(b, "\ndata: ")
		if !ok || head != "id: 7\nevent: delta" || !strings.HasSuffix(data, "\n\n") {
			t.Fatalf("%q", b)
		}
		if data = strings.TrimSuffix(data, "\n\n"); strings.ContainsAny(data, "\r\n") {
			t.Errorf("a line break in %q", data)
		}
	})
}

// nowhere takes everything.
type nowhere struct{ client }

func (*nowhere) Write(b []byte) (int, error) { return io.Discard.Write(b) }
func (*nowhere) FlushError() error           { return nil }

func BenchmarkAppendEvent(b *testing.B) {
	for _, text := range []string{"The ", "Zürich ", "say \"hi\"\n", strings.Repeat("word ", 20)} {
		b.Run(fmt.Sprintf("%.10q", text), func(b *testing.B) {
			buf := make([]byte, 0, 1<<10)
			ev := delta(1234, text)
			b.ReportAllocs()
			for b.Loop() {
				buf = appendEvent(buf[:0], ev)
			}
		})
	}
}

func BenchmarkSend(b *testing.B) {
	out := newEventWriter(new(nowhere), time.Minute, func() {})
	ev := delta(1234, "The ")
	b.ReportAllocs()
	for b.Loop() {
		out.send(ev)
	}
	_ = out.close()
}

// TestSignsOfLifeComeTogether has streams that fell silent at different moments. None is silent for much longer than it may
// be, and a processor wakes once for those that are due at about the same time.
func TestSignsOfLifeComeTogether(t *testing.T) {
	const silence = 15 * time.Second
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		times := map[time.Time]int{}
		begun := time.Now()
		for i := range 100 {
			c := &beating{silent: time.Now()}
			c.beat = func(at time.Time) {
				mu.Lock()
				defer mu.Unlock()
				times[at]++
			}
			out := newEventWriter(c, silence, func() {})
			out.send(delta(1, "x"))
			time.Sleep(time.Duration(i%7+1) * time.Millisecond)
			defer func() {
				if err := out.close(); err != nil || c.longest < silence || c.longest >= silence+beatsTogether {
					t.Errorf("silent for %v, %v", c.longest, err)
				}
			}()
		}
		opened := time.Since(begun)
		time.Sleep(silence + beatsTogether)
		mu.Lock()
		defer mu.Unlock()
		if most := int(opened/beatsTogether) + 2; len(times) == 0 || len(times) > most {
			t.Errorf("signs of life at %d moments, want %d at most", len(times), most)
		}
	})
}

// beating is a connection that notes when it is written to.
type beating struct {
	client
	silent  time.Time // since then
	longest time.Duration
	beat    func(at time.Time)
}

func (c *beating) Write(b []byte) (int, error) {
	now := time.Now()
	c.longest = max(c.longest, now.Sub(c.silent))
	if c.silent = now; bytes.HasPrefix(b, []byte(": ")) {
		c.beat(now)
	}
	return len(b), nil
}

// TestBeatsFollowTheirOwnClock has the wall clock stand anywhere.
func TestBeatsFollowTheirOwnClock(t *testing.T) {
	now := time.Now()
	for _, due := range []time.Duration{0, 1, beatsTogether - 1, beatsTogether, 15 * time.Second, -time.Minute} {
		wait := untilBeat(now, now.Add(due))
		if wait < due || wait >= due+beatsTogether || now.Add(wait).UnixNano()%int64(beatsTogether) != 0 {
			t.Errorf("due in %v: %v", due, wait)
		}
	}
}
