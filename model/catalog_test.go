package model

import "testing"

func TestLimitsOf(t *testing.T) {
	for _, c := range []struct {
		providerType, name string
		window, maxTokens  int
	}{
		{"anthropic", "claude-sonnet-4-20250514", 200_000, 16384},
		{"anthropic", "claude-3-haiku-20240307", 200_000, 4096},
		{"anthropic", "claude-of-the-future", 0, 4096},
		{"openai", "gpt-4.1-mini", 1_047_576, 0},
		{"openai", "gpt-4.1-mini-2025-04-14", 1_047_576, 0},
		{"openai", "my-own-finetune", 0, 0},
		{"openai", "deepseek/deepseek-chat", 163_840, 0},
		{"gemini", "gemini-2.5-pro", 1_048_576, 0},
		{"ollama", "llama3.2:3b", 8192, 0},
		{"offline", "offline", 0, 0},
		{"anthropic", "", 0, 4096},
		{"anthropic", "claude-sonnet-4\nanthropic", 0, 4096},
	} {
		if got := LimitsOf(c.providerType, c.name); got != (Limits{c.window, c.maxTokens}) {
			t.Errorf("LimitsOf(%q, %q) is %+v, want %d and %d", c.providerType, c.name, got, c.window, c.maxTokens)
		}
	}
}
