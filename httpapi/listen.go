package httpapi

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// Limits bound how many connections may be open at one time.
type Limits struct {
	Total      int
	PerAddress int // of one IPv4 address or IPv6 /64 network; loopback and Exempt are not counted
	Exempt     []netip.Prefix
}

// Listener accepts connections within limits. One too many is closed at once: left waiting it would look to its client
// like a gateway that hangs.
type Listener struct {
	net.Listener
	log    *slog.Logger
	limits atomic.Pointer[Limits]

	mu      sync.Mutex
	total   int
	parties map[string]int
	turned  int // away since the last word of it in the log
	said    time.Time
}

// Listen returns a listener for TCP on addr.
func Listen(ctx context.Context, addr string, l Limits, logger *slog.Logger) (*Listener, error) {
	inner, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	lis := &Listener{Listener: inner, log: logger, parties: map[string]int{}}
	lis.SetLimits(l)
	return lis, nil
}

// SetLimits replaces the limits. Connections that are open stay open.
func (l *Listener) SetLimits(limits Limits) { l.limits.Store(&limits) }

// Accept waits for the next connection within the limits.
func (l *Listener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		tcp, ok := c.(*net.TCPConn)
		if !ok {
			return nil, errors.Join(errors.New("httpapi: not a TCP connection"), c.Close())
		}
		if party, ok := l.admit(c.RemoteAddr()); ok {
			return &conn{TCPConn: tcp, leave: sync.OnceFunc(func() { l.leave(party) })}, nil
		}
		_ = tcp.SetLinger(0) // no goodbye that the kernel would have to keep
		_ = c.Close()
	}
}

// admit counts a connection, unless there are too many. party is "" where only the total counts.
func (l *Listener) admit(remote net.Addr) (who string, ok bool) {
	limits := l.limits.Load()
	if addr, known := remoteAddr(remote.String()); known && !addr.IsLoopback() && !(&policy{proxies: limits.Exempt}).trusts(addr) {
		who = party(addr.String())
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.total >= limits.Total:
		l.turnAway("server.maxConnections", limits.Total)
		return "", false
	case who != "" && l.parties[who] >= limits.PerAddress:
		l.turnAway("server.maxConnectionsPerAddress", limits.PerAddress, "address", who)
		return "", false
	}
	l.total++
	if who != "" {
		l.parties[who]++
	}
	return who, true
}

// turnAway says in the log, once a minute at most, that connections are refused. l.mu is held.
func (l *Listener) turnAway(setting string, limit int, more ...any) {
	l.turned++
	if now := time.Now(); now.Sub(l.said) >= time.Minute {
		l.log.Warn("too many connections: new ones are closed", append([]any{"setting", setting, "limit", limit, "closed", l.turned}, more...)...)
		l.said, l.turned = now, 0
	}
}

func (l *Listener) leave(party string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.total--
	if party == "" {
		return
	}
	if l.parties[party]--; l.parties[party] == 0 {
		delete(l.parties, party)
	}
}

// conn gives its place back when it is closed. It embeds the connection itself, not the interface, for net/http and the
// kernel's limits look for methods that the interface lacks.
type conn struct {
	*net.TCPConn
	leave func()
}

// Close implements net.Conn.
func (c *conn) Close() error {
	defer c.leave()
	return c.TCPConn.Close()
}
