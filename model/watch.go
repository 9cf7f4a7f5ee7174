package model

import (
	"math"
	"sync/atomic"
	"time"
)

// watch calls timeout when an answer shows no sign of life for too long. To set a timer anew with every chunk would be a
// thirtieth of what one costs, so the timer runs on, and when it fires it looks at how long the wait may still be.
type watch struct {
	idle    time.Duration // longest silence behind the first sign of life
	timeout func()
	timer   *time.Timer
	begun   time.Time
	until   atomic.Int64 // since begun, when it is too long; or one of the two below
	alive   bool         // there was a sign of life
}

const (
	paused  = math.MaxInt64
	stopped = -1
)

// newWatch begins to watch. The first sign of life may take as long as first.
func newWatch(first, idle time.Duration, timeout func()) *watch {
	w := &watch{idle: idle, timeout: timeout, begun: time.Now()}
	w.until.Store(int64(max(first, 0)))
	w.timer = time.AfterFunc(time.Hour, w.look)
	w.timer.Reset(first)
	return w
}

// pause stops the clock.
func (w *watch) pause() { w.until.Store(paused) }

// resume begins a new wait.
func (w *watch) resume() {
	w.until.Store(int64(time.Since(w.begun) + w.idle))
	if !w.alive {
		w.alive = true
		w.timer.Reset(w.idle) // from now on it fires at least as often as that
	}
}

// stop ends the watch.
func (w *watch) stop() {
	w.until.Store(stopped)
	w.timer.Stop()
}

func (w *watch) look() {
	until := w.until.Load()
	if until == stopped {
		return
	}
	if left := time.Duration(until) - time.Since(w.begun); left > 0 {
		w.timer.Reset(min(left, w.idle))
		return
	}
	w.timeout()
}
