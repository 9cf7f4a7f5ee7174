package storetest

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/openclaw/openclaw/claw"
)

// testModel runs random sequences of calls against the store and a model of it that is too simple to be wrong, and
// compares what they answer.
func testModel(t *testing.T, open Opener) {
	dir := t.TempDir()
	store := open(t, dir)
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	checks := 0
	rapid.Check(t, func(rt *rapid.T) {
		// All checks share the store, each in workspaces of its own. What an earlier one left running ends here.
		if _, err := store.InterruptRuns(t.Context(), nil); err != nil {
			rt.Fatal(err)
		}
		checks++
		m := &model{
			ctx: t.Context(), store: store, prefix: fmt.Sprintf("w%d", checks), now: modelStart.AddDate(0, 0, checks),
			keys: map[[2]string]modelKey{},
		}
		m.reopen = func() {
			if err := store.Close(); err != nil {
				rt.Fatal(err)
			}
			store = open(t, dir)
			m.store = store
		}
		rt.Repeat(map[string]func(*rapid.T){
			"begin": m.begin, "begin again": m.begin, "progress": m.progress, "end": m.end, "end another": m.end,
			"delete": m.deleteSession, "sweep": m.sweep, "interrupt": m.interrupt, "restart": m.restart,
			"check sessions": m.checkSessions, "check history": m.checkHistory, "check run": m.checkRun,
			"check key": m.checkKey,
		})
		m.checkAll(rt)
	})
}

// modelStart lies before any clock's present: a run that InterruptRuns ended is never older than a sweep of the model's.
var modelStart = time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC)

type modelMessage struct {
	claw.Message
	seq int
}

type modelSession struct {
	claw.Session
	workspace string
	messages  []modelMessage
	activity  int // when it was written to last
}

// add puts a message to where seq belongs.
func (s *modelSession) add(seq, activity int, m claw.Message) {
	s.messages = append(s.messages, modelMessage{m, seq})
	slices.SortFunc(s.messages, func(a, b modelMessage) int { return a.seq - b.seq })
	s.MessageCount++
	s.LastActivity = m.CreatedAt
	s.activity = activity
}

type modelRun struct {
	claw.Run
	session *modelSession
	user    modelMessage
	seq     int       // of its answer
	endedAt time.Time // zero where it was interrupted, which no sweep is later than
}

type modelKey struct {
	run *modelRun
	fp  claw.Fingerprint
	at  time.Time
}

// model is what a store should hold.
type model struct {
	ctx    context.Context
	store  claw.Store
	reopen func()

	prefix   string
	now      time.Time
	seq      int
	sessions []*modelSession
	runs     []*modelRun // those neither deleted nor swept
	keys     map[[2]string]modelKey
	gone     []string // ids of messages and runs that were deleted
}

func (m *model) next() int {
	m.seq++
	return m.seq
}

// tick moves the clock, back as well.
func (m *model) tick(t *rapid.T) time.Time {
	m.now = m.now.Add(time.Duration(rapid.IntRange(-5, 20).Draw(t, "seconds")) * time.Second)
	return m.now
}

func (m *model) workspace(t *rapid.T) string {
	return m.prefix + rapid.SampledFrom([]string{"a", "b"}).Draw(t, "workspace")
}

func sessionKey(t *rapid.T) string {
	return rapid.SampledFrom([]string{"s1", "s2", "s3", "s4", "s5"}).Draw(t, "session")
}

func (m *model) session(workspace, key string) *modelSession {
	for _, s := range m.sessions {
		if s.workspace == workspace && s.Key == key {
			return s
		}
	}
	return nil
}

// anyRun draws a run, nil where there is none.
func (m *model) anyRun(t *rapid.T) *modelRun {
	if len(m.runs) == 0 {
		return nil
	}
	return m.runs[rapid.IntRange(0, len(m.runs)-1).Draw(t, "run")]
}

func (m *model) begin(t *rapid.T) {
	id := m.next()
	n := claw.NewRun{
		ID: fmt.Sprintf("%s_a%d", m.prefix, id), Workspace: m.workspace(t), SessionKey: sessionKey(t),
		Token:   m.prefix + rapid.SampledFrom([]string{"t1", "t2"}).Draw(t, "token"),
		Channel: rapid.SampledFrom([]string{"api", "web"}).Draw(t, "channel"),
		User: claw.Message{
			ID: fmt.Sprintf("%s_u%d", m.prefix, id), Content: rapid.StringN(1, 20, -1).Draw(t, "content"), CreatedAt: m.tick(t),
		},
		Key:         rapid.SampledFrom([]string{"", "k1", "k2"}).Draw(t, "key"),
		Fingerprint: claw.Fingerprint{byte(rapid.IntRange(1, 2).Draw(t, "fingerprint"))},
		KeySince:    m.now.Add(-time.Duration(rapid.IntRange(0, 60).Draw(t, "since")) * time.Second),
	}
	want, existing, code := m.expectBegin(n)
	run, gotExisting, err := m.store.BeginRun(m.ctx, n)
	m.agree(t, "BeginRun's error", claw.CodeOf(err), code)
	if err != nil {
		return
	}
	m.agree(t, "BeginRun's existing", gotExisting, existing)
	m.agree(t, "BeginRun's run", run, want)
}

// expectBegin does to the model what BeginRun does to a store.
func (m *model) expectBegin(n claw.NewRun) (run claw.Run, existing bool, code claw.Code) {
	key := [2]string{n.Token, n.Key}
	earlier, ok := m.keys[key]
	if ok = ok && n.Key != "" && !earlier.at.Before(n.KeySince) && earlier.run.Workspace == n.Workspace; ok {
		if earlier.fp != n.Fingerprint {
			return run, false, claw.IdempotencyKeyReused
		}
		if earlier.run.Running || earlier.run.Answer.Status == claw.StatusComplete {
			return earlier.run.Run, true, ""
		}
	}
	first := false
	r := &modelRun{Run: claw.Run{ID: n.ID, Workspace: n.Workspace, Running: true, Answer: claw.Message{
		ID: n.ID, Role: claw.RoleAssistant, Status: claw.StatusIncomplete, CreatedAt: n.User.CreatedAt,
	}}}
	if ok {
		r.session, r.user = earlier.run.session, earlier.run.user
	} else {
		r.session = m.session(n.Workspace, n.SessionKey)
		if first = r.session == nil; first {
			r.session = &modelSession{workspace: n.Workspace, Session: claw.Session{
				Key: n.SessionKey, Channel: n.Channel, CreatedAt: n.User.CreatedAt,
			}}
			m.sessions = append(m.sessions, r.session)
		}
		r.user = modelMessage{asked(n), m.next()}
		r.session.add(r.user.seq, m.next(), r.user.Message)
	}
	r.seq = m.next()
	r.SessionKey = r.session.Key
	m.runs = append(m.runs, r)
	if n.Key != "" {
		m.keys[key] = modelKey{r, n.Fingerprint, n.User.CreatedAt}
	}
	run = r.Run
	run.First = first
	return run, false, ""
}

func drawDeltas(t *rapid.T) []string {
	return rapid.SliceOfN(rapid.StringN(1, 5, -1), 0, 3).Draw(t, "deltas")
}

func (m *model) progress(t *rapid.T) {
	var ps []claw.Progress
	for range rapid.IntRange(1, 3).Draw(t, "runs") {
		r := m.anyRun(t)
		if r == nil {
			return
		}
		p := progress(r.Run, drawDeltas(t)...)
		ps = append(ps, p)
		if r.Running {
			r.Answer.Content += p.Text
			r.Deltas = slices.Concat(r.Deltas, p.Deltas)
		}
	}
	m.must(t, "SaveProgress", m.store.SaveProgress(m.ctx, ps))
}

func (m *model) end(t *rapid.T) {
	r := m.anyRun(t)
	if r == nil {
		return
	}
	status := rapid.SampledFrom([]claw.Status{claw.StatusComplete, claw.StatusIncomplete, claw.StatusFailed}).Draw(t, "status")
	deltas := drawDeltas(t)
	ended := (&fixture{now: m.tick(t)}).answered(r.Run, status, deltas...)
	m.must(t, "EndRun", m.store.EndRun(m.ctx, ended))
	if r.Running {
		r.endedAt = ended.Answer.CreatedAt
		m.close(r, ended)
	}
}

// close ends a run of the model.
func (m *model) close(r *modelRun, ended claw.Run) {
	r.Run = ended
	if ended.Answer.Content != "" || ended.Answer.Status == claw.StatusComplete {
		r.session.add(r.seq, m.next(), ended.Answer)
	}
}

func (m *model) interrupt(t *rapid.T) {
	cause := claw.Errorf(claw.Unavailable, "Stopped.")
	n := 0
	for _, r := range m.runs {
		if !r.Running {
			continue
		}
		n++
		ended := r.Run
		ended.Running, ended.Answer.Err = false, cause
		ended.EndSeq = 1 + int64(len(r.Deltas)) + claw.RecoveryGap
		m.close(r, ended)
	}
	got, err := m.store.InterruptRuns(m.ctx, cause)
	m.must(t, "InterruptRuns", err)
	m.agree(t, "InterruptRuns", got, n)
}

func (m *model) deleteSession(t *rapid.T) {
	workspace, key := m.workspace(t), sessionKey(t)
	s := m.session(workspace, key)
	err := m.store.DeleteSession(m.ctx, workspace, key)
	if s == nil {
		m.agree(t, "deleting what is not there", claw.CodeOf(err), claw.NotFound)
		return
	}
	m.must(t, "DeleteSession", err)
	m.sessions = slices.DeleteFunc(m.sessions, func(o *modelSession) bool { return o == s })
	for _, x := range s.messages {
		m.gone = append(m.gone, x.ID)
	}
	m.forget(func(r *modelRun) bool { return r.session == s })
}

func (m *model) sweep(t *rapid.T) {
	before := m.now.Add(-time.Duration(rapid.IntRange(0, 60).Draw(t, "age")) * time.Second)
	m.must(t, "Sweep", m.store.Sweep(m.ctx, before))
	m.forget(func(r *modelRun) bool { return !r.endedAt.IsZero() && r.endedAt.Before(before) })
}

// forget drops runs, and the keys that name them.
func (m *model) forget(which func(*modelRun) bool) {
	for key, k := range m.keys {
		if which(k.run) {
			delete(m.keys, key)
		}
	}
	m.runs = slices.DeleteFunc(m.runs, func(r *modelRun) bool {
		if !which(r) {
			return false
		}
		listed := slices.ContainsFunc(r.session.messages, func(x modelMessage) bool { return x.ID == r.ID })
		if !listed {
			m.gone = append(m.gone, r.ID)
		}
		return true
	})
}

func (m *model) restart(t *rapid.T) {
	if rapid.IntRange(0, 3).Draw(t, "restart") == 0 { // seldom, since it is slow
		m.reopen()
	}
}

func (m *model) checkAll(t *rapid.T) {
	m.checkSessions(t)
	m.checkKey(t)
	for _, s := range m.sessions {
		m.compareHistory(t, s, 1000, len(s.messages))
	}
	for _, r := range m.runs {
		m.compareRun(t, r)
	}
	for _, id := range m.gone {
		for _, w := range []string{"a", "b"} {
			_, _, err := m.store.Message(m.ctx, m.prefix+w, id)
			m.agree(t, "the message "+id+", which is gone", claw.CodeOf(err), claw.NotFound)
		}
	}
}

func (m *model) checkSessions(t *rapid.T) {
	workspace := m.workspace(t)
	q := claw.SessionQuery{
		Limit:   rapid.IntRange(1, 6).Draw(t, "limit"),
		Channel: rapid.SampledFrom([]string{"", "api", "web"}).Draw(t, "channel"),
	}
	var want []claw.Session
	count := 0
	slices.SortFunc(m.sessions, func(a, b *modelSession) int { return cmp.Compare(b.activity, a.activity) })
	for _, s := range m.sessions {
		if s.workspace != workspace {
			continue
		}
		count++
		if q.Channel == "" || q.Channel == s.Channel {
			want = append(want, s.Session)
		}
	}
	var got []claw.Session
	for {
		page, err := m.store.Sessions(m.ctx, workspace, q)
		m.must(t, "Sessions", err)
		got = append(got, page.Sessions...)
		if page.Next == "" {
			break
		}
		m.agree(t, "sessions of a full page", len(page.Sessions), q.Limit)
		q.Cursor = page.Next
	}
	m.agree(t, "Sessions", got, want)
	n, err := m.store.CountSessions(m.ctx, workspace)
	m.must(t, "CountSessions", err)
	m.agree(t, "CountSessions", n, count)
}

func (m *model) checkHistory(t *rapid.T) {
	s := m.session(m.workspace(t), sessionKey(t))
	if s == nil {
		return
	}
	limit := rapid.IntRange(1, 10).Draw(t, "limit")
	m.compareHistory(t, s, limit, rapid.IntRange(0, len(s.messages)).Draw(t, "before"))
}

// compareHistory compares the limit messages before the one at an index, or the newest where the index is behind all.
func (m *model) compareHistory(t *rapid.T, s *modelSession, limit, before int) {
	q := claw.HistoryQuery{Limit: limit}
	if before < len(s.messages) {
		q.Before = s.messages[before].ID
	}
	var want []claw.Message
	for _, x := range s.messages[max(0, before-limit):before] {
		want = append(want, x.Message)
	}
	got, err := m.store.History(m.ctx, s.workspace, s.Key, q)
	m.must(t, "History", err)
	m.agree(t, "History", got, want)
}

func (m *model) checkRun(t *rapid.T) {
	if r := m.anyRun(t); r != nil {
		m.compareRun(t, r)
	}
}

func (m *model) compareRun(t *rapid.T, r *modelRun) {
	got, err := m.store.Run(m.ctx, r.Workspace, r.ID)
	m.must(t, "Run", err)
	m.agree(t, "Run", got, r.Run)
	msg, key, err := m.store.Message(m.ctx, r.Workspace, r.ID)
	m.must(t, "Message", err)
	m.agree(t, "Message", msg, r.Answer)
	m.agree(t, "Message's session", key, r.SessionKey)
	m.compareTranscript(t, r)
}

func (m *model) compareTranscript(t *rapid.T, r *modelRun) {
	budget := rapid.IntRange(0, 200).Draw(t, "budget")
	want, size := said(r.user.Message), len(r.user.Content)
	for _, x := range slices.Backward(r.session.messages) {
		if x.seq >= r.user.seq || x.Status == claw.StatusFailed || x.Content == "" {
			continue
		}
		if x.Status == claw.StatusIncomplete && want[len(want)-1].Role == x.Role {
			continue
		}
		if size += len(x.Content); size > budget {
			break
		}
		want = append(want, said(x.Message)...)
	}
	slices.Reverse(want)
	transcript, err := m.store.Transcript(m.ctx, r.ID, budget)
	if !r.Running {
		m.agree(t, "Transcript's error", claw.CodeOf(err), claw.NotFound)
		return
	}
	m.must(t, "Transcript", err)
	m.agree(t, "Transcript", transcript, want)
}

func (m *model) checkKey(t *rapid.T) {
	for _, token := range []string{m.prefix + "t1", m.prefix + "t2"} {
		for _, key := range []string{"k1", "k2"} {
			since := m.now.Add(-time.Duration(rapid.IntRange(0, 60).Draw(t, "since")) * time.Second)
			run, fp, err := m.store.RunByKey(m.ctx, token, key, since)
			want, ok := m.keys[[2]string{token, key}]
			if !ok || want.at.Before(since) {
				m.agree(t, "the run of an absent key", claw.CodeOf(err), claw.NotFound)
				continue
			}
			m.must(t, "RunByKey", err)
			m.agree(t, "RunByKey", run, want.run.Run)
			m.agree(t, "RunByKey's fingerprint", fp, want.fp)
		}
	}
}

func (m *model) must(t *rapid.T, what string, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}

func (m *model) agree(t *rapid.T, what string, store, model any) {
	t.Helper()
	if d := diff(store, model); d != "" {
		t.Fatalf("%s (-store +model):\n%s", what, d)
	}
}
