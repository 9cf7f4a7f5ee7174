package model

import (
	"strings"

	"github.com/openclaw/openclaw/claw"
)

// messageTokens is what a message costs beyond its text: its role and the marks around it.
const messageTokens = 4

// defaultReserve is how many tokens of a window are kept for an answer whose length the prompt leaves open.
const defaultReserve = 4096

// Normalize returns messages that every provider takes: none is empty, user and assistant alternate, and a user begins.
// Neighbours of the same role become one message with a blank line between; answers before the first question are
// dropped. The given slice is not changed.
func Normalize(messages []claw.PromptMessage) []claw.PromptMessage {
	out := make([]claw.PromptMessage, 0, len(messages))
	for _, m := range messages {
		n := len(out)
		switch {
		case blank(m), n == 0 && m.Role != claw.RoleUser:
		case n > 0 && out[n-1].Role == m.Role:
			out[n-1].Content += "\n\n" + m.Content
		default:
			out = append(out, m)
		}
	}
	return out
}

// blank reports whether providers would refuse the message for having no text.
func blank(m claw.PromptMessage) bool { return strings.TrimSpace(m.Content) == "" }

// Fit returns the prompt with the oldest messages dropped that a context window of so many tokens has no room for beside
// the system prompt, the newer ones, and an answer of maxTokens (0 where that is open). What remains still begins with a
// user; the last message always remains, since without it there is no question: where it alone is too long, the provider
// says so. A window of 0 is unknown and drops nothing. Tokens are estimates.
func Fit(p claw.Prompt, window, maxTokens int) claw.Prompt {
	if window <= 0 {
		return p
	}
	// An answer gets at most half of the window, lest a generous limit drop the whole conversation.
	reserve := min(maxTokens, window/2)
	if maxTokens <= 0 {
		reserve = min(defaultReserve, window/4)
	}
	room := window - reserve - claw.EstimateTokens(len(p.System))
	first := len(p.Messages) - 1
	for i := len(p.Messages) - 1; i >= 0; i-- {
		room -= claw.EstimateTokens(len(p.Messages[i].Content)) + messageTokens
		if room < 0 {
			break
		}
		if p.Messages[i].Role == claw.RoleUser {
			first = i
		}
	}
	if first > 0 {
		p.Messages = p.Messages[first:]
	}
	return p
}
