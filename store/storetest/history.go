package storetest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/openclaw/openclaw/claw"
)

var historyTests = map[string]func(*fixture){
	"PagesBackToTheFirst":      testHistoryPages,
	"PartsOfALongPage":         testHistoryParts,
	"BeforeOfElsewhere":        testHistoryBefore,
	"WhileARunGoesOn":          testHistoryRunning,
	"ContentIsExact":           testContent,
	"PagingWhileItGrows":       testHistoryGrowing,
	"SessionsDoNotMix":         testHistoryInterleaved,
	"LongIdsAndModelsAreKept":  testLongFields,
	"TimesAreKeptToTheMicro":   testTimes,
	"MessagesOfEveryRoleFound": testMessages,
}

func testHistoryPages(f *fixture) {
	var all []claw.Message
	for range 13 {
		q, a := f.turn("s1")
		all = append(all, q, a)
	}
	for _, limit := range []int{1, 4, 25, 26, 27, 1000} {
		var got []claw.Message
		q := claw.HistoryQuery{Limit: limit}
		for {
			page, err := f.History(f.ctx, home, "s1", q)
			f.must(err)
			if len(page) == 0 {
				break
			}
			if len(page) > limit {
				f.Fatalf("a page of %d has %d messages", limit, len(page))
			}
			got = slices.Concat(page, got)
			q.Before = page[0].ID
		}
		f.same(fmt.Sprintf("pages of %d", limit), got, all)
	}
}

// testHistoryParts reads pages that are longer than what is read at a time, as who wants them whole has to.
func testHistoryParts(f *fixture) {
	var all []claw.Message
	for i := range 12 {
		n := f.newRun("s1")
		n.User.Content = strings.Repeat("x", i*i*10+1)
		q, a := f.turnOf(n)
		all = append(all, q, a)
	}
	f.turn("s2")
	for _, limit := range []int{1, 2, 7, 24, 1000} {
		for _, before := range []int{len(all), len(all) - 3} {
			for _, bytes := range []int{1, 100, 1000, 1 << 20} {
				q := claw.HistoryQuery{Limit: limit, MaxBytes: bytes}
				if before < len(all) {
					q.Before = all[before].ID
				}
				want := all[max(0, before-limit):before]
				var got []claw.Message
				for q.Limit > 0 {
					part, err := f.History(f.ctx, home, "s1", q)
					f.must(err)
					if len(part) == 0 && len(got) > 0 { // the last part may have reached the bytes just so
						break
					}
					size := 0
					for _, m := range part[:max(0, len(part)-1)] {
						size += len(m.Content)
					}
					if len(part) == 0 || size >= bytes {
						f.Fatalf("a part of at most %d bytes has %d messages, without the last %d bytes", bytes, len(part), size)
					}
					got = append(got, part...)
					q.After, q.Limit = got[len(got)-1].ID, limit-len(got)
				}
				f.same(fmt.Sprintf("%d before %d by %d bytes", limit, before, bytes), got, want)
			}
		}
	}
	rest, err := f.History(f.ctx, home, "s1", claw.HistoryQuery{Limit: 5, After: all[len(all)-1].ID})
	if f.must(err); len(rest) != 0 {
		f.Errorf("behind the last message there are %d", len(rest))
	}
	_, err = f.History(f.ctx, home, "s2", claw.HistoryQuery{Limit: 5, After: all[0].ID})
	f.refused(err, claw.InvalidRequest, "after")
}

func testHistoryBefore(f *fixture) {
	mine, _ := f.turn("s1")
	theirs, _ := f.turn("s2")
	running := f.begin(f.newRun("s1"))
	n := f.newRun("s1")
	n.Workspace = abroad
	f.begin(n)
	for _, before := range []string{theirs.ID, n.User.ID, running.ID, "msg_none", "'", "%", strings.ToUpper(mine.ID)} {
		_, err := f.History(f.ctx, home, "s1", claw.HistoryQuery{Limit: 10, Before: before})
		f.refused(err, claw.InvalidRequest, "before")
	}
}

func testHistoryRunning(f *fixture) {
	n := f.newRun("s1")
	run := f.begin(n)
	f.must(f.SaveProgress(f.ctx, []claw.Progress{progress(run, "words")}))
	f.same("history", f.history("s1"), []claw.Message{asked(n)})
}

func testContent(f *fixture) {
	contents := []string{
		" ", "\n", "\r\n", "tab\t", "'; DROP TABLE messages; --", `"\`, "</script>", "\x1b[31mred\x1b[0m", "\u202eright to left",
		"\ufeffmark", "e\u0301 and \u00e9", "\U0001f980", "\U0010ffff", "\x01\x7f\u0085\u2028", "\x00", "nul\x00within\x00",
		"123", "1e3", "x'00'", "null",
		"line\n\nevent: done\ndata: {}\n\n", strings.Repeat("0123456789abcdef", 16<<10), strings.Repeat("é", 300_000),
	}
	for i, content := range contents {
		n := f.newRun(fmt.Sprintf("s%d", i))
		n.User.Content = content
		run := f.begin(n)
		f.must(f.SaveProgress(f.ctx, []claw.Progress{progress(run, content)}))
		if got := f.run(run.ID).Answer.Content; got != content {
			f.Errorf("progress of %.20q came back as %.20q", content, got)
		}
		f.end(run, claw.StatusComplete, content)
		for _, m := range f.history(n.SessionKey) {
			if m.Content != content {
				f.Errorf("%.20q came back as %.20q", content, m.Content)
			}
		}
	}
}

func testHistoryGrowing(f *fixture) {
	var all []claw.Message
	for range 5 {
		q, a := f.turn("s1")
		all = append(all, q, a)
	}
	page, err := f.History(f.ctx, home, "s1", claw.HistoryQuery{Limit: 4})
	f.must(err)
	f.same("the newest", page, all[6:])
	f.turn("s1")
	page, err = f.History(f.ctx, home, "s1", claw.HistoryQuery{Limit: 4, Before: page[0].ID})
	f.must(err)
	f.same("those before", page, all[2:6])
}

func testHistoryInterleaved(f *fixture) {
	want := map[string][]claw.Message{}
	for i := range 30 {
		key := fmt.Sprintf("s%d", i%3)
		q, a := f.turn(key)
		want[key] = append(want[key], q, a)
	}
	for key, ms := range want {
		f.same("history of "+key, f.history(key), ms)
		got, err := f.History(f.ctx, home, key, claw.HistoryQuery{Limit: 3, Before: ms[7].ID})
		f.must(err)
		f.same("a page of "+key, got, ms[4:7])
	}
}

func testLongFields(f *fixture) {
	run := f.answered(f.begin(f.newRun("s1")), claw.StatusFailed, "text")
	run.Answer.Model = strings.Repeat("m", 1000)
	run.Answer.Err = claw.Errorf(claw.InternalError, "%s", strings.Repeat("words ", 1000))
	run.Answer.Usage = &claw.Usage{InputTokens: 1 << 40, OutputTokens: 1 << 41}
	run.EndSeq = 1 << 50
	f.must(f.EndRun(f.ctx, run))
	f.same("the run", f.run(run.ID), run)
}

func testTimes(f *fixture) {
	n := f.newRun("s1")
	n.User.CreatedAt = start.Add(999_999_000).In(start.Local().Location()) // 999.999 ms, and not in UTC
	f.begin(n)
	m := f.history("s1")[0]
	if !m.CreatedAt.Equal(n.User.CreatedAt) {
		f.Errorf("the time is %v, want %v", m.CreatedAt, n.User.CreatedAt)
	}
	if name, _ := m.CreatedAt.Zone(); name != "UTC" {
		f.Errorf("the time is in zone %s, want UTC", name)
	}
}

func testMessages(f *fixture) {
	for range 3 {
		q, a := f.turn("s1")
		for _, want := range []claw.Message{q, a} {
			got, key, err := f.Message(f.ctx, home, want.ID)
			f.must(err)
			f.same("the message", got, want)
			f.same("its session", key, "s1")
		}
	}
}
