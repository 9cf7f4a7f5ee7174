package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"runtime/debug"
	"sync/atomic"
	"time"

	sqlite3 "modernc.org/sqlite/lib"
)

const (
	seqBlock = 1000    // seqs that are set aside at a time
	queueLen = 256     // writes that wait; behind them, callers wait
	groupLen = 64      // writes of one commit, so that the first of them does not wait for long
	logPages = 1000    // of 4 KB each: long enough that commits seldom pay for it, short enough that reads stay fast
	lookAt   = 1 << 20 // bytes of text after which the log's length is looked at: it must stay shorter than the reserve

	// Text that was deleted stays in the write-ahead log until that is emptied: when there is nothing else to do, but
	// after this time in any case.
	eraseWithin = time.Second
	// A first try that fails has met a reader, so the next comes soon; later ones come less often.
	eraseRetry, eraseRetryMax = 50 * time.Millisecond, 5 * time.Second
	// eraseWait is how long the writer waits for readers when it empties the log. They hold a snapshot for as long as
	// one query takes.
	eraseWait = 20 * time.Millisecond
)

// request is a write that waits for its turn.
type request struct {
	ctx    context.Context // the caller's: a request whose caller has gone before its turn is passed over
	do     func(*tx) error // may run twice, if a first transaction fails
	grows  bool            // refused when space is short
	erases bool            // deletes text that has to leave the disk
	bytes  int             // of text that it writes, about
	err    error
	done   chan struct{} // closed when err is final: the write is durable, or did not happen
}

// writer owns the one connection that writes. It commits what waits as one transaction, so that requests which come at
// the same time share the cost of one sync.
type writer struct {
	path    string // of the database
	to      driver.Connector
	conn    *conn // nil after it broke, until the next write
	queue   chan *request
	stopped chan struct{}
	reserve *reserve
	busy    time.Duration // how long a write waits for another program
	log     *slog.Logger

	seq    int64 // given last
	aside  int64 // the last that may be given before more are set aside
	newest int64 // the activity of the session that was written to last; 0 where that is not known

	unwritable atomic.Bool // the last write failed for that
	probeAt    time.Time   // when to see whether it still is; zero where it is not
	probeEvery time.Duration

	linger time.Duration
	left   []int64   // runs that have ended, whose parts are to be deleted
	dropAt time.Time // when; zero where there are none

	eraseAt time.Time // when to try next to empty the log, if idle; zero where it holds no deleted text
	eraseBy time.Time // when to try in any case
	retry   time.Duration
	logMax  int // pages in the log at which it is moved into the database
	unseen  int // writes since the log's length was looked at
	bytes   int // of text that they wrote
	timer   *time.Timer
}

// startWriter takes over c, a connection to the database. seq is the one given last to a message.
func startWriter(path string, to driver.Connector, c *conn, seq int64, res *reserve, o options) *writer {
	w := &writer{
		path: path, to: to, conn: c, reserve: res, busy: o.busy, log: o.log, seq: seq, aside: seq, linger: o.linger, probeEvery: o.interval,
		queue:   make(chan *request, queueLen),
		stopped: make(chan struct{}),
		timer:   time.NewTimer(0),
		retry:   eraseRetry,
		logMax:  logPages,
	}
	w.eraseSoon() // a process that was killed may have left deleted text behind
	go w.loop()
	return w
}

// write has the writer run do within a transaction and returns when that is durable. do may run twice. A caller whose
// ctx ends stops waiting, no more: do may be running.
func write[T any](ctx context.Context, s *Store, r request, do func(*tx) (T, error)) (T, error) {
	var none T
	if err := ctx.Err(); err != nil {
		return none, gaveUp(ctx)
	}
	if !s.enter() {
		return none, errClosed
	}
	defer s.leave()
	var result T
	r.ctx, r.done = ctx, make(chan struct{})
	r.do = func(t *tx) (err error) {
		result, err = do(t)
		return err
	}
	select {
	case s.writer.queue <- &r:
	case <-ctx.Done():
		return none, gaveUp(ctx)
	}
	select {
	case <-r.done:
		if r.err != nil {
			return none, translate(ctx, r.err)
		}
		return result, nil
	case <-ctx.Done():
		return none, gaveUp(ctx)
	}
}

// close has the writer finish what waits, and closes its connection. No write may be submitted any more.
func (w *writer) close() {
	close(w.queue)
	<-w.stopped
}

func (w *writer) loop() {
	defer close(w.stopped)
	defer w.timer.Stop()
	for {
		if len(w.queue) == 0 || w.overdue() || w.reserve.spent() && !w.eraseAt.IsZero() { // what the log takes up is needed
			w.tidy()
		}
		w.wakeUp()
		select {
		case r, ok := <-w.queue:
			if !ok {
				w.finish()
				return
			}
			runtime.Gosched() // whoever is about to send a request, on a machine with few cores, can come along
			group := w.gather(r)
			w.serve(group)
			for _, r := range group {
				w.bytes += r.bytes
			}
			if w.unseen += len(group); w.unseen >= groupLen || w.bytes >= lookAt {
				w.unseen, w.bytes = 0, 0
				w.limitLog()
			}
		case <-w.timer.C:
		}
	}
}

// gather adds to first what waits already. It waits for nothing: while one group commits, the next comes together.
func (w *writer) gather(first *request) []*request {
	group := []*request{first}
	for len(group) < groupLen {
		select {
		case r, ok := <-w.queue:
			if !ok {
				return group
			}
			group = append(group, r)
		default:
			return group
		}
	}
	return group
}

// serve commits a group and answers its callers.
func (w *writer) serve(group []*request) {
	err := w.commit(group)
	if err != nil {
		primary, _ := resultCode(err)
		healed := primary == sqlite3.SQLITE_FULL && w.makeRoom(err)
		// One request may be what the disk has no room for: the others, a deletion above all, get a try of their own.
		// Not so where the database is locked, since each would wait for the lock in turn.
		if alone := len(group) == 1 || primary == sqlite3.SQLITE_BUSY; alone && !healed {
			for _, r := range group {
				r.err = err
			}
		} else {
			for _, r := range group {
				if err := w.commit([]*request{r}); err != nil {
					r.err = err
				}
			}
		}
	}
	for _, r := range group {
		if r.erases && r.err == nil {
			w.eraseSoon()
		}
		close(r.done)
	}
}

// errApart says that a request of a group failed by itself, so that they have to be kept apart.
var errApart = errors.New("a request of the group failed")

// commit runs the requests within one transaction. An error is that of the transaction, of which nothing is left then;
// the errors of single requests are in the requests.
//
// Failures are rare, so at first nothing is done that could take back a single request: a savepoint for each costs two
// statements, and a copy of every page that is written. If one fails all of them run again with savepoints.
func (w *writer) commit(group []*request) error {
	err := w.transact(group, w.carryOut)
	if errors.Is(err, errApart) && len(group) > 1 {
		err = w.transact(group, w.carryOutApart)
	}
	if errors.Is(err, errApart) {
		return nil // the only request has its error, and nothing is left of it
	}
	w.noteWritable(err)
	return err
}

// noteWritable draws from the end of a transaction whether the file can be written to. While it cannot, nobody may come to
// try, so the writer does.
func (w *writer) noteWritable(err error) {
	was := w.unwritable.Load()
	switch {
	case unwritable(err):
		w.probeAt = time.Now().Add(w.probeEvery)
		if !was {
			w.log.Error("storage cannot be written to: no new messages are taken until it can", "error", err)
		}
	case err != nil: // full or locked, which others see to
		return
	default:
		w.probeAt = time.Time{}
		if was {
			w.log.Info("storage can be written to again")
		}
	}
	w.unwritable.Store(err != nil)
}

// probe writes what is there already.
func (w *writer) probe() {
	r := &request{ctx: context.Background(), do: func(t *tx) error {
		_, err := t.exec(`UPDATE sequence SET last = last WHERE id = 1`)
		return err
	}}
	_ = w.commit([]*request{r}) // notes what came of it
}

func (w *writer) transact(group []*request, carryOut func(*request) error) error {
	if err := w.begin(); err != nil {
		return err
	}
	for _, r := range group {
		if r.err = w.refusal(r); r.err != nil {
			continue
		}
		if err := carryOut(r); err != nil {
			w.rollback()
			return err
		}
	}
	if err := w.end(); err != nil {
		w.rollback()
		return err
	}
	return nil
}

// end commits a transaction. Where its messages have used up the seqs that were set aside it sets some more aside: to write
// down each would cost every commit a page. Those that are left when the process ends are never given.
func (w *writer) end() error {
	aside := w.aside
	if w.seq > aside {
		aside = w.seq + seqBlock
		if err := setAside(w.conn.tx(context.Background()), w.seq, aside); err != nil {
			return err
		}
	}
	if err := w.conn.do("COMMIT"); err != nil {
		return err
	}
	w.aside = aside
	return nil
}

// setAside notes that seqs up to aside may be given from now on. It adds the sessions up to seq to the counters of their
// workspaces then, which would cost each new session a page too. How far those go is stored, though today it is always
// seqBlock less: a file outlives the constant.
func setAside(t *tx, seq, aside int64) error {
	const (
		count = `INSERT INTO workspaces (name, sessions)
			SELECT workspace, count(*) FROM sessions WHERE id > (SELECT counted FROM sequence WHERE id = 1) AND +workspace <> ?
			GROUP BY +workspace
			ON CONFLICT (name) DO UPDATE SET sessions = sessions + excluded.sessions`
		note = `UPDATE sequence SET last = ?, counted = ? WHERE id = 1`
	)
	if _, err := t.exec(count, deletedWorkspace); err != nil {
		return err
	}
	_, err := t.exec(note, aside, seq)
	return err
}

// begin opens a transaction, on a new connection where the last one broke.
func (w *writer) begin() (err error) {
	if w.conn == nil {
		if w.conn, err = connect(context.Background(), w.to); err != nil {
			return err
		}
	}
	err = w.conn.do("BEGIN IMMEDIATE")
	if primary, _ := resultCode(err); primary == sqlite3.SQLITE_ERROR || primary == sqlite3.SQLITE_MISUSE {
		// Not a matter of locks or of the disk: the connection is not in the state that it should be in.
		w.log.Error("the database's connection is replaced", "error", err)
		w.disconnect()
	}
	return err
}

// rollback ends a transaction that failed. SQLite has done so itself after some failures, which makes this one fail, and
// that is no harm: should a transaction be open after all, begin finds out.
func (w *writer) rollback() { _ = w.conn.do("ROLLBACK") }

func (w *writer) disconnect() {
	w.conn.close()
	w.conn = nil
}

// refusal returns why a request is not even tried, nil where it is.
func (w *writer) refusal(r *request) error {
	if r.ctx.Err() != nil {
		return gaveUp(r.ctx)
	}
	if r.grows && w.reserve.spent() {
		return errFull
	}
	return nil
}

// carryOut runs one request. It fails where the transaction cannot go on, with errApart where the others' still can.
func (w *writer) carryOut(r *request) error {
	r.err = w.guard(r.do)
	if r.err != nil && ownFault(r.err) {
		return errApart
	}
	return r.err
}

// carryOutApart runs one request so that its failure takes back its own writes and no others.
func (w *writer) carryOutApart(r *request) error {
	if err := w.conn.do("SAVEPOINT request"); err != nil {
		return err
	}
	if r.err = w.guard(r.do); r.err != nil {
		if !ownFault(r.err) {
			return r.err
		}
		if err := w.conn.do("ROLLBACK TO request"); err != nil {
			return err
		}
	}
	return w.conn.do("RELEASE request")
}

// guard runs do and makes an error of its panic: a defect in one request must not take the store with it.
func (w *writer) guard(do func(*tx) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			w.log.Error("a database write panicked", "panic", p, "stack", string(debug.Stack()))
			err = fmt.Errorf("a write panicked: %v", p)
		}
	}()
	t := w.conn.tx(context.Background())
	t.writer = w
	return do(t)
}

// makeRoom gives up the reserve and empties the write-ahead log after the disk was found full. It reports whether
// there may be room now.
func (w *writer) makeRoom(cause error) bool {
	if !w.reserve.free() {
		return false
	}
	w.log.Warn("storage is full: the reserve is given up, no new messages are taken until there is room for it again",
		"error", cause)
	// Emptying the log takes room for its pages in the database first. It must not eat up what has just been freed.
	if info, err := os.Stat(w.path + "-wal"); err == nil && info.Size() < w.reserve.size/2 {
		_ = w.truncateLog() // a help, not a need
	}
	return true
}

// eraseSoon notes that the log holds deleted text.
func (w *writer) eraseSoon() {
	w.eraseAt = time.Now()
	if w.eraseBy.IsZero() {
		w.eraseBy = w.eraseAt.Add(eraseWithin)
	}
}

// overdue reports whether something that waits for a quiet moment has waited for too long.
func (w *writer) overdue() bool {
	now := time.Now()
	return isDue(w.eraseBy, now) || isDue(w.dropAt, now)
}

func isDue(at, now time.Time) bool { return !at.IsZero() && !now.Before(at) }

// wakeUp sets the timer to when there is something to tidy next.
func (w *writer) wakeUp() {
	next := w.eraseAt
	for _, at := range []time.Time{w.dropAt, w.probeAt, w.reserve.tryAt()} {
		if !at.IsZero() && (next.IsZero() || at.Before(next)) {
			next = at
		}
	}
	if next.IsZero() {
		w.timer.Stop()
	} else {
		w.timer.Reset(time.Until(next))
	}
}

// tidy does what can wait: deletes parts of answers that have ended, empties the log of deleted text, and takes back the
// reserve once the disk has room.
func (w *writer) tidy() {
	now := time.Now()
	if isDue(w.probeAt, now) {
		w.probe()
	}
	if isDue(w.dropAt, now) {
		w.dropLeft(now)
	}
	if isDue(w.eraseAt, now) {
		w.erase(now)
	}
	if w.reserve.due() {
		if err := w.reserve.restore(); err == nil {
			w.log.Info("storage has room again: the reserve is back, new messages are taken")
		}
	}
}

// erase empties the log of deleted text, or sees to it that this is tried again.
func (w *writer) erase(now time.Time) {
	err := w.truncateLog()
	if err == nil {
		w.eraseAt, w.eraseBy, w.retry = time.Time{}, time.Time{}, eraseRetry
		return
	}
	if w.retry >= eraseRetryMax {
		w.log.Warn("deleted text is still in the database's log, which cannot be emptied", "error", err)
	}
	w.eraseAt, w.eraseBy = now.Add(w.retry), now.Add(max(w.retry, eraseWithin))
	w.retry = min(2*w.retry, eraseRetryMax)
}

// limitLog moves the log into the database when it has grown long, so that the next commits begin it anew. SQLite would
// do so by itself, but would not scrub it first.
func (w *writer) limitLog() {
	if w.conn == nil {
		return
	}
	pages, _, err := w.checkpoint("NOOP")
	if err != nil || pages < w.logMax {
		return
	}
	w.logMax = pages + max(logPages, pages/4) // where it fails, or a reader still needs the log, the log grows on for a while
	if err := w.scrub(pages); err != nil {
		w.log.Error("the database's log could not be scrubbed", "error", err)
		return
	}
	if pages, moved, err := w.checkpoint("PASSIVE"); err == nil && moved == pages {
		w.logMax = logPages
	}
}

// truncateLog moves what the log holds into the database, scrubbed, and empties the log. It fails where a reader still
// needs the log.
func (w *writer) truncateLog() (err error) {
	if w.conn == nil {
		return errors.New("not connected")
	}
	pages, _, err := w.checkpoint("NOOP")
	if err != nil {
		return err
	}
	if err := w.scrub(pages); err != nil {
		return err
	}
	if err := w.conn.do(fmt.Sprintf("PRAGMA busy_timeout = %d", eraseWait.Milliseconds())); err != nil {
		return err
	}
	_, _, err = w.checkpoint("TRUNCATE")
	return errors.Join(err, w.conn.do(fmt.Sprintf("PRAGMA busy_timeout = %d", w.busy.Milliseconds())))
}

// checkpoint has SQLite move the log into the database, in one of its modes, and returns how many pages are in the log
// and how many of them have been moved.
func (w *writer) checkpoint(mode string) (pages, moved int, err error) {
	var busy int
	err = w.conn.tx(context.Background()).row("PRAGMA wal_checkpoint("+mode+")").Scan(&busy, &pages, &moved)
	if err == nil && busy != 0 {
		err = errors.New("the log is in use")
	}
	return pages, moved, err
}

// finish leaves the database without a log, all of it in one file.
func (w *writer) finish() {
	if w.conn == nil {
		return
	}
	if err := w.truncateLog(); err != nil {
		w.log.Warn("the database's log could not be emptied; the next start does it", "error", err)
	}
	w.disconnect()
}
