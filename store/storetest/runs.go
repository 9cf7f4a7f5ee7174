package storetest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/openclaw/openclaw/claw"
)

var runTests = map[string]func(*fixture){
	"BeginOpensSessionMessageAndRun":   testBegin,
	"BeginIsDurable":                   testBeginDurable,
	"ProgressIsAppended":               testProgress,
	"ProgressOfEndedAndGoneIsPassed":   testProgressPassed,
	"ProgressThatDoesNotAddUp":         testProgressRefused,
	"EndAppendsTheAnswer":              testEnd,
	"EndKeepsEveryKindOfAnswer":        testEndKinds,
	"EndWithoutContentIsNotAppended":   testEndWithoutContent,
	"EndTwiceDoesNothing":              testEndTwice,
	"EndOfWhatIsNotThere":              testEndNotFound,
	"EventsAreThoseThatWereLive":       testEvents,
	"InterruptEndsWhatRan":             testInterrupt,
	"InterruptKeepsTheOrder":           testInterruptOrder,
	"InterruptWithoutRuns":             testInterruptNothing,
	"InterruptManyRuns":                testInterruptMany,
	"TranscriptOfTheRun":               testTranscript,
	"TranscriptLeavesOut":              testTranscriptLeavesOut,
	"TranscriptDropsTheOldest":         testTranscriptBudget,
	"TranscriptSecondTries":            testTranscriptSecondTries,
	"TranscriptOfWhatIsNotThere":       testTranscriptNotFound,
	"SweepKeepsMessages":               testSweep,
	"SweepKeepsWhatRunsAndEndedLately": testSweepKeeps,
	"SweepManyRuns":                    testSweepMany,
}

func testBegin(f *fixture) {
	n := f.newRun("s1")
	n.Channel = "cli"
	run := f.begin(n)
	want := claw.Run{
		ID: n.ID, Workspace: home, SessionKey: "s1", Running: true,
		Answer: claw.Message{
			ID: n.ID, Role: claw.RoleAssistant, Status: claw.StatusIncomplete, CreatedAt: n.User.CreatedAt,
		},
	}
	f.same("the run begun", run, want)
	f.same("the run read", f.run(n.ID), want)
	f.same("history", f.history("s1"), []claw.Message{asked(n)})

	s, err := f.Session(f.ctx, home, "s1")
	f.must(err)
	at := n.User.CreatedAt
	f.same("session", s, claw.Session{Key: "s1", Channel: "cli", CreatedAt: at, LastActivity: at, MessageCount: 1})

	m, key, err := f.Message(f.ctx, home, n.ID)
	f.must(err)
	f.same("the answer so far", m, want.Answer)
	f.same("its session", key, "s1")
	m, key, err = f.Message(f.ctx, home, n.User.ID)
	f.must(err)
	f.same("the question", m, asked(n))
	f.same("its session", key, "s1")

	next := f.newRun("s1")
	next.Channel = "web"
	f.begin(next)
	s, err = f.Session(f.ctx, home, "s1")
	f.must(err)
	f.same("session after the next message", s, claw.Session{
		Key: "s1", Channel: "cli", CreatedAt: at, LastActivity: next.User.CreatedAt, MessageCount: 2,
	})
}

func testBeginDurable(f *fixture) {
	n := f.keyed("s1", "key")
	run := f.begin(n)
	f.must(f.SaveProgress(f.ctx, []claw.Progress{progress(run, "some ", "text")}))
	before := f.run(run.ID)
	f.reopen()
	f.same("the run after a restart", f.run(run.ID), before)
	f.same("history after a restart", f.history("s1"), []claw.Message{asked(n)})
	byKey, fp, err := f.RunByKey(f.ctx, "token", "key", always)
	f.must(err)
	f.same("the key's run after a restart", byKey, before)
	f.same("the key's fingerprint after a restart", fp, n.Fingerprint)
}

func testProgress(f *fixture) {
	one, two := f.begin(f.newRun("s1")), f.begin(f.newRun("s2"))
	f.must(f.SaveProgress(f.ctx, []claw.Progress{progress(one, "a", "bc"), progress(two, "éü", "\n")}))
	f.must(f.SaveProgress(f.ctx, []claw.Progress{progress(one, "def"), progress(one, "g"), progress(two)}))
	f.must(f.SaveProgress(f.ctx, nil))

	one.Answer.Content, one.Deltas = "abcdefg", []int{1, 2, 3, 1}
	two.Answer.Content, two.Deltas = "éü\n", []int{4, 1}
	f.same("run one", f.run(one.ID), one)
	f.same("run two", f.run(two.ID), two)
	m, _, err := f.Message(f.ctx, home, one.ID)
	f.must(err)
	f.same("the message of run one", m, one.Answer)
	f.same("messages in history", len(f.history("s1")), 1)
	f.same("events of a run that goes on", len(events(f.run(one.ID), 0)), 5)
}

func testProgressPassed(f *fixture) {
	ended := f.end(f.begin(f.newRun("s1")), claw.StatusComplete, "whole")
	gone := f.begin(f.newRun("s2"))
	f.must(f.DeleteSession(f.ctx, home, "s2"))
	running := f.begin(f.newRun("s3"))
	f.must(f.SaveProgress(f.ctx, []claw.Progress{
		progress(ended, " more"), progress(gone, "text"), progress(claw.Run{ID: "msg_none"}, "text"), progress(running, "text"),
	}))
	f.same("the run that ended", f.run(ended.ID), ended)
	_, err := f.Store.Run(f.ctx, home, gone.ID)
	f.refused(err, claw.NotFound)
	f.same("the one that runs", f.run(running.ID).Answer.Content, "text")
}

func testProgressRefused(f *fixture) {
	run := f.begin(f.newRun("s1"))
	for _, deltas := range [][]int{nil, {3}, {5}, {0, 4}, {-1, 5}, {4, 1}} {
		if f.SaveProgress(f.ctx, []claw.Progress{{RunID: run.ID, Text: "text", Deltas: deltas}}) == nil {
			f.Errorf("progress of 4 bytes in deltas of %v was saved", deltas)
		}
		bad := f.answered(run, claw.StatusComplete, "text")
		bad.Deltas = deltas
		if f.EndRun(f.ctx, bad) == nil {
			f.Errorf("an answer of 4 bytes in deltas of %v was saved", deltas)
		}
	}
	f.same("the run", f.run(run.ID), run)
}

func testEnd(f *fixture) {
	n := f.newRun("s1")
	run := f.begin(n)
	f.must(f.SaveProgress(f.ctx, []claw.Progress{progress(run, "Hello", ", ")}))
	ended := f.end(run, claw.StatusComplete, "Hello", ", ", "world")
	f.same("the run", f.run(run.ID), ended)
	f.same("history", f.history("s1"), []claw.Message{asked(n), ended.Answer})
	m, key, err := f.Message(f.ctx, home, run.ID)
	f.must(err)
	f.same("the message", m, ended.Answer)
	f.same("its session", key, "s1")
	s, err := f.Session(f.ctx, home, "s1")
	f.must(err)
	want := claw.Session{
		Key: "s1", Channel: "api", CreatedAt: n.User.CreatedAt, LastActivity: ended.Answer.CreatedAt, MessageCount: 2,
	}
	f.same("session", s, want)

	f.reopen()
	f.same("the run after a restart", f.run(run.ID), ended)
	f.same("history after a restart", f.history("s1"), []claw.Message{asked(n), ended.Answer})
}

func testEndKinds(f *fixture) {
	kinds := map[string]func(*claw.Message){
		"usage unknown":   func(m *claw.Message) { m.Usage, m.Model = nil, "" },
		"usage of zero":   func(m *claw.Message) { m.Usage = &claw.Usage{} },
		"usage estimated": func(m *claw.Message) { m.Usage = &claw.Usage{InputTokens: 1, OutputTokens: 2, Estimated: true} },
		"failed": func(m *claw.Message) {
			m.Status, m.Err = claw.StatusFailed, claw.ModelErrorf(claw.ReasonTimeout, "Slow.")
		},
		"incomplete":         func(m *claw.Message) { m.Status, m.Err = claw.StatusIncomplete, claw.Errorf(claw.Cancelled, "Stop.") },
		"incomplete, silent": func(m *claw.Message) { m.Status = claw.StatusIncomplete },
		"error with a wait": func(m *claw.Message) {
			m.Status, m.Err = claw.StatusFailed, claw.Errorf(claw.Unavailable, `"quoted" <>`).After(90*time.Second)
		},
		"error with a cause": func(m *claw.Message) {
			m.Status, m.Err = claw.StatusFailed, claw.Errorf(claw.InternalError, "Oh.").Because(fmt.Errorf("secret"))
		},
	}
	for name, change := range kinds {
		run := f.answered(f.begin(f.newRun("s1")), claw.StatusComplete, "text")
		change(&run.Answer)
		f.must(f.EndRun(f.ctx, run))
		f.same(name+": the run", f.run(run.ID), run)
		h := f.history("s1")
		f.same(name+": in history", h[len(h)-1], run.Answer)
		if e := f.run(run.ID).Answer.Err; e != nil && e.Err != nil {
			f.Errorf("%s: the internal cause was stored", name)
		}
	}
}

func testEndWithoutContent(f *fixture) {
	n := f.newRun("s1")
	failed := f.end(f.begin(n), claw.StatusFailed)
	f.same("the run", f.run(failed.ID), failed)
	m, key, err := f.Message(f.ctx, home, failed.ID)
	f.must(err)
	f.same("the message", m, failed.Answer)
	f.same("its session", key, "s1")
	f.same("history", f.history("s1"), []claw.Message{asked(n)})
	s, err := f.Session(f.ctx, home, "s1")
	f.must(err)
	f.same("messages", s.MessageCount, 1)
	f.same("last activity", s.LastActivity, n.User.CreatedAt)
	_, err = f.History(f.ctx, home, "s1", claw.HistoryQuery{Limit: 10, Before: failed.ID})
	f.refused(err, claw.InvalidRequest, "before")

	whole := f.end(f.begin(f.newRun("s1")), claw.StatusComplete)
	h := f.history("s1")
	f.same("a complete answer without content", h[len(h)-1], whole.Answer)
}

func testEndTwice(f *fixture) {
	run := f.begin(f.newRun("s1"))
	ended := f.end(run, claw.StatusComplete, "first")
	session, err := f.Session(f.ctx, home, "s1")
	f.must(err)
	f.end(run, claw.StatusFailed, "second")
	f.same("the run", f.run(run.ID), ended)
	again, err := f.Session(f.ctx, home, "s1")
	f.must(err)
	f.same("the session", again, session)

	failed := f.end(f.begin(f.newRun("s1")), claw.StatusFailed)
	f.end(failed, claw.StatusComplete, "late")
	f.same("the run that failed", f.run(failed.ID), failed)
}

func testEndNotFound(f *fixture) {
	f.refused(f.EndRun(f.ctx, f.answered(claw.Run{ID: "msg_none"}, claw.StatusComplete, "text")), claw.NotFound)
	run := f.begin(f.newRun("s1"))
	f.must(f.DeleteSession(f.ctx, home, "s1"))
	f.begin(f.newRun("s1")) // the key is in use again, by another session
	f.refused(f.EndRun(f.ctx, f.answered(run, claw.StatusComplete, "text")), claw.NotFound)
	f.same("messages in the new session", len(f.history("s1")), 1)
}

func testEvents(f *fixture) {
	deltas := []string{"Once ", "upon\n\nevent: done\n", "a ", strings.Repeat("é", 10_000), "\x1b[31m", "\u202e", "."}
	run := f.begin(f.newRun("s1"))
	live := []claw.Event{{Seq: 1, Type: claw.EventStart, Run: &claw.Answer{ID: run.ID, SessionKey: "s1"}}}
	for i, d := range deltas {
		live = append(live, claw.Event{Seq: int64(i) + 2, Type: claw.EventDelta, Text: d})
	}
	f.must(f.SaveProgress(f.ctx, []claw.Progress{progress(run, deltas[:3]...)}))
	f.same("events while it runs", events(f.run(run.ID), 0), live[:4])
	f.must(f.SaveProgress(f.ctx, []claw.Progress{progress(run, deltas[3:]...)}))
	ended := f.end(run, claw.StatusComplete, deltas...)
	live = append(live, claw.Event{Seq: ended.EndSeq, Type: claw.EventDone, Run: &claw.Answer{
		ID: run.ID, SessionKey: "s1", Model: ended.Answer.Model, Usage: *ended.Answer.Usage,
		CreatedAt: ended.Answer.CreatedAt,
	}})
	f.reopen()
	for after := range int64(len(live)) + 1 {
		f.same(fmt.Sprintf("events after %d", after), events(f.run(run.ID), after), live[after:])
	}
}

// testInterruptOrder has ids that do not come in the order of the runs, as a clock that is set back makes them.
func testInterruptOrder(f *fixture) {
	var want []string
	for i, id := range []string{"msg_c", "msg_d", "msg_b", "msg_a"} {
		n := f.newRun(fmt.Sprint("s", i))
		n.ID = id
		f.must(f.SaveProgress(f.ctx, []claw.Progress{progress(f.begin(n), "half an answer")}))
		want = append([]string{n.SessionKey}, want...)
	}
	n, err := f.InterruptRuns(f.ctx, claw.Errorf(claw.Unavailable, "Stopped."))
	f.must(err)
	f.same("runs that were ended", n, len(want))
	f.same("sessions, the newest first", f.keys(home, claw.SessionQuery{Limit: 10}), want)
}

func testInterrupt(f *fixture) {
	silent, talking := f.newRun("s1"), f.keyed("s2", "key")
	mute, cut := f.begin(silent), f.begin(talking)
	f.must(f.SaveProgress(f.ctx, []claw.Progress{progress(cut, "half ", "an ")}))
	f.must(f.SaveProgress(f.ctx, []claw.Progress{progress(cut, "answer")}))
	ended := f.end(f.begin(f.newRun("s3")), claw.StatusComplete, "whole")
	f.reopen()

	cause := claw.Errorf(claw.Unavailable, "The gateway was stopped.").After(time.Second)
	n, err := f.InterruptRuns(f.ctx, cause)
	f.must(err)
	f.same("runs interrupted", n, 2)

	mute.Running, mute.EndSeq, mute.Answer.Err = false, 1+claw.RecoveryGap, cause
	f.same("the run without text", f.run(mute.ID), mute)
	f.same("its history", f.history("s1"), []claw.Message{asked(silent)})
	cut.Running, cut.EndSeq, cut.Answer.Err = false, 4+claw.RecoveryGap, cause
	cut.Answer.Content, cut.Deltas = "half an answer", []int{5, 3, 6}
	f.same("the run with text", f.run(cut.ID), cut)
	f.same("its history", f.history("s2"), []claw.Message{asked(talking), cut.Answer})
	s, err := f.Session(f.ctx, home, "s2")
	f.must(err)
	f.same("its count", s.MessageCount, 2)
	f.same("the run that had ended", f.run(ended.ID), ended)
	f.same("the last event", events(f.run(cut.ID), 1000), []claw.Event{
		{Seq: 4 + claw.RecoveryGap, Type: claw.EventError, Err: cause},
	})
	if err := f.EndRun(f.ctx, f.answered(cut, claw.StatusComplete, "late")); err != nil {
		f.Errorf("ending an interrupted run: %v", err)
	}
	f.same("the run, ended late", f.run(cut.ID), cut)

	n, err = f.InterruptRuns(f.ctx, cause)
	f.must(err)
	f.same("runs interrupted the second time", n, 0)
}

func testInterruptNothing(f *fixture) {
	f.turn("s1")
	n, err := f.InterruptRuns(f.ctx, nil)
	f.must(err)
	f.same("runs interrupted", n, 0)
}

func testInterruptMany(f *fixture) {
	const many = 250
	for i := range many {
		f.begin(f.newRun(fmt.Sprintf("s%d", i)))
	}
	n, err := f.InterruptRuns(f.ctx, claw.Errorf(claw.Unavailable, "Stopped."))
	f.must(err)
	f.same("runs interrupted", n, many)
}

func testTranscript(f *fixture) {
	q1, a1 := f.turn("s1")
	f.turn("s2")
	n := f.newRun("s1")
	run := f.begin(n)
	later := f.newRun("s1")
	f.begin(later)
	got, err := f.Transcript(f.ctx, run.ID, 1<<20)
	f.must(err)
	f.same("transcript", got, said(q1, a1, asked(n)))
	got, err = f.Transcript(f.ctx, later.ID, 1<<20)
	f.must(err)
	f.same("transcript of the next run", got, said(q1, a1, asked(n), asked(later)))
}

func testTranscriptLeavesOut(f *fixture) {
	q1, _ := f.turn("s1")
	cut := f.newRun("s1")
	partial := f.end(f.begin(cut), claw.StatusIncomplete, "half")
	failing := f.keyed("s1", "key")
	f.end(f.begin(failing), claw.StatusFailed, "some words")
	mute := f.newRun("s1")
	f.end(f.begin(mute), claw.StatusFailed)
	empty := f.newRun("s1")
	f.end(f.begin(empty), claw.StatusComplete)
	h := f.history("s1")
	f.same("messages in history", len(h), 9)

	n := f.newRun("s1")
	got, err := f.Transcript(f.ctx, f.begin(n).ID, 1<<20)
	f.must(err)
	f.same("transcript", got, said(
		q1, h[1], asked(cut), partial.Answer, asked(failing), asked(mute), asked(empty), asked(n),
	))

	retry := f.keyed("s1", "key")
	got, err = f.Transcript(f.ctx, f.begin(retry).ID, 1<<20)
	f.must(err)
	f.same("transcript of a new try, which ends with the question it tries again", got, said(
		q1, h[1], asked(cut), partial.Answer, asked(failing),
	))
}

func testTranscriptSecondTries(f *fixture) {
	first := f.keyed("s1", "key")
	f.end(f.begin(first), claw.StatusIncomplete, "par")
	second := f.end(f.begin(f.keyed("s1", "key")), claw.StatusIncomplete, "part")
	n := f.newRun("s1")
	run := f.begin(n)
	got, err := f.Transcript(f.ctx, run.ID, 1<<20)
	f.must(err)
	f.same("transcript behind a second try", got, said(asked(first), second.Answer, asked(n)))

	whole := f.end(run, claw.StatusComplete, "whole")
	late := f.end(f.begin(f.keyed("s1", "key")), claw.StatusComplete, "late")
	next := f.newRun("s1")
	got, err = f.Transcript(f.ctx, f.begin(next).ID, 1<<20)
	f.must(err)
	f.same("transcript behind a late try", got, said(asked(first), second.Answer, asked(n), whole.Answer, late.Answer, asked(next)))
}

func testTranscriptBudget(f *fixture) {
	var all []claw.PromptMessage
	for range 10 {
		q, a := f.turn("s1")
		all = append(all, said(q, a)...)
	}
	n := f.newRun("s1")
	run := f.begin(n)
	all = append(all, said(asked(n))...)
	for _, maxBytes := range []int{0, 1, 30, 100, 200, 1 << 20} {
		got, err := f.Transcript(f.ctx, run.ID, maxBytes)
		f.must(err)
		if len(got) == 0 || len(got) > len(all) {
			f.Fatalf("a transcript of at most %d bytes has %d messages", maxBytes, len(got))
		}
		f.same(fmt.Sprintf("the transcript of at most %d bytes is the end of the history", maxBytes),
			got, all[len(all)-len(got):])
		if size := size(got); size > max(maxBytes, len(n.User.Content)) {
			f.Errorf("a transcript of at most %d bytes has %d", maxBytes, size)
		}
		if len(got) < len(all) && size(got)+len(all[len(all)-len(got)-1].Content) <= maxBytes {
			f.Errorf("a transcript of at most %d bytes leaves out a message that fits", maxBytes)
		}
	}
}

// said is what the model is sent of messages.
func said(ms ...claw.Message) (out []claw.PromptMessage) {
	for _, m := range ms {
		out = append(out, claw.PromptMessage{Role: m.Role, Content: m.Content})
	}
	return out
}

func size(ms []claw.PromptMessage) (n int) {
	for _, m := range ms {
		n += len(m.Content)
	}
	return n
}

func testTranscriptNotFound(f *fixture) {
	_, err := f.Transcript(f.ctx, "msg_none", 100)
	f.refused(err, claw.NotFound)
	run := f.begin(f.newRun("s1"))
	f.must(f.DeleteSession(f.ctx, home, "s1"))
	_, err = f.Transcript(f.ctx, run.ID, 100)
	f.refused(err, claw.NotFound)
}

func testSweep(f *fixture) {
	n := f.keyed("s1", "key")
	whole := f.end(f.begin(n), claw.StatusComplete, "text")
	mute := f.end(f.begin(f.keyed("s1", "other")), claw.StatusFailed)
	before := f.history("s1")
	f.must(f.Sweep(f.ctx, f.tick()))
	for _, run := range []claw.Run{whole, mute} {
		_, err := f.Store.Run(f.ctx, home, run.ID)
		f.refused(err, claw.NotFound)
	}
	for _, key := range []string{"key", "other"} {
		_, _, err := f.RunByKey(f.ctx, "token", key, always)
		f.refused(err, claw.NotFound)
	}
	f.same("history", f.history("s1"), before)
	m, key, err := f.Message(f.ctx, home, whole.ID)
	f.must(err)
	f.same("the message of a run that was swept", m, whole.Answer)
	f.same("its session", key, "s1")

	fresh := f.keyed("s1", "key")
	f.begin(fresh)
	f.same("the newest message", f.history("s1")[len(before)], asked(fresh))
}

func testSweepKeeps(f *fixture) {
	old := f.end(f.begin(f.keyed("s1", "old")), claw.StatusComplete, "text")
	running := f.begin(f.keyed("s1", "running"))
	edge := f.end(f.begin(f.keyed("s1", "edge")), claw.StatusComplete, "text")
	f.must(f.Sweep(f.ctx, edge.Answer.CreatedAt))
	_, err := f.Store.Run(f.ctx, home, old.ID)
	f.refused(err, claw.NotFound)
	for key, want := range map[string]claw.Run{"running": running, "edge": edge} {
		f.same(key, f.run(want.ID), want)
		got, _, err := f.RunByKey(f.ctx, "token", key, always)
		f.must(err)
		f.same("by its key: "+key, got, want)
	}
}

func testSweepMany(f *fixture) {
	const many = 450
	var ids []string
	for range many {
		ids = append(ids, f.end(f.begin(f.newRun("s1")), claw.StatusFailed).ID)
	}
	f.must(f.Sweep(f.ctx, f.tick()))
	left := slices.DeleteFunc(ids, func(id string) bool {
		_, _, err := f.Message(f.ctx, home, id)
		return claw.CodeOf(err) == claw.NotFound
	})
	f.same("runs left", left, []string{})
	f.same("messages left", len(f.history("s1")), many)
}
