package config_test

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/openclaw/openclaw/config"
)

var asConfigured = cmpopts.IgnoreUnexported(config.Config{})

// TestReferenceBlock loads the block of the API reference as it stands there.
func TestReferenceBlock(t *testing.T) {
	cfg := mustLoad(t, `api:
  enabled: true
  tokens:
    - name: "my-app"
      token: "your-secure-token"
      permissions: ["chat", "sessions"]
`)
	want := config.Default()
	want.File = cfg.File
	want.Storage.Path = "/nonexistent/home/.openclaw/openclaw.db"
	want.Audit.Path = "/nonexistent/home/.openclaw/openclaw.audit.jsonl"
	want.API.Tokens = []config.Token{{
		Name: "my-app", Token: "your-secure-token", Permissions: []string{"chat", "sessions"}, Workspace: "default",
		RateLimits: config.RateLimits{Chat: 100, Read: 1000},
	}}
	want.Warnings = cfg.Warnings
	if diff := cmp.Diff(want, cfg, asConfigured); diff != "" {
		t.Error(diff)
	}
	if len(cfg.Warnings) != 1 || !strings.Contains(cfg.Warnings[0].String(), ":5: api.tokens[0].token is the sample from the documentation") {
		t.Errorf("warnings: %v", cfg.Warnings)
	}
}

// TestDocumentedBlock loads the block that shows every section.
func TestDocumentedBlock(t *testing.T) {
	cfg := mustLoad(t, `server: {host: 127.0.0.1, port: 3000, allowedHosts: []}
api:
  enabled: true
  tokens:
    - name: "my-app"
      token: "your-secure-token"     # or tokenSha256, or ${ENV_VAR}
      permissions: ["chat", "sessions"]
      workspace: default             # optional
  rateLimits: {chat: 100, read: 1000}
models:
  default: anthropic/claude-sonnet-4-20250514
  fallbacks: [openai/gpt-4.1-mini]
  systemPrompt: ""
  providers:
    anthropic: {apiKey: "${ANTHROPIC_API_KEY}"}
    openai: {apiKey: "${OPENAI_API_KEY}", baseUrl: https://api.openai.com/v1}
    local: {type: openai, baseUrl: http://127.0.0.1:8080/v1}     # any OpenAI-compatible server
storage: {path: ~/.openclaw/openclaw.db}
`, "ANTHROPIC_API_KEY", "a", "OPENAI_API_KEY", "o")
	if len(cfg.Warnings) != 1 || len(cfg.Models.Providers) != 3 || cfg.Models.Providers["local"].Type != "openai" {
		t.Errorf("got %+v", cfg)
	}
}

const everything = `
server:
  host: 0.0.0.0
  port: 4000
  allowedHosts: [Gateway.example.com]
  allowedOrigins: ["https://App.example.com", "http://localhost:5173"]
  trustedProxies: [10.1.2.3/8, "::1"]
  shutdownTimeout: 5s
  maxConnections: 100
  maxConnectionsPerAddress: 10
api:
  enabled: true
  tokens:
    - name: "my-app"
      token: "${APP_TOKEN}"
      permissions: ["chat", "sessions"]
      workspace: team-a
      rateLimits: {chat: 7}
    - name: other
      tokenSha256: 9F86D081884C7D659A2FEAA0C55AD015A3BF4F1B2B0B822CD15D6C15B0F00A08
      permissions: [chat]
      expiresAt: 2126-01-31T12:00:00+01:00
  rateLimits: {chat: 50, read: 500}
models:
  default: anthropic/claude-sonnet-4-20250514
  fallbacks: [openai/gpt-4.1-mini, local/some/model]
  systemPrompt: "Price: $5, $${x}"
  maxTokens: 1000
  providers:
    anthropic: {apiKey: "${ANTHROPIC_API_KEY}"}
    openai: {apiKey: "${OPENAI_API_KEY:-none}", baseUrl: https://api.openai.com/v1/}
    local: {type: openai, baseUrl: http://127.0.0.1:8080/v1, models: {some/model: {contextWindow: 8192, maxTokens: 512}}}
  timeouts: {connect: 1s, firstByte: 2s, idle: 3s, run: 4m}
storage: {path: data/claw.db}
audit: {path: audit.jsonl}
log: {level: debug, format: json, messages: true}
`

func TestEverySetting(t *testing.T) {
	cfg := mustLoad(t, everything, "APP_TOKEN", token, "ANTHROPIC_API_KEY", "sk-ant")
	want := &config.Config{
		Server: config.Server{
			Host: "0.0.0.0", Port: 4000, AllowedHosts: []string{"gateway.example.com"}, ShutdownTimeout: 5 * time.Second,
			AllowedOrigins: []string{"https://app.example.com", "http://localhost:5173"}, TrustedProxies: []string{"10.1.2.3/8", "::1"},
			MaxConnections: 100, MaxConnectionsPerAddress: 10,
		},
		API: config.API{
			Enabled: true,
			Tokens: []config.Token{
				{
					Name: "my-app", Token: token, Permissions: []string{"chat", "sessions"}, Workspace: "team-a",
					RateLimits: config.RateLimits{Chat: 7, Read: 500},
				},
				{
					Name: "other", TokenSHA256: "9F86D081884C7D659A2FEAA0C55AD015A3BF4F1B2B0B822CD15D6C15B0F00A08",
					Permissions: []string{"chat"}, Workspace: "default", RateLimits: config.RateLimits{Chat: 50, Read: 500},
					ExpiresAt: "2126-01-31T12:00:00+01:00",
				},
			},
			RateLimits: config.RateLimits{Chat: 50, Read: 500},
		},
		Models: config.Models{
			Default: "anthropic/claude-sonnet-4-20250514", Fallbacks: []string{"openai/gpt-4.1-mini", "local/some/model"},
			SystemPrompt: "Price: $5, ${x}", MaxTokens: 1000,
			Providers: map[string]config.Provider{
				"anthropic": {Type: "anthropic", APIKey: "sk-ant"},
				"openai":    {Type: "openai", APIKey: "none", BaseURL: "https://api.openai.com/v1"},
				"local": {
					Type: "openai", BaseURL: "http://127.0.0.1:8080/v1",
					Models: map[string]config.ModelOverride{"some/model": {ContextWindow: 8192, MaxTokens: 512}},
				},
			},
			Timeouts: config.Timeouts{Connect: time.Second, FirstByte: 2 * time.Second, Idle: 3 * time.Second, Run: 4 * time.Minute},
		},
		Storage: config.Storage{Path: filepath.Join(filepath.Dir(cfg.File), "data/claw.db")},
		Audit:   config.Audit{Enabled: true, Path: filepath.Join(filepath.Dir(cfg.File), "audit.jsonl")},
		Log:     config.Log{Level: "debug", Format: "json", Messages: true},
		File:    cfg.File,
	}
	if diff := cmp.Diff(want, cfg, asConfigured); diff != "" {
		t.Error(diff)
	}
	if got, want := cfg.API.Tokens[1].Hash(), sha256.Sum256([]byte("test")); got != want {
		t.Errorf("hash of tokenSha256 is %x, want %x", got, want)
	}
	if got, want := cfg.API.Tokens[0].Hash(), sha256.Sum256([]byte(token)); got != want {
		t.Errorf("hash of token is %x, want %x", got, want)
	}
	if got := cfg.API.Tokens[1].Expiry(); !got.Equal(time.Date(2126, 1, 31, 11, 0, 0, 0, time.UTC)) || !cfg.API.Tokens[0].Expiry().IsZero() {
		t.Errorf("expires %v", got)
	}
	if got := fmt.Sprint(cfg.Server.Proxies()); got != "[10.0.0.0/8 ::1/128]" {
		t.Errorf("proxies %s", got)
	}
	if cfg.Server.Addr() != "0.0.0.0:4000" || cfg.Server.Loopback() {
		t.Errorf("addr %s, loopback %t", cfg.Server.Addr(), cfg.Server.Loopback())
	}
}

// TestPrecedence sets one value everywhere and takes the places away one by one.
func TestPrecedence(t *testing.T) {
	path := write(t, minimal+"server: {port: 1001}\n")
	flags := []config.Flag{{Path: "server.port", Value: "1003", Name: "--port"}}
	withEnv := env("OPENCLAW_SERVER_PORT", "1002")
	for _, tt := range []struct {
		name   string
		o      config.Options
		port   int
		source string
	}{
		{"flag", config.Options{Path: path, Env: withEnv, Flags: flags}, 1003, "--port"},
		{"environment", config.Options{Path: path, Env: withEnv}, 1002, "OPENCLAW_SERVER_PORT"},
		{"file", config.Options{Path: path, Env: env("OPENCLAW_SERVER_PORT", "")}, 1001, path + ":2"},
		{"default", config.Options{Path: write(t, minimal), Env: env()}, 3000, "default"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cfg, err := config.Load(tt.o)
			if err != nil {
				t.Fatal(err)
			}
			if got := cfg.SourceOf("server.port").String(); cfg.Server.Port != tt.port || got != tt.source {
				t.Errorf("port %d from %s, want %d from %s", cfg.Server.Port, got, tt.port, tt.source)
			}
		})
	}
}

func TestEnvironmentSetsEverySingleValue(t *testing.T) {
	cfg := mustLoad(t, minimal,
		"OPENCLAW_SERVER_HOST", "::1", "OPENCLAW_SERVER_SHUTDOWNTIMEOUT", "3s", "OPENCLAW_API_ENABLED", "false",
		"OPENCLAW_API_RATELIMITS_CHAT", "9", "OPENCLAW_MODELS_DEFAULT", "ollama/qwen3", "OPENCLAW_MODELS_SYSTEMPROMPT", "costs ${5}",
		"OPENCLAW_SERVER_ALLOWEDHOSTS", "A.example, b.example,",
		"OPENCLAW_MODELS_TIMEOUTS_FIRSTBYTE", "1s", "OPENCLAW_STORAGE_PATH", "~/here.db", "OPENCLAW_LOG_FORMAT", "json")
	got := []any{
		cfg.Server.Addr(), cfg.Server.ShutdownTimeout, cfg.API.Enabled, cfg.API.Tokens[0].RateLimits.Chat, cfg.Models.Default,
		cfg.Models.SystemPrompt, cfg.Models.Timeouts.FirstByte, cfg.Storage.Path, cfg.Log.Format,
		strings.Join(cfg.Server.AllowedHosts, " "),
	}
	want := []any{
		"[::1]:3000", 3 * time.Second, false, 9, "ollama/qwen3",
		"costs ${5}", time.Second, "/nonexistent/home/here.db", "json",
		"a.example b.example",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if p := cfg.Models.Providers["ollama"]; p.Type != "ollama" {
		t.Errorf("a provider named like its type needs no entry, got %+v", cfg.Models.Providers)
	}
}

func TestNumbersFromTheEnvironment(t *testing.T) {
	cfg := mustLoad(t, minimal+"server:\n  port: ${PORT}\n  shutdownTimeout: ${GRACE:-7s}\nlog:\n  level: ${LEVEL:-warn}\n", "PORT", "8080", "LEVEL", "")
	if cfg.Server.Port != 8080 || cfg.Server.ShutdownTimeout != 7*time.Second || cfg.Log.Level != "warn" {
		t.Errorf("got %+v %+v", cfg.Server, cfg.Log)
	}
}

func TestFind(t *testing.T) {
	home, here := t.TempDir(), t.TempDir()
	t.Chdir(here)
	inHome := filepath.Join(home, ".openclaw", "openclaw.yaml")
	named := write(t, minimal)

	find := func(o config.Options) string {
		t.Helper()
		path, err := config.Find(o)
		if errors.Is(err, config.ErrNoFile) {
			return "none"
		}
		if err != nil {
			t.Fatal(err)
		}
		return path
	}
	if got := find(config.Options{Env: env("HOME", home)}); got != "none" {
		t.Errorf("found %s where there is nothing", got)
	}
	if _, err := config.Load(config.Options{Env: env("HOME", home)}); !errors.Is(err, config.ErrNoFile) {
		t.Errorf("Load without a file: %v", err)
	}
	if err := os.MkdirAll(filepath.Dir(inHome), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(inHome, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := find(config.Options{Env: env("HOME", home)}); got != inHome {
		t.Errorf("found %s, want the one in the home directory", got)
	}
	if err := os.WriteFile("openclaw.yaml", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := find(config.Options{Env: env("HOME", home)}); got != "openclaw.yaml" {
		t.Errorf("found %s, want the one in the working directory", got)
	}
	if got := find(config.Options{Env: env("HOME", home, "OPENCLAW_CONFIG", inHome)}); got != inHome {
		t.Errorf("found %s, want that of $OPENCLAW_CONFIG", got)
	}
	if got := find(config.Options{Env: env("HOME", home, "OPENCLAW_CONFIG", inHome), Path: named}); got != named {
		t.Errorf("found %s, want that of --config", got)
	}
	_, err := config.Find(config.Options{Env: env(), Path: "missing.yaml"})
	if err == nil || !strings.Contains(err.Error(), "missing.yaml: there is no such file, yet it is named by --config") {
		t.Errorf("missing file: %v", err)
	}
	_, err = config.Find(config.Options{Env: env("OPENCLAW_CONFIG", "missing.yaml")})
	if err == nil || !strings.Contains(err.Error(), "$OPENCLAW_CONFIG") {
		t.Errorf("missing file: %v", err)
	}
}

func TestAutoModel(t *testing.T) {
	for _, tt := range []struct {
		name, models string
		env          []string
		model, why   string
	}{
		{"nothing", "", nil, "", ""},
		{"anthropic first", "", []string{"OPENAI_API_KEY", "k", "ANTHROPIC_API_KEY", "k", "GEMINI_API_KEY", "k"}, "anthropic/claude-sonnet-5-5", "ANTHROPIC_API_KEY is set"},
		{"then openai", "", []string{"OPENAI_API_KEY", "k", "GEMINI_API_KEY", "k", "ANTHROPIC_API_KEY", ""}, "openai/gpt-6-luna", "OPENAI_API_KEY is set"},
		{"then gemini", "", []string{"GEMINI_API_KEY", "k"}, "gemini/gemini-3.8-flash", "GEMINI_API_KEY is set"},
		{"gemini's other name", "", []string{"GOOGLE_API_KEY", "k"}, "gemini/gemini-3.8-flash", "GOOGLE_API_KEY is set"},
		{"key in the file", "models: {providers: {openai: {apiKey: k}}}", nil, "openai/gpt-6-luna", "models.providers.openai has an API key"},
		{"missing key", `models: {providers: {openai: {apiKey: "${NO:-}"}}}`, nil, "", ""},
		{"listed model", "models: {providers: {box: {type: openai, baseUrl: 'http://127.0.0.1:8080/v1', models: {m: {}}}}}", nil, "box/m", "models.providers.box lists it"},
		{"no key for other addresses", "models: {providers: {openai: {baseUrl: 'http://127.0.0.1:8080/v1'}}}", []string{"OPENAI_API_KEY", "k"}, "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cfg := mustLoad(t, minimal+tt.models, tt.env...)
			if model, why := cfg.AutoModel(); model != tt.model || why != tt.why {
				t.Errorf("got %q because %q, want %q because %q", model, why, tt.model, tt.why)
			}
			if p := cfg.Models.Providers["openai"]; p.BaseURL != "" && p.APIKey != "" {
				t.Error("the vendor's key went to another address")
			}
		})
	}
}

func TestSplitModel(t *testing.T) {
	for in, want := range map[string][2]string{
		"a/b": {"a", "b"}, "a/b/c": {"a", "b/c"}, "offline": {"offline", "offline"}, "a": {}, "/b": {}, "a/": {}, "": {},
	} {
		provider, model, ok := config.SplitModel(in)
		if ok != (want[0] != "") || ok && (provider != want[0] || model != want[1]) {
			t.Errorf("SplitModel(%q) = %q, %q, %t", in, provider, model, ok)
		}
	}
}

func TestSHA256OfTheSampleIsRecognised(t *testing.T) {
	sum := sha256.Sum256([]byte("your-secure-token"))
	cfg := mustLoad(t, "api: {tokens: [{name: a, tokenSha256: "+hex.EncodeToString(sum[:])+", permissions: [chat]}]}")
	if len(cfg.Warnings) != 1 {
		t.Errorf("warnings: %v", cfg.Warnings)
	}
}

// TestPeek reads a file that refers to variables which only the gateway's environment has.
func TestPeek(t *testing.T) {
	path := write(t, `server: {port: 4000, nonsense: 1}
api:
  tokens:
    - {name: hidden, token: "${ELSEWHERE}", permissions: [chat]}
    - {name: app, token: `+token+`, permissions: [chat]}
models: {default: anthropic/x, providers: {anthropic: {apiKey: "${ANTHROPIC_API_KEY}"}}}
`)
	cfg, err := config.Peek(config.Options{Path: path, Env: env()})
	if err != nil {
		t.Fatal(err)
	}
	if cfg.Server.Port != 4000 || len(cfg.API.Tokens) != 2 || cfg.API.Tokens[0].Token != "" || string(cfg.API.Tokens[1].Token) != token {
		t.Errorf("got %+v", cfg)
	}
	if _, err := config.Peek(config.Options{Path: write(t, "a: ["), Env: env()}); err == nil {
		t.Error("what is no YAML was read")
	}
	if _, err := config.Peek(config.Options{Path: "missing.yaml", Env: env()}); err == nil {
		t.Error("a missing file was read")
	}
}

// TestListFromTheEnvironment: a bad item is blamed on the variable, not on the line that it has replaced.
func TestListFromTheEnvironment(t *testing.T) {
	message := refusal(t, minimal+"server: {allowedHosts: [a.example]}", "OPENCLAW_SERVER_ALLOWEDHOSTS", "http://x")
	if !strings.Contains(message, "OPENCLAW_SERVER_ALLOWEDHOSTS: server.allowedHosts has") {
		t.Error(message)
	}
}
