package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/openclaw/openclaw/claw"
)

var callTests = map[string]func(*fixture){
	"CancelledContextGivesUp":   testCancelled,
	"CauseOfCancellationPasses": testCause,
	"CancelledWhileWaiting":     testCancelledMidway,
	"AfterClose":                testClosed,
	"Concurrent":                testConcurrent,
	"DeletionAmongWrites":       testDeletionAmongWrites,
}

// everyCall calls each method of the store once, on things that are there.
func everyCall(f *fixture, ctx context.Context, run claw.Run, n claw.NewRun) map[string]error {
	errs := map[string]error{}
	_, _, errs["BeginRun"] = f.BeginRun(ctx, n)
	_, _, errs["RunByKey"] = f.RunByKey(ctx, "token", "key", always)
	_, errs["Transcript"] = f.Transcript(ctx, run.ID, 100)
	errs["SaveProgress"] = f.SaveProgress(ctx, []claw.Progress{progress(run, "text")})
	errs["EndRun"] = f.EndRun(ctx, f.answered(run, claw.StatusComplete, "text"))
	_, errs["InterruptRuns"] = f.InterruptRuns(ctx, nil)
	_, errs["Session"] = f.Session(ctx, home, "s1")
	_, errs["Sessions"] = f.Sessions(ctx, home, claw.SessionQuery{Limit: 1})
	_, errs["CountSessions"] = f.CountSessions(ctx, home)
	_, errs["History"] = f.History(ctx, home, "s1", claw.HistoryQuery{Limit: 1})
	_, errs["Run"] = f.Store.Run(ctx, home, run.ID)
	_, _, errs["Message"] = f.Message(ctx, home, run.ID)
	errs["DeleteSession"] = f.DeleteSession(ctx, home, "s1")
	errs["Sweep"] = f.Sweep(ctx, start)
	return errs
}

func testCancelled(f *fixture) {
	n := f.keyed("s1", "key")
	run := f.begin(n)
	ctx, cancel := context.WithCancel(f.ctx)
	cancel()
	for name, err := range everyCall(f, ctx, run, f.newRun("s2")) {
		if !errors.Is(err, context.Canceled) {
			f.Errorf("%s with a cancelled context: %v", name, err)
		}
	}
	f.same("sessions", f.keys(home, claw.SessionQuery{Limit: 10}), []string{"s1"})
	f.same("the run", f.run(run.ID), run)
	for name, err := range everyCall(f, f.ctx, run, f.newRun("s2")) {
		if err != nil {
			f.Errorf("%s afterwards: %v", name, err)
		}
	}
}

func testCause(f *fixture) {
	run := f.begin(f.keyed("s1", "key"))
	ctx, cancel := context.WithCancelCause(f.ctx)
	cancel(claw.Errorf(claw.SessionDeleted, "Deleted."))
	for name, err := range everyCall(f, ctx, run, f.newRun("s2")) {
		if !errors.Is(err, context.Canceled) || claw.CodeOf(err) != claw.SessionDeleted {
			f.Errorf("%s with a context cancelled for a cause: %v", name, err)
		}
	}
}

// testCancelledMidway cancels calls at every moment of their way: each either gives up or is answered, and none does
// harm to the next.
func testCancelledMidway(f *fixture) {
	const rounds, callers = 20, 8
	for range rounds {
		ctx, cancel := context.WithCancel(f.ctx)
		var wg sync.WaitGroup
		ns := make([]claw.NewRun, callers)
		for i := range ns {
			ns[i] = f.newRun(fmt.Sprintf("s%d", i))
		}
		for i, n := range ns {
			wg.Go(func() {
				if i == callers/2 {
					cancel()
				}
				if _, _, err := f.BeginRun(ctx, n); err != nil && !errors.Is(err, context.Canceled) {
					f.Errorf("BeginRun: %v", err)
				}
				if _, err := f.Sessions(ctx, home, claw.SessionQuery{Limit: 10}); err != nil && !errors.Is(err, context.Canceled) {
					f.Errorf("Sessions: %v", err)
				}
			})
		}
		wg.Wait()
		cancel()
	}
	for i := range callers {
		f.turn(fmt.Sprintf("s%d", i))
	}
	f.consistent(home)
}

func testClosed(f *fixture) {
	run := f.begin(f.keyed("s1", "key"))
	n := f.newRun("s2")
	f.must(f.Close())
	for name, err := range everyCall(f, f.ctx, run, n) {
		if claw.CodeOf(err) != claw.Unavailable {
			f.Errorf("%s after Close: %v", name, err)
		}
	}
	f.must(f.Close())
	f.Store = f.open(f.T, f.dir)
	f.same("the run", f.run(run.ID), run)
}

// consistent fails the test unless counts and times of the sessions are those of their messages.
func (f *fixture) consistent(workspace string) {
	f.Helper()
	page, err := f.Sessions(f.ctx, workspace, claw.SessionQuery{Limit: 1000})
	f.must(err)
	n, err := f.CountSessions(f.ctx, workspace)
	f.must(err)
	f.same("count of sessions", n, len(page.Sessions))
	for _, s := range page.Sessions {
		h, err := f.History(f.ctx, workspace, s.Key, claw.HistoryQuery{Limit: 1000})
		f.must(err)
		f.same("count of messages of "+s.Key, s.MessageCount, len(h))
		f.same("last activity of "+s.Key, s.LastActivity, h[len(h)-1].CreatedAt)
	}
}

func testConcurrent(f *fixture) {
	const writers, turns = 16, 10
	var wg sync.WaitGroup
	for w := range writers {
		// Each has ids of its own, and shares its session with others.
		mine := &fixture{T: f.T, Store: f.Store, ctx: f.ctx, now: start, ids: w * 1000}
		key := fmt.Sprintf("s%d", w%5)
		wg.Go(func() {
			for range turns {
				n := mine.newRun(key)
				run, _, err := f.BeginRun(f.ctx, n)
				err = errors.Join(err, f.SaveProgress(f.ctx, []claw.Progress{progress(run, "a")}))
				ended := mine.answered(run, claw.StatusComplete, "a", "b")
				err = errors.Join(err, f.EndRun(f.ctx, ended))
				got, readErr := f.Store.Run(f.ctx, home, run.ID) // who was answered finds it at once
				if err := errors.Join(err, readErr); err != nil {
					f.Error(err)
					return
				}
				if d := diff(got, ended); d != "" {
					f.Errorf("the run (-got +want):\n%s", d)
				}
			}
		})
		wg.Go(func() {
			for range turns {
				if _, err := f.Sessions(f.ctx, home, claw.SessionQuery{Limit: 3}); err != nil {
					f.Error(err)
				}
				_, err := f.History(f.ctx, home, key, claw.HistoryQuery{Limit: 5})
				if err != nil && claw.CodeOf(err) != claw.NotFound {
					f.Error(err)
				}
			}
		})
	}
	wg.Wait()
	f.consistent(home)
	total := 0
	for i := range 5 {
		total += len(f.history(fmt.Sprintf("s%d", i)))
	}
	f.same("messages", total, 2*writers*turns)
}

func testDeletionAmongWrites(f *fixture) {
	const writers, turns = 8, 15
	var wg sync.WaitGroup
	for w := range writers {
		mine := &fixture{T: f.T, Store: f.Store, ctx: f.ctx, now: start, ids: w * 1000}
		wg.Go(func() {
			for range turns {
				run, _, err := f.BeginRun(f.ctx, mine.newRun("shared"))
				if err != nil {
					f.Error(err)
					return
				}
				err = f.EndRun(f.ctx, mine.answered(run, claw.StatusComplete, "text"))
				if err != nil && claw.CodeOf(err) != claw.NotFound {
					f.Error(err)
				}
				err = f.DeleteSession(f.ctx, home, "shared")
				if err != nil && claw.CodeOf(err) != claw.NotFound {
					f.Error(err)
				}
			}
		})
	}
	wg.Wait()
	f.turn("shared")
	f.consistent(home)
	f.must(f.DeleteSession(f.ctx, home, "shared"))
	f.same("sessions", f.keys(home, claw.SessionQuery{Limit: 10}), []string{})
}
