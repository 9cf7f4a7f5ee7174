// Package storetest is what every [claw.Store] has to pass. It tests the sentences of the interface's comments, through
// the interface alone, so that what holds for one database holds for the next.
package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/openclaw/openclaw/claw"
)

// Opener opens the store that keeps its data in dir, an empty folder at first. The suite closes the store, and opens it
// anew with the same dir to see what is durable.
type Opener func(tb testing.TB, dir string) claw.Store

// Run runs the suite.
func Run(t *testing.T, open Opener) {
	groups := map[string]map[string]func(*fixture){
		"Runs": runTests, "Keys": keyTests, "Sessions": sessionTests, "History": historyTests, "Calls": callTests,
	}
	for group, tests := range groups {
		t.Run(group, func(t *testing.T) {
			for name, test := range tests {
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					test(newFixture(t, open))
				})
			}
		})
	}
	t.Run("Model", func(t *testing.T) { testModel(t, open) })
}

// home is the workspace of the tests, abroad another one.
const (
	home   = claw.DefaultWorkspace
	abroad = "abroad"
)

// start is when the tests' clock starts. Stores keep microseconds at least.
var start = time.Date(2026, 2, 8, 10, 0, 0, 123456000, time.UTC)

// always is a time that no key is older than.
var always = start.Add(-time.Hour)

// fixture is a store under test, and a clock that gives each message a time of its own.
type fixture struct {
	*testing.T
	claw.Store
	ctx  context.Context
	dir  string
	open Opener
	now  time.Time
	ids  int
}

func newFixture(t *testing.T, open Opener) *fixture {
	f := &fixture{T: t, ctx: t.Context(), dir: t.TempDir(), open: open, now: start}
	f.Store = open(t, f.dir)
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return f
}

// reopen closes the store and opens it again, as a restart of the gateway does.
func (f *fixture) reopen() {
	f.Helper()
	f.must(f.Close())
	f.Store = f.open(f.T, f.dir)
}

func (f *fixture) must(err error) {
	f.Helper()
	if err != nil {
		f.Fatal(err)
	}
}

// refused fails the test unless err has the code.
func (f *fixture) refused(err error, code claw.Code, words ...string) {
	f.Helper()
	e, ok := errors.AsType[*claw.Error](err)
	if !ok || e.Code != code {
		f.Fatalf("got error %v, want one of code %s", err, code)
	}
	for _, w := range words {
		if !strings.Contains(e.Message, w) {
			f.Fatalf("the message %q does not name %q", e.Message, w)
		}
	}
}

// same fails the test unless got equals want. Of errors the internal cause does not count.
func (f *fixture) same(what string, got, want any) {
	f.Helper()
	if d := diff(got, want); d != "" {
		f.Fatalf("%s (-got +want):\n%s", what, d)
	}
}

func diff(got, want any) string {
	return cmp.Diff(got, want, cmpopts.EquateEmpty(), cmpopts.IgnoreFields(claw.Error{}, "Err"))
}

// tick returns the next second of the clock.
func (f *fixture) tick() time.Time {
	f.now = f.now.Add(time.Second)
	return f.now
}

// newRun returns what a run of a session begins with.
func (f *fixture) newRun(session string) claw.NewRun {
	f.ids++
	return claw.NewRun{
		ID: fmt.Sprintf("msg_a%04d", f.ids), Token: "token", Workspace: home, SessionKey: session, Channel: "api",
		User: claw.Message{
			ID: fmt.Sprintf("msg_u%04d", f.ids), Content: fmt.Sprintf("question %d", f.ids), CreatedAt: f.tick(),
		},
		KeySince: always,
	}
}

// keyed is newRun with an idempotency key.
func (f *fixture) keyed(session, key string) claw.NewRun {
	n := f.newRun(session)
	n.Key, n.Fingerprint = key, claw.Fingerprint{1}
	return n
}

// begin begins a run and fails the test where that is refused, or where an existing one is returned.
// BeginRun is the store's, with what it says of a first run held against the transcript. The run it returns is as Run
// returns it.
func (f *fixture) BeginRun(ctx context.Context, n claw.NewRun) (claw.Run, bool, error) {
	run, existing, err := f.Store.BeginRun(ctx, n)
	if run.First {
		transcript, err := f.Transcript(f.ctx, run.ID, 1<<20)
		deleted := claw.CodeOf(err) == claw.NotFound // meanwhile
		if !deleted && (err != nil || len(transcript) != 1 || transcript[0].Content != n.User.Content) {
			f.Errorf("BeginRun calls run %s its session's first, whose transcript is %v (%v)", run.ID, transcript, err)
		}
	}
	run.First = false
	return run, existing, err
}

func (f *fixture) begin(n claw.NewRun) claw.Run {
	f.Helper()
	run, existing, err := f.BeginRun(f.ctx, n)
	f.must(err)
	if existing {
		f.Fatalf("BeginRun returned run %s, want a new one", run.ID)
	}
	return run
}

// answered returns the run as it ends with the deltas given: what EndRun is called with and Run returns afterwards.
func (f *fixture) answered(run claw.Run, status claw.Status, deltas ...string) claw.Run {
	run.Running = false
	run.Answer = claw.Message{
		ID: run.ID, Role: claw.RoleAssistant, Content: strings.Join(deltas, ""), Status: status, Model: "model-1",
		Usage: &claw.Usage{InputTokens: 3, OutputTokens: len(deltas)}, CreatedAt: f.tick(),
	}
	if status != claw.StatusComplete {
		run.Answer.Err = claw.ModelErrorf(claw.ReasonTruncated, "The model stopped.").After(3 * time.Second)
	}
	run.Deltas = lengths(deltas)
	run.EndSeq = int64(len(deltas)) + 2
	return run
}

// end ends a run and returns it as it is then.
func (f *fixture) end(run claw.Run, status claw.Status, deltas ...string) claw.Run {
	f.Helper()
	run = f.answered(run, status, deltas...)
	f.must(f.EndRun(f.ctx, run))
	return run
}

// turn is a whole turn: a question and its answer. It returns both messages.
func (f *fixture) turn(session string) (question, answer claw.Message) {
	f.Helper()
	return f.turnOf(f.newRun(session))
}

func (f *fixture) turnOf(n claw.NewRun) (question, answer claw.Message) {
	f.Helper()
	return asked(n), f.end(f.begin(n), claw.StatusComplete, "an ", "answer to ", n.User.Content).Answer
}

// asked returns the user's message of n as it is stored.
func asked(n claw.NewRun) claw.Message {
	m := n.User
	m.Role, m.Status = claw.RoleUser, claw.StatusComplete
	return m
}

// progress returns what saves the deltas given.
func progress(run claw.Run, deltas ...string) claw.Progress {
	return claw.Progress{RunID: run.ID, Text: strings.Join(deltas, ""), Deltas: lengths(deltas)}
}

func lengths(deltas []string) []int {
	var ns []int
	for _, d := range deltas {
		ns = append(ns, len(d))
	}
	return ns
}

// history returns the whole history of a session of up to 1000 messages.
func (f *fixture) history(session string) []claw.Message {
	f.Helper()
	h, err := f.History(f.ctx, home, session, claw.HistoryQuery{Limit: 1000})
	f.must(err)
	return h
}

// run returns a run of the home workspace.
func (f *fixture) run(id string) claw.Run {
	f.Helper()
	run, err := f.Store.Run(f.ctx, home, id)
	f.must(err)
	return run
}

// keys lists all sessions of a workspace, page by page.
func (f *fixture) keys(workspace string, q claw.SessionQuery) []string {
	f.Helper()
	var keys []string
	for {
		page, err := f.Sessions(f.ctx, workspace, q)
		f.must(err)
		if len(page.Sessions) > q.Limit {
			f.Fatalf("a page of %d has %d sessions", q.Limit, len(page.Sessions))
		}
		for _, s := range page.Sessions {
			keys = append(keys, s.Key)
		}
		if page.Next == "" {
			return keys
		}
		if len(page.Sessions) != q.Limit {
			f.Fatalf("a page of %d that others follow has %d sessions", q.Limit, len(page.Sessions))
		}
		q.Cursor = page.Next
	}
}

// events returns the events of a run with Seq > after.
func events(run claw.Run, after int64) []claw.Event { return slices.Collect(run.Events(after)) }
