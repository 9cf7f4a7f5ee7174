package openai

import (
	"testing"

	"github.com/openclaw/openclaw/claw"
	"github.com/openclaw/openclaw/model/internal/call"
	"github.com/openclaw/openclaw/model/modeltest"
)

const ordinary = `{"id":"chatcmpl-AbC123","object":"chat.completion.chunk","created":1764300000,"model":"gpt-x",` +
	`"service_tier":"default","system_fingerprint":"fp_x","choices":[{"index":0,"delta":{"content":" word"},` +
	`"logprobs":null,"finish_reason":null}],"usage":null,"obfuscation":"abcdef"}`

func FuzzEvent(f *testing.F) {
	decode := func(p call.Protocol, event []byte) (claw.Chunk, error) { return p.(*answer).decode(event) }
	modeltest.FuzzEvents(f, newAnswer, decode, ordinary,
		`{"choices": [{"index": 0, "delta": {"role": "assistant", "content": "", "refusal": null}, "finish_reason": null}]}`,
		`{"choices":[{"index":0,"delta":{"content":"\n\u00e9\ud83c\udf05"},"x":{"hate":{"filtered":false}}}],"error":null}`,
		`{"choices":[{"delta":{"content":[{"type":"text","text":"hi"}],"refusal":"no"},"finish_reason":"stop"},{"index":1}],"usage":{"prompt_tokens":3}}`,
		`{"error":{"code":"429","type":"x"}}`, `{"choices":[{"delta":{"Content":"hi"}}]}`,
		`{"choices":[{"delta":{"content":"hi"}}],"choices":[]}`, `{"choices":[{"delta":{"content":"hi"}}],"choices":[{}]}`,
		`{"choices":[{"delta":{"content":"ä`+"\xff"+`"}}]}`, `[DONE]`, ordinary+"\x00", ordinary+ordinary)
}

func BenchmarkEvent(b *testing.B) { modeltest.BenchmarkEvent(b, newAnswer, ordinary) }

func TestOrdinaryEvent(t *testing.T) { modeltest.OrdinaryEvent(t, newAnswer, ordinary) }
