package chat

import (
	"bytes"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"testing/synctest"
	"time"

	"github.com/openclaw/openclaw/claw"
)

// loggedRun is a run as it is when its end is logged.
func loggedRun() (*run, claw.Run) {
	r := &run{id: "msg_1", sessionKey: "a \"session\"", token: "bench", began: time.Now()}
	return r, claw.Run{Deltas: make([]int, 4), Answer: claw.Message{
		Status: claw.StatusComplete, Model: "openai/bench", Usage: &claw.Usage{InputTokens: 12, OutputTokens: 34},
	}}
}

// Others read these lines: not a byte of them changes.
func TestTheLineOfARun(t *testing.T) {
	for _, c := range []struct {
		status     claw.Status
		cause      error
		silent     bool
		json, text string
	}{
		{
			status: claw.StatusComplete,
			json: `"level":"INFO","msg":"run complete","run":"msg_1","session":"a \"session\"","token":"bench","status":"complete",` +
				`"model":"openai/bench","duration":1500000000,"deltas":4,"inputTokens":12,"outputTokens":34}`,
			text: `level=INFO msg="run complete" run=msg_1 session="a \"session\"" token=bench status=complete model=openai/bench ` +
				`duration=1.5s deltas=4 inputTokens=12 outputTokens=34`,
		},
		{
			status: claw.StatusFailed, cause: claw.ModelErrorf(claw.ReasonTruncated, "It <broke> off.").Because(io.ErrUnexpectedEOF), silent: true,
			json: `"level":"ERROR","msg":"run failed","run":"msg_1","session":"a \"session\"","token":"bench","status":"failed",` +
				`"model":"openai/bench","duration":1500000000,"deltas":4,"error":"MODEL_ERROR: It <broke> off. (truncated): unexpected EOF"}`,
			text: `level=ERROR msg="run failed" run=msg_1 session="a \"session\"" token=bench status=failed model=openai/bench ` +
				`duration=1.5s deltas=4 error="MODEL_ERROR: It <broke> off. (truncated): unexpected EOF"`,
		},
		{
			status: claw.StatusIncomplete, cause: errCancelled,
			json: `"level":"INFO","msg":"run stopped","run":"msg_1","session":"a \"session\"","token":"bench","status":"incomplete",` +
				`"model":"openai/bench","duration":1500000000,"deltas":4,"inputTokens":12,"outputTokens":34,"error":"CANCELLED: The run was cancelled."}`,
			text: `level=INFO msg="run stopped" run=msg_1 session="a \"session\"" token=bench status=incomplete model=openai/bench ` +
				`duration=1.5s deltas=4 inputTokens=12 outputTokens=34 error="CANCELLED: The run was cancelled."`,
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			r, end := loggedRun()
			end.Answer.Status = c.status
			if c.silent {
				end.Answer.Usage = nil
			}
			time.Sleep(1500*time.Millisecond + time.Microsecond)
			var lines bytes.Buffer
			for _, h := range []slog.Handler{slog.NewJSONHandler(&lines, nil), slog.NewTextHandler(&lines, nil)} {
				(&Engine{Config: Config{Logger: slog.New(h)}}).logEnd(r, end, c.cause)
			}
			got := regexp.MustCompile(`(?m)^(\{"time":"[^"]+",|time=\S+ )`).ReplaceAllString(lines.String(), "")
			if want := c.json + "\n" + c.text + "\n"; got != want {
				t.Errorf("the lines are, their times apart,\n%swant\n%s", got, want)
			}
		})
	}
}

// What a line costs is mostly what it allocates and what goes through encoding/json, which allocates more.
func TestTheLineOfARunIsCheap(t *testing.T) {
	e := &Engine{Config: Config{Logger: slog.New(slog.NewJSONHandler(io.Discard, nil))}}
	r, end := loggedRun()
	if n := testing.AllocsPerRun(100, func() { e.logEnd(r, end, nil) }); n > 3 {
		t.Errorf("the line of a run allocates %v objects, want the record's one", n)
	}
}

func BenchmarkLogEnd(b *testing.B) {
	file, err := os.Create(filepath.Join(b.TempDir(), "log"))
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	r, end := loggedRun()
	for name, w := range map[string]io.Writer{"discard": io.Discard, "file": file} {
		for format, h := range map[string]slog.Handler{"json": slog.NewJSONHandler(w, nil), "text": slog.NewTextHandler(w, nil)} {
			b.Run(name+"/"+format, func(b *testing.B) {
				e := &Engine{Config: Config{Logger: slog.New(h)}}
				b.ReportAllocs()
				for b.Loop() {
					e.logEnd(r, end, nil)
				}
			})
		}
	}
}
