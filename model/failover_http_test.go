package model_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/openclaw/openclaw/claw"
	"github.com/openclaw/openclaw/model"
	"github.com/openclaw/openclaw/model/anthropic"
	"github.com/openclaw/openclaw/model/modeltest"
	"github.com/openclaw/openclaw/model/modeltest/upstream"
	"github.com/openclaw/openclaw/model/openai"
)

// twoVendors is a failover over real HTTP: model one at Anthropic, model two at OpenAI, both scripted.
func twoVendors(t *testing.T, o model.Options, scripts ...upstream.Script) (*model.FailoverProvider, *upstream.Server) {
	t.Helper()
	up := upstream.New()
	up.Queue(scripts...)
	server := httptest.NewServer(up)
	t.Cleanup(server.Close)
	client := model.NewHTTPClient(0)
	t.Cleanup(client.CloseIdleConnections)
	o.Logger = slog.New(slog.DiscardHandler)
	o.Targets = []model.Target{
		{Provider: anthropic.New(anthropic.Options{APIKey: modeltest.Key, BaseURL: server.URL, HTTPClient: client}), Model: "one"},
		{Provider: openai.New(openai.Options{BaseURL: server.URL + "/v1/", HTTPClient: client}), Model: "two"},
	}
	return model.Failover(o), up
}

func TestFailoverOverHTTP(t *testing.T) {
	f, up := twoVendors(t, model.Options{},
		upstream.Script{Model: "one", Status: 401},
		upstream.Script{Model: "two", Status: 503, Header: map[string]string{"Retry-After-Ms": "1"}},
	)
	texts, last, err := modeltest.Collect(t, t.Context(), f, modeltest.Ask("Hello"))
	if err != nil || strings.Join(texts, "") != "You said: Hello" || last.Model != "two" {
		t.Errorf("got %q, %+v, %v, want the second model's answer", texts, last, err)
	}
	if n := len(up.Requests()); n != 3 {
		t.Errorf("%d calls, want 3", n)
	}
	if d := f.Degraded(); len(d) != 1 || !strings.Contains(d[0], "anthropic") {
		t.Errorf("degraded is %q, want the refused key", d)
	}
}

// TestDeadlinesReachTheUpstream has a deadline, not the user, end a call.
func TestDeadlinesReachTheUpstream(t *testing.T) {
	const deadline = 30 * time.Millisecond
	for name, script := range map[string]upstream.Script{
		"first byte": {FirstByte: upstream.Duration(time.Hour)},
		"idle":       {End: upstream.EndStall, After: 1},
	} {
		t.Run(name, func(t *testing.T) {
			f, up := twoVendors(t, model.Options{FirstByte: deadline, Idle: deadline, Budget: deadline, Attempts: 1}, script)
			_, _, err := modeltest.Collect(t, t.Context(), f, modeltest.Ask("Hello"))
			if e, ok := errors.AsType[*claw.Error](err); !ok || e.Reason != claw.ReasonTimeout {
				t.Errorf("error is %v, want a timeout", err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			if err := up.Wait(ctx, func(r []upstream.Request) bool { return len(r) == 1 && r[0].Gone }); err != nil {
				t.Errorf("the upstream was not told: %v", err)
			}
		})
	}
}
