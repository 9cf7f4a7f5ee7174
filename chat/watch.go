package chat

import (
	"context"
	"iter"

	"github.com/openclaw/openclaw/claw"
)

// Watch returns the events of a run that followed event after, and then those to come, to the terminal event: those that are
// there at the same time in one slice, which is valid until the next. It returns nil where after is the terminal event or
// lies behind it. The iterator yields an error only where ctx ends.
//
// Errors: NOT_FOUND, where the message is not an assistant's, is another workspace's, or its events are no longer kept;
// INVALID_REQUEST, where after is an event that a running run has not had yet.
func (e *Engine) Watch(ctx context.Context, p claw.Principal, id string, after int64) (iter.Seq2[[]claw.Event, error], error) {
	r := e.liveRun(p, id)
	if r == nil {
		return e.replay(ctx, p, id, after)
	}
	r.mu.Lock()
	seq, end := r.seq, r.end
	r.mu.Unlock()
	switch {
	case end != nil && after >= end.EndSeq:
		return nil, nil
	case after > seq:
		return nil, claw.Errorf(claw.InvalidRequest, "Event %d of message %s has not happened yet; the newest is %d.", after, id, seq)
	}
	events := e.Log.Read(ctx, id, after) // now, so that the end of the run cannot take the log away from this reader
	return func(yield func([]claw.Event, error) bool) {
		begun := false
		for some, err := range events {
			if !begun && claw.CodeOf(err) == claw.NotFound {
				e.yieldReplay(ctx, p, id, after, yield) // it ended between the two looks above
				return
			}
			begun = true
			if !yield(some, err) {
				return
			}
		}
	}, nil
}

func (e *Engine) yieldReplay(ctx context.Context, p claw.Principal, id string, after int64, yield func([]claw.Event, error) bool) {
	events, err := e.replay(ctx, p, id, after)
	if err != nil {
		yield(nil, err)
		return
	}
	if events != nil {
		events(yield)
	}
}

// replayLen is how many events of a run that has ended are rebuilt at a time.
const replayLen = 256

// replay is Watch for a run that has ended.
func (e *Engine) replay(ctx context.Context, p claw.Principal, id string, after int64) (iter.Seq2[[]claw.Event, error], error) {
	stored, err := e.Store.Run(ctx, p.Workspace, id)
	if claw.CodeOf(err) == claw.NotFound {
		if _, _, err := e.Store.Message(ctx, p.Workspace, id); err == nil {
			return nil, claw.Errorf(claw.NotFound, "Message %s has no events, or none that are still kept. Read the message itself.", id)
		}
	}
	if err != nil {
		return nil, err
	}
	if after >= stored.EndSeq {
		return nil, nil
	}
	return func(yield func([]claw.Event, error) bool) {
		some := make([]claw.Event, 0, replayLen)
		for ev := range stored.Events(after) {
			if len(some) == replayLen {
				if !yield(some, nil) {
					return
				}
				some = some[:0]
			}
			some = append(some, ev)
		}
		if len(some) > 0 {
			yield(some, nil)
		}
	}, nil
}

// Message returns a message of any role; while its run goes on, with what came so far.
//
// Errors: NOT_FOUND.
func (e *Engine) Message(ctx context.Context, p claw.Principal, id string) (claw.MessageView, error) {
	if r := e.liveRun(p, id); r != nil {
		return r.view(), nil
	}
	m, session, err := e.Store.Message(ctx, p.Workspace, id)
	return claw.MessageView{Message: m, SessionKey: session}, err
}

func (r *run) view() claw.MessageView {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.end != nil {
		return claw.MessageView{Message: r.end.Answer, SessionKey: r.sessionKey}
	}
	return claw.MessageView{
		Message: claw.Message{
			ID: r.id, Role: claw.RoleAssistant, Content: string(r.text), Status: claw.StatusIncomplete, Model: r.model, CreatedAt: r.began,
		},
		SessionKey: r.sessionKey,
		Running:    true,
	}
}

// Wait returns a run's message once the run has ended. Who wants the whole answer and no part of it should not be woken
// for each.
//
// Errors: NOT_FOUND; ctx's cause.
func (e *Engine) Wait(ctx context.Context, p claw.Principal, id string) (claw.MessageView, error) {
	r := e.liveRun(p, id)
	if r == nil {
		return e.Message(ctx, p, id)
	}
	select {
	case <-r.ended:
		return r.view(), nil
	case <-ctx.Done():
		return claw.MessageView{}, context.Cause(ctx)
	}
}

// Cancel stops a run and returns its message when it has stopped. What came until then is kept. Cancelling a run that
// has ended changes nothing.
//
// Errors: NOT_FOUND, also for a message that is not an assistant's; ctx's cause.
func (e *Engine) Cancel(ctx context.Context, p claw.Principal, id string) (claw.MessageView, error) {
	if r := e.liveRun(p, id); r != nil {
		r.stop(errCancelled)
	}
	m, err := e.Wait(ctx, p, id)
	if err == nil && m.Role != claw.RoleAssistant {
		return claw.MessageView{}, claw.Errorf(claw.NotFound, "Message %s is the user's; only an assistant's can be cancelled.", id)
	}
	return m, err
}

func (e *Engine) liveRun(p claw.Principal, id string) *run {
	e.mu.Lock()
	defer e.mu.Unlock()
	if r := e.live[id]; r != nil && r.lane.workspace == p.Workspace {
		return r
	}
	return nil
}

// DeleteSession erases a session and its history. A run that is under way is cancelled first, and messages that wait
// are refused, both with SESSION_DELETED; nothing of them is written afterwards.
//
// Errors: NOT_FOUND, UNAVAILABLE, ctx's cause.
func (e *Engine) DeleteSession(ctx context.Context, p claw.Principal, key string) error {
	k := laneKey{p.Workspace, key}
	d := &deletion{engine: e, lane: k, result: make(chan error, 1)}
	if err := e.overtake(k, d, errDeleted); err != nil {
		return err
	}
	select {
	case err := <-d.result:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// deletion is the job of erasing a session. It goes through the session's lane so that it is never at work beside a
// turn: a turn that began in between would bring the session back with half a conversation.
type deletion struct {
	engine *Engine
	lane   laneKey
	result chan error
}

// do implements job.
func (d *deletion) do() {
	err := d.engine.Store.DeleteSession(context.Background(), d.lane.workspace, d.lane.session)
	if err == nil {
		d.engine.abandon(d.lane)
	}
	d.result <- err
}

// abandon lets go of the end of a run that could not be stored, and will not be: its session is deleted, and what it said
// must not be read from memory any more.
func (e *Engine) abandon(k laneKey) {
	e.mu.Lock()
	r := e.unsaved[k]
	e.mu.Unlock()
	if r != nil {
		e.settled(r)
	}
}

// refuse implements job.
func (d *deletion) refuse(cause *claw.Error) { d.result <- cause }

// stop implements job: a deletion under way is not stopped.
func (d *deletion) stop(*claw.Error) {}
