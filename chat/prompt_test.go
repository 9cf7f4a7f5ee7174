package chat

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/openclaw/openclaw/claw"
)

func TestAlternate(t *testing.T) {
	type ms = []claw.PromptMessage
	u := func(s string) claw.PromptMessage { return claw.PromptMessage{Role: claw.RoleUser, Content: s} }
	a := func(s string) claw.PromptMessage { return claw.PromptMessage{Role: claw.RoleAssistant, Content: s} }
	for name, c := range map[string]struct{ in, want ms }{
		"as it should be":                     {ms{u("1"), a("2"), u("3")}, ms{u("1"), a("2"), u("3")}},
		"the answer between failed":           {ms{u("1"), u("2")}, ms{u("1\n\n2")}},
		"a late second try":                   {ms{u("1"), u("2"), a("2"), a("1"), u("3")}, ms{u("1\n\n2"), a("2\n\n1"), u("3")}},
		"a question dropped for want of room": {ms{a("0"), u("1")}, ms{u("1")}},
		"space is no message":                 {ms{u("1"), a(" \n"), u("2")}, ms{u("1\n\n2")}},
		"space within a message stays":        {ms{u("  1\n")}, ms{u("  1\n")}},
	} {
		if got := alternate(c.in); !slices.Equal(got, c.want) {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}

// Whatever a session holds, what the model is sent is valid for every provider.
func TestAlternateAlwaysAlternates(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var in []claw.PromptMessage
		for range rapid.IntRange(0, 20).Draw(t, "messages") {
			in = append(in, claw.PromptMessage{
				Role:    rapid.SampledFrom([]claw.Role{claw.RoleUser, claw.RoleAssistant}).Draw(t, "role"),
				Content: rapid.SampledFrom([]string{"", " ", "x", "\n\n"}).Draw(t, "content"),
			})
		}
		out := alternate(append(in, claw.PromptMessage{Role: claw.RoleUser, Content: "last"}))
		for i, m := range out {
			if want := []claw.Role{claw.RoleUser, claw.RoleAssistant}[i%2]; m.Role != want || m.Content == "" {
				t.Fatalf("message %d of %+v", i, out)
			}
		}
		if len(out)%2 == 0 {
			t.Fatalf("the last of %+v is not the user's", out)
		}
	})
}
