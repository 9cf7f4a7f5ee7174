package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/openclaw/openclaw/model/modeltest/upstream"
)

// The order of the system calls is the proof of durability: no acknowledgement is written to a client before what it stands
// for was written to the database's log and the log was synced. Each message has a text of its own, which is found again
// in the pages that are written: so each acknowledgement is held against its own commit, whatever else is being written.
func TestAcknowledgementsFollowTheirSync(t *testing.T) {
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Skip("strace is not installed")
	}
	_, server := newUpstream(t)
	g := newGateway(t, api+models(server, upstream.OpenAI))
	trace := filepath.Join(t.TempDir(), "trace")
	g.prefix = []string{strace, "-f", "-y", "-s", "5000", "-e", "trace=pwrite64,write,fsync,fdatasync", "-o", trace}
	g.start()
	const chats = 100
	for i := range chats {
		text := fmt.Sprintf("mark-%d-mark", i)
		if i%2 == 0 {
			if r := g.do("POST", "/api/v1/chat", message(text, "")); r.status != 200 {
				t.Fatalf("%d %s", r.status, r.body)
			}
			continue
		}
		g.events("POST", "/api/v1/chat/stream", message(text, ""))
	}
	if err := g.terminate(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(trace)
	if err != nil {
		t.Fatal(err)
	}
	log := &syncLog{pending: map[string]int{}, questions: map[int]int{}, answers: map[int]int{}}
	for line := range strings.Lines(string(text)) {
		log.read(line)
	}
	for _, complaint := range log.complaints {
		t.Error(complaint)
	}
	if log.starts != chats/2 || log.ends != chats {
		t.Errorf("saw %d starts and %d ends, want %d and %d", log.starts, log.ends, chats/2, chats)
	}
	t.Logf("%d acknowledgements, %d writes to the log, %d syncs: each acknowledgement follows the sync of its own commit", log.starts+log.ends, log.writes, log.syncs)
}

// syncLog follows a trace: what was written to the database's log, and how much of it is known to be on the disk. The chats
// come one after the other, so the one that an acknowledgement belongs to is known by counting.
type syncLog struct {
	writes, synced     int            // writes to the log so far, and as of the newest finished sync
	pending            map[string]int // by thread: writes when its sync began
	questions, answers map[int]int    // by chat: the write that had its text first
	starts, ends       int
	syncs              int
	complaints         []string
}

var (
	call = regexp.MustCompile(`^(\d+) +(?:<\.\.\. )?(pwrite64|write|fsync|fdatasync)(?:\(\d+<([^>]*)>)?(.*)`)
	mark = regexp.MustCompile(`(You said: )?mark-(\d+)-mark`)
)

func (l *syncLog) read(line string) {
	m := call.FindStringSubmatch(line)
	if m == nil {
		return
	}
	thread, name, file, rest := m[1], m[2], m[3], m[4]
	switch {
	case name == "pwrite64" && strings.HasSuffix(file, "-wal"):
		l.writes++
		l.find(rest)
	case name == "fsync" || name == "fdatasync":
		switch {
		case strings.Contains(line, " resumed>"):
			l.finish(thread)
		case strings.HasSuffix(file, "-wal"):
			l.pending[thread] = l.writes
			if !strings.Contains(rest, "<unfinished") {
				l.finish(thread)
			}
		}
	case name == "write" && strings.HasPrefix(file, "TCP:"), name == "write" && strings.HasPrefix(file, "socket:"):
		if strings.Contains(rest, "event: start") {
			l.acknowledge("question", l.questions)
			l.starts++
		}
		if strings.Contains(rest, "event: done") || strings.Contains(rest, "HTTP/1.1 200 OK") && strings.Contains(rest, `\"usage\"`) {
			l.acknowledge("question", l.questions)
			l.acknowledge("answer", l.answers)
			l.ends++
		}
	}
}

// find notes which texts a page that is written has for the first time.
func (l *syncLog) find(page string) {
	for _, m := range mark.FindAllStringSubmatch(page, -1) {
		n, _ := strconv.Atoi(m[2])
		texts := l.questions
		if m[1] != "" {
			texts = l.answers
		}
		if texts[n] == 0 {
			texts[n] = l.writes
		}
	}
}

func (l *syncLog) finish(thread string) {
	began, ok := l.pending[thread]
	if !ok {
		return
	}
	delete(l.pending, thread)
	l.synced = max(l.synced, began)
	l.syncs++
}

func (l *syncLog) acknowledge(what string, texts map[int]int) {
	if at := texts[l.ends]; at == 0 || at > l.synced {
		l.complaints = append(l.complaints, fmt.Sprintf("chat %d: the %s was acknowledged with %d writes synced, its own was number %d",
			l.ends, what, l.synced, at))
	}
}
