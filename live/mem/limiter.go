package mem

import (
	"context"
	"sync"
	"time"

	"github.com/openclaw/openclaw/claw"
)

// Limiter is a [claw.Limiter]. Its zero value is ready for use.
type Limiter struct {
	mu      sync.Mutex
	windows map[string]window
	sweepAt int // number of windows at which the ended ones are cleared away next
}

// window is the time in which one key's requests are counted. end carries Go's monotonic reading, so a wall clock set
// forward or back moves no window.
type window struct {
	end   time.Time
	count int
}

// minSweep is the number of windows below which clearing away is not worth a thought.
const minSweep = 1024

var _ claw.Limiter = (*Limiter)(nil)

// Take implements [claw.Limiter].
func (l *Limiter) Take(_ context.Context, key string, limit claw.Limit) (claw.Decision, error) {
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	w, known := l.windows[key]
	if !known || !now.Before(w.end) {
		w = window{end: now.Add(limit.Window)}
	}
	ok := w.count < limit.Requests
	if ok {
		w.count++
		l.put(key, w, now)
	}
	return claw.Decision{
		OK:        ok,
		Limit:     limit.Requests,
		Remaining: max(0, limit.Requests-w.count),
		Reset:     w.end.Sub(now),
	}, nil
}

// put stores a window. Keys come from outside (addresses of those who fail to sign in), so ended windows are cleared
// away each time their number has doubled: the map stays within twice what is in use, at constant cost per request.
func (l *Limiter) put(key string, w window, now time.Time) {
	if l.windows == nil {
		l.windows, l.sweepAt = map[string]window{}, minSweep
	}
	l.windows[key] = w
	if len(l.windows) < l.sweepAt {
		return
	}
	for k, old := range l.windows {
		if !now.Before(old.end) {
			delete(l.windows, k)
		}
	}
	l.sweepAt = max(minSweep, 2*len(l.windows))
}
