package config_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/openclaw/openclaw/config"
)

func mode(t testing.TB, path string) fs.FileMode {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Mode().Perm()
}

func read(t testing.TB, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestBootstrap(t *testing.T) {
	path := filepath.Join(t.TempDir(), ".openclaw", "openclaw.yaml")
	tok, err := config.Bootstrap(path)
	if err != nil {
		t.Fatal(err)
	}
	if !config.TokenLooksValid(tok) {
		t.Errorf("token %q", tok)
	}
	if f, d := mode(t, path), mode(t, filepath.Dir(path)); f != 0o600 || d != 0o700 {
		t.Errorf("mode of the file %04o, of its folder %04o", f, d)
	}
	cfg, err := config.Load(config.Options{Path: path, Env: env()})
	if err != nil {
		t.Fatal(err)
	}
	if len(cfg.Warnings) != 0 || len(cfg.API.Tokens) != 1 || string(cfg.API.Tokens[0].Token) != tok || cfg.Models.Default != "" {
		t.Errorf("got %+v", cfg)
	}
	if rest := leftovers(t, filepath.Dir(path)); rest != "openclaw.yaml" {
		t.Errorf("in the folder: %s", rest)
	}
	before := read(t, path)
	if again, err := config.Bootstrap(path); !errors.Is(err, fs.ErrExist) || again != "" {
		t.Errorf("the second time: %q, %v", again, err)
	}
	if read(t, path) != before {
		t.Error("the second time changed the file")
	}
}

// TestBootstrapExamples takes the comments off the settings that the first file suggests: they must be right.
func TestBootstrapExamples(t *testing.T) {
	path := filepath.Join(t.TempDir(), "openclaw.yaml")
	if _, err := config.Bootstrap(path); err != nil {
		t.Fatal(err)
	}
	var lines []string
	for line := range strings.Lines(read(t, path)) {
		trimmed := strings.TrimLeft(line, " ")
		indent := line[:len(line)-len(trimmed)]
		// A setting in a comment has a lower-case key with a colon in front of all else; prose begins otherwise.
		if text, ok := strings.CutPrefix(trimmed, "# "); ok {
			if key, _, found := strings.Cut(strings.TrimLeft(text, " "), ":"); found && !strings.Contains(key, " ") && strings.ToLower(key[:1]) == key[:1] {
				line = indent + text
			}
		}
		lines = append(lines, line)
	}
	text := strings.Join(lines, "")
	cfg := mustLoad(t, text, "ANTHROPIC_API_KEY", "a", "OPENAI_API_KEY", "o")
	if cfg.Models.Default != "anthropic/claude-sonnet-5-5" || len(cfg.Models.Providers) != 3 || len(cfg.Server.AllowedHosts) != 1 ||
		cfg.Models.SystemPrompt == "" || cfg.SourceOf("log.level").Line == 0 || cfg.SourceOf("storage.path").Line == 0 {
		t.Errorf("not all examples were found in:\n%s", text)
	}
}

// TestBootstrapRace lets several first starts meet: one writes, and what it says is in the file is there.
func TestBootstrapRace(t *testing.T) {
	path := filepath.Join(t.TempDir(), "deep", "er", "openclaw.yaml")
	var winners atomic.Int32
	var token atomic.Value
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			tok, err := config.Bootstrap(path)
			if err == nil {
				winners.Add(1)
				token.Store(tok)
			} else if !errors.Is(err, fs.ErrExist) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if winners.Load() != 1 || !strings.Contains(read(t, path), token.Load().(string)) {
		t.Errorf("%d wrote the file:\n%s", winners.Load(), read(t, path))
	}
}

func TestBootstrapWhereItCannot(t *testing.T) {
	file := write(t, "")
	if _, err := config.Bootstrap(filepath.Join(file, "openclaw.yaml")); err == nil || !strings.Contains(err.Error(), "cannot make the folder") {
		t.Errorf("got %v", err)
	}
}

func leftovers(t testing.TB, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return strings.Join(names, " ")
}

func TestNewToken(t *testing.T) {
	seen := map[string]bool{}
	for range 200 {
		tok := config.NewToken()
		if !config.TokenLooksValid(tok) || len(tok) != 39 || seen[tok] {
			t.Fatalf("token %q", tok)
		}
		seen[tok] = true
		for i := range len(tok) {
			wrong := tok[:i] + string(tok[i]^1) + tok[i+1:]
			if config.TokenLooksValid(wrong) {
				t.Errorf("%q passes for %q", wrong, tok)
			}
		}
		if config.TokenLooksValid(tok[1:]) || config.TokenLooksValid(tok+"0") || !config.TokenLooksMistyped(tok[:38]) || config.TokenLooksMistyped(tok) {
			t.Errorf("cut %q", tok)
		}
	}
	if config.TokenLooksMistyped("your-secure-token") {
		t.Error("a token of another making is not mistyped")
	}
	// Fixed for good: tokens in use must stay valid.
	if !config.TokenLooksValid("oc_0123456789ABCDEFGHIJKLMNOPQRST4Etuii") {
		t.Error("the checksum has changed")
	}
}
