package model_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/openclaw/openclaw/claw"
	"github.com/openclaw/openclaw/model"
	"github.com/openclaw/openclaw/model/anthropic"
	"github.com/openclaw/openclaw/model/modeltest"
	"github.com/openclaw/openclaw/model/modeltest/upstream"
)

// TestHTTP2 has over HTTP/2, which the vendors' own servers speak, what differs there: many calls share one connection, and
// one of them is ended without it.
func TestHTTP2(t *testing.T) {
	up := upstream.New()
	server := httptest.NewUnstartedServer(up)
	server.EnableHTTP2 = true
	var conns atomic.Int32
	server.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			conns.Add(1)
		}
	}
	server.StartTLS()
	defer server.Close()
	client := model.NewHTTPClient(time.Minute)
	defer client.CloseIdleConnections()
	client.Transport.(*http.Transport).TLSClientConfig = server.Client().Transport.(*http.Transport).TLSClientConfig
	p := anthropic.New(anthropic.Options{APIKey: modeltest.Key, BaseURL: server.URL, HTTPClient: client})

	up.Queue(upstream.Script{End: upstream.EndAbort, After: 1}, upstream.Script{End: upstream.EndStall, After: 1})
	_, _, err := modeltest.Collect(t, t.Context(), p, modeltest.Ask("Hello"))
	if e := claw.AsError(err); e.Reason != claw.ReasonTruncated {
		t.Errorf("an aborted stream gives %v, want truncated", err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("enough")
	for chunk, e := range p.Stream(ctx, modeltest.Ask("Hello")) {
		if err = e; chunk.Text != "" {
			cancel(why)
		}
	}
	cancel(nil)
	if !errors.Is(err, why) {
		t.Errorf("a cancelled call gives %v, want its cause", err)
	}
	wait, stop := context.WithTimeout(t.Context(), time.Second)
	defer stop()
	if err := up.Wait(wait, func(r []upstream.Request) bool { return len(r) == 2 && r[1].Gone }); err != nil {
		t.Errorf("the upstream was not told: %v", err)
	}
	texts, _, err := modeltest.Collect(t, t.Context(), p, modeltest.Ask("Hello"))
	if err != nil || strings.Join(texts, "") != "You said: Hello" {
		t.Errorf("the next call gives %q, %v", texts, err)
	}
	if n := conns.Load(); n != 1 {
		t.Errorf("%d connections were made, want one for all", n)
	}
}
