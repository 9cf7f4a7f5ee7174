package storetest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/openclaw/openclaw/claw"
)

var sessionTests = map[string]func(*fixture){
	"NewestActivityFirst":           testSessionsOrder,
	"OrderIsNotTheClocks":           testSessionsClock,
	"TiesOfTheClockHaveAnOrder":     testSessionsTies,
	"PagesHaveNoGapAndNoRepeat":     testSessionsPages,
	"PagesWhileSessionsAreWritten":  testSessionsMoving,
	"PagesWhileSessionsAreDeleted":  testSessionsDeleting,
	"ChannelFilters":                testSessionsChannel,
	"MalformedCursor":               testSessionsCursor,
	"LimitOutOfRange":               testLimits,
	"CountPerWorkspace":             testCount,
	"WorkspacesAreApart":            testWorkspaces,
	"DeleteErasesAll":               testDelete,
	"DeleteTwice":                   testDeleteTwice,
	"DeletedKeyIsFresh":             testDeleteFresh,
	"DeleteLeavesOthers":            testDeleteOthers,
	"WhatIsNotThere":                testNotThere,
	"KeysAreData":                   testKeysAreData,
	"OrderHoldsAcrossRestartDelete": testOrderAfterRestart,
}

func testSessionsOrder(f *fixture) {
	f.same("sessions of none", f.keys(home, claw.SessionQuery{Limit: 10}), []string{})
	for _, key := range []string{"a", "b", "c"} {
		f.turn(key)
	}
	f.same("sessions", f.keys(home, claw.SessionQuery{Limit: 10}), []string{"c", "b", "a"})
	run := f.begin(f.newRun("a"))
	f.same("after a question", f.keys(home, claw.SessionQuery{Limit: 10}), []string{"a", "c", "b"})
	f.turn("b")
	f.end(run, claw.StatusComplete, "text")
	f.same("after an answer", f.keys(home, claw.SessionQuery{Limit: 10}), []string{"a", "b", "c"})
	page, err := f.Sessions(f.ctx, home, claw.SessionQuery{Limit: 1})
	f.must(err)
	s, err := f.Session(f.ctx, home, "a")
	f.must(err)
	f.same("the session in the list", page.Sessions, []claw.Session{s})
}

func testSessionsClock(f *fixture) {
	for _, key := range []string{"a", "b", "c", "d"} {
		f.turn(key)
		f.now = f.now.Add(-24 * time.Hour)
	}
	f.same("sessions", f.keys(home, claw.SessionQuery{Limit: 2}), []string{"d", "c", "b", "a"})
	q1, a1 := f.turn("a")
	h := f.history("a")
	f.same("the newest messages", h[2:], []claw.Message{q1, a1})
	s, err := f.Session(f.ctx, home, "a")
	f.must(err)
	f.same("last activity, that of the newest message", s.LastActivity, a1.CreatedAt)
}

func testSessionsTies(f *fixture) {
	var want []string
	for i := range 9 {
		n := f.newRun(fmt.Sprintf("s%d", i))
		n.User.CreatedAt = start
		f.begin(n)
		want = append(want, n.SessionKey)
	}
	slices.Reverse(want)
	f.same("sessions", f.keys(home, claw.SessionQuery{Limit: 2}), want)
}

func testSessionsPages(f *fixture) {
	var want []string
	for i := range 24 {
		f.begin(f.newRun(fmt.Sprintf("s%d", i)))
		want = append(want, fmt.Sprintf("s%d", i))
	}
	slices.Reverse(want)
	for _, limit := range []int{1, 5, 8, 23, 24, 25, 1000} {
		f.same(fmt.Sprintf("pages of %d", limit), f.keys(home, claw.SessionQuery{Limit: limit}), want)
	}
}

func testSessionsMoving(f *fixture) {
	for i := range 10 {
		f.begin(f.newRun(fmt.Sprintf("s%d", i)))
	}
	q := claw.SessionQuery{Limit: 3}
	seen := map[string]int{}
	for i := 0; ; i++ {
		page, err := f.Sessions(f.ctx, home, q)
		f.must(err)
		for _, s := range page.Sessions {
			seen[s.Key]++
		}
		if page.Next == "" {
			break
		}
		q.Cursor = page.Next
		f.begin(f.newRun("s9"))                  // listed already
		f.begin(f.newRun("s0"))                  // not yet: it moves ahead of the pages to come
		f.begin(f.newRun(fmt.Sprintf("n%d", i))) // new
	}
	for key, n := range seen {
		f.same("times that "+key+" was listed", n, 1)
	}
	for i := 1; i < 10; i++ {
		f.same(fmt.Sprintf("times that s%d was listed", i), seen[fmt.Sprintf("s%d", i)], 1)
	}
	f.same("the first after all this", f.keys(home, claw.SessionQuery{Limit: 100})[1:3], []string{"s0", "s9"})
}

func testSessionsDeleting(f *fixture) {
	for i := range 6 {
		f.begin(f.newRun(fmt.Sprintf("s%d", i)))
	}
	page, err := f.Sessions(f.ctx, home, claw.SessionQuery{Limit: 2})
	f.must(err)
	f.same("the first page ends with", page.Sessions[1].Key, "s4")
	f.must(f.DeleteSession(f.ctx, home, "s4")) // what the cursor stands at
	f.must(f.DeleteSession(f.ctx, home, "s3")) // what comes next
	f.same("the rest", f.keys(home, claw.SessionQuery{Limit: 2, Cursor: page.Next}), []string{"s2", "s1", "s0"})
}

func testSessionsChannel(f *fixture) {
	var want []string
	for i := range 12 {
		n := f.newRun(fmt.Sprintf("s%d", i))
		if i%3 == 0 {
			n.Channel = "web"
			want = append(want, n.SessionKey)
		}
		f.begin(n)
	}
	slices.Reverse(want)
	for _, limit := range []int{1, 3, 4, 100} {
		f.same("of channel web", f.keys(home, claw.SessionQuery{Limit: limit, Channel: "web"}), want)
	}
	f.same("of channel cli", f.keys(home, claw.SessionQuery{Limit: 5, Channel: "cli"}), []string{})
	f.same("of all", len(f.keys(home, claw.SessionQuery{Limit: 5})), 12)
	f.begin(f.newRun("s0")) // from another channel: it stays what it was opened as
	f.same("of channel web", f.keys(home, claw.SessionQuery{Limit: 1, Channel: "web"})[0], "s0")
}

func testSessionsCursor(f *fixture) {
	f.begin(f.newRun("a"))
	f.begin(f.newRun("b"))
	page, err := f.Sessions(f.ctx, home, claw.SessionQuery{Limit: 1})
	f.must(err)
	bad := []string{
		"x", "1", "-1", "====", "'; DROP TABLE sessions; --", "\x00", "é", strings.Repeat("A", 500), page.Next + "A",
		page.Next[1:], page.Next + "=", "__________8", "AAAAAAAAAAA",
	}
	for _, cursor := range bad {
		_, err := f.Sessions(f.ctx, home, claw.SessionQuery{Limit: 1, Cursor: cursor})
		f.refused(err, claw.InvalidRequest, "cursor")
	}
}

func testLimits(f *fixture) {
	f.turn("a")
	for _, limit := range []int{-1, 0, 1001} {
		_, err := f.Sessions(f.ctx, home, claw.SessionQuery{Limit: limit})
		f.refused(err, claw.InvalidRequest, "limit")
		_, err = f.History(f.ctx, home, "a", claw.HistoryQuery{Limit: limit})
		f.refused(err, claw.InvalidRequest, "limit")
	}
}

func testCount(f *fixture) {
	count := func(workspace string, want int) {
		f.Helper()
		n, err := f.CountSessions(f.ctx, workspace)
		f.must(err)
		f.same("sessions of "+workspace, n, want)
	}
	count(home, 0)
	for i := range 3 {
		f.turn(fmt.Sprintf("s%d", i))
		f.turn(fmt.Sprintf("s%d", i))
	}
	n := f.newRun("s0")
	n.Workspace = abroad
	f.begin(n)
	count(home, 3)
	count(abroad, 1)
	f.must(f.DeleteSession(f.ctx, home, "s0"))
	f.refused(f.DeleteSession(f.ctx, home, "s0"), claw.NotFound)
	count(home, 2)
	count(abroad, 1)
	f.reopen()
	count(home, 2)
	f.begin(f.newRun("s0"))
	count(home, 3)
}

// testWorkspaces asks, from one workspace, for all that is in another.
func testWorkspaces(f *fixture) {
	n := f.newRun("s1")
	run := f.end(f.begin(n), claw.StatusComplete, "text")
	going := f.begin(f.newRun("s1"))
	want := f.history("s1")
	calls := map[string]func(workspace, key, id string) error{
		"Session": func(ws, key, _ string) error { _, err := f.Session(f.ctx, ws, key); return err },
		"History": func(ws, key, _ string) error {
			_, err := f.History(f.ctx, ws, key, claw.HistoryQuery{Limit: 1})
			return err
		},
		"Run":           func(ws, _, id string) error { _, err := f.Store.Run(f.ctx, ws, id); return err },
		"Message":       func(ws, _, id string) error { _, _, err := f.Message(f.ctx, ws, id); return err },
		"DeleteSession": func(ws, key, _ string) error { return f.DeleteSession(f.ctx, ws, key) },
	}
	for name, call := range calls {
		none := call(home, "none", "msg_none")
		f.refused(none, claw.NotFound)
		for _, id := range []string{run.ID, going.ID} {
			f.same(name+" of another workspace, against one that is not there",
				claw.AsError(call(abroad, "s1", id)), claw.AsError(none))
		}
	}
	_, _, err := f.Message(f.ctx, abroad, n.User.ID)
	f.refused(err, claw.NotFound)
	f.same("sessions abroad", f.keys(abroad, claw.SessionQuery{Limit: 10}), []string{})

	other := f.newRun("s1")
	other.Workspace, other.Channel = abroad, "web"
	f.begin(other)
	f.same("history at home", f.history("s1"), want)
	got, err := f.History(f.ctx, abroad, "s1", claw.HistoryQuery{Limit: 10})
	f.must(err)
	f.same("history abroad", got, []claw.Message{asked(other)})
	f.must(f.DeleteSession(f.ctx, abroad, "s1"))
	f.same("history at home after a deletion abroad", f.history("s1"), want)
}

func testDelete(f *fixture) {
	n := f.keyed("s1", "key")
	whole := f.end(f.begin(n), claw.StatusComplete, "text")
	mute := f.end(f.begin(f.newRun("s1")), claw.StatusFailed)
	going := f.begin(f.newRun("s1"))
	f.must(f.SaveProgress(f.ctx, []claw.Progress{progress(going, "words")}))
	f.must(f.DeleteSession(f.ctx, home, "s1"))
	check := func() {
		f.Helper()
		_, err := f.Session(f.ctx, home, "s1")
		f.refused(err, claw.NotFound)
		_, err = f.History(f.ctx, home, "s1", claw.HistoryQuery{Limit: 10})
		f.refused(err, claw.NotFound)
		f.same("sessions", f.keys(home, claw.SessionQuery{Limit: 10}), []string{})
		f.same("sessions of the channel", f.keys(home, claw.SessionQuery{Limit: 10, Channel: "api"}), []string{})
		for _, id := range []string{n.User.ID, whole.ID, mute.ID, going.ID} {
			_, _, err := f.Message(f.ctx, home, id)
			f.refused(err, claw.NotFound)
			_, err = f.Store.Run(f.ctx, home, id)
			f.refused(err, claw.NotFound)
		}
		_, _, err = f.RunByKey(f.ctx, "token", "key", always)
		f.refused(err, claw.NotFound)
	}
	check()
	f.reopen()
	check()
	interrupted, err := f.InterruptRuns(f.ctx, nil)
	f.must(err)
	f.same("runs left to interrupt", interrupted, 0)
}

func testDeleteTwice(f *fixture) {
	f.turn("s1")
	f.must(f.DeleteSession(f.ctx, home, "s1"))
	f.refused(f.DeleteSession(f.ctx, home, "s1"), claw.NotFound)
}

func testDeleteFresh(f *fixture) {
	old, _ := f.turn("s1")
	f.must(f.DeleteSession(f.ctx, home, "s1"))
	n := f.newRun("s1")
	n.Channel = "web"
	f.begin(n)
	s, err := f.Session(f.ctx, home, "s1")
	f.must(err)
	at := n.User.CreatedAt
	f.same("session", s, claw.Session{Key: "s1", Channel: "web", CreatedAt: at, LastActivity: at, MessageCount: 1})
	f.same("history", f.history("s1"), []claw.Message{asked(n)})
	_, err = f.History(f.ctx, home, "s1", claw.HistoryQuery{Limit: 10, Before: old.ID})
	f.refused(err, claw.InvalidRequest, "before")
}

func testDeleteOthers(f *fixture) {
	for range 3 {
		for _, key := range []string{"s1", "s2", "s3"} {
			f.turn(key)
		}
	}
	run := f.begin(f.keyed("s3", "key"))
	one, three := f.history("s1"), f.history("s3")
	f.must(f.DeleteSession(f.ctx, home, "s2"))
	f.same("history of the one before", f.history("s1"), one)
	f.same("history of the one behind", f.history("s3"), three)
	f.same("its run", f.run(run.ID), run)
	f.same("sessions", f.keys(home, claw.SessionQuery{Limit: 10}), []string{"s3", "s1"})
}

func testNotThere(f *fixture) {
	_, err := f.Session(f.ctx, home, "none")
	f.refused(err, claw.NotFound)
	_, err = f.History(f.ctx, home, "none", claw.HistoryQuery{Limit: 1, Before: "msg_none"})
	f.refused(err, claw.NotFound)
	_, err = f.Store.Run(f.ctx, home, "msg_none")
	f.refused(err, claw.NotFound)
	_, _, err = f.Message(f.ctx, home, "msg_none")
	f.refused(err, claw.NotFound)
	f.refused(f.DeleteSession(f.ctx, home, "none"), claw.NotFound)
	f.must(f.Sweep(f.ctx, start))
	question, _ := f.turn("s1")
	_, err = f.Store.Run(f.ctx, home, question.ID) // a message, and no run's
	f.refused(err, claw.NotFound)
}

func testKeysAreData(f *fixture) {
	keys := []string{"a", "A", "a.", "a%", "a_", "../x", "a'b", `a"b`, "a;b", strings.Repeat("k", claw.MaxSessionKeyLen)}
	for _, key := range keys {
		f.begin(f.newRun(key))
	}
	slices.Reverse(keys)
	f.same("sessions", f.keys(home, claw.SessionQuery{Limit: 3}), keys)
	for _, key := range keys {
		f.same("messages of "+key, len(f.history(key)), 1)
	}
}

// testOrderAfterRestart deletes the newest sessions before a restart: what comes next must still count as newer than all
// that a cursor may stand at.
func testOrderAfterRestart(f *fixture) {
	for _, key := range []string{"a", "b", "c"} {
		f.begin(f.newRun(key))
	}
	page, err := f.Sessions(f.ctx, home, claw.SessionQuery{Limit: 1})
	f.must(err)
	f.must(f.DeleteSession(f.ctx, home, "c"))
	f.must(f.DeleteSession(f.ctx, home, "b"))
	f.reopen()
	f.begin(f.newRun("d"))
	f.same("the pages behind c", f.keys(home, claw.SessionQuery{Limit: 1, Cursor: page.Next}), []string{"a"})
	f.same("sessions", f.keys(home, claw.SessionQuery{Limit: 1}), []string{"d", "a"})
}
