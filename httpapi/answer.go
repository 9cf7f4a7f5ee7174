package httpapi

import (
	"bytes"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"net/http"
	"slices"
	"strconv"
	"sync"

	"github.com/openclaw/openclaw/claw"
)

// answer is what a handler returns where nothing went wrong.
type answer interface{ send(x *exchange) }

// jsonAnswer is a body of JSON.
type jsonAnswer struct {
	status int
	body   any
}

func answerJSON(body any) answer { return jsonAnswer{http.StatusOK, body} }

// lenient lets text through that a store should not have: a stray byte in one message, shown as U+FFFD, must not make
// the whole history a 500.
var lenient = jsontext.AllowInvalidUTF8(true)

// buffers hold bodies while their length is found out. Huge ones are left to the garbage collector.
var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

func (ans jsonAnswer) send(x *exchange) {
	buf := buffers.Get().(*bytes.Buffer)
	buf.Reset()
	defer func() {
		if buf.Cap() <= 64<<10 {
			buffers.Put(buf)
		}
	}()
	if raw, isRaw := ans.body.(jsontext.Value); isRaw {
		buf.Write(raw)
	} else if err := json.MarshalWrite(buf, ans.body, lenient); err != nil {
		panic(err) // only our own types come here
	}
	buf.WriteByte('\n')
	h := x.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(buf.Len()))
	x.WriteHeader(ans.status)
	x.writeAll(buf.Bytes())
}

// writeAll writes in pieces, for each of which the client has the same time. It reports false once the client is lost.
func (x *exchange) writeAll(b []byte) bool {
	for piece := range slices.Chunk(b, 64<<10) {
		if _, err := x.Write(piece); err != nil {
			x.cut = true
			return false
		}
	}
	return true
}

// noContent is a 204.
type noContent struct{ allow string }

func (ans noContent) send(x *exchange) {
	if ans.allow != "" {
		x.Header().Set("Allow", ans.allow)
	}
	x.WriteHeader(http.StatusNoContent)
}

// withHeader is an answer with one more header.
type withHeader struct {
	answer
	name, value string
}

func (ans withHeader) send(x *exchange) {
	x.Header().Set(ans.name, ans.value)
	ans.answer.send(x)
}

// replayed marks ans where it is that of an earlier call.
func replayed(started claw.Started, ans answer) answer {
	if !started.Replayed {
		return ans
	}
	return withHeader{ans, "Idempotent-Replayed", "true"}
}
