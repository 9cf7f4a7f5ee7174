package e2e

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/openclaw/openclaw/model/modeltest/upstream"
)

// SIGTERM under 100 streams: what ends in time is whole, the rest is told; all of them have a terminal event.
func TestTerminateUnderStreams(t *testing.T) {
	u, server := newUpstream(t)
	g := newGateway(t, api+models(server, upstream.OpenAI))
	// Ten times as long as the answers that end take, for a machine that has other work, too.
	g.config = strings.Replace(g.config, "server: {", "server: {shutdownTimeout: 5s, ", 1)
	g.start()
	var queue []upstream.Script
	for range 50 {
		queue = append(queue,
			upstream.Script{Text: words(3), End: upstream.EndStall, After: 2},
			upstream.Script{Text: words(10), PerChunk: upstream.Duration(50 * time.Millisecond)})
	}
	u.Queue(queue...)
	type result struct {
		events []event
		err    error
	}
	results := make(chan result, 100)
	var begun sync.WaitGroup
	for range 100 {
		begun.Add(1)
		go func() {
			s, err := g.open(t.Context(), "POST", "/api/v1/chat/stream", message("q", ""))
			var first event
			if err == nil {
				first, err = s.next()
			}
			begun.Done()
			if err != nil {
				results <- result{nil, err}
				return
			}
			all, err := s.rest()
			results <- result{append([]event{first}, all...), err}
		}()
	}
	begun.Wait()
	exit := make(chan error)
	go func() { exit <- g.terminate() }()
	whole, told := 0, 0
	for range 100 {
		r := <-results
		switch {
		case r.err != nil || len(r.events) == 0:
			t.Errorf("a stream was cut: %v", r.err)
		case r.events[len(r.events)-1].name == "done":
			whole++
		case r.events[len(r.events)-1].field("error.code") == "UNAVAILABLE":
			told++
		default:
			t.Errorf("a stream ended with %+v", r.events[len(r.events)-1])
		}
	}
	if whole != 50 || told != 50 {
		t.Errorf("%d whole, %d told; want 50 and 50", whole, told)
	}
	if err := <-exit; err != nil {
		t.Errorf("exit: %v", err)
	}
}

// While it drains, the gateway says so and takes nothing new.
func TestNewWorkWhileDraining(t *testing.T) {
	u, server := newUpstream(t)
	g := newGateway(t, api+models(server, upstream.OpenAI)).start()
	u.Queue(upstream.Script{Text: words(2), End: upstream.EndStall, After: 1})
	s, err := g.open(t.Context(), "POST", "/api/v1/chat/stream", message("q", ""))
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	first, err := s.next()
	if err != nil {
		t.Fatal(err)
	}
	if err := g.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	for { // until the signal has arrived
		r := g.do("GET", "/readyz", "")
		if r.status == http.StatusServiceUnavailable {
			break
		}
		time.Sleep(time.Millisecond)
	}
	if r := g.do("POST", "/api/v1/chat", message("new", "")); r.status != http.StatusServiceUnavailable || r.header.Get("Retry-After") == "" {
		t.Errorf("new work: %d %v %s", r.status, r.header, r.body)
	}
	if r := g.do("GET", "/api/v1/sessions", ""); r.status != http.StatusOK {
		t.Errorf("reading: %d", r.status)
	}
	if r := g.do("POST", "/api/v1/messages/"+first.field("id")+"/cancel", ""); r.status != http.StatusOK || r.text("status") != "incomplete" {
		t.Errorf("cancelling: %d %s", r.status, r.body)
	}
	<-g.exited // nothing is left to wait for
	if g.state != nil {
		t.Errorf("exit: %v", g.state)
	}
	g.cmd = nil
}

// Ten thousand clients that leave in the middle leave nothing behind: no file descriptor, no goroutine.
func TestAbortedStreams(t *testing.T) {
	streams := 10_000
	if testing.Short() {
		streams = 1000
	}
	u, server := newUpstream(t)
	u.Default(upstream.Script{Text: words(3)})
	g := newGateway(t, api+models(server, upstream.OpenAI))

	few := func(n int) { // 16 at a time
		var clients sync.WaitGroup
		slots := make(chan struct{}, 16)
		for i := range n {
			slots <- struct{}{}
			clients.Go(func() {
				defer func() { <-slots }()
				ctx, leave := context.WithCancel(t.Context())
				defer leave()
				body := message("q", "")
				if i%2 == 0 {
					body = `{"message": "q", "onDisconnect": "cancel"}`
				}
				s, err := g.open(ctx, "POST", "/api/v1/chat/stream", body)
				if err != nil {
					t.Error(err)
					return
				}
				if _, err := s.next(); err != nil {
					t.Error(err)
				}
				leave()
				s.close()
			})
		}
		clients.Wait()
	}
	measure := func(n int) (fds, goroutines int) {
		g.start()
		few(n)
		// A run that goes on without its client would call the provider again if that hung up on it.
		for strings.Count(g.log.String(), `"msg":"run `) < n {
			select {
			case <-t.Context().Done():
				t.Fatal("not all runs have ended")
			case <-time.After(10 * time.Millisecond):
			}
		}
		client.CloseIdleConnections()
		server.CloseClientConnections() // the gateway keeps idle connections to its provider on purpose
		fds = g.settled(func() int { return g.fds() })
		if err := g.cmd.Process.Signal(syscall.SIGQUIT); err != nil { // Go's runtime answers with all its goroutines
			t.Fatal(err)
		}
		<-g.exited
		g.cmd = nil
		return fds, strings.Count(g.log.String(), "\ngoroutine ")
	}
	fds, goroutines := measure(16)
	fdsAfter, goroutinesAfter := measure(streams)
	t.Logf("after 16 streams: %d descriptors, %d goroutines; after %d: %d and %d", fds, goroutines, streams, fdsAfter, goroutinesAfter)
	// The runtime's own workers vary by a few, and SQLite's readers by four, of two descriptors each: one is opened only once
	// it is needed beside those that are there. A leak would be of hundreds.
	if fdsAfter > fds+8 || goroutinesAfter > goroutines+8 {
		t.Errorf("after 16 streams: %d descriptors, %d goroutines; after %d: %d and %d", fds, goroutines, streams, fdsAfter, goroutinesAfter)
	}
}

func (g *gateway) fds() int {
	all, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", g.pid()))
	if err != nil {
		g.t.Fatal(err)
	}
	return len(all)
}

// settled returns the value of count once it has not fallen for a while.
func (g *gateway) settled(count func() int) int {
	lowest, since := count(), time.Now()
	for time.Since(since) < 500*time.Millisecond {
		time.Sleep(10 * time.Millisecond)
		if n := count(); n < lowest {
			lowest, since = n, time.Now()
		}
	}
	return lowest
}
