package chat

import (
	"strings"

	"github.com/openclaw/openclaw/claw"
)

// alternate makes a transcript into what every provider accepts: user and assistant by turns, user first and last.
//
// Neighbours are joined: two of the user's where the answer between them failed, or was empty; two of the assistant's where
// the second is a late second try under an earlier message. Messages of nothing but space are left out: providers refuse
// them.
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
		default:
			out[last].Content += "\n\n" + m.Content
		}
	}
	return out
}
