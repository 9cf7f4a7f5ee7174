package model

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/openclaw/openclaw/claw"
	"github.com/openclaw/openclaw/model/internal/call"
)

// breaker lets a provider rest that fails again and again, for all runs alike.
//
// It is not failsafe-go's circuit breaker on purpose. That one hands out a permit in its half-open state which only the
// outcome of a call gives back, and a run that its user cancels has no outcome: the provider would rest for ever. Here
// the state is a count and a time. After the rest everybody may try again, and the first failure begins another rest.
type breaker struct {
	limit int           // failures in a row
	rest  time.Duration // how long then

	mu     sync.Mutex
	states map[string]*state // by the provider's name
}

type state struct {
	failures int
	until    time.Time   // end of its rest, zero where there is none
	last     *claw.Error // nil while all is well
}

func newBreaker(limit int, rest time.Duration) *breaker {
	return &breaker{limit: limit, rest: rest, states: map[string]*state{}}
}

// resting returns for how long a provider still rests, 0 where it does not, and its last failure.
func (b *breaker) resting(provider string) (time.Duration, *claw.Error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.states[provider]
	if s == nil {
		return 0, nil
	}
	return max(0, time.Until(s.until)), s.last
}

// succeeded and failed take the outcome of an attempt. An attempt that its run cancelled has none.
func (b *breaker) succeeded(provider string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.states, provider)
}

func (b *breaker) failed(provider string, err *claw.Error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.states[provider]
	if s == nil {
		s = &state{}
		b.states[provider] = s
	}
	switch {
	case call.Transient(err.Reason):
		s.last = err
		s.failures++
		if s.failures >= b.limit {
			s.until = time.Now().Add(b.rest)
		}
	case err.Reason == claw.ReasonUnconfigured:
		// Often one model of several (a name that is wrong), so the others must not be made to rest with it.
		s.last = err
	}
	// A rejection is no failure: the provider is well, it is the prompt that it does not like.
}

// degraded returns a sentence on each provider that is not well, in the order of their names.
func (b *breaker) degraded() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []string
	for name, s := range b.states {
		rest := time.Until(s.until)
		switch {
		case s.last == nil:
		case rest > 0:
			out = append(out, fmt.Sprintf("Provider %q failed %d times in a row (%s) and is not asked again for %s.",
				name, s.failures, s.last.Reason, rest.Round(time.Second)))
		case s.last.Reason == claw.ReasonUnconfigured || s.failures >= b.limit:
			out = append(out, fmt.Sprintf("Provider %q failed when it was last asked (%s). %s",
				name, s.last.Reason, s.last.Message))
		}
	}
	slices.Sort(out)
	return out
}
