package chat

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"github.com/openclaw/openclaw/claw"
)

// turn is one message of a user's on its way: accepted, waiting, begun, answered.
type turn struct {
	engine      *Engine
	principal   claw.Principal
	req         claw.ChatRequest
	fingerprint claw.Fingerprint
	lane        laneKey
	ctx         context.Context // of the run: ends with whatever stops it, as its cause
	cancel      context.CancelCauseFunc
	begun       outcome
}

// outcome is how a turn began, told to all who wait for it. Only the first answer counts.
type outcome struct {
	once    sync.Once
	ready   chan struct{}
	started claw.Started
	err     error
}

func (o *outcome) set(s claw.Started, err error) {
	o.once.Do(func() {
		o.started, o.err = s, err
		close(o.ready)
	})
}

func (o *outcome) wait(ctx context.Context) (claw.Started, error) {
	select {
	case <-o.ready:
		return o.started, o.err
	case <-ctx.Done():
		return claw.Started{}, context.Cause(ctx)
	}
}

func (e *Engine) newTurn(p claw.Principal, req claw.ChatRequest) *turn {
	t := &turn{engine: e, principal: p, req: req, fingerprint: fingerprint(req)}
	t.begun.ready = make(chan struct{})
	t.ctx, t.cancel = context.WithCancelCause(context.Background())
	return t
}

func (t *turn) tokenKey() tokenKey {
	return tokenKey{t.principal.Workspace, t.principal.Name, t.req.IdempotencyKey}
}

// stop implements job.
func (t *turn) stop(cause *claw.Error) { t.cancel(cause) }

// refuse implements job.
func (t *turn) refuse(cause *claw.Error) {
	t.release() // first: whoever is told may try again at once with the same key
	t.begun.set(claw.Started{}, cause)
}

// replay answers the turn with a run that completed before.
func (t *turn) replay(r claw.Run) {
	t.release()
	t.begun.set(claw.Started{ID: r.ID, SessionKey: r.SessionKey, Replayed: true}, nil)
}

// release gives the idempotency key back, and what the turn's context holds.
func (t *turn) release() {
	t.cancel(nil)
	if t.req.IdempotencyKey == "" {
		return
	}
	t.engine.mu.Lock()
	defer t.engine.mu.Unlock()
	if k := t.tokenKey(); t.engine.byKey[k] == t {
		delete(t.engine.byKey, k)
	}
}

// do implements job: the turn's message is stored, the model is asked, its answer is stored.
func (t *turn) do() {
	t.answer(t.begin())
}

// begin stores the turn's message and tells those who wait for its beginning. It returns no run where the turn is over by
// that, and an error where the run has failed already.
func (t *turn) begin() (*run, error) {
	r, err := t.store()
	if err != nil {
		t.refuse(claw.AsError(err))
		return nil, nil
	}
	if r == nil {
		return nil, nil
	}
	err = t.engine.emit(r, claw.Event{Type: claw.EventStart, Run: &claw.Answer{ID: r.id, SessionKey: r.sessionKey}})
	t.begun.set(claw.Started{ID: r.id, SessionKey: r.sessionKey}, nil)
	return r, err
}

// answer asks the model and stores what it says. It takes what begin returned.
func (t *turn) answer(r *run, err error) {
	if r == nil {
		return
	}
	defer t.release()
	var usage *claw.Usage
	if err == nil {
		usage, err = t.ask(r)
	}
	t.engine.finish(r, usage, err)
}

// store makes the message and its run durable. It returns nil where the idempotency key named a run that is there already.
func (t *turn) store() (r *run, err error) {
	defer func() { // or the lane would wait for ever for what was panicked out of
		if p := recover(); p != nil {
			r, err = nil, fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	e := t.engine
	if err := t.ctx.Err(); err != nil {
		return nil, context.Cause(t.ctx)
	}
	// The run's context does not end this call: once its commit is under way, only its result tells what is stored.
	ctx := context.WithoutCancel(t.ctx)
	if err := e.settle(ctx, t.lane); err != nil {
		return nil, err
	}
	now := now()
	stored, existing, err := e.Store.BeginRun(ctx, claw.NewRun{
		ID: newID("msg_"), Token: t.principal.Name, Workspace: t.lane.workspace, SessionKey: t.lane.session,
		Channel: t.req.Channel,
		User:    claw.Message{ID: newID("msg_"), Role: claw.RoleUser, Content: t.req.Message, Status: claw.StatusComplete, CreatedAt: now},
		Key:     t.req.IdempotencyKey, Fingerprint: t.fingerprint, KeySince: e.keySince(),
	})
	if err != nil {
		return nil, err
	}
	if existing {
		t.replay(stored)
		return nil, nil
	}
	r = &run{
		id: stored.ID, token: t.principal.Name, lane: t.lane, sessionKey: stored.SessionKey,
		began: now, first: stored.First, stop: t.stop, release: t.release, ended: make(chan struct{}),
	}
	e.mu.Lock()
	e.live[r.id] = r
	e.mu.Unlock()
	return r, nil
}

// ask sends the conversation to the model and passes on what it says. It returns nil only for a whole answer.
func (t *turn) ask(r *run) (usage *claw.Usage, err error) {
	e := t.engine
	model := e.model.Load()
	ctx := t.ctx
	defer time.AfterFunc(model.RunTimeout, func() { t.stop(errTooSlow) }).Stop()
	defer func() {
		if p := recover(); p != nil {
			err = claw.AsError(fmt.Errorf("panic: %v\n%s", p, debug.Stack()))
		}
		// Why the run was stopped tells more than how the provider took it.
		if cause := claw.CauseOf(ctx); err != nil && cause != nil {
			err = cause
		}
	}()
	transcript := []claw.PromptMessage{{Role: claw.RoleUser, Content: t.req.Message}}
	if !r.first {
		if transcript, err = e.Store.Transcript(ctx, r.id, model.MaxPromptBytes); err != nil {
			return nil, err
		}
	}
	prompt := claw.Prompt{System: model.SystemPrompt, Messages: alternate(transcript)}
	r.promptBytes = prompt.Bytes()
	if model.LogMessages {
		e.Logger.Info("message", "run", r.id, "session", r.sessionKey, "token", r.token, "content", t.req.Message)
		defer func() { e.Logger.Info("answer", "run", r.id, "session", r.sessionKey, "content", r.content()) }()
	}
	whole := false
	for chunk, err := range model.Provider.Stream(ctx, prompt) {
		if err != nil {
			return nil, err
		}
		if err := e.take(r, chunk); err != nil {
			return nil, err
		}
		if chunk.Stop != "" {
			whole, usage = true, chunk.Usage
		}
	}
	if !whole {
		return nil, claw.ModelErrorf(claw.ReasonTruncated, "The model's answer broke off before its end.")
	}
	return usage, nil
}
