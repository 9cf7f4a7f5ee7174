package httpapi

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/openclaw/openclaw/claw"
)

// answered is a chat's exchange as it is when its line is written.
func answered(log *slog.Logger) *exchange {
	r := httptest.NewRequest(http.MethodPost, "/api/v1/chat", nil)
	r.Pattern = "/api/v1/chat"
	return &exchange{
		api: &API{log: log}, r: r, id: "req_1", begun: time.Now(), who: claw.Principal{Name: "bench"},
		session: "session_1", run: "msg_1", status: http.StatusOK, bytes: 321,
	}
}

// One write a line, so most of what a line costs is the system's; this is the rest.
func BenchmarkLogAccess(b *testing.B) {
	x := answered(slog.New(slog.NewJSONHandler(io.Discard, nil)))
	b.ReportAllocs()
	for b.Loop() {
		x.logAccess()
	}
}
