package chat

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/openclaw/openclaw/claw"
)

// checkpoints makes what running answers have grown by durable, all in one commit, again and again: what a crash can
// take from a running answer is what came since. No timer runs while nothing has grown and no end waits to be stored: an
// idle gateway is not to be woken.
func (e *Engine) checkpoints(ctx context.Context) {
	wanted, timer := e.wanted, (<-chan time.Time)(nil) // one of them is nil: a timer that runs is not set again
	var took time.Duration
	for {
		select {
		case <-wanted:
			wanted, timer = nil, time.After(untilCheckpoint(e.CheckpointEvery, took))
		case <-timer:
			select {
			case <-e.wanted: // by what this checkpoint is about to look at
			default:
			}
			begun := time.Now()
			stored := e.checkpoint(ctx)
			e.settleAll(ctx)
			if t := time.Since(begun); stored || t > took { // one that found nothing says little of the next
				took = t
			}
			wanted, timer = e.wanted, nil
		case <-ctx.Done():
			e.settleAll(context.WithoutCancel(ctx))
			return
		}
	}
}

// wantCheckpoint sees to it that a checkpoint comes. What it is to look at must be there for it to see already.
func (e *Engine) wantCheckpoint() {
	select {
	case e.wanted <- struct{}{}:
	default: // one is wanted already, and has not begun
	}
}

// untilCheckpoint is how long the engine waits until the next checkpoint, if the last one took so long. What comes right
// behind the beginning of one is durable with the end of the next: their two commits and the wait between are its age.
func untilCheckpoint(every, took time.Duration) time.Duration {
	return max(every-2*took, every/10)
}

// noteGrown has the next checkpoint look at runs.
func (e *Engine) noteGrown(runs ...*run) {
	e.growing.Lock()
	e.grown = append(e.grown, runs...)
	e.growing.Unlock()
	e.wantCheckpoint()
}

// checkpoint reports whether there was anything to store.
func (e *Engine) checkpoint(ctx context.Context) bool {
	e.growing.Lock()
	noted := e.grown
	e.grown = nil
	e.growing.Unlock()
	var grown []claw.Progress
	var runs []*run
	for _, r := range noted {
		if p, ok := r.progress(); ok {
			grown, runs = append(grown, p), append(runs, r)
		}
	}
	if len(grown) == 0 {
		return false
	}
	if err := e.Store.SaveProgress(ctx, grown); err != nil {
		e.Logger.Error("could not checkpoint running answers; will try again", "runs", len(runs), "error", err)
		e.noteGrown(runs...)
		return true
	}
	for i, r := range runs {
		if r.progressed(grown[i]) {
			e.noteGrown(r)
		}
	}
	return true
}

// progress is what the run has grown by since it was last made durable.
func (r *run) progress() (claw.Progress, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.end != nil || r.saved == len(r.deltas) {
		return claw.Progress{}, false
	}
	return claw.Progress{RunID: r.id, Text: string(r.text[r.savedB:]), Deltas: slices.Clone(r.deltas[r.saved:])}, true
}

// progressed notes that p is durable, and reports whether the run has grown further meanwhile.
func (r *run) progressed(p claw.Progress) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.saved += len(p.Deltas)
	r.savedB += len(p.Text)
	r.noted = r.saved < len(r.deltas)
	return r.noted
}

// settleAll tries again to store the ends that the store could not take, and has another try follow where it still cannot.
func (e *Engine) settleAll(ctx context.Context) {
	e.mu.Lock()
	lanes := slices.Collect(maps.Keys(e.unsaved))
	e.mu.Unlock()
	for _, k := range lanes {
		if err := e.settle(ctx, k); err != nil {
			e.Logger.Warn("still could not store the end of a run", "session", k.session, "error", err)
			e.wantCheckpoint()
			return // the store's trouble, not the run's: the others would fare no better
		}
	}
}

// sweepEvery is how often what has expired is deleted.
const sweepEvery = time.Hour

func (e *Engine) sweeps(ctx context.Context) {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		if err := e.Store.Sweep(ctx, time.Now().Add(-e.KeepEvents)); err != nil && ctx.Err() == nil {
			e.Logger.Error("could not delete expired events and idempotency keys", "error", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}
