//go:build linux

package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/openclaw/openclaw/app"
	"github.com/openclaw/openclaw/config"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// rig is the upstream, the reverse proxy and the gateway within this process, each behind a real socket, so that what they
// allocate can be counted.
type rig struct {
	upstream, proxy, gateway string // addresses
}

func newRig(t testing.TB) rig {
	t.Helper()
	upstream := httptest.NewServer(newUpstream())
	t.Cleanup(upstream.Close)
	to, err := url.Parse(upstream.URL)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httptest.NewServer(newReverseProxy(to))
	t.Cleanup(proxy.Close)
	return rig{upstream: to.Host, proxy: proxy.Listener.Addr().String(), gateway: startGateway(t, to.Host, "openai")}
}

// startGateway runs the whole gateway with its storage in a file, and its logs on but thrown away.
func startGateway(t testing.TB, upstream, wire string) string {
	t.Helper()
	dir := t.TempDir()
	addr, err := freeAddr()
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := strings.Cut(addr, ":")
	file := filepath.Join(dir, "openclaw.yaml")
	if wire == "openai" {
		upstream += "/v1"
	}
	text := fmt.Sprintf(gatewayConfig, port, benchToken, wire, upstream, filepath.Join(dir, "openclaw.db"))
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load(config.Options{Path: file})
	if err != nil {
		t.Fatal(err)
	}
	gateway, err := app.New(t.Context(), app.Options{Config: cfg, Logger: slog.New(slog.NewJSONHandler(io.Discard, nil))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := gateway.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	if err := gateway.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return gateway.Addr()
}

// cost is what so many answers have allocated, everywhere in this process.
type cost struct{ objects, bytes float64 }

func (c cost) minus(d cost) cost                  { return cost{c.objects - d.objects, c.bytes - d.bytes} }
func (c cost) over(n float64) cost                { return cost{c.objects / n, c.bytes / n} }
func (c cost) String() string                     { return fmt.Sprintf("%.1f objects, %.0f bytes", c.objects, c.bytes) }
func (c cost) within(objects, bytes float64) bool { return c.objects <= objects && c.bytes <= bytes }

// measure returns the cost of one answer. The first ones are not counted: they open connections and fill pools.
func measure(t testing.TB, addr string, d dialect, s script, streamed bool) cost {
	t.Helper()
	const warm, counted = 20, 60
	c := &client{addr: addr, dialect: d}
	defer c.close()
	ask := func(i int) {
		if _, err := c.ask(t.Context(), &conversation{key: fmt.Sprintf("gate-%d-%t-%d", s.pieces, streamed, i)}, s, streamed); err != nil {
			t.Fatal(err)
		}
	}
	for i := range warm {
		ask(i)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for i := range counted {
		ask(warm + i)
	}
	runtime.ReadMemStats(&after)
	return cost{float64(after.Mallocs - before.Mallocs), float64(after.TotalAlloc - before.TotalAlloc)}.over(counted)
}

// The most that the gateway may allocate, beyond what client and upstream do. They stand a tenth above what was measured when
// they were set: raise them only for a reason that is worth more than speed. Allocations do not depend on how busy the
// machine is, as times do, and grow with nearly everything that makes a request dear.
const (
	chatObjects, chatBytes   = 385, 25_000
	chunkObjects, chunkBytes = 1.3, 600
	// chunkRatio is of the reverse proxy's objects per chunk plus one: it copies bytes, and the gateway reads, stores and
	// writes events.
	chunkRatio = 1.5
)

// BenchmarkChat is one client's chats: of the upstream itself, through the reverse proxy, and through the gateway.
func BenchmarkChat(b *testing.B) { benchmark(b, script{pieces: 4}, false) }

// BenchmarkStream is one client's streams of 100 pieces without delay.
func BenchmarkStream(b *testing.B) { benchmark(b, script{pieces: chunkCount}, true) }

func benchmark(b *testing.B, s script, streamed bool) {
	r := newRig(b)
	for _, t := range []struct {
		name, addr string
		dialect
	}{{"direct", r.upstream, openaiDialect}, {"proxy", r.proxy, openaiDialect}, {"gateway", r.gateway, openclawDialect}} {
		b.Run(t.name, func(b *testing.B) {
			c := &client{addr: t.addr, dialect: t.dialect}
			defer c.close()
			b.ReportAllocs()
			for n := 0; b.Loop(); n++ {
				if _, err := c.ask(b.Context(), &conversation{key: fmt.Sprintf("b-%d-%d", time.Now().UnixNano(), n)}, s, streamed); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// TestGate keeps the hot path from growing unnoticed.
func TestGate(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector allocates, and empties pools at random")
	}
	r := newRig(t)
	chat := func(addr string, d dialect) cost { return measure(t, addr, d, script{pieces: 4}, false) }
	direct := chat(r.upstream, openaiDialect)
	own, proxy := chat(r.gateway, openclawDialect).minus(direct), chat(r.proxy, openaiDialect).minus(direct)
	t.Logf("a chat: %v; the reverse proxy: %v", own, proxy)
	if !own.within(chatObjects, chatBytes) {
		t.Errorf("a chat allocates %v, at most %d objects and %d bytes are allowed", own, chatObjects, chatBytes)
	}

	const few, many = 100, 1100
	chunk := func(addr string, d dialect) cost {
		return measure(t, addr, d, script{pieces: many}, true).minus(measure(t, addr, d, script{pieces: few}, true)).over(many - few)
	}
	direct = chunk(r.upstream, openaiDialect)
	own, proxy = chunk(r.gateway, openclawDialect).minus(direct), chunk(r.proxy, openaiDialect).minus(direct)
	t.Logf("a chunk: %v; the reverse proxy: %v", own, proxy)
	if !own.within(chunkObjects, chunkBytes) {
		t.Errorf("a chunk allocates %v, at most %.1f objects and %d bytes are allowed", own, chunkObjects, chunkBytes)
	}
	if limit := chunkRatio * (max(proxy.objects, 0) + 1); own.objects > limit {
		t.Errorf("a chunk allocates %.1f objects, %.1f are allowed beside the reverse proxy's %.1f", own.objects, limit, proxy.objects)
	}
}
