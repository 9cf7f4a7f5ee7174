package config_test

import (
	"encoding/json/v2"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestYAML(t *testing.T) {
	cfg := mustLoad(t, minimal+"storage: {path: /var/claw.db}\nserver:\n  allowedHosts: [a.example]\n",
		"OPENCLAW_SERVER_PORT", "8080", "OPENAI_API_KEY", "sk-hunter2")
	got, err := cfg.YAML()
	if err != nil {
		t.Fatal(err)
	}
	want := "# " + cfg.File + `
server:
  host: 127.0.0.1
  port: 8080 # OPENCLAW_SERVER_PORT
  allowedHosts:
    - a.example # line 4
  allowedOrigins: []
  trustedProxies: []
  tls:
    cert: ""
    key: ""
  shutdownTimeout: 25s
  maxConnections: 20000
  maxConnectionsPerAddress: 1000
api:
  enabled: true
  tokens:
    - name: app # line 1
      token: "[redacted]" # line 1
      tokenSha256: ""
      permissions:
        - chat # line 1
      workspace: default
      rateLimits:
        chat: 100
        read: 1000
      expiresAt: ""
  rateLimits:
    chat: 100
    read: 1000
models:
  default: ""
  fallbacks: []
  systemPrompt: ""
  maxTokens: 0
  providers:
    openai:
      type: openai
      apiKey: "[redacted]" # OPENAI_API_KEY
      baseUrl: ""
      models: {}
  timeouts:
    connect: 10s
    firstByte: 1m0s
    idle: 1m0s
    run: 15m0s
storage:
  path: /var/claw.db # line 2
audit:
  enabled: true
  path: /var/claw.audit.jsonl
log:
  level: info
  format: text
  messages: false
debug:
  pprof: ""
`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Error(diff)
	}
}

func TestSecretsDoNotShow(t *testing.T) {
	const secret = "hunter2-hunter2-hunter2"
	cfg := mustLoad(t, "api: {tokens: [{name: a, token: "+secret+", permissions: [chat]}]}\n"+
		"models: {providers: {openai: {apiKey: "+secret+"}}}")
	asJSON, err := json.Marshal(cfg.Map())
	if err != nil {
		t.Fatal(err)
	}
	direct, err := json.Marshal(cfg.API.Tokens)
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "token", cfg.API.Tokens[0].Token, "config", cfg)
	for _, shown := range []string{
		string(asJSON), string(direct), log.String(), fmt.Sprint(cfg), fmt.Sprintf("%+v %#v %v %v", *cfg, *cfg, cfg.API, cfg.Models),
		string(cfg.Redacted().API.Tokens[0].Token), string(cfg.Redacted().Models.Providers["openai"].APIKey),
	} {
		if strings.Contains(shown, "hunter2") {
			t.Errorf("a secret shows: %s", shown)
		}
		if !strings.Contains(shown, "[redacted]") {
			t.Errorf("nothing is redacted: %s", shown)
		}
	}
	if string(cfg.API.Tokens[0].Token) != secret || string(cfg.Models.Providers["openai"].APIKey) != secret {
		t.Error("redacting changed the original")
	}
}
