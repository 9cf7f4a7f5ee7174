package model

import "github.com/openclaw/openclaw/claw"

// messageTokens is what a message costs beyond its text: its role and the marks around it.
const messageTokens = 4

// defaultReserve is how many tokens of a window are kept for an answer whose length the prompt leaves open.
const defaultReserve = 4096

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
