package anthropic

import (
	"errors"

	"github.com/openclaw/openclaw/claw"
	"github.com/openclaw/openclaw/model/internal/call"
)

// event is the union of the stream's events, as far as text and its end go. Blocks of other kinds (thinking, tools)
// have deltas of other types, whose fields are not here.
type event struct {
	Type    string `json:"type"`
	Message struct {
		Usage usage `json:"usage"`
	} `json:"message"` // of message_start
	ContentBlock struct {
		Text string `json:"text"`
	} `json:"content_block"` // of content_block_start
	Delta struct {
		Text       string `json:"text"`        // of content_block_delta
		StopReason string `json:"stop_reason"` // of message_delta
	} `json:"delta"`
	Usage usage `json:"usage"` // of message_delta, cumulative
	Error struct {
		Type string `json:"type"`
	} `json:"error"`
}

type usage struct {
	Input      *int64 `json:"input_tokens"`
	CacheWrite int64  `json:"cache_creation_input_tokens"` // not part of Input
	CacheRead  int64  `json:"cache_read_input_tokens"`     // not part of Input
	Output     *int64 `json:"output_tokens"`
}

// skim reads an ordinary event, see [call.Skim]: a content_block_delta.
type skim struct {
	call.Skim
	kind, said []byte
}

func (s *skim) event(name []byte) {
	switch string(name) {
	case "type":
		s.kind = s.Text()
	case "delta":
		s.Object(s.delta)
	case "message", "content_block", "usage", "error":
		s.Literal("null")
	default:
		s.Skip()
	}
}

func (s *skim) delta(name []byte) {
	switch string(name) {
	case "text":
		s.said = s.Text()
	case "stop_reason":
		s.Literal("null")
	default:
		s.Skip()
	}
}

var errNoType = errors.New("an event without a type")

// answer reads one answer: message_start, blocks of deltas, message_delta with the reason for the end, message_stop.
type answer struct {
	call.Answer
	stop string
}

func newAnswer(a call.Answer) call.Protocol { return &answer{Answer: a} }

// Event reads one event; see [call.Protocol].
func (a *answer) Event(data []byte) (claw.Chunk, error) {
	s := skim{Skim: call.NewSkim(data)}
	if s.Object(s.event); string(s.kind) == "content_block_delta" && s.Done() {
		return a.Text(string(s.said)), nil
	}
	return a.decode(data)
}

// decode reads what skim leaves.
func (a *answer) decode(data []byte) (claw.Chunk, error) {
	var ev event
	if err := call.Decode(data, &ev); err != nil {
		return claw.Chunk{}, err
	}
	switch ev.Type {
	case "message_start":
		a.count(ev.Message.Usage)
	case "content_block_start":
		return a.Text(ev.ContentBlock.Text), nil
	case "content_block_delta":
		return a.Text(ev.Delta.Text), nil
	case "message_delta":
		a.count(ev.Usage)
		a.stop = ev.Delta.StopReason
	case "message_stop":
		return a.end()
	case "error":
		return claw.Chunk{}, a.Failed(reasonOf(ev.Error.Type), data)
	case "":
		return claw.Chunk{}, errNoType
	}
	return claw.Chunk{}, nil // ping, content_block_stop, and kinds to come, which the API reserves the right to add
}

// count keeps the newest figures. A proxy may give the prompt's only at the end.
func (a *answer) count(u usage) {
	if u.Input != nil {
		sum := *u.Input + u.CacheWrite + u.CacheRead
		a.In = &sum
	}
	if u.Output != nil {
		a.Out = u.Output
	}
}

func (a *answer) end() (claw.Chunk, error) {
	switch a.stop {
	case "":
		return claw.Chunk{}, a.Failed(claw.ReasonTruncated, []byte("message_stop without a stop_reason"))
	case "max_tokens", "model_context_window_exceeded":
		return a.Whole(claw.Chunk{}, claw.StopLength), nil
	case "refusal": // also in the middle of a sentence: what came is not to be taken for an answer
		return claw.Chunk{}, a.Failed(claw.ReasonRejected, []byte("stop_reason refusal"))
	}
	return a.Whole(claw.Chunk{}, claw.StopEnd), nil
}

// reasonOf maps the type of an error within a stream, where no status tells.
func reasonOf(errorType string) claw.Reason {
	switch errorType {
	case "overloaded_error":
		return claw.ReasonOverloaded
	case "rate_limit_error":
		return claw.ReasonRateLimited
	case "timeout_error":
		return claw.ReasonTimeout
	case "authentication_error", "permission_error", "billing_error", "not_found_error":
		return claw.ReasonUnconfigured
	case "invalid_request_error", "request_too_large":
		return claw.ReasonRejected
	default: // api_error, and what is to come
		return claw.ReasonUnavailable
	}
}
