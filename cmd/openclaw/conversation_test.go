package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	openclaw "github.com/openclaw/openclaw-go"
	"go.uber.org/goleak"
)

// stalled is a gateway that answers each message with one word and then nothing more.
func stalled(t *testing.T, cancelled *atomic.Int32) *httptest.Server {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/v1/chat/stream", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprint(w, "id: 1\nevent: start\ndata: {\"id\":\"msg_1\",\"sessionKey\":\"s\"}\n\nid: 2\nevent: delta\ndata: {\"content\":\"Well\"}\n\n")
		if err := http.NewResponseController(w).Flush(); err != nil {
			t.Error(err)
		}
		<-r.Context().Done()
	})
	mux.HandleFunc("POST /api/v1/messages/msg_1/cancel", func(w http.ResponseWriter, _ *http.Request) {
		cancelled.Add(1)
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"id":"msg_1","role":"assistant","content":"Well","timestamp":"2026-11-23T10:00:00Z","status":"incomplete","sessionKey":"s"}`)
	})
	return httptest.NewServer(mux)
}

// TestTurnStopped: an interrupt stops the answer and not the conversation; being told to end stops both.
func TestTurnStopped(t *testing.T) {
	defer goleak.VerifyNone(t)
	for sig, leave := range map[os.Signal]bool{os.Interrupt: false, syscall.SIGTERM: true} {
		t.Run(sig.String(), func(t *testing.T) {
			var cancelled atomic.Int32
			gateway := stalled(t, &cancelled)
			defer gateway.Close()
			client := openclaw.New(gateway.URL, openclaw.WithAPIKey("k"))
			defer client.CloseIdleConnections()

			out, complaints := newWatched(), newWatched()
			c := &conversation{
				sh: &shell{out: out, err: complaints, env: func(string) (string, bool) { return "", false }},
				r:  &remote{Client: client, url: gateway.URL},
			}
			signals := make(chan os.Signal, 1)
			go func() {
				for {
					text, changed := out.now()
					if strings.Contains(text, "Well") {
						signals <- sig
						return
					}
					<-changed
				}
			}()
			if got := c.turn(signals, "Hi"); got != leave {
				t.Errorf("leave is %t, want %t", got, leave)
			}
			text, _ := out.now()
			said, _ := complaints.now()
			if text != "Well\n[stopped]\n" || said != "" || c.session != "s" || cancelled.Load() != 1 {
				t.Errorf("out %q, err %q, session %q, cancelled %d times", text, said, c.session, cancelled.Load())
			}
		})
	}
}

func TestNextMessage(t *testing.T) {
	lines := make(chan line, 4)
	lines <- line{text: `one \`}
	lines <- line{text: "two "}
	lines <- line{err: io.EOF}
	signals := make(chan os.Signal, 1)
	if got, err := nextMessage(signals, lines); got != "one \ntwo" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	if got, err := nextMessage(signals, lines); got != "" || !errors.Is(err, io.EOF) {
		t.Errorf("at the end: %q, %v", got, err)
	}
	signals <- os.Interrupt
	if got, err := nextMessage(signals, lines); got != "" || !errors.Is(err, errInterrupted) {
		t.Errorf("interrupted: %q, %v", got, err)
	}
}

func TestClean(t *testing.T) {
	for in, want := range map[string]string{
		"Grüße\n\tok":            "Grüße\n\tok",
		"\x1b[31mred\x07\x7f\r":  "␛[31mred␇␡␍",
		"a\u202eb\u2066c\u009bd": "a\ufffdb\ufffdc\ufffdd",
	} {
		if got := clean(in); got != want {
			t.Errorf("clean(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestStyle(t *testing.T) {
	if got := (style{on: true}).bold("x"); got != "\x1b[1mx\x1b[0m" {
		t.Errorf("on: %q", got)
	}
	sh := &shell{env: func(string) (string, bool) { return "", false }}
	if sh.style(io.Discard).on {
		t.Error("styled what is no terminal")
	}
}
