package httpapi_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/openclaw/openclaw/httpapi"
)

// served is a listener whose connections are kept open.
func served(t *testing.T, l httpapi.Limits) (*httpapi.Listener, *logBuffer) {
	t.Helper()
	log := new(logBuffer)
	lis, err := httpapi.Listen(t.Context(), "127.0.0.1:0", l, slog.New(slog.NewTextHandler(log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := lis.Accept()
			if err != nil {
				return
			}
			go func() {
				_, _ = c.Write([]byte("hello"))
				_, _ = io.Copy(io.Discard, c)
				_ = c.Close()
				_ = c.Close() // a second one must not give a place back twice
			}()
		}
	}()
	t.Cleanup(func() {
		_ = lis.Close()
		<-done
	})
	return lis, log
}

// greeted dials, and returns the connection once it has been let in, nil where it was closed.
func greeted(t *testing.T, lis net.Listener) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", lis.Addr().String())
	if err != nil { // it may be closed as soon as it is open
		return nil
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetReadDeadline(time.Now().Add(patience))
	if _, err := io.ReadFull(c, make([]byte, 5)); err != nil {
		if errors.Is(err, context.DeadlineExceeded) || isTimeout(err) {
			t.Fatal("neither let in nor closed")
		}
		return nil
	}
	return c
}

func TestConnectionsAreLimited(t *testing.T) {
	lis, log := served(t, httpapi.Limits{Total: 3, PerAddress: 1})
	var open []net.Conn
	for range 3 { // loopback has no limit of its own
		c := greeted(t, lis)
		if c == nil {
			t.Fatal("refused within the limit")
		}
		open = append(open, c)
	}
	for range 10 {
		if greeted(t, lis) != nil {
			t.Fatal("let in beyond the limit")
		}
	}
	if got := strings.Count(log.String(), "server.maxConnections"); got != 1 {
		t.Errorf("said %d times, want once a minute:\n%s", got, log)
	}
	_ = open[0].Close()
	eventually(t, "its place is free", func() bool { return greeted(t, lis) != nil })
	if greeted(t, lis) != nil {
		t.Error("two places for one")
	}
	lis.SetLimits(httpapi.Limits{Total: 4, PerAddress: 1})
	if greeted(t, lis) == nil {
		t.Error("the new limit is not in force")
	}
}

// What counts against an address, told from the address alone: tests cannot dial from others.
func TestConnectionsOfAnAddress(t *testing.T) {
	lis, log := served(t, httpapi.Limits{Total: 100, PerAddress: 2, Exempt: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}})
	admit := func(remote string) bool {
		_, ok := lis.Admit(net.TCPAddrFromAddrPort(netip.MustParseAddrPort(remote)))
		return ok
	}
	for _, tt := range []struct {
		remote string
		most   int
	}{
		{"192.0.2.1:1", 2}, {"192.0.2.2:1", 2}, {"10.1.1.1:1", 5}, {"127.0.0.1:1", 5}, {"[::1]:1", 5}, {"[2001:db8::1]:1", 1}, {"[2001:db8::2]:1", 1},
		{"[2001:db8::3]:1", 0}, {"[2001:db8:0:1::1]:1", 2}, {"[::ffff:192.0.2.3]:1", 2}, {"192.0.2.3:9", 0},
	} {
		for i := range tt.most {
			if !admit(tt.remote) {
				t.Errorf("%s: refused after %d", tt.remote, i)
			}
		}
		if tt.most == 2 && admit(tt.remote) || tt.most == 0 && admit(tt.remote) {
			t.Errorf("%s: let in after %d", tt.remote, tt.most)
		}
	}
	if !strings.Contains(log.String(), "server.maxConnectionsPerAddress") {
		t.Errorf("the log does not name the setting: %s", log)
	}
}
