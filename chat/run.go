package chat

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/openclaw/openclaw/claw"
)

// run is an answer in the making. One goroutine, its lane's, writes it; others look at it under its mutex.
type run struct {
	id         string
	token      string // name of the token that asked
	lane       laneKey
	sessionKey string
	began      time.Time
	first      bool // of its session
	stop       func(cause *claw.Error)
	release    func()        // gives the idempotency key back
	ended      chan struct{} // closed behind the terminal event

	promptBytes int // of what the model was sent; written before the first chunk

	mu     sync.Mutex
	noted  bool  // in the engine's list of runs that have grown
	seq    int64 // of the newest event
	text   []byte
	deltas []int
	model  string
	saved  int       // how many of deltas are durable
	savedB int       // how many bytes of text they are
	end    *claw.Run // how it ended; nil while it runs
}

// now is the time as messages carry it: UTC, to the millisecond, so that what the store gives back is what was told.
func now() time.Time { return time.Now().UTC().Truncate(time.Millisecond) }

// emit numbers an event and appends it to the run's log.
func (e *Engine) emit(r *run, ev claw.Event) error {
	r.mu.Lock()
	r.seq++
	ev.Seq = r.seq
	r.mu.Unlock()
	return e.Log.Append(context.Background(), r.id, ev)
}

// take adds a chunk to the run and tells its watchers.
func (e *Engine) take(r *run, c claw.Chunk) error {
	r.mu.Lock()
	if c.Model != "" {
		r.model = c.Model
	}
	if c.Text == "" {
		r.mu.Unlock()
		return nil
	}
	if len(r.text)+len(c.Text) > e.MaxAnswerBytes {
		r.mu.Unlock()
		return errTooLong
	}
	r.text = append(r.text, c.Text...)
	r.deltas = append(r.deltas, len(c.Text))
	r.seq++
	ev := claw.Event{Seq: r.seq, Type: claw.EventDelta, Text: c.Text}
	first := !r.noted
	r.noted = true
	r.mu.Unlock()
	if first {
		e.noteGrown(r)
	}
	return e.Log.Append(context.Background(), r.id, ev)
}

// content is what the model has said so far.
func (r *run) content() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return string(r.text)
}

// finish makes the run's end durable, and only then tells its watchers. cause is nil for a whole answer.
func (e *Engine) finish(r *run, usage *claw.Usage, cause error) {
	end := r.ending(usage, cause)
	err := e.Store.EndRun(context.Background(), end)
	switch {
	case claw.CodeOf(err) == claw.NotFound: // deleted by someone who did not ask the engine
		end.Answer.Status, end.Answer.Err = claw.StatusIncomplete, errDeleted
		err = nil
	case err != nil:
		// What cannot be made durable is not acknowledged. The text is kept and stored as soon as the store can take
		// it, under the error that the watchers are told now, so that both always agree.
		e.Logger.Error("could not store the end of a run; will try again", "run", r.id, "session", r.sessionKey, "error", err)
		end.Answer.Status = claw.StatusIncomplete
		end.Answer.Err = claw.Errorf(claw.Unavailable, "The answer could not be stored. Try again in a few seconds.").After(5 * time.Second)
	}
	e.mu.Lock()
	r.mu.Lock()
	r.end = &end
	r.mu.Unlock()
	if err != nil {
		e.unsaved[r.lane] = r
	}
	e.lanes[r.lane].ending = true
	e.mu.Unlock()
	if err != nil {
		e.wantCheckpoint()
	}
	// Before anyone is told: whoever is may send the same key at once, and must find a run that has ended.
	r.release()

	for ev := range end.Events(end.EndSeq - 1) {
		if err := e.emit(r, ev); err != nil {
			e.Logger.Error("could not tell a run's watchers of its end", "run", r.id, "error", err)
		}
	}
	if err == nil {
		e.forget(r)
	}
	close(r.ended)
	e.logEnd(r, end, cause)
}

// ending is how a run ends for the given cause: nil for a whole answer.
func (r *run) ending(usage *claw.Usage, cause error) claw.Run {
	r.mu.Lock()
	defer r.mu.Unlock()
	m := claw.Message{ID: r.id, Role: claw.RoleAssistant, Content: string(r.text), Model: r.model, CreatedAt: now()}
	m.Err = claw.AsError(cause)
	switch claw.CodeOf(cause) {
	case "":
		m.Status = claw.StatusComplete
	case claw.Cancelled, claw.SessionDeleted, claw.Unavailable:
		m.Status = claw.StatusIncomplete
	default:
		m.Status = claw.StatusFailed
	}
	if usage != nil && *usage != (claw.Usage{}) {
		m.Usage = usage
	} else if r.model != "" || cause == nil {
		m.Usage = &claw.Usage{
			InputTokens:  claw.EstimateTokens(r.promptBytes),
			OutputTokens: claw.EstimateTokens(len(r.text)),
			Estimated:    true,
		}
	}
	return claw.Run{ID: r.id, Workspace: r.lane.workspace, SessionKey: r.sessionKey, Answer: m, Deltas: r.deltas, EndSeq: r.seq + 1}
}

// forget lets go of a run whose end is durable: from now on the store answers for it.
func (e *Engine) forget(r *run) {
	e.mu.Lock()
	delete(e.live, r.id)
	e.mu.Unlock()
	e.Log.Drop(r.id)
}

// settle stores the end of the session's last run, where that is still to be done. A session's next message must not be
// stored before: history would be out of order.
func (e *Engine) settle(ctx context.Context, k laneKey) error {
	e.mu.Lock()
	r := e.unsaved[k]
	e.mu.Unlock()
	if r == nil {
		return nil
	}
	if err := e.Store.EndRun(ctx, *r.end); err != nil && claw.CodeOf(err) != claw.NotFound {
		return err
	}
	e.settled(r)
	return nil
}

// settled lets go of a run whose end could not be stored at first.
func (e *Engine) settled(r *run) {
	e.mu.Lock()
	if e.unsaved[r.lane] == r {
		delete(e.unsaved, r.lane)
	}
	e.mu.Unlock()
	e.forget(r)
}

// logEnd writes the run's one line. Each attribute has its type: one that is given as any goes through encoding/json, which
// doubles what the line costs.
func (e *Engine) logEnd(r *run, end claw.Run, cause error) {
	level, what := slog.LevelInfo, "run complete"
	if cause != nil {
		what = "run stopped"
		if end.Answer.Status == claw.StatusFailed {
			level, what = slog.LevelError, "run failed"
		}
	}
	attrs := make([]slog.Attr, 0, 10)
	attrs = append(attrs,
		slog.String("run", r.id),
		slog.String("session", r.sessionKey),
		slog.String("token", r.token),
		slog.String("status", string(end.Answer.Status)),
		slog.String("model", end.Answer.Model),
		slog.Duration("duration", time.Since(r.began).Round(time.Millisecond)),
		slog.Int("deltas", len(end.Deltas)))
	if u := end.Answer.Usage; u != nil {
		attrs = append(attrs, slog.Int("inputTokens", u.InputTokens), slog.Int("outputTokens", u.OutputTokens))
	}
	if cause != nil {
		attrs = append(attrs, slog.Any("error", cause))
	}
	e.Logger.LogAttrs(context.Background(), level, what, attrs...)
}
