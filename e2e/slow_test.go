package e2e

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/openclaw/openclaw/model/modeltest/upstream"
)

// A client that opens a stream and does not read is cut off; it never slows its run, and little is held for it meanwhile.
func TestSlowReader(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for the 30 seconds that a client has")
	}
	t.Parallel()
	u, server := newUpstream(t)
	g := newGateway(t, api+models(server, upstream.OpenAI)).start()
	chunks := make([]string, 400)
	for i := range chunks {
		chunks[i] = strings.Repeat(strconv.Itoa(i%10), 16<<10)
	}
	u.Default(upstream.Script{Text: chunks})

	conn, err := net.Dial("tcp", strings.TrimPrefix(g.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.(*net.TCPConn).SetReadBuffer(4096); err != nil {
		t.Fatal(err)
	}
	body := message("q", "slow")
	if _, err := fmt.Fprintf(conn, "POST /api/v1/chat/stream HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n"+
		"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", secret, len(body), body); err != nil {
		t.Fatal(err)
	}

	started := time.Now()
	for { // the run comes to its end all the same
		var history struct {
			Messages []struct {
				Status  string `json:"status"`
				Content string `json:"content"`
			} `json:"messages"`
		}
		r := g.do("GET", "/api/v1/sessions/slow/history", "")
		if r.status == 200 {
			r.decode(t, &history)
		}
		if n := len(history.Messages); n == 2 {
			if m := history.Messages[1]; m.Status != "complete" || len(m.Content) != 400*16<<10 {
				t.Errorf("the answer is %s with %d bytes", m.Status, len(m.Content))
			}
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	whole := time.Since(started)
	most := 0
	for { // until the gateway lets go of the connection
		state, queued := socket(t, conn)
		most = max(most, queued)
		if state != established {
			break
		}
		if time.Since(started) > time.Minute {
			t.Fatal("the slow reader is not cut off")
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Logf("the answer was whole after %s, the reader cut off after %s, the kernel held %d kB for it",
		whole.Round(time.Millisecond), time.Since(started).Round(time.Second), most>>10)
	if most > 1<<20 {
		t.Errorf("%d bytes were held for a client that does not read, want at most 1 MiB", most)
	}
}

const established = "01"

// socket is the state of the gateway's end of a connection, and the bytes that the kernel holds to be sent on it.
func socket(t *testing.T, conn net.Conn) (state string, queued int) {
	t.Helper()
	table, err := os.ReadFile("/proc/net/tcp")
	if err != nil {
		t.Skip("there is no /proc/net/tcp to look at connections with")
	}
	local := fmt.Sprintf(":%04X", conn.RemoteAddr().(*net.TCPAddr).Port)
	remote := fmt.Sprintf(":%04X", conn.LocalAddr().(*net.TCPAddr).Port)
	for line := range strings.Lines(string(table)) {
		f := strings.Fields(line)
		if len(f) < 5 || !strings.HasSuffix(f[1], local) || !strings.HasSuffix(f[2], remote) {
			continue
		}
		tx, _, _ := strings.Cut(f[4], ":")
		n, err := strconv.ParseInt(tx, 16, 64)
		if err != nil {
			t.Fatal(err)
		}
		return f[3], int(n)
	}
	return "gone", 0
}
