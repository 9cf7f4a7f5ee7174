package chat

import (
	"strings"

	"github.com/openclaw/openclaw/claw"
)

// alternate makes a transcript into what every provider accepts: user and assistant by turns, user first and last.
//
// Neighbours from the user (the answer between them failed, or was empty) are joined. Of neighbours from the assistant
// (an answer that was cut off, then its second try under the same message) the later stands for both. Messages of
// nothing but space are left out: providers refuse them.
func alternate(transcript []claw.PromptMessage) []claw.PromptMessage {
	var out []claw.PromptMessage
	for _, m := range transcript {
		last := len(out) - 1
		switch {
		case strings.TrimSpace(m.Content) == "":
		case last < 0 && m.Role != claw.RoleUser:
			// Its question was dropped for want of room.
		case last < 0 || out[last].Role != m.Role:
			out = append(out, m)
		case m.Role == claw.RoleUser:
			out[last].Content += "\n\n" + m.Content
		default:
			out[last].Content = m.Content
		}
	}
	return out
}

func promptBytes(p claw.Prompt) int {
	n := len(p.System)
	for _, m := range p.Messages {
		n += len(m.Content)
	}
	return n
}
