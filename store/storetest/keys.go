package storetest

import (
	"sync"
	"time"

	"github.com/openclaw/openclaw/claw"
)

var keyTests = map[string]func(*fixture){
	"InFlightJoins":                   testKeyInFlight,
	"CompleteReplays":                 testKeyComplete,
	"OtherFingerprintIsRefused":       testKeyReused,
	"FailedIsTriedAgain":              testKeyFailed,
	"TriedAgainInTheEarlierSession":   testKeyEarlierSession,
	"ExpiredCountsAsAbsent":           testKeyExpired,
	"NewTryRenewsTheKey":              testKeyRenewed,
	"EachTokenHasItsOwn":              testKeyPerToken,
	"GoesWithTheSession":              testKeyDeleted,
	"OfAnotherWorkspaceIsNotSeen":     testKeyAbroad,
	"ManyAtOnceBeginOne":              testKeyAtOnce,
	"RunsWithoutAreNotFound":          testNoKey,
	"RefusedLeavesNothing":            testKeyRefusedLeavesNothing,
	"InterruptedIsTriedAgain":         testKeyInterrupted,
	"CompleteWithoutContentIsNoRetry": testKeyCompleteEmpty,
}

// joins fails the test unless n is answered with the existing run want.
func (f *fixture) joins(n claw.NewRun, want claw.Run) {
	f.Helper()
	got, existing, err := f.BeginRun(f.ctx, n)
	f.must(err)
	if !existing {
		f.Fatalf("run %s was begun, want the existing run %s", got.ID, want.ID)
	}
	f.same("the existing run", got, want)
	_, err = f.Store.Run(f.ctx, home, n.ID)
	if n.ID != want.ID {
		f.refused(err, claw.NotFound)
	}
}

func testKeyInFlight(f *fixture) {
	n := f.keyed("s1", "key")
	run := f.begin(n)
	f.joins(f.keyed("s1", "key"), run)
	f.must(f.SaveProgress(f.ctx, []claw.Progress{progress(run, "so ", "far")}))
	run.Answer.Content, run.Deltas = "so far", []int{3, 3}
	f.joins(f.keyed("", "key"), run)
	f.same("history", f.history("s1"), []claw.Message{asked(n)})
}

func testKeyComplete(f *fixture) {
	n := f.keyed("s1", "key")
	run := f.end(f.begin(n), claw.StatusComplete, "the ", "answer")
	f.joins(f.keyed("generated", "key"), run)
	f.reopen()
	f.joins(f.keyed("generated", "key"), run)
	f.same("history", f.history("s1"), []claw.Message{asked(n), run.Answer})
	f.same("sessions", f.keys(home, claw.SessionQuery{Limit: 10}), []string{"s1"})
	got, fp, err := f.RunByKey(f.ctx, "token", "key", always)
	f.must(err)
	f.same("the key's run", got, run)
	f.same("the key's fingerprint", fp, n.Fingerprint)
}

func testKeyReused(f *fixture) {
	run := f.begin(f.keyed("s1", "key"))
	for range 2 {
		other := f.keyed("s2", "key")
		other.Fingerprint = claw.Fingerprint{2}
		_, _, err := f.BeginRun(f.ctx, other)
		f.refused(err, claw.IdempotencyKeyReused)
		run = f.answered(run, claw.StatusFailed)
		f.must(f.EndRun(f.ctx, run)) // refused after it failed, too
	}
	f.same("sessions", f.keys(home, claw.SessionQuery{Limit: 10}), []string{"s1"})
}

func testKeyFailed(f *fixture) {
	first := f.keyed("s1", "key")
	failed := f.end(f.begin(first), claw.StatusFailed, "a few words")
	second := f.keyed("s1", "key")
	again := f.begin(second)
	f.same("the new run", again, claw.Run{
		ID: second.ID, Workspace: home, SessionKey: "s1", Running: true,
		Answer: claw.Message{
			ID: second.ID, Role: claw.RoleAssistant, Status: claw.StatusIncomplete, CreatedAt: second.User.CreatedAt,
		},
	})
	f.same("history", f.history("s1"), []claw.Message{asked(first), failed.Answer})
	s, err := f.Session(f.ctx, home, "s1")
	f.must(err)
	f.same("last activity, that of the newest message", s.LastActivity, failed.Answer.CreatedAt)
	f.joins(f.keyed("s1", "key"), again)
	_, _, err = f.Message(f.ctx, home, second.User.ID)
	f.refused(err, claw.NotFound)

	whole := f.end(again, claw.StatusComplete, "the answer")
	f.joins(f.keyed("s1", "key"), whole)
	f.same("history", f.history("s1"), []claw.Message{asked(first), failed.Answer, whole.Answer})
	f.same("the run that failed", f.run(failed.ID), failed)
	got, _, err := f.RunByKey(f.ctx, "token", "key", always)
	f.must(err)
	f.same("the key's run", got, whole)
}

func testKeyEarlierSession(f *fixture) {
	first := f.keyed("generated1", "key")
	f.end(f.begin(first), claw.StatusIncomplete)
	again := f.begin(f.keyed("generated2", "key"))
	f.same("the session", again.SessionKey, "generated1")
	f.same("sessions", f.keys(home, claw.SessionQuery{Limit: 10}), []string{"generated1"})
	whole := f.end(again, claw.StatusComplete, "text")
	f.same("history", f.history("generated1"), []claw.Message{asked(first), whole.Answer})
}

func testKeyExpired(f *fixture) {
	n := f.keyed("s1", "key")
	run := f.end(f.begin(n), claw.StatusComplete, "text")
	_, _, err := f.RunByKey(f.ctx, "token", "key", n.User.CreatedAt)
	f.must(err)
	later := n.User.CreatedAt.Add(time.Millisecond)
	_, _, err = f.RunByKey(f.ctx, "token", "key", later)
	f.refused(err, claw.NotFound)

	next := f.keyed("s1", "key")
	next.Fingerprint, next.KeySince = claw.Fingerprint{9}, later
	fresh := f.begin(next)
	f.same("messages", len(f.history("s1")), 3)
	got, fp, err := f.RunByKey(f.ctx, "token", "key", later)
	f.must(err)
	f.same("the key's run", got, fresh)
	f.same("the key's fingerprint", fp, next.Fingerprint)
	f.same("the earlier run", f.run(run.ID), run)
}

func testKeyRenewed(f *fixture) {
	f.end(f.begin(f.keyed("s1", "key")), claw.StatusFailed)
	second := f.keyed("s1", "key")
	again := f.begin(second)
	third := f.keyed("s1", "key")
	third.KeySince = second.User.CreatedAt
	f.joins(third, again)
}

func testKeyPerToken(f *fixture) {
	one, two := f.keyed("s1", "key"), f.keyed("s1", "key")
	two.Token, two.Fingerprint = "another", claw.Fingerprint{2}
	first, second := f.begin(one), f.begin(two)
	for token, want := range map[string]claw.Run{"token": first, "another": second} {
		got, _, err := f.RunByKey(f.ctx, token, "key", always)
		f.must(err)
		f.same("the run of "+token, got, want)
	}
	_, _, err := f.RunByKey(f.ctx, "third", "key", always)
	f.refused(err, claw.NotFound)
}

func testKeyDeleted(f *fixture) {
	f.end(f.begin(f.keyed("s1", "key")), claw.StatusComplete, "text")
	f.must(f.DeleteSession(f.ctx, home, "s1"))
	_, _, err := f.RunByKey(f.ctx, "token", "key", always)
	f.refused(err, claw.NotFound)
	n := f.keyed("s1", "key")
	n.Fingerprint = claw.Fingerprint{2}
	f.begin(n)
	f.same("history", f.history("s1"), []claw.Message{asked(n)})
}

func testKeyAbroad(f *fixture) {
	n := f.keyed("s1", "key")
	n.Workspace = abroad
	f.end(f.begin(n), claw.StatusComplete, "text")
	moved := f.keyed("s1", "key") // the same token, after its workspace was changed in the configuration
	run := f.begin(moved)
	f.same("the workspace", run.Workspace, home)
	f.same("history", f.history("s1"), []claw.Message{asked(moved)})
}

func testKeyAtOnce(f *fixture) {
	const many = 16
	ns := make([]claw.NewRun, many)
	for i := range ns {
		ns[i] = f.keyed("s1", "key")
	}
	begun := make([]bool, many)
	runs := make([]claw.Run, many)
	var wg sync.WaitGroup
	for i := range ns {
		wg.Go(func() {
			run, existing, err := f.BeginRun(f.ctx, ns[i])
			if err != nil {
				f.Errorf("BeginRun: %v", err)
			}
			runs[i], begun[i] = run, !existing
		})
	}
	wg.Wait()
	count := 0
	for i := range ns {
		if begun[i] {
			count++
		}
		f.same("the run", runs[i], runs[0])
	}
	f.same("runs begun", count, 1)
	f.same("messages", len(f.history("s1")), 1)
}

func testNoKey(f *fixture) {
	f.begin(f.newRun("s1"))
	f.begin(f.newRun("s1"))
	_, _, err := f.RunByKey(f.ctx, "token", "", always)
	f.refused(err, claw.NotFound)
	_, _, err = f.RunByKey(f.ctx, "token", "key", always)
	f.refused(err, claw.NotFound)
}

func testKeyRefusedLeavesNothing(f *fixture) {
	run := f.begin(f.newRun("s1"))
	n := f.keyed("s2", "key")
	n.ID = run.ID // taken: the write fails after the session and the message were written
	if _, _, err := f.BeginRun(f.ctx, n); err == nil {
		f.Fatal("a run began with the id of another")
	}
	_, err := f.Session(f.ctx, home, "s2")
	f.refused(err, claw.NotFound)
	_, _, err = f.Message(f.ctx, home, n.User.ID)
	f.refused(err, claw.NotFound)
	_, _, err = f.RunByKey(f.ctx, "token", "key", always)
	f.refused(err, claw.NotFound)
	count, err := f.CountSessions(f.ctx, home)
	f.must(err)
	f.same("sessions", count, 1)
}

func testKeyInterrupted(f *fixture) {
	first := f.keyed("s1", "key")
	cut := f.begin(first)
	f.must(f.SaveProgress(f.ctx, []claw.Progress{progress(cut, "half")}))
	f.reopen()
	_, err := f.InterruptRuns(f.ctx, claw.Errorf(claw.Unavailable, "Stopped."))
	f.must(err)
	again := f.end(f.begin(f.keyed("s1", "key")), claw.StatusComplete, "whole")
	h := f.history("s1")
	f.same("messages", len(h), 3)
	f.same("the question, once", h[0], asked(first))
	f.same("the partial answer", h[1].Content, "half")
	f.same("the answer", h[2], again.Answer)
}

func testKeyCompleteEmpty(f *fixture) {
	run := f.end(f.begin(f.keyed("s1", "key")), claw.StatusComplete)
	f.joins(f.keyed("s1", "key"), run)
}
