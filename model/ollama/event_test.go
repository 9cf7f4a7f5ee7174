package ollama

import (
	"testing"

	"github.com/openclaw/openclaw/claw"
	"github.com/openclaw/openclaw/model/internal/call"
	"github.com/openclaw/openclaw/model/modeltest"
)

const ordinary = `{"model":"llama3.2","created_at":"2026-01-02T03:04:05.678901Z",` +
	`"message":{"role":"assistant","content":" word"},"done":false}`

func FuzzEvent(f *testing.F) {
	decode := func(p call.Protocol, event []byte) (claw.Chunk, error) { return p.(*answer).decode(event) }
	modeltest.FuzzEvents(f, newAnswer, decode, ordinary,
		`{"message":{"role":"assistant","content":"","thinking":"\n\u00e9"},"done":false,"error":null,"done_reason":null,"eval_count":null}`,
		`{"message":{"content":"hi"},"done":true,"done_reason":"stop","prompt_eval_count":3,"eval_count":4}`,
		`{"error":"out of memory"}`)
}

func BenchmarkEvent(b *testing.B) { modeltest.BenchmarkEvent(b, newAnswer, ordinary) }

func TestOrdinaryEvent(t *testing.T) { modeltest.OrdinaryEvent(t, newAnswer, ordinary) }
