package chat

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/openclaw/openclaw/claw"
)

// Start accepts a message, waits for its turn in its session, and returns when the message and its run are durable: from
// then on the run is the gateway's, whatever becomes of ctx.
//
// A message that still waits when ctx ends keeps its place and runs all the same, unless req.CancelOnDisconnect. With an
// idempotency key that is in use, Start joins the run it names; with one whose run completed, it returns that run, Replayed.
//
// Errors: SESSION_BUSY, SESSION_DELETED, CANCELLED, IDEMPOTENCY_KEY_REUSED, UNAVAILABLE, or ctx's cause.
func (e *Engine) Start(ctx context.Context, p claw.Principal, req claw.ChatRequest) (claw.Started, error) {
	t := e.newTurn(p, req)
	joined, err := e.claim(t)
	if err != nil {
		return claw.Started{}, err
	}
	if joined != nil {
		return joined.begun.wait(ctx)
	}
	l, err := e.place(ctx, t)
	switch {
	case err != nil:
		t.refuse(claw.AsError(err))
	case l != nil: // nothing to wait for, so no need for another to do it
		e.beginFirst(l, t)
	}
	started, err := t.begun.wait(ctx)
	if !req.CancelOnDisconnect {
		return started, err
	}
	if err != nil {
		if e.withdraw(t.lane, t) {
			t.refuse(errCancelled)
		}
		t.stop(errCancelled)
		return started, err
	}
	context.AfterFunc(ctx, func() { t.stop(errCancelled) })
	return started, nil
}

// claim makes t the one turn of its idempotency key, or returns the turn that is that already.
func (e *Engine) claim(t *turn) (joined *turn, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closing {
		return nil, errShuttingDown
	}
	if t.req.IdempotencyKey == "" {
		return nil, nil
	}
	k := t.tokenKey()
	if other := e.byKey[k]; other != nil {
		if other.fingerprint != t.fingerprint {
			return nil, errKeyReused
		}
		return other, nil
	}
	e.byKey[k] = t
	return nil, nil
}

// place answers a turn whose idempotency key completed a run before, and puts any other into its session's queue; see
// [Engine.enqueue] for the lane.
func (e *Engine) place(ctx context.Context, t *turn) (*lane, error) {
	session := t.req.SessionKey
	if t.req.IdempotencyKey != "" {
		// Not in the queue: what is there already need not wait, and must not be told that the session is busy.
		earlier, fingerprint, err := e.Store.RunByKey(context.WithoutCancel(ctx), t.principal.Name, t.req.IdempotencyKey, e.keySince())
		switch {
		case claw.CodeOf(err) == claw.NotFound:
		case err != nil:
			return nil, err
		case earlier.Workspace != t.principal.Workspace: // the token has been moved: BeginRun takes the key for a new one
		case fingerprint != t.fingerprint:
			return nil, errKeyReused
		case earlier.Answer.Status == claw.StatusComplete:
			t.replay(earlier)
			return nil, nil
		default:
			session = earlier.SessionKey
		}
	}
	if session == "" {
		session = newID("session_")
	}
	t.lane = laneKey{t.principal.Workspace, session}
	return e.enqueue(t.lane, t)
}

func (e *Engine) keySince() time.Time { return time.Now().Add(-e.KeepEvents) }

var errKeyReused = claw.Errorf(claw.IdempotencyKeyReused,
	"This Idempotency-Key was used with another request. Use a new key for a new message.")

// fingerprint is a hash of all that makes two requests ask for the same. Lengths stand before the parts, so that no two
// requests run together into the same bytes.
func fingerprint(req claw.ChatRequest) claw.Fingerprint {
	var b []byte
	for _, part := range []string{req.Message, req.SessionKey} {
		b = binary.AppendUvarint(b, uint64(len(part)))
		b = append(b, part...)
	}
	return sha256.Sum256(b)
}

// newID makes an id that sorts by the time it was made, to the millisecond.
func newID(prefix string) string { return prefix + strings.ToLower(ulid.Make().String()) }
