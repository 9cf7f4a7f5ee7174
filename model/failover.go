package model

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/openclaw/openclaw/claw"
	"github.com/openclaw/openclaw/model/internal/call"
)

// Target is one model to ask.
type Target struct {
	Provider      claw.Provider
	Model         string // the provider's own name for it
	ContextWindow int    // in tokens, 0 where unknown: then no message is dropped
	MaxTokens     int    // most tokens of an answer, 0 leaves it to the provider
}

func (t Target) String() string { return t.Provider.Name() + "/" + t.Model }

// Options configure [Failover]. A zero field takes the default that stands beside it.
type Options struct {
	Targets []Target     // in the order in which they are asked; at least one
	Logger  *slog.Logger // slog.Default

	FirstByte time.Duration // 60 s: longest wait of an attempt for its first sign of life
	Idle      time.Duration // 60 s: longest silence after that

	Attempts int           // 4: most attempts of one run, over all targets
	Budget   time.Duration // 60 s, or FirstByte where that is more: after that no target is tried again

	// A target that has not been asked by then still is, for FirstByte at most: else one that says nothing, which takes all
	// of Budget to find out, would leave the others unasked.

	RestAfter int           // 5: failures in a row after which a provider rests
	Rest      time.Duration // 30 s
}

const (
	// longestWait is the longest Retry-After that is waited out. Beyond it the next model is the better bet.
	longestWait = 10 * time.Second
	// Without a Retry-After the wait is 500 ms to 1 s, spread so that runs which failed together do not return together.
	shortestBackoff = 500 * time.Millisecond
	backoffSpread   = 500 * time.Millisecond
	triesPerTarget  = 2
)

// FailoverProvider is several targets behind the face of one provider; see [Failover].
type FailoverProvider struct {
	o       Options
	breaker *breaker
}

// Failover returns a provider that asks one target after the other until one answers.
//
// It tries again, or moves on, only while no text of an answer has been yielded; after that a failure is final. A failure
// that may pass (see [claw.Reason]: rate_limited, overloaded, timeout, unavailable, truncated) gets one retry at the same
// target, then it is the next one's turn. An unconfigured target is passed over at once. A rejection ends the run: the
// prompt was understood, and asking elsewhere would only ask the same again.
//
// Of the prompt, Model and ContextWindow are the targets' business, and MaxTokens where it is 0. Its messages are
// fitted, for each target, into the window. Every chunk it yields has Model set, and text or Stop.
func Failover(o Options) *FailoverProvider {
	o.Logger = cmp.Or(o.Logger, slog.Default())
	o.FirstByte = cmp.Or(o.FirstByte, 60*time.Second)
	o.Idle = cmp.Or(o.Idle, 60*time.Second)
	o.Attempts = cmp.Or(o.Attempts, 4)
	o.Budget = max(cmp.Or(o.Budget, 60*time.Second), o.FirstByte)
	o.RestAfter = cmp.Or(o.RestAfter, 5)
	o.Rest = cmp.Or(o.Rest, 30*time.Second)
	return &FailoverProvider{o: o, breaker: newBreaker(o.RestAfter, o.Rest)}
}

// Name is that of the first target's provider.
func (f *FailoverProvider) Name() string {
	if len(f.o.Targets) == 0 {
		return ""
	}
	return f.o.Targets[0].Provider.Name()
}

// Degraded returns a sentence for operators on each provider that is not well, none where all are.
func (f *FailoverProvider) Degraded() []string { return f.breaker.degraded() }

// Stream asks the targets, see [Failover] and [claw.Provider].
func (f *FailoverProvider) Stream(ctx context.Context, p claw.Prompt) iter.Seq2[claw.Chunk, error] {
	return func(yield func(claw.Chunk, error) bool) {
		deadline := time.Now().Add(f.o.Budget)
		r := &run{f: f, prompt: p, yield: yield, deadline: deadline, end: deadline.Add(f.o.FirstByte)}
		if err := r.do(ctx); err != nil {
			yield(claw.Chunk{}, err)
		}
	}
}

// run is one walk over the targets.
type run struct {
	f        *FailoverProvider
	prompt   claw.Prompt // until the answer has begun: then nobody else is asked, and it may be long
	yield    func(claw.Chunk, error) bool
	deadline time.Time // for targets to be tried again
	end      time.Time // for the last attempt to show a first sign of life
	attempts int
	outcomes []outcome // of the targets so far
}

// outcome is why a target gave no answer.
type outcome struct {
	target  Target
	err     *claw.Error
	resting bool
}

// do returns nil where the answer was yielded whole or the caller has enough, else the error to yield.
func (r *run) do(ctx context.Context) error {
	for _, t := range r.f.o.Targets {
		if r.attempts >= r.f.o.Attempts || !time.Now().Before(r.end) {
			break
		}
		if rest, last := r.f.breaker.resting(t.Provider.Name()); rest > 0 {
			r.outcomes = append(r.outcomes, outcome{t, last.After(rest), true})
			continue
		}
		done, err := r.ask(ctx, t)
		if done {
			return err
		}
		r.outcomes = append(r.outcomes, outcome{target: t, err: claw.AsError(err)})
	}
	return r.verdict()
}

// ask gives one target its tries. It is done where the answer was yielded, or where its error is the run's.
func (r *run) ask(ctx context.Context, t Target) (done bool, err error) {
	for try := 1; ; try++ {
		r.attempts++
		begun, err := r.attempt(ctx, t)
		switch {
		case err == nil:
			return true, nil
		case ctx.Err() != nil:
			return true, context.Cause(ctx)
		}
		failure := claw.AsError(err)
		r.f.breaker.failed(t.Provider.Name(), failure)
		wait, again := r.wait(t, failure, try)
		again = again && !begun
		r.f.o.Logger.WarnContext(ctx, "A model failed to answer.",
			"provider", t.Provider.Name(), "model", t.Model, "reason", failure.Reason, "attempt", r.attempts,
			"begun", begun, "retry", again, "wait", wait, "error", failure)
		switch {
		case begun, failure.Code != claw.ModelError, failure.Reason == claw.ReasonRejected:
			return true, failure
		case !again:
			return false, failure
		}
		if err := sleep(ctx, wait); err != nil {
			return true, err
		}
	}
}

// wait returns whether the same target is to be tried again after a failure, and when.
func (r *run) wait(t Target, failure *claw.Error, try int) (time.Duration, bool) {
	if !call.Transient(failure.Reason) || try >= triesPerTarget || r.attempts >= r.f.o.Attempts {
		return 0, false
	}
	wait := failure.RetryAfter
	if wait <= 0 {
		wait = shortestBackoff + rand.N(backoffSpread)
	}
	rest, _ := r.f.breaker.resting(t.Provider.Name())
	if wait > longestWait || rest > 0 || time.Now().Add(wait).After(r.deadline) {
		return 0, false
	}
	return wait, true
}

// attempt asks a target once and relays its answer. Begun says whether text of it was yielded. The error is nil where the
// answer was yielded whole, or the caller has enough.
func (r *run) attempt(ctx context.Context, t Target) (begun bool, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	// The clock stands still while the caller deals with a chunk: who is slow then is not the provider.
	watch := newWatch(min(r.f.o.FirstByte, time.Until(r.end)), r.f.o.Idle, func() { cancel(slow(t)) })
	defer watch.stop()

	whole := false
	for chunk, err := range t.Provider.Stream(ctx, r.promptFor(t)) {
		watch.pause()
		if err != nil {
			return begun, err
		}
		whole = chunk.Stop != ""
		if chunk.Stop == claw.StopLength && chunk.Text == "" && !begun {
			// A success without a word would leave the user to guess. Another try would think as long, and be paid for.
			return false, claw.ModelErrorf(claw.ReasonRejected, "The model %s used up all tokens of its answer before it said "+
				"anything. Raise models.maxTokens in the configuration, or ask for less.", t)
		}
		if chunk.Text != "" || whole {
			if !begun {
				begun, r.prompt = true, claw.Prompt{}
			}
			chunk.Model = t.Model
			if whole {
				r.f.breaker.succeeded(t.Provider.Name())
			}
			if !r.yield(chunk, nil) {
				return begun, nil
			}
		}
		watch.resume()
	}
	if !whole {
		return begun, claw.ModelErrorf(claw.ReasonTruncated, "The answer of %s ended before it was whole.", t)
	}
	return begun, nil
}

func slow(t Target) *claw.Error {
	return claw.ModelErrorf(claw.ReasonTimeout, "The model %s took too long to answer.", t)
}

func (r *run) promptFor(t Target) claw.Prompt {
	p := r.prompt
	p.Model, p.ContextWindow = t.Model, t.ContextWindow
	p.MaxTokens = cmp.Or(p.MaxTokens, t.MaxTokens)
	return Fit(p, t.ContextWindow, p.MaxTokens)
}

// verdict makes one error of all outcomes. Its reason is that of the last failure that may pass, for then trying later
// is good advice; else that of the last. It asks for the shortest wait that any target asked for.
func (r *run) verdict() error {
	if len(r.outcomes) == 0 {
		return claw.ModelErrorf(claw.ReasonUnconfigured,
			"No model is configured. Name one as models.default in the configuration.")
	}
	telling := r.outcomes[len(r.outcomes)-1]
	var wait time.Duration
	var tried []string
	var causes []error
	for _, o := range r.outcomes {
		if call.Transient(o.err.Reason) {
			if !call.Transient(telling.err.Reason) || !o.resting || telling.resting {
				telling = o
			}
			if after := o.err.RetryAfter; after > 0 && (wait == 0 || after < wait) {
				wait = after
			}
		}
		why := string(o.err.Reason)
		if o.resting {
			why += ", resting"
		}
		tried = append(tried, fmt.Sprintf("%s (%s)", o.target, why))
		causes = append(causes, o.err)
	}
	err := *telling.err
	if telling.resting {
		err = *claw.ModelErrorf(restReason(err.Reason), "Provider %q failed several times in a row and is not asked again "+
			"for the moment.", telling.target.Provider.Name())
	}
	if len(r.outcomes) > 1 {
		err.Message += " Tried " + strings.Join(tried, ", ") + "."
	}
	err.RetryAfter = wait
	err.Err = errors.Join(causes...)
	return &err
}

// restReason is the reason of a run that found its provider resting: it was not tried, so not all reasons would be true.
func restReason(last claw.Reason) claw.Reason {
	if last == claw.ReasonRateLimited || last == claw.ReasonOverloaded {
		return claw.ReasonOverloaded
	}
	return claw.ReasonUnavailable
}

// sleep waits for d, or returns ctx's cause where that ends first.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
