package anthropic

import (
	"testing"

	"github.com/openclaw/openclaw/claw"
	"github.com/openclaw/openclaw/model/internal/call"
	"github.com/openclaw/openclaw/model/modeltest"
)

const ordinary = `{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":" word"}      }`

func FuzzEvent(f *testing.F) {
	decode := func(p call.Protocol, event []byte) (claw.Chunk, error) { return p.(*answer).decode(event) }
	modeltest.FuzzEvents(f, newAnswer, decode, ordinary,
		`{"type": "content_block_delta", "index": 1, "delta": {"type": "thinking_delta", "thinking": "\n\u00e9"}}`,
		`{"type":"message_start","message":{"usage":{"input_tokens":3,"cache_read_input_tokens":4,"output_tokens":1}}}`,
		`{"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":7}}`,
		`{"type":"content_block_start","index":0,"content_block":{"type":"text","text":"hi"}}`,
		`{"type":"content_block_delta","delta":{"text":"hi","stop_reason":null},"message":null,"content_block":null,"usage":null,"error":null}`,
		`{"type":"error","error":{"type":"overloaded_error"}}`,
		`{"type":"message_stop"}`)
}

func BenchmarkEvent(b *testing.B) { modeltest.BenchmarkEvent(b, newAnswer, ordinary) }

func TestOrdinaryEvent(t *testing.T) { modeltest.OrdinaryEvent(t, newAnswer, ordinary) }
