package model

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/openclaw/openclaw/claw"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// step is one thing that a fake provider does.
type step struct {
	wait time.Duration // first; for ever where negative
	text string        // a chunk; "" with neither stop nor err is a sign of life
	stop claw.StopReason
	err  error
}

// fake is a provider that plays one list of steps a call, the last one again and again.
type fake struct {
	name    string
	plays   [][]step
	calls   []claw.Prompt
	at      []time.Time
	running int // calls whose iterator has not returned
}

func (f *fake) Name() string { return f.name }

func (f *fake) Stream(ctx context.Context, p claw.Prompt) iter.Seq2[claw.Chunk, error] {
	return func(yield func(claw.Chunk, error) bool) {
		f.running++
		defer func() { f.running-- }()
		f.calls, f.at = append(f.calls, p), append(f.at, time.Now())
		for _, s := range f.plays[min(len(f.calls), len(f.plays))-1] {
			var alarm <-chan time.Time
			if s.wait >= 0 {
				alarm = time.After(s.wait)
			}
			select {
			case <-alarm:
			case <-ctx.Done():
			}
			if ctx.Err() != nil { // also where both were ready
				yield(claw.Chunk{}, context.Cause(ctx))
				return
			}
			chunk := claw.Chunk{Text: s.text, Stop: s.stop}
			if s.err != nil {
				yield(claw.Chunk{}, s.err)
				return
			}
			if !yield(chunk, nil) {
				return
			}
		}
	}
}

func answers(text string) []step { return []step{{text: text}, {stop: claw.StopEnd}} }

func fails(reason claw.Reason) []step {
	return []step{{err: claw.ModelErrorf(reason, "It failed.")}}
}

func failsAfter(reason claw.Reason, wait time.Duration) []step {
	return []step{{err: claw.ModelErrorf(reason, "It failed.").After(wait)}}
}

var quiet = slog.New(slog.DiscardHandler)

func over(fakes ...*fake) *FailoverProvider {
	o := Options{Logger: quiet}
	for _, f := range fakes {
		o.Targets = append(o.Targets, Target{Provider: f, Model: "model-of-" + f.name})
	}
	return Failover(o)
}

// answer is what came of a run.
type answer struct {
	text, model string
	whole       bool
	err         error
	took        time.Duration
}

func askOnce(ctx context.Context, p claw.Provider) (a answer) {
	begin := time.Now()
	prompt := claw.Prompt{Messages: []claw.PromptMessage{{Role: claw.RoleUser, Content: "Hello"}}}
	for chunk, err := range p.Stream(ctx, prompt) {
		a.text += chunk.Text
		a.whole = chunk.Stop != ""
		if err != nil {
			a.err = err
		} else {
			a.model = chunk.Model
		}
	}
	a.took = time.Since(begin)
	return a
}

func reasonOf(err error) claw.Reason {
	if e, ok := errors.AsType[*claw.Error](err); ok {
		return e.Reason
	}
	return ""
}

// inBubble runs test where time is fake, once for each case.
func inBubble[C any](t *testing.T, cases map[string]C, test func(*testing.T, C)) {
	t.Helper()
	for name, c := range cases {
		t.Run(name, func(t *testing.T) { synctest.Test(t, func(t *testing.T) { test(t, c) }) })
	}
}

func TestFailover(t *testing.T) {
	type plays = [][]step
	inBubble(t, map[string]struct {
		a, b          plays
		callsA        int
		callsB        int
		text, model   string
		reason        claw.Reason // of the error, "" for none
		least, atMost time.Duration
	}{
		"first answers":           {a: plays{answers("hi")}, callsA: 1, text: "hi", model: "model-of-a"},
		"retry at the same":       {a: plays{fails(claw.ReasonOverloaded), answers("hi")}, callsA: 2, text: "hi", model: "model-of-a", least: 500 * time.Millisecond, atMost: time.Second},
		"next after one retry":    {a: plays{fails(claw.ReasonUnavailable)}, b: plays{answers("yo")}, callsA: 2, callsB: 1, text: "yo", model: "model-of-b", least: 500 * time.Millisecond, atMost: time.Second},
		"retry-after is kept":     {a: plays{failsAfter(claw.ReasonRateLimited, 10*time.Second), answers("hi")}, callsA: 2, text: "hi", model: "model-of-a", least: 10 * time.Second, atMost: 10 * time.Second},
		"long retry-after":        {a: plays{failsAfter(claw.ReasonRateLimited, 11*time.Second)}, b: plays{answers("yo")}, callsA: 1, callsB: 1, text: "yo", model: "model-of-b"},
		"unconfigured goes on":    {a: plays{fails(claw.ReasonUnconfigured)}, b: plays{answers("yo")}, callsA: 1, callsB: 1, text: "yo", model: "model-of-b"},
		"rejection ends":          {a: plays{fails(claw.ReasonRejected)}, b: plays{answers("yo")}, callsA: 1, reason: claw.ReasonRejected},
		"truncated without text":  {a: plays{fails(claw.ReasonTruncated), answers("hi")}, callsA: 2, text: "hi", model: "model-of-a", least: 500 * time.Millisecond, atMost: time.Second},
		"silent end":              {a: plays{{}, answers("hi")}, callsA: 2, text: "hi", model: "model-of-a", least: 500 * time.Millisecond, atMost: time.Second},
		"failure after text":      {a: plays{{{text: "half"}, {err: claw.ModelErrorf(claw.ReasonTruncated, "Cut.")}}}, b: plays{answers("yo")}, callsA: 1, text: "half", model: "model-of-a", reason: claw.ReasonTruncated},
		"silent end after text":   {a: plays{{{text: "half"}}}, b: plays{answers("yo")}, callsA: 1, text: "half", model: "model-of-a", reason: claw.ReasonTruncated},
		"failure after life only": {a: plays{{{}, {}, {err: claw.ModelErrorf(claw.ReasonOverloaded, "Full.")}}, answers("hi")}, callsA: 2, text: "hi", model: "model-of-a", least: 500 * time.Millisecond, atMost: time.Second},
		"thought to its limit":    {a: plays{{{}, {stop: claw.StopLength}}}, b: plays{answers("yo")}, callsA: 1, reason: claw.ReasonRejected},
		"text to its limit":       {a: plays{{{text: "hi"}, {stop: claw.StopLength}}}, callsA: 1, text: "hi", model: "model-of-a"},
		"empty answer":            {a: plays{answers("")}, callsA: 1, model: "model-of-a"},
		"four attempts in all":    {a: plays{fails(claw.ReasonOverloaded)}, b: plays{fails(claw.ReasonUnavailable)}, callsA: 2, callsB: 2, reason: claw.ReasonUnavailable, least: time.Second, atMost: 2 * time.Second},
		"last failure tells":      {a: plays{fails(claw.ReasonOverloaded)}, b: plays{fails(claw.ReasonUnconfigured)}, callsA: 2, callsB: 1, reason: claw.ReasonOverloaded, least: 500 * time.Millisecond, atMost: time.Second},
		"all unconfigured":        {a: plays{fails(claw.ReasonUnconfigured)}, b: plays{fails(claw.ReasonUnconfigured)}, callsA: 1, callsB: 1, reason: claw.ReasonUnconfigured},
		"a defect ends":           {a: plays{{{err: errors.New("a bug")}}}, b: plays{answers("yo")}, callsA: 1, reason: ""},
		"slow first byte":         {a: plays{{{wait: -1}}, answers("late")}, b: plays{answers("yo")}, callsA: 1, callsB: 1, text: "yo", model: "model-of-b", least: time.Minute, atMost: time.Minute},
		"silence after life":      {a: plays{{{}, {wait: -1}}}, b: plays{answers("yo")}, callsA: 1, callsB: 1, text: "yo", model: "model-of-b", least: time.Minute, atMost: time.Minute},
		"all silent":              {a: plays{{{wait: -1}}}, b: plays{{{wait: -1}}}, callsA: 1, callsB: 1, reason: claw.ReasonTimeout, least: 2 * time.Minute, atMost: 2 * time.Minute},
		"nobody left to ask":      {a: plays{{{wait: -1}}, answers("late")}, callsA: 1, reason: claw.ReasonTimeout, least: time.Minute, atMost: time.Minute},
		"silence after text":      {a: plays{{{text: "half"}, {wait: -1}}}, callsA: 1, text: "half", model: "model-of-a", reason: claw.ReasonTimeout, least: time.Minute, atMost: time.Minute},
		"thinking is no silence":  {a: plays{{{wait: 50 * time.Second}, {wait: 50 * time.Second}, {wait: 50 * time.Second, text: "hi"}, {wait: 50 * time.Second, stop: claw.StopEnd}}}, callsA: 1, text: "hi", model: "model-of-a", least: 200 * time.Second, atMost: 200 * time.Second},
	}, func(t *testing.T, c struct {
		a, b          plays
		callsA        int
		callsB        int
		text, model   string
		reason        claw.Reason
		least, atMost time.Duration
	},
	) {
		a, b := &fake{name: "a", plays: c.a}, &fake{name: "b", plays: c.b}
		fakes := []*fake{a}
		if c.b != nil {
			fakes = append(fakes, b)
		}
		got := askOnce(t.Context(), over(fakes...))
		if got.text != c.text || got.model != c.model {
			t.Errorf("answer is %q of %q, want %q of %q", got.text, got.model, c.text, c.model)
		}
		if got.whole != (got.err == nil) || reasonOf(got.err) != c.reason {
			t.Errorf("whole is %t with error %v, want reason %q", got.whole, got.err, c.reason)
		}
		if len(a.calls) != c.callsA || len(b.calls) != c.callsB {
			t.Errorf("calls are %d and %d, want %d and %d", len(a.calls), len(b.calls), c.callsA, c.callsB)
		}
		if got.took < c.least || got.took > c.atMost {
			t.Errorf("it took %v, want %v to %v", got.took, c.least, c.atMost)
		}
		if a.running+b.running != 0 {
			t.Error("a provider's iterator has not returned")
		}
	})
}

func TestFailoverAttempts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &fake{name: "a", plays: [][]step{fails(claw.ReasonOverloaded)}}
		b := &fake{name: "b", plays: [][]step{fails(claw.ReasonTimeout)}}
		c := &fake{name: "c", plays: [][]step{answers("never")}}
		got := askOnce(t.Context(), over(a, b, c))
		if len(a.calls) != 2 || len(b.calls) != 2 || len(c.calls) != 0 {
			t.Errorf("calls are %d, %d, %d, want 2, 2, 0: four attempts in all", len(a.calls), len(b.calls), len(c.calls))
		}
		e := claw.AsError(got.err)
		for _, want := range []string{"a/model-of-a (overloaded)", "b/model-of-b (timeout)"} {
			if !strings.Contains(e.Message, want) {
				t.Errorf("message is %q, want it to name %q", e.Message, want)
			}
		}
	})
}

func TestFailoverOneAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &fake{name: "a", plays: [][]step{fails(claw.ReasonOverloaded), answers("hi")}}
		f := Failover(Options{Targets: []Target{{Provider: a}}, Logger: quiet, Attempts: 1})
		if got := askOnce(t.Context(), f); got.err == nil || len(a.calls) != 1 {
			t.Errorf("%d attempts, error %v, want one that failed", len(a.calls), got.err)
		}
	})
}

// TestFailoverBudget has each attempt take 25 s to fail, so that the time runs out before the attempts do.
func TestFailoverBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := []step{{wait: 25 * time.Second, err: claw.ModelErrorf(claw.ReasonUnavailable, "It failed.")}}
		a, b := &fake{name: "a", plays: [][]step{slow}}, &fake{name: "b", plays: [][]step{slow}}
		got := askOnce(t.Context(), over(a, b))
		if got.took < 75*time.Second || got.took > 77*time.Second || len(a.calls) != 2 || len(b.calls) != 1 {
			t.Errorf("it took %v and %d + %d attempts, want three of 25 s: there is no time to try the second again",
				got.took, len(a.calls), len(b.calls))
		}
		if got.err == nil || len(a.calls) == 2 && a.at[1].Sub(a.at[0]) < 25*time.Second {
			t.Errorf("error is %v", got.err)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		a := &fake{name: "a", plays: [][]step{failsAfter(claw.ReasonRateLimited, 9*time.Second)}}
		f := Failover(Options{Targets: []Target{{Provider: a}}, Logger: quiet, FirstByte: time.Second, Budget: 5 * time.Second})
		got := askOnce(t.Context(), f)
		if got.took != 0 || len(a.calls) != 1 {
			t.Errorf("it took %v and %d attempts: a wait that ends behind the budget is not begun", got.took, len(a.calls))
		}
		if e := claw.AsError(got.err); e.RetryAfter != 9*time.Second {
			t.Errorf("the client is told to wait %v, want what the provider asked for", e.RetryAfter)
		}
	})
}

func TestFailoverRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &fake{name: "a", plays: [][]step{fails(claw.ReasonOverloaded)}}
		b := &fake{name: "b", plays: [][]step{answers("yo")}}
		f := over(a, b)
		for range 3 {
			askOnce(t.Context(), f)
		}
		// The fifth failure is the first attempt of the third run, which then has no retry.
		if len(a.calls) != 5 || len(b.calls) != 3 {
			t.Fatalf("calls are %d and %d, want 5 and 3", len(a.calls), len(b.calls))
		}
		if d := f.Degraded(); len(d) != 1 || !strings.Contains(d[0], `"a"`) || !strings.Contains(d[0], "30s") {
			t.Errorf("degraded is %q, want that a rests for 30 s", d)
		}
		time.Sleep(30*time.Second - 1)
		if got := askOnce(t.Context(), f); got.text != "yo" || len(a.calls) != 5 || got.took != 0 {
			t.Errorf("a was asked in its rest: %d calls, %+v", len(a.calls), got)
		}
		time.Sleep(time.Nanosecond)
		a.plays = [][]step{fails(claw.ReasonOverloaded)}
		if askOnce(t.Context(), f); len(a.calls) != 6 {
			t.Errorf("calls after the rest are %d, want one more, whose failure begins the next rest", len(a.calls))
		}
		time.Sleep(30 * time.Second)
		a.plays = [][]step{answers("back")}
		if got := askOnce(t.Context(), f); got.text != "back" {
			t.Errorf("after its second rest a answers %+v", got)
		}
		if d := f.Degraded(); len(d) != 0 {
			t.Errorf("degraded is %q after a success", d)
		}
		a.plays = [][]step{fails(claw.ReasonOverloaded), answers("again")}
		a.calls = nil
		if got := askOnce(t.Context(), f); got.text != "again" {
			t.Errorf("a success did not clear the count: %+v", got)
		}
	})
}

func TestFailoverAllRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &fake{name: "a", plays: [][]step{fails(claw.ReasonRateLimited)}}
		f := over(a)
		for range 3 {
			askOnce(t.Context(), f)
		}
		time.Sleep(10 * time.Second)
		got := askOnce(t.Context(), f)
		if len(a.calls) != 5 || got.took != 0 {
			t.Errorf("a was asked %d times, want 5", len(a.calls))
		}
		if e := claw.AsError(got.err); e.Reason != claw.ReasonOverloaded || e.RetryAfter != 20*time.Second {
			t.Errorf("error is %v, after %v, want overloaded and what is left of the rest", e, e.RetryAfter)
		}
	})
}

// TestFailoverNoRest has failures that say nothing about the provider's health.
func TestFailoverNoRest(t *testing.T) {
	inBubble(t, map[string]claw.Reason{
		"rejected": claw.ReasonRejected, "unconfigured": claw.ReasonUnconfigured,
	}, func(t *testing.T, reason claw.Reason) {
		a := &fake{name: "a", plays: [][]step{fails(reason)}}
		f := over(a)
		for range 20 {
			askOnce(t.Context(), f)
		}
		if len(a.calls) != 20 {
			t.Errorf("calls are %d of 20", len(a.calls))
		}
		if d := f.Degraded(); (len(d) == 1) != (reason == claw.ReasonUnconfigured) {
			t.Errorf("degraded is %q", d)
		}
	})
}

func TestFailoverCancel(t *testing.T) {
	why := claw.Errorf(claw.Cancelled, "Enough.")
	inBubble(t, map[string][]step{
		"before the first byte": {{wait: -1}},
		"in the answer":         {{text: "half"}, {wait: -1}},
		"in the backoff":        failsAfter(claw.ReasonRateLimited, 5*time.Second),
	}, func(t *testing.T, play []step) {
		a, b := &fake{name: "a", plays: [][]step{play}}, &fake{name: "b", plays: [][]step{answers("yo")}}
		f := over(a, b)
		for range 4 {
			a.calls = nil
			ctx, cancel := context.WithCancelCause(t.Context())
			time.AfterFunc(time.Second, func() { cancel(why) })
			got := askOnce(ctx, f)
			if !errors.Is(got.err, why) || got.took != time.Second {
				t.Fatalf("error is %v after %v, want the cause after a second", got.err, got.took)
			}
			if a.running != 0 {
				t.Error("the provider's iterator has not returned")
			}
		}
		// Attempts that failed before the cancellation count, cancelled ones do not.
		want := 0
		if play[0].err != nil {
			want = 4
		}
		if s := f.breaker.states["a"]; want == 0 && s != nil || want > 0 && s.failures != want {
			t.Errorf("the provider has %+v against it, want %d failures", s, want)
		}
	})
}

func TestFailoverBreakOut(t *testing.T) {
	a := &fake{name: "a", plays: [][]step{{{text: "one"}, {text: "two"}, {stop: claw.StopEnd}}}}
	for range over(a).Stream(t.Context(), claw.Prompt{}) {
		break
	}
	if a.running != 0 || len(a.calls) != 1 {
		t.Errorf("after a break %d iterators run and %d calls were made", a.running, len(a.calls))
	}
}

// TestFailoverSlowReader has a caller that takes longer over a chunk than a provider may.
func TestFailoverSlowReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &fake{name: "a", plays: [][]step{answers("hi")}}
		for _, err := range over(a).Stream(t.Context(), claw.Prompt{}) {
			if err != nil {
				t.Errorf("error is %v", err)
			}
			time.Sleep(5 * time.Minute)
		}
	})
}

func TestFailoverPrompt(t *testing.T) {
	a := &fake{name: "a", plays: [][]step{fails(claw.ReasonUnconfigured)}}
	b := &fake{name: "b", plays: [][]step{answers("yo")}}
	f := Failover(Options{Logger: quiet, Targets: []Target{
		{Provider: a, Model: "small", ContextWindow: 100, MaxTokens: 10},
		{Provider: b, Model: "big", ContextWindow: 100_000},
	}})
	long := strings.Repeat("x", 300)
	prompt := claw.Prompt{Model: "ignored", System: "Be brief.", Messages: []claw.PromptMessage{
		{Role: claw.RoleUser, Content: long},
		{Role: claw.RoleAssistant, Content: "ok"},
		{Role: claw.RoleUser, Content: "last"},
	}}
	for _, err := range f.Stream(t.Context(), prompt) {
		if err != nil {
			t.Fatal(err)
		}
	}
	want := claw.Prompt{Model: "small", System: "Be brief.", MaxTokens: 10, ContextWindow: 100, Messages: []claw.PromptMessage{
		{Role: claw.RoleUser, Content: "last"},
	}}
	if got := a.calls[0]; !equalPrompt(got, want) {
		t.Errorf("the small model got %+v, want %+v", got, want)
	}
	want = claw.Prompt{Model: "big", System: "Be brief.", ContextWindow: 100_000, Messages: []claw.PromptMessage{
		{Role: claw.RoleUser, Content: long},
		{Role: claw.RoleAssistant, Content: "ok"},
		{Role: claw.RoleUser, Content: "last"},
	}}
	if got := b.calls[0]; !equalPrompt(got, want) {
		t.Errorf("the big model got %+v, want %+v", got, want)
	}
}

func equalPrompt(a, b claw.Prompt) bool {
	return a.Model == b.Model && a.System == b.System && a.MaxTokens == b.MaxTokens && a.ContextWindow == b.ContextWindow &&
		slices.Equal(a.Messages, b.Messages)
}

func TestFailoverLogs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		cause := errors.New("status 503: details")
		a := &fake{name: "a", plays: [][]step{{{err: claw.ModelErrorf(claw.ReasonOverloaded, "Full.").Because(cause)}}, answers("hi")}}
		f := Failover(Options{
			Targets: []Target{{Provider: a, Model: "m"}}, Logger: slog.New(slog.NewTextHandler(&log, nil)),
		})
		askOnce(t.Context(), f)
		for _, want := range []string{"level=WARN", "provider=a", "model=m", "reason=overloaded", "attempt=1", "retry=true", "wait=", "status 503: details"} {
			if !strings.Contains(log.String(), want) {
				t.Errorf("log is %q, want %q in it", log.String(), want)
			}
		}
	})
}

func TestFailoverWithoutTargets(t *testing.T) {
	f := Failover(Options{Logger: quiet})
	if got := askOnce(t.Context(), f); reasonOf(got.err) != claw.ReasonUnconfigured || f.Name() != "" {
		t.Errorf("error is %v", got.err)
	}
}
