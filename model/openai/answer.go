package openai

import (
	"encoding/json/jsontext"
	"encoding/json/v2"
	"strconv"

	"github.com/openclaw/openclaw/claw"
	"github.com/openclaw/openclaw/model/internal/call"
)

type event struct {
	Choices []struct {
		Index int `json:"index"`
		Delta struct {
			Content text   `json:"content"`
			Refusal string `json:"refusal"`
		} `json:"delta"`
		FinishReason string `json:"finish_reason"`
	} `json:"choices"`
	// Usage stands in a last chunk of its own without choices, or with the finish_reason, or in every chunk: the newest counts.
	Usage *struct {
		Input  *int64 `json:"prompt_tokens"`
		Output *int64 `json:"completion_tokens"`
	} `json:"usage"`
	Error jsontext.Value `json:"error"` // an object, at some servers a string
}

// text is what an answer says: a string nearly always, but Mistral's models that think send parts, of which those of type
// "text" are meant for the reader.
type text string

// UnmarshalJSONFrom implements [json.UnmarshalerFrom].
func (t *text) UnmarshalJSONFrom(in *jsontext.Decoder) error {
	if in.PeekKind() != jsontext.KindBeginArray {
		return json.UnmarshalDecode(in, (*string)(t))
	}
	var parts []struct {
		Type string `json:"type"`
		Text string `json:"text"`
	}
	err := json.UnmarshalDecode(in, &parts)
	*t = ""
	for _, p := range parts {
		if p.Type == "text" {
			*t += text(p.Text)
		}
	}
	return err
}

// skim reads an ordinary event, see [call.Skim]: text, for the one choice there is.
type skim struct {
	call.Skim
	said    []byte
	choices int
}

func (s *skim) event(name []byte) {
	switch string(name) {
	case "choices":
		s.said, s.choices = nil, 0 // of two lists the last one counts
		s.Array(func() { s.choices++; s.Object(s.choice) })
	case "usage", "error":
		s.Literal("null")
	default:
		s.Skip()
	}
}

func (s *skim) choice(name []byte) {
	switch string(name) {
	case "index":
		s.Literal("0")
	case "delta":
		s.Object(s.delta)
	case "finish_reason":
		s.Literal("null")
	default:
		s.Skip()
	}
}

func (s *skim) delta(name []byte) {
	switch string(name) {
	case "content":
		s.said = s.Text()
	case "refusal":
		s.Literal("null")
	default:
		s.Skip()
	}
}

// answer reads one answer: chunks, one of them with the reason for the end, then [DONE].
type answer struct {
	call.Answer
	finish  string
	refused bool
}

func newAnswer(a call.Answer) call.Protocol { return &answer{Answer: a} }

// Event reads one event; see [call.Protocol].
func (a *answer) Event(data []byte) (claw.Chunk, error) {
	s := skim{Skim: call.NewSkim(data)}
	if s.Object(s.event); s.choices == 1 && s.Done() {
		return a.Text(string(s.said)), nil
	}
	return a.decode(data)
}

// decode reads what skim leaves.
func (a *answer) decode(data []byte) (claw.Chunk, error) {
	if string(data) == "[DONE]" {
		return a.end()
	}
	var ev event
	if err := call.Decode(data, &ev); err != nil {
		return claw.Chunk{}, err
	}
	if len(ev.Error) > 0 && ev.Error.Kind() != jsontext.KindNull {
		return claw.Chunk{}, a.Failed(errorReason(ev.Error), data)
	}
	if ev.Usage != nil {
		a.In, a.Out = ev.Usage.Input, ev.Usage.Output
	}
	var said string
	for _, c := range ev.Choices {
		if c.Index != 0 {
			continue // one answer was asked for
		}
		said += string(c.Delta.Content)
		a.refused = a.refused || c.Delta.Refusal != ""
		if c.FinishReason != "" {
			a.finish = c.FinishReason
		}
	}
	return a.Text(said), nil
}

func (a *answer) end() (claw.Chunk, error) {
	switch {
	case a.finish == "":
		return claw.Chunk{}, a.Failed(claw.ReasonTruncated, []byte("[DONE] without a finish_reason"))
	case a.finish == "content_filter" || a.refused && a.Bytes == 0: // the filter cuts off in the middle of a sentence, too
		return claw.Chunk{}, a.Failed(claw.ReasonRejected, []byte("finish_reason "+a.finish))
	case a.finish == "length":
		return a.Whole(claw.Chunk{}, claw.StopLength), nil
	}
	return a.Whole(claw.Chunk{}, claw.StopEnd), nil
}

// noCredit is OpenAI's word for an account that has run out of credit, or never had any.
const noCredit = "insufficient_quota"

// errorReason maps an error within a stream. Its code is a word at OpenAI and an HTTP status at many others.
func errorReason(raw jsontext.Value) claw.Reason {
	var e struct {
		Type string         `json:"type"`
		Code jsontext.Value `json:"code"`
	}
	if err := call.Decode(raw, &e); err != nil {
		return claw.ReasonUnavailable // a string, or another shape that says nothing a program can go by
	}
	var code string
	if e.Code.Kind() != jsontext.KindString || call.Decode(e.Code, &code) != nil {
		code = string(e.Code)
	}
	if status, err := strconv.Atoi(code); err == nil && status >= 400 {
		return call.ReasonOf(status)
	}
	for _, word := range []string{code, e.Type} {
		switch word {
		case "rate_limit_exceeded", "rate_limit_error", "tokens", "requests":
			return claw.ReasonRateLimited
		case "overloaded_error", "overloaded", "server_overloaded", "engine_overloaded_error", "slow_down":
			return claw.ReasonOverloaded
		case "timeout":
			return claw.ReasonTimeout
		case noCredit, "authentication_error", "permission_error", "invalid_api_key", "model_not_found", "not_found_error":
			return claw.ReasonUnconfigured
		case "invalid_request_error", "content_filter", "content_policy_violation", "context_length_exceeded":
			return claw.ReasonRejected
		}
	}
	return claw.ReasonUnavailable
}
