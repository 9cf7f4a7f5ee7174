package gemini

import (
	"github.com/openclaw/openclaw/claw"
	"github.com/openclaw/openclaw/model/internal/call"
)

type event struct {
	Candidates []struct {
		Index        int     `json:"index"`
		Content      content `json:"content"`
		FinishReason string  `json:"finishReason"`
	} `json:"candidates"`
	PromptFeedback struct {
		BlockReason string `json:"blockReason"`
	} `json:"promptFeedback"`
	Usage *struct {
		Input    *int64 `json:"promptTokenCount"`
		Output   *int64 `json:"candidatesTokenCount"`
		Thoughts int64  `json:"thoughtsTokenCount"` // billed as output, not part of Output
	} `json:"usageMetadata"`
	Error *struct {
		Code int `json:"code"`
	} `json:"error"`
}

// answer reads one answer. This API has no event of its own for the end: the finishReason of a chunk is it. Chunks with
// no more than figures have been seen behind it, so the answer is whole when the connection then ends.
type answer struct {
	call.Answer
	finish string
}

func newAnswer(a call.Answer) call.Protocol { return &answer{Answer: a} }

// Event reads one event; see [call.Protocol].
func (a *answer) Event(data []byte) (claw.Chunk, error) {
	var ev event
	if err := call.Decode(data, &ev); err != nil {
		return claw.Chunk{}, err
	}
	if ev.Error != nil {
		reason := claw.ReasonUnavailable
		if ev.Error.Code >= 400 {
			reason = call.ReasonOf(ev.Error.Code)
		}
		return claw.Chunk{}, a.Failed(reason, data)
	}
	if block := ev.PromptFeedback.BlockReason; block != "" && len(ev.Candidates) == 0 {
		return claw.Chunk{}, a.Failed(claw.ReasonRejected, data)
	}
	if u := ev.Usage; u != nil {
		a.In, a.Out = u.Input, u.Output
		if u.Thoughts > 0 {
			sum := u.Thoughts
			if u.Output != nil {
				sum += *u.Output
			}
			a.Out = &sum
		}
	}
	var text string
	for _, c := range ev.Candidates {
		if c.Index != 0 {
			continue // one answer was asked for
		}
		for _, p := range c.Content.Parts {
			if !p.Thought {
				text += p.Text
			}
		}
		if c.FinishReason != "" {
			a.finish = c.FinishReason
		}
	}
	switch a.finish {
	case "", "STOP", "MAX_TOKENS":
		return a.Text(text), nil
	case "SAFETY", "RECITATION", "LANGUAGE", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII":
		return claw.Chunk{}, a.Failed(claw.ReasonRejected, data)
	default:
		// OTHER, or a call of a tool that nobody offered (MALFORMED_FUNCTION_CALL and its like): another try often does better.
		return claw.Chunk{}, a.Failed(claw.ReasonUnavailable, data)
	}
}

// End is the last chunk where a finishReason came.
func (a *answer) End() (claw.Chunk, bool) {
	stop := claw.StopEnd
	if a.finish == "MAX_TOKENS" {
		stop = claw.StopLength
	}
	return a.Whole(claw.Chunk{}, stop), a.finish != ""
}
