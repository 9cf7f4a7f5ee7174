package e2e

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/openclaw/openclaw/model/modeltest/upstream"
)

// Recovery depends on how many runs were cut off, not on how much is stored. OPENCLAW_MESSAGES sets how many messages
// there are (default 20,000); the time it takes is logged, and published in docs/reliability.md for a million.
func TestRecoveryWithManyMessages(t *testing.T) {
	messages := fromEnv(t, "OPENCLAW_MESSAGES", 20_000)
	const running = 100
	u, server := newUpstream(t)
	g := newGateway(t, api+models(server, upstream.OpenAI)).start()
	g.do("POST", "/api/v1/chat", message("the first", "s-0"))
	g.kill()
	fillDatabase(t, filepath.Join(g.dir, "openclaw.db"), messages)
	g.start()

	u.Default(upstream.Script{Text: words(3), End: upstream.EndStall, After: 2})
	var ids []string
	for i := range running {
		s, err := g.open(t.Context(), "POST", "/api/v1/chat/stream", message("q", fmt.Sprintf("running-%d", i)))
		if err != nil {
			t.Fatal(err)
		}
		defer s.close()
		for range 3 { // start and both deltas
			ev, err := s.next()
			if err != nil {
				t.Fatal(err)
			}
			if ev.name == "start" {
				ids = append(ids, ev.field("id"))
			}
		}
	}
	g.kill()
	began := time.Now()
	g.start()
	t.Logf("with %d messages and %d runs cut off: ready %s after the start", messages, running, time.Since(began).Round(time.Millisecond))

	for _, id := range ids {
		// A run that was killed within half a second of its text may have lost it, and is then in no history.
		if m := g.do("GET", "/api/v1/messages/"+id, ""); m.text("status") != "incomplete" || m.field("running") != nil {
			t.Errorf("a run that was cut off: %s", m.body)
		}
	}
	u.Default(upstream.Script{})
	for i := range running {
		if r := g.do("POST", "/api/v1/chat", message("again", fmt.Sprintf("running-%d", i))); r.status != 200 {
			t.Errorf("session running-%d is not free: %d %s", i, r.status, r.body)
		}
	}
}

// fillDatabase adds whole sessions of ten messages, as copies of the first, without the gateway.
func fillDatabase(t *testing.T, path string, messages int) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	for _, statement := range []string{
		`BEGIN`,
		`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < ?1 / 10)
		 INSERT INTO sessions (workspace, key, channel, created_at, last_activity, activity, message_count)
		 SELECT workspace, 's-' || i, channel, created_at, last_activity, i * 10, 10 FROM n, (SELECT * FROM sessions LIMIT 1)`,
		`WITH RECURSIVE n(i) AS (SELECT 10 UNION ALL SELECT i+1 FROM n WHERE i < ?1 + 9)
		 INSERT INTO messages (seq, id, session_id, listed, role, content, status, model, created_at)
		 SELECT n.i, 'msg_filler' || n.i, (SELECT id FROM sessions WHERE workspace = 'default' AND key = 's-' || (n.i / 10)), 1,
		        iif(n.i % 2, 'assistant', 'user'), hex(randomblob(100)), 'complete', '', m.created_at
		 FROM n, (SELECT * FROM messages LIMIT 1) m WHERE n.i / 10 <= ?1 / 10`,
		`UPDATE sessions SET activity = (SELECT max(seq) FROM messages WHERE session_id = sessions.id) WHERE key <> 's-0'`,
		`UPDATE sequence SET last = (SELECT max(seq) FROM messages), counted = (SELECT max(id) FROM sessions)`,
		`UPDATE workspaces SET sessions = (SELECT count(*) FROM sessions)`,
		`COMMIT`,
		`PRAGMA wal_checkpoint(TRUNCATE)`,
	} {
		args := []any{}
		if len(statement) > 100 && statement[0] == 'W' {
			args = append(args, messages)
		}
		if _, err := db.Exec(statement, args...); err != nil {
			t.Fatalf("%v in %s", err, statement)
		}
	}
}
