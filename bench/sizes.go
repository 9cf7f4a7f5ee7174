//go:build linux

package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// messagesPerSession is how long the conversations of a filled database are.
const messagesPerSession = 10

// sized is a gateway on a database of so many sessions.
type sized struct {
	sessions int
	path     string
	dir      string
	gateway  *process
	client   *client
}

// sizes measures what must not grow with what is stored. The databases are filled once and kept; all gateways run at the
// same time, and their rounds alternate.
func (l *lab) sizes(ctx context.Context) (err error) {
	l.stopAll()
	var all []*sized
	defer func() {
		for _, s := range all {
			s.client.close()
			s.gateway.kill()
		}
	}()
	for _, n := range pick(l, []int{1_000, 100_000, 1_000_000}, []int{1_000, 10_000}) {
		s, err := l.openSized(ctx, n)
		if err != nil {
			return err
		}
		all = append(all, s)
	}
	for range pick(l, 5, 2) {
		for _, s := range all {
			if err := l.pages(ctx, s); err != nil {
				return err
			}
		}
	}
	for range pick(l, 3, 1) {
		for _, s := range all {
			if err := l.recover(ctx, s); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *sized) name() string { return grouped(s.sessions) + " sessions" }

func (l *lab) openSized(ctx context.Context, sessions int) (*sized, error) {
	path, err := l.filled(ctx, sessions)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(l.dir, "sized-")
	if err != nil {
		return nil, err
	}
	s := &sized{sessions: sessions, path: path, dir: dir}
	if s.gateway, err = l.gateway(l.binary, "openai", path, dir); err != nil {
		return nil, err
	}
	s.client = &client{addr: s.gateway.addr, dialect: openclawDialect}
	return s, s.gateway.listening(ctx, time.Minute)
}

// get reads a page and returns how long that took and what it said.
func (c *client) get(ctx context.Context, path string) (time.Duration, []byte, error) {
	begun := time.Now()
	res, err := c.do(ctx, "GET", path, nil)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return time.Since(begun), body, err
}

// pages reads n pages, each at the path that pathOf makes up, and sees that each has so many of what is counted.
func (c *client) pages(ctx context.Context, n int, pathOf func() string, counted string, want int) (took []time.Duration, err error) {
	for range n {
		path := pathOf()
		t, body, err := c.get(ctx, path)
		if err != nil {
			return nil, err
		}
		if got := bytes.Count(body, []byte(counted)); got != want {
			return nil, fmt.Errorf("%s: %d of %s instead of %d: %.200s", path, got, counted, want, body)
		}
		took = append(took, t)
	}
	return took, nil
}

// pages reads pages of sessions and of the history of sessions picked at random: with the database's file in the system's
// memory, where a small one always is, and then the histories again once the system has been made to forget the file.
func (l *lab) pages(ctx context.Context, s *sized) error {
	sessions := func() string { return "/api/v1/sessions?limit=50" }
	history := func() string {
		return "/api/v1/sessions/s-" + strconv.Itoa(rand.IntN(s.sessions)+1) + "/history?limit=50"
	}
	if err := remember(s.path); err != nil {
		return err
	}
	list, err := s.client.pages(ctx, pick(l, 300, 50), sessions, `"key"`, 50)
	if err != nil {
		return err
	}
	warm, err := s.client.pages(ctx, pick(l, 300, 50), history, `"role"`, messagesPerSession)
	if err != nil {
		return err
	}
	if err := forget(s.path); err != nil {
		return err
	}
	cold, err := s.client.pages(ctx, pick(l, 100, 20), history, `"role"`, messagesPerSession)
	if err != nil {
		return err
	}
	var chats []time.Duration
	for i := range pick(l, 100, 20) {
		t, err := s.client.ask(ctx, &conversation{key: fmt.Sprintf("new-%d-%d", time.Now().UnixNano(), i)}, script{pieces: 4}, false)
		if err != nil {
			return err
		}
		chats = append(chats, t.total)
	}
	l.results.add(pagesOf, s.name(), "sessions p50, ms", pMillis(list, 0.5))
	l.results.add(pagesOf, s.name(), "sessions p99, ms", pMillis(list, 0.99))
	l.results.add(pagesOf, s.name(), "history p50, ms", pMillis(warm, 0.5))
	l.results.add(pagesOf, s.name(), "history p99, ms", pMillis(warm, 0.99))
	l.results.add(pagesOf, s.name(), historyCold, pMillis(cold, 0.5))
	l.results.add(pagesOf, s.name(), "chat p50, ms", pMillis(chats, 0.5))
	l.results.add(pagesOf, s.name(), memory, s.gateway.memory()/mega)
	return nil
}

// remember has the system keep a file in memory, as far as it has room.
func remember(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	_, err = io.CopyBuffer(struct{ io.Writer }{io.Discard}, f, make([]byte, 1<<20))
	return errors.Join(err, f.Close())
}

// forget has the system drop what it keeps of a file in memory.
func forget(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED), f.Close())
}

// recover kills the gateway among a hundred running streams and measures the way back to the first answer.
func (l *lab) recover(ctx context.Context, s *sized) (err error) {
	const running = 100
	stuck := make([]*client, running)
	for i := range stuck {
		stuck[i] = &client{addr: s.gateway.addr, dialect: openclawDialect}
		if err := stuck[i].openIdle(ctx, i+int(time.Now().UnixNano())); err != nil {
			return err
		}
	}
	s.client.close()
	s.gateway.kill()
	for _, c := range stuck {
		c.close()
	}
	begun := time.Now()
	if s.gateway, err = l.gateway(l.binary, "openai", s.path, s.dir); err != nil {
		return err
	}
	s.client = &client{addr: s.gateway.addr, dialect: openclawDialect}
	if err := s.gateway.listening(ctx, time.Minute); err != nil {
		return err
	}
	ready := time.Since(begun)
	if _, err := s.client.ask(ctx, &conversation{key: "after"}, script{pieces: 1}, false); err != nil {
		return err
	}
	l.results.add(recovery, s.name(), "listening, ms", float64(ready)/float64(time.Millisecond))
	l.results.add(recovery, s.name(), "first answer, ms", float64(time.Since(begun))/float64(time.Millisecond))
	return nil
}

// filled returns a database of so many sessions. It is made by statements, since a million conversations would take hours;
// the first session is the gateway's own, and the others are its copies.
func (l *lab) filled(ctx context.Context, sessions int) (path string, err error) {
	fresh := filepath.Join(l.dir, fmt.Sprintf("fill-%d.db", sessions))
	if err := l.seed(ctx, fresh); err != nil {
		return "", err
	}
	db, err := sql.Open("sqlite", fresh)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	db.SetMaxOpenConns(1)
	var schema string
	if err := db.QueryRowContext(ctx, `SELECT group_concat(sql) FROM (SELECT sql FROM sqlite_schema ORDER BY name)`).Scan(&schema); err != nil {
		return "", err
	}
	made := sha256.Sum256([]byte(schema + fill)) // another schema needs another file
	path = filepath.Join(l.cache, fmt.Sprintf("filled-%d-%x.db", sessions, made[:6]))
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	l.progress("filling a database with %s sessions, %s messages", grouped(sessions), grouped(sessions*messagesPerSession))
	for statement := range strings.SplitSeq(fill, ";\n") {
		var args []any
		if strings.Contains(statement, "?1") {
			args = append(args, sessions)
		}
		if _, err := db.ExecContext(ctx, statement, args...); err != nil {
			return "", fmt.Errorf("%w in %s", err, statement)
		}
	}
	return path, os.Rename(fresh, path)
}

// seed has the gateway itself make a database with one conversation.
func (l *lab) seed(ctx context.Context, path string) error {
	p, err := l.gateway(l.binary, "openai", path, l.dir)
	if err != nil {
		return err
	}
	defer p.kill()
	if err := p.listening(ctx, time.Minute); err != nil {
		return err
	}
	c := &client{addr: p.addr, dialect: openclawDialect}
	defer c.close()
	_, err = c.ask(ctx, &conversation{key: "s-0"}, script{pieces: 4}, false)
	return err
}

// fill makes the sessions. Each message is as long as a short paragraph. All sessions are written to by turns, one message
// at a time, as a gateway with many users does: what lies together in the file is what the store puts together. Nothing is
// synced until the end: what is being made is thrown away where the making is cut off.
const fill = `PRAGMA wal_checkpoint(TRUNCATE);
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA cache_size = -400000;
BEGIN;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < ?1)
INSERT INTO sessions (id, workspace, key, channel, created_at, last_activity, activity, message_count)
SELECT i + 1, workspace, 's-' || i, channel, created_at, last_activity, 10 + 9 * ?1 + i, 10 FROM n, (SELECT * FROM sessions LIMIT 1);
WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i+1 FROM n WHERE i < ?1 * 10 - 1)
INSERT INTO messages (seq, id, session_id, listed, role, content, status, model, created_at)
SELECT 11 + n.i, printf('msg_0filled%014d', n.i), n.i % ?1 + 2, 1, iif(n.i / ?1 % 2, 'assistant', 'user'),
       'What is the weather like today? ' || hex(randomblob(40)), 'complete', '', m.created_at
FROM n, (SELECT created_at FROM messages LIMIT 1) m;
UPDATE sequence SET last = (SELECT max(activity) FROM sessions), counted = (SELECT max(id) FROM sessions);
UPDATE workspaces SET sessions = (SELECT count(*) FROM sessions);
COMMIT;
PRAGMA journal_mode = WAL;
PRAGMA wal_checkpoint(TRUNCATE)`

// grouped writes a number with commas.
func grouped(n int) string {
	s := strconv.Itoa(n)
	for at := len(s) - 3; at > 0; at -= 3 {
		s = s[:at] + "," + s[at:]
	}
	return s
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return grouped(n) + " " + noun + "s"
}

// ulidLike is an id that sorts by n, as the gateway's ids sort by time.
func ulidLike(n int64) string { return fmt.Sprintf("01m84f7x%018d", n) }
