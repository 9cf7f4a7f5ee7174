package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/openclaw/openclaw/model/modeltest/upstream"
)

// The order of the system calls is the proof of durability: no acknowledgement is written to a client before the commit
// that it stands for was written to the log and the log was synced.
func TestAcknowledgementsFollowTheirSync(t *testing.T) {
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Skip("strace is not installed")
	}
	_, server := newUpstream(t)
	g := newGateway(t, api+models(server, upstream.OpenAI))
	trace := filepath.Join(t.TempDir(), "trace")
	g.prefix = []string{strace, "-f", "-y", "-s", "1000", "-e", "trace=pwrite64,write,fsync,fdatasync", "-o", trace}
	g.start()
	const chats = 100
	for i := range chats {
		if i%2 == 0 {
			if r := g.do("POST", "/api/v1/chat", message("q", "")); r.status != 200 {
				t.Fatalf("%d %s", r.status, r.body)
			}
			continue
		}
		g.events("POST", "/api/v1/chat/stream", message("q", ""))
	}
	if err := g.terminate(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(trace)
	if err != nil {
		t.Fatal(err)
	}
	log := &syncLog{pending: map[string]int{}}
	for line := range strings.Lines(string(text)) {
		log.read(line)
	}
	for _, complaint := range log.complaints {
		t.Error(complaint)
	}
	if log.starts != chats/2 || log.ends != chats {
		t.Errorf("saw %d starts and %d ends, want %d and %d", log.starts, log.ends, chats/2, chats)
	}
	t.Logf("%d acknowledgements, %d writes to the log, %d syncs: each acknowledgement follows the sync of all that was committed", log.starts+log.ends, log.writes, log.syncs)
}

// syncLog follows a trace: how much was written to the database's log, and how much of it is known to be on the disk.
type syncLog struct {
	written, synced int            // writes to the log so far, and as of the newest finished sync
	pending         map[string]int // by thread: what was written when its sync began
	sinceAck        int            // syncs since the last end of a chat
	starts, ends    int
	writes, syncs   int
	complaints      []string
}

var call = regexp.MustCompile(`^(\d+) +(?:<\.\.\. )?(pwrite64|write|fsync|fdatasync)(?:\(\d+<([^>]*)>)?(.*)`)

func (l *syncLog) read(line string) {
	m := call.FindStringSubmatch(line)
	if m == nil {
		return
	}
	thread, name, file, rest := m[1], m[2], m[3], m[4]
	switch {
	case name == "pwrite64" && strings.HasSuffix(file, "-wal"):
		l.written++
		l.writes++
	case name == "fsync" || name == "fdatasync":
		switch {
		case strings.Contains(line, " resumed>"):
			l.finish(thread)
		case strings.HasSuffix(file, "-wal"):
			l.pending[thread] = l.written
			if !strings.Contains(rest, "<unfinished") {
				l.finish(thread)
			}
		}
	case name == "write" && strings.HasPrefix(file, "TCP:"), name == "write" && strings.HasPrefix(file, "socket:"):
		if strings.Contains(rest, "event: start") {
			l.starts++
			l.acknowledge("a start", 1)
		}
		if strings.Contains(rest, "event: done") || strings.Contains(rest, "HTTP/1.1 200 OK") && strings.Contains(rest, `\"usage\"`) {
			l.ends++
			l.acknowledge("an end", 2)
			l.sinceAck = 0
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
	l.sinceAck++
}

func (l *syncLog) acknowledge(what string, commits int) {
	if l.synced != l.written || l.sinceAck < commits {
		l.complaints = append(l.complaints, fmt.Sprintf("%s was told with %d of %d writes synced, %d syncs after the last end",
			what, l.synced, l.written, l.sinceAck))
	}
}
