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

func TestPumpSharesFlushes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &client{block: make(chan struct{})}
		p := newPump(c, time.Minute, func() {})
		synctest.Wait()
		if _, flushes := c.read(); flushes != 1 {
			t.Fatalf("%d flushes, want the header's", flushes)
		}
		for seq := range int64(1000) { // the client is busy with the first of them
			p.send(delta(seq+1, "x"))
			if seq == 0 {
				synctest.Wait()
			}
		}
		close(c.block)
		if err := p.close(); err != nil {
			t.Fatal(err)
		}
		text, flushes := c.read()
		if flushes != 3 || strings.Count(text, "event: delta") != 1000 || !strings.HasSuffix(text, "id: 1000\nevent: delta\ndata: {\"content\":\"x\"}\n\n") {
			t.Errorf("%d flushes, %d events", flushes, strings.Count(text, "event: delta"))
		}
	})
}

func TestPumpDoesNotDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := new(client)
		p := newPump(c, time.Minute, func() {})
		begun := time.Now()
		for seq := range int64(10) {
			p.send(delta(seq+1, "x"))
			synctest.Wait() // nothing else can run: the event is out, or waits for the clock
			if text, _ := c.read(); strings.Count(text, "event: delta") != int(seq+1) {
				t.Fatalf("event %d is not out", seq+1)
			}
		}
		if took := time.Since(begun); took != 0 {
			t.Errorf("it took %v", took)
		}
		_ = p.close()
	})
}

func TestPumpBeatsInSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := new(client)
		p := newPump(c, 15*time.Second, func() {})
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
				p.send(delta(1, "x"))
				synctest.Wait()
			}
			if got := beats(); got != tt.want {
				t.Fatalf("%v: %d beats, want %d", time.Now(), got, tt.want)
			}
		}
		_ = p.close()
		time.Sleep(time.Hour)
		if got := beats(); got != 3 {
			t.Errorf("%d beats after the end", got-3)
		}
	})
}

func TestPumpWaitsForRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &client{block: make(chan struct{})}
		p := newPump(c, time.Minute, func() {})
		var sent int
		done := make(chan struct{})
		go func() {
			defer close(done)
			for sent = 0; sent < 100; sent++ {
				p.send(delta(int64(sent+1), strings.Repeat("x", 10<<10)))
			}
		}()
		synctest.Wait()
		if sent > 14 { // 64 KiB being written and 64 KiB waiting, both up to the end of an event
			t.Errorf("%d events of 10 KiB wait for a client that takes nothing", sent)
		}
		close(c.block)
		<-done
		if err := p.close(); err != nil {
			t.Fatal(err)
		}
		if text, _ := c.read(); strings.Count(text, "event: delta") != 100 {
			t.Error("events are lost")
		}
	})
}

func TestPumpStopsTheRunsReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := new(client)
		stopped := false
		p := newPump(c, time.Minute, func() { stopped = true })
		synctest.Wait()
		c.mu.Lock()
		c.fail = errors.New("gone")
		c.mu.Unlock()
		p.send(delta(1, "x"))
		synctest.Wait()
		if !stopped || p.send(delta(2, "x")) || p.close() == nil {
			t.Error("a lost client is not noticed")
		}
		if text, _ := c.read(); text != "" {
			t.Errorf("%q", text)
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

func BenchmarkPump(b *testing.B) {
	p := newPump(new(nowhere), time.Minute, func() {})
	ev := delta(1234, "The ")
	b.ReportAllocs()
	for b.Loop() {
		p.send(ev)
	}
	_ = p.close()
}
