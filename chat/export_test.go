package chat

// Waiting is how many messages wait for their turn, in all sessions.
func (e *Engine) Waiting() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	n := 0
	for _, l := range e.lanes {
		n += len(l.waiting)
	}
	return n
}

// Idle reports whether no session has any work.
func (e *Engine) Idle() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.lanes) == 0
}

// Held is how much the engine still remembers of keys and runs.
func (e *Engine) Held() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.byKey) + len(e.live) + len(e.unsaved)
}
