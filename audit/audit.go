// Package audit keeps the record of refusals, deletions, cancellations and reloads: a file of JSON lines that is only
// ever appended to.
package audit

import (
	"encoding/json/v2"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/openclaw/openclaw/claw"
)

// Gather is how long refusals of one kind share a record: whoever knocks a thousand times a second must not fill the
// disk. The first of them is written at once.
const Gather = time.Minute

// maxGathered bounds how many kinds of refusal are told apart at one time.
const maxGathered = 1000

// Log is the record. A record is written with one write, and reaches the file before Audit returns; it is not synced, so
// a power cut may take the last seconds of it, the end of the process does not.
type Log struct {
	path string
	log  *slog.Logger

	mu       sync.Mutex
	file     *os.File
	failed   error // why the last record was not written; nil where it was
	gathered map[refusal]*gathering
	closed   bool
}

// refusal is what refusals have in common that share a record.
type refusal struct{ token, address, reason string }

type gathering struct {
	count int // beyond the first, which has a record of its own
	last  claw.AuditRecord
	timer *time.Timer
}

// Open opens the file at path for appending, readable by its owner only where it is new.
func Open(path string, logger *slog.Logger) (*Log, error) {
	l := &Log{path: path, log: logger, gathered: map[refusal]*gathering{}}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("the audit log cannot be opened: %w", err)
	}
	var err error
	if l.file, err = open(path); err != nil {
		return nil, fmt.Errorf("the audit log cannot be opened: %w. Name another file as audit.path", err)
	}
	return l, nil
}

func open(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
}

// Audit appends r. That a record could not be written is logged and shown by [Log.Degraded]; it fails no request.
func (l *Log) Audit(r claw.AuditRecord) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return
	}
	if r.Action != claw.AuditRefused {
		l.write(r)
		return
	}
	key := refusal{r.Token, r.Address, r.Reason}
	if g := l.gathered[key]; g != nil {
		g.count++
		g.last = r
		return
	}
	if len(l.gathered) >= maxGathered { // from very many addresses: those beyond share one record
		key = refusal{}
		r.Token, r.Address, r.RequestID, r.Route, r.Reason = "", "", "", "", "many addresses"
		if g := l.gathered[key]; g != nil {
			g.count++
			g.last = r
			return
		}
	}
	l.gathered[key] = &gathering{timer: time.AfterFunc(Gather, func() { l.settle(key) })}
	l.write(r)
}

// settle writes what has gathered under key.
func (l *Log) settle(key refusal) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if g := l.gathered[key]; g != nil {
		delete(l.gathered, key)
		l.summarize(g)
	}
}

func (l *Log) summarize(g *gathering) {
	if g.count > 0 && !l.closed {
		g.last.Count = g.count
		l.write(g.last)
	}
}

// line is a record as it stands in the file.
type line struct {
	Time    time.Time        `json:"time"`
	Action  claw.AuditAction `json:"action"`
	Token   string           `json:"token,omitzero"`
	Address string           `json:"address,omitzero"`
	Request string           `json:"request,omitzero"`
	Route   string           `json:"route,omitzero"`
	Target  string           `json:"target,omitzero"`
	Status  int              `json:"status,omitzero"`
	Reason  string           `json:"reason,omitzero"`
	Count   int              `json:"count,omitzero"`
}

// write appends one line. l.mu is held.
func (l *Log) write(r claw.AuditRecord) {
	text, err := json.Marshal(line{
		Time: time.Now().UTC().Truncate(time.Millisecond), Action: r.Action, Token: r.Token, Address: r.Address,
		Request: r.RequestID, Route: r.Route, Target: r.Target, Status: r.Status, Reason: r.Reason, Count: r.Count,
	})
	if err == nil {
		_, err = l.file.Write(append(text, '\n'))
	}
	if err != nil && l.failed == nil { // once, not for each of what may be thousands
		l.log.Error("the audit log cannot be written", "path", l.path, "error", err)
	}
	l.failed = err
}

// Degraded says what is wrong with the log, "" where nothing is.
func (l *Log) Degraded() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.failed == nil {
		return ""
	}
	return "The audit log cannot be written: the gateway's log says why."
}

// Reopen goes on in a new file where the old one was renamed, as programs that rotate logs do.
func (l *Log) Reopen() error {
	file, err := open(l.path)
	if err != nil {
		return fmt.Errorf("the audit log cannot be opened again: %w", err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return file.Close()
	}
	old := l.file
	l.file, l.failed = file, nil
	return old.Close()
}

// Close writes what has gathered and closes the file.
func (l *Log) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil
	}
	for key, g := range l.gathered {
		g.timer.Stop()
		delete(l.gathered, key)
		l.summarize(g)
	}
	l.closed = true
	_ = l.file.Sync() // what is no file on a disk cannot be synced, and need not be
	return l.file.Close()
}
