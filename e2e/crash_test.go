package e2e

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	_ "modernc.org/sqlite" // to look at what is left behind, as any other program would

	"github.com/openclaw/openclaw/model/modeltest/upstream"
)

// ledger is what one client was told about one message. It is all that a client can hold a gateway to.
type ledger struct {
	session   string
	text      string // unique
	begun     bool   // an event or an answer was received: the message is acknowledged
	completed bool   // done or a 200 was received: the answer is acknowledged
	answer    string // what was acknowledged
	id        string // of the answer
}

// killer keeps killing and starting a gateway under clients that do not give up.
type killer struct {
	t       *testing.T
	gateway *gateway
	kills   int
	done    chan struct{} // closed behind the last kill and start
}

// SIGKILL at random moments under 20 clients, each with a ledger of what was acknowledged. Whatever was, is there
// afterwards, once. OPENCLAW_KILLS sets how often (default 15); OPENCLAW_SEED repeats a run's moments.
func TestKillsUnderLoad(t *testing.T) {
	kills := fromEnv(t, "OPENCLAW_KILLS", 15)
	seed := uint64(fromEnv(t, "OPENCLAW_SEED", int(time.Now().UnixNano()%1_000_000)))
	t.Logf("seed %d", seed)
	u, server := newUpstream(t)
	u.Default(upstream.Script{PerChunk: upstream.Duration(3 * time.Millisecond)})
	g := newGateway(t, api+models(server, upstream.OpenAI)).start()
	k := &killer{t: t, gateway: g, kills: kills, done: make(chan struct{})}

	const clients = 20
	books := make([][]*ledger, clients)
	var working sync.WaitGroup
	for c := range clients {
		random := rand.New(rand.NewPCG(seed, uint64(c)))
		working.Go(func() { books[c] = k.client(c, random) })
	}
	random := rand.New(rand.NewPCG(seed, clients))
	for range kills {
		time.Sleep(time.Duration(20+random.IntN(380)) * time.Millisecond) // the moment is the test's input
		g.kill()
		g.start()
	}
	close(k.done)
	working.Wait()

	sent, begun, completed := 0, 0, 0
	bySession := map[string][]*ledger{}
	for _, book := range books {
		for _, l := range book {
			sent++
			if l.begun {
				begun++
			}
			if l.completed {
				completed++
			}
			bySession[l.session] = append(bySession[l.session], l)
		}
	}
	wrong := 0
	for session, entries := range bySession {
		wrong += g.audit(session, entries)
	}
	if n := g.do("GET", "/api/v1/status", "").field("activeSessions"); n != float64(len(bySession)) {
		t.Errorf("%v sessions are counted, there are %d", n, len(bySession))
	}
	g.kill()
	integrity := integrityOf(t, filepath.Join(g.dir, "openclaw.db"))
	t.Logf("%d kills, %d messages sent, %d acknowledged, %d answers acknowledged: %d in disagreement with history; integrity_check %s",
		kills, sent, begun, completed, wrong, integrity)
	if completed == 0 || integrity != "ok" {
		t.Errorf("%d answers were acknowledged, integrity_check says %s", completed, integrity)
	}
}

func fromEnv(t *testing.T, name string, otherwise int) int {
	v := os.Getenv(name)
	if v == "" {
		return otherwise
	}
	n, err := strconv.Atoi(v)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

// client sends message after message, plain and streamed, in sessions of its own, old and new, and one that all share, and
// tries each until it is answered, as an SDK would: with the same idempotency key.
func (k *killer) client(c int, random *rand.Rand) []*ledger {
	var book []*ledger
	for n := 0; ; n++ {
		select {
		case <-k.done:
			if n > 0 {
				return book
			}
		default:
		}
		session := fmt.Sprintf("client-%d-%d", c, random.IntN(30))
		if random.IntN(4) == 0 {
			session = fmt.Sprintf("shared-%d", c%4)
		}
		l := &ledger{session: session, text: fmt.Sprintf("message %d of client %d says these words", n, c)}
		book = append(book, l)
		streamed := random.IntN(2) == 0
		for try := 0; !l.completed; try++ {
			if try > 2000 {
				k.t.Errorf("%q is never answered", l.text)
				return book
			}
			if !k.send(l, streamed) {
				time.Sleep(5 * time.Millisecond) // the gateway is down or the session busy; a client's back-off
			}
		}
	}
}

// send makes one try, and reports whether the gateway could be reached.
func (k *killer) send(l *ledger, streamed bool) bool {
	ctx, cancel := context.WithTimeout(k.t.Context(), 20*time.Second)
	defer cancel()
	key := header{"Idempotency-Key", l.text}
	if !streamed {
		r, err := k.gateway.try(ctx, "POST", "/api/v1/chat", message(l.text, l.session), key)
		if err != nil || r.status == http.StatusConflict || r.status == http.StatusServiceUnavailable {
			return false
		}
		if r.status != http.StatusOK {
			k.t.Errorf("%q got %d %s", l.text, r.status, r.body)
			return false
		}
		l.begun, l.completed, l.answer, l.id = true, true, r.text("content"), r.text("id")
		return true
	}
	s, err := k.gateway.open(ctx, "POST", "/api/v1/chat/stream", message(l.text, l.session), key)
	if err != nil {
		return false
	}
	defer s.close()
	var answer strings.Builder
	for {
		ev, err := s.next()
		if err != nil {
			return false
		}
		l.begun = true
		switch ev.name {
		case "delta":
			answer.WriteString(ev.field("content"))
		case "done":
			l.completed, l.answer, l.id = true, answer.String(), ev.field("id")
			return true
		case "error":
			return false
		}
	}
}

// audit holds a session's history against what its clients were told, and returns the number of disagreements.
func (g *gateway) audit(session string, entries []*ledger) int {
	type stored struct {
		ID      string `json:"id"`
		Role    string `json:"role"`
		Content string `json:"content"`
		Status  string `json:"status"`
	}
	var all []stored
	before := ""
	for {
		var page struct {
			Messages []stored `json:"messages"`
		}
		r := g.do("GET", "/api/v1/sessions/"+session+"/history?limit=1000"+before, "")
		if r.status == http.StatusNotFound {
			break
		}
		r.decode(g.t, &page)
		all = append(page.Messages, all...)
		if len(page.Messages) < 1000 {
			break
		}
		before = "&before=" + page.Messages[0].ID
	}
	questions, answers := map[string]int{}, map[string]stored{}
	complete := 0
	for _, m := range all {
		switch {
		case m.Role == "user":
			questions[m.Content]++
		case m.Status == "complete":
			complete++
			answers[m.ID] = m
		}
	}
	wrong := 0
	disagree := func(format string, args ...any) {
		wrong++
		g.t.Errorf("session "+session+": "+format, args...)
	}
	completed := 0
	for _, l := range entries {
		n := questions[l.text]
		if n > 1 || l.begun && n != 1 {
			disagree("%q is there %d times", l.text, n)
		}
		if !l.completed {
			continue
		}
		completed++
		if got, ok := answers[l.id]; !ok || got.Content != l.answer || !strings.HasSuffix(got.Content, l.text) {
			disagree("answer %s to %q was acknowledged as %q, history has %q", l.id, l.text, l.answer, got.Content)
		}
	}
	// Nothing complete beside what was acknowledged: every client went on until it had its answer.
	if complete != completed {
		disagree("%d complete answers, %d were acknowledged", complete, completed)
	}
	return wrong
}

func integrityOf(t *testing.T, path string) string {
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var result string
	if err := db.QueryRow("PRAGMA integrity_check").Scan(&result); err != nil {
		t.Fatal(errors.Join(errors.New("integrity_check"), err))
	}
	return result
}
