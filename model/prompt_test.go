package model

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/openclaw/openclaw/claw"
)

// TestFitProperties holds Fit to its promises for any conversation.
func TestFitProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := claw.Prompt{System: strings.Repeat("s", rapid.IntRange(0, 400).Draw(t, "system"))}
		roles := []claw.Role{claw.RoleUser, claw.RoleAssistant}
		for i := range 1 + 2*rapid.IntRange(0, 10).Draw(t, "turns before") {
			length := rapid.IntRange(1, 400).Draw(t, "length")
			p.Messages = append(p.Messages, claw.PromptMessage{Role: roles[i%2], Content: strings.Repeat("x", length)})
		}
		window, limit := rapid.IntRange(0, 1000).Draw(t, "window"), rapid.IntRange(0, 1000).Draw(t, "limit")

		got := Fit(p, window, limit)
		n := len(got.Messages)
		dropped := len(p.Messages) - n
		if n == 0 || !slices.Equal(got.Messages, p.Messages[dropped:]) {
			t.Fatalf("%d messages remain, want the last ones", n)
		}
		if got.Messages[0].Role != claw.RoleUser {
			t.Fatal("what remains begins with an answer")
		}
		cost := func(from int) int {
			sum := claw.EstimateTokens(len(p.System))
			for _, m := range p.Messages[from:] {
				sum += claw.EstimateTokens(len(m.Content)) + messageTokens
			}
			return sum
		}
		if window == 0 && dropped > 0 {
			t.Fatal("messages were dropped for an unknown window")
		}
		if window > 0 && n > 1 && cost(dropped) > window {
			t.Fatalf("%d messages cost %d of a window of %d", n, cost(dropped), window)
		}
		// Nothing is dropped without need: the next turn would not have fitted beside the longest answer kept room for.
		if window > 0 && dropped > 1 && cost(dropped-2)+max(min(limit, window/2), window/4) <= window {
			t.Fatalf("dropped %d messages although %d tokens fit into %d", dropped, cost(dropped-2), window)
		}
	})
}

func TestFitReservesTheAnswer(t *testing.T) {
	p := claw.Prompt{Messages: []claw.PromptMessage{
		{Role: claw.RoleUser, Content: strings.Repeat("x", 400)}, // 104 tokens
		{Role: claw.RoleAssistant, Content: "ok"},                // 5
		{Role: claw.RoleUser, Content: "next"},                   // 5
	}}
	if got := Fit(p, 200, 86); len(got.Messages) != 3 {
		t.Errorf("%d messages remain where all just fit", len(got.Messages))
	}
	if got := Fit(p, 200, 87); len(got.Messages) != 1 {
		t.Errorf("%d messages remain where the answer needs a token more", len(got.Messages))
	}
	if got := Fit(p, 200, 100_000); len(got.Messages) != 1 {
		t.Errorf("%d messages remain", len(got.Messages))
	}
}
