package claw

import (
	"context"
	"time"
)

// Store is all that a database has to do for the gateway. Any implementation must pass the suite in store/storetest.
//
// What holds for every method of its parts:
//   - A method that writes returns nil only once the write is durable: synced to stable storage, whole or not at all.
//   - A session, message or run of another workspace is a [NotFound] error, the same as one that does not exist.
//   - Storage that is full or locked is an [Unavailable] error. Any other failure is an error that wraps the cause.
//   - Methods are safe for concurrent use. A cancelled ctx gives up the wait, but a write already under way may land.
//   - Order is that of arrival, never of the clock, which may jump.
type Store interface {
	RunStore
	SessionStore
	// Sweep deletes idempotency keys and runs' delta boundaries (see [Run.Deltas]) that ended before the given time.
	// The messages stay. It ends deletions that were cut short. It works in small commits so that it holds up no one. Where
	// the clock was set back, some may be left to a later sweep.
	Sweep(ctx context.Context, before time.Time) error
	// Close waits for writes under way and closes the database.
	Close() error
}

// RunStore is the store's part that turns write through.
type RunStore interface {
	// BeginRun opens the session if absent, appends the user's message, and opens the run and the idempotency row: one
	// durable commit.
	//
	// Where n.Key is set and the same token used it before: another fingerprint is an [IdempotencyKeyReused] error; a
	// run that completed or still runs is returned with existing = true, and nothing is written; after a run that ended
	// otherwise a new run is opened under the earlier user's message, in that message's session, and the key names it from now on.
	BeginRun(ctx context.Context, n NewRun) (run Run, existing bool, err error)

	// RunByKey returns the run that a token's idempotency key names now, with the fingerprint it was used with, or
	// [NotFound]. Key rows older than since count as absent (here and in BeginRun, which is given it in NewRun).
	RunByKey(ctx context.Context, token, key string, since time.Time) (Run, Fingerprint, error)

	// SaveProgress appends to the durable part of running runs' answers: one durable commit for all. A run that has
	// ended or is gone is passed over in silence.
	SaveProgress(ctx context.Context, ps []Progress) error

	// EndRun closes the run and puts its answer into the session's history, with the session's count and last activity:
	// one durable commit. The answer's place is that of the run's beginning, which is the end of the history where, as in
	// the gateway, a session has one run at a time. An answer without content that is not [StatusComplete] closes the run
	// but is not put there. Ending an ended run again does nothing. [NotFound] where the session has been deleted since.
	// Of run it reads ID, Answer, Deltas (all of the answer's, not only those since the last progress) and EndSeq.
	EndRun(ctx context.Context, run Run) error

	// InterruptRuns ends every running run, in the order in which they began, as [StatusIncomplete] with the durable part
	// of its answer, cause as its error and EndSeq = its last durable event + [RecoveryGap]. It returns how many there were.
	// Called once, at the start, when all running runs are those of a process that is gone; its cost depends on their
	// number only.
	InterruptRuns(ctx context.Context, cause *Error) (int, error)

	// Transcript returns what the model is to be sent for this running run, oldest first: the session's messages before the
	// run's user message, then that message itself, which is always there. Failed and empty messages are left out, and
	// an answer that was cut off where the next message is an answer too: the second try, under the same message. Of
	// the others the oldest are dropped until about maxBytes of content remain. The roles need not alternate. [NotFound]
	// where no such run is running.
	Transcript(ctx context.Context, runID string, maxBytes int) ([]PromptMessage, error)
}

// SessionStore is the store's part that sessions and messages are read and deleted through. Every list is an index walk.
type SessionStore interface {
	// Session returns one session.
	Session(ctx context.Context, workspace, key string) (Session, error)

	// Sessions returns a page of a workspace's sessions, newest activity first.
	Sessions(ctx context.Context, workspace string, q SessionQuery) (SessionPage, error)

	// CountSessions returns how many sessions a workspace has, without counting them one by one.
	CountSessions(ctx context.Context, workspace string) (int, error)

	// History returns the newest messages of a session, or the oldest behind q.After, in either case oldest first. q.Before
	// or q.After that is no message of this session is an [InvalidRequest] error naming "before" or "after".
	History(ctx context.Context, workspace, key string, q HistoryQuery) ([]Message, error)

	// Run returns the run by its id: running, or ended not longer ago than the last sweep. After that its message
	// is still found by Message.
	Run(ctx context.Context, workspace, id string) (Run, error)

	// Message returns a message of any role, and the key of its session. The message of a running run is the durable
	// part of its answer, [StatusIncomplete].
	Message(ctx context.Context, workspace, id string) (Message, string, error)

	// DeleteSession erases the session, its messages, runs and idempotency keys. From one durable commit on, nothing of it
	// is found by any method. When DeleteSession returns nil the text is in none of the database's pages; where it fails
	// behind that commit, as a crash makes it, Sweep does the rest. [NotFound] where there is no such session.
	DeleteSession(ctx context.Context, workspace, key string) error
}

// Fingerprint tells two requests with one idempotency key apart: SHA-256 over what the client asked for.
type Fingerprint [32]byte

// NewRun is what a run begins with.
type NewRun struct {
	ID         string // of the run and its answer
	Token      string // name of the token that asks
	Workspace  string
	SessionKey string
	Channel    string  // of the session, where this opens it
	User       Message // ID, Content and CreatedAt

	Key         string // idempotency key, "" for none
	Fingerprint Fingerprint
	KeySince    time.Time // rows of Key from before this are expired
}

// Progress is what came of a running run's answer since the last progress.
type Progress struct {
	RunID  string
	Text   string
	Deltas []int // lengths in bytes of the deltas that Text came in
}

// SessionQuery selects a page of sessions.
type SessionQuery struct {
	Limit   int    // 1 to 1000
	Cursor  string // SessionPage.Next of the page before, "" for the first; a malformed one is an [InvalidRequest] error
	Channel string // "" for all
}

// SessionPage is a page of sessions.
type SessionPage struct {
	Sessions []Session
	Next     string // "" on the last page
}

// HistoryQuery selects a page of history.
type HistoryQuery struct {
	Limit  int    // 1 to 1000
	Before string // only messages before the one with this id; "" for the newest
	After  string // only messages behind the one with this id; "" for no such limit

	// MaxBytes is how much content is read at a time; 0 is all. A page with more than that ends early: with the message
	// that reached it, and further ones may follow behind that.
	MaxBytes int
}
