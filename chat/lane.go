package chat

import (
	"slices"
	"time"

	"github.com/openclaw/openclaw/claw"
)

// laneKey names a session, whether it exists yet or not.
type laneKey struct{ workspace, session string }

// lane is the order of one session: what is at work and what waits. It exists only while there is work, and one
// goroutine of the engine's serves it, so that two things never happen to a session at once. Its fields are guarded by
// the engine's mutex.
type lane struct {
	current job
	ending  bool // what is left of current is to tell of its end: the place that comes free is as good as free
	waiting []job
}

// full reports whether no more than limit messages may wait, and as many do.
func (l *lane) full(limit int) bool {
	if l.ending {
		limit++
	}
	return len(l.waiting) >= limit
}

// job is what a lane does: a turn or the deletion of the session.
type job interface {
	do()                      // carries it out, and may not panic
	refuse(cause *claw.Error) // it will never be carried out; called without the engine's mutex
	stop(cause *claw.Error)   // it is under way and shall end soon; without effect once it has ended
}

// clear empties the queue and returns what was in it, to be refused once the engine's mutex is released.
func (l *lane) clear() []job {
	waiting := l.waiting
	l.waiting = nil
	return waiting
}

func refuseAll(jobs []job, cause *claw.Error) {
	for _, j := range jobs {
		j.refuse(cause)
	}
}

// enqueue puts a turn at the end of its session's queue, and fails at once where that is full. Where the session was at rest it
// returns a lane of which the turn is the current job: the caller has to see that it is served.
func (e *Engine) enqueue(k laneKey, j job) (*lane, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closing {
		return nil, errShuttingDown
	}
	l := e.lanes[k]
	if l == nil {
		return e.open(k, j), nil
	}
	if l.full(e.QueueLength) {
		return nil, claw.Errorf(claw.SessionBusy,
			"Session %s has %d messages waiting already. Wait for answers before sending more.", k.session, len(l.waiting)).After(2 * time.Second)
	}
	l.waiting = append(l.waiting, j)
	return nil, nil
}

// overtake stops the turn that the session is at and refuses those that wait, all with cause, and does j before whatever
// comes later.
func (e *Engine) overtake(k laneKey, j job, cause *claw.Error) error {
	e.mu.Lock()
	if e.closing {
		e.mu.Unlock()
		return errShuttingDown
	}
	l := e.lanes[k]
	if l == nil {
		l = e.open(k, j)
		e.mu.Unlock()
		go e.serve(k, l, j.do)
		return nil
	}
	l.current.stop(cause)
	var refused []job
	for _, w := range l.clear() {
		if _, is := w.(*turn); is {
			refused = append(refused, w)
		} else {
			l.waiting = append(l.waiting, w)
		}
	}
	l.waiting = append(l.waiting, j)
	e.mu.Unlock()
	refuseAll(refused, cause)
	return nil
}

// withdraw takes a job that still waits out of its queue, and reports whether it did.
func (e *Engine) withdraw(k laneKey, j job) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	l := e.lanes[k]
	if l == nil {
		return false
	}
	before := len(l.waiting)
	l.waiting = slices.DeleteFunc(l.waiting, func(w job) bool { return w == j })
	return len(l.waiting) < before
}

// open makes a lane, at whose end [Engine.Stop] waits until it is served. The engine's mutex is held.
func (e *Engine) open(k laneKey, first job) *lane {
	l := &lane{current: first}
	e.lanes[k] = l
	e.working.Add(1)
	return l
}

// serve does the lane's first job, or what is left of it, and then the others until there is none. It has a goroutine of its
// own.
func (e *Engine) serve(k laneKey, l *lane, first func()) {
	defer e.working.Done()
	first()
	for j := e.next(k, l); j != nil; j = e.next(k, l) {
		j.do()
	}
}

// beginFirst begins a turn that opens its lane, and leaves the rest of it to a goroutine.
func (e *Engine) beginFirst(l *lane, t *turn) {
	r, err := t.begin()
	go e.serve(t.lane, l, func() { t.answer(r, err) })
}

// next takes the lane's next job, or closes the lane where there is none.
func (e *Engine) next(k laneKey, l *lane) job {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(l.waiting) == 0 {
		delete(e.lanes, k)
		return nil
	}
	l.current, l.ending = l.waiting[0], false
	l.waiting = slices.Delete(l.waiting, 0, 1)
	return l.current
}
