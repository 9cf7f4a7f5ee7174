package config_test

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/openclaw/openclaw/config"
)

// TestRefused has one configuration for each rule, and the whole message that it gets.
func TestRefused(t *testing.T) {
	const tok = "    - {name: a, token: " + token + ", permissions: [chat]}\n"
	for _, tt := range []struct{ name, text, want string }{
		{
			"unknown key, nearest known", minimal + "server: {prot: 1}",
			`openclaw.yaml:2: unknown key "prot" under server|Did you mean "port"?`,
		},
		{
			"unknown key, other case", minimal + "server: {allowedhosts: []}",
			`openclaw.yaml:2: unknown key "allowedhosts" under server|Did you mean "allowedHosts"?`,
		},
		{
			"unknown key, like none", minimal + "plugins: {}",
			`openclaw.yaml:2: unknown key "plugins"|Known here: server, api, models, storage, audit, log, debug`,
		},
		{
			"unknown key, too deep", minimal + "server:\n  storage: {}",
			`openclaw.yaml:3: unknown key "storage" under server|It belongs at the top level: move it there, without indentation`,
		},
		{
			"unknown key in a list", "api:\n  tokens:\n    - {name: a, tokn: x, token: " + token + ", permissions: [chat]}",
			`openclaw.yaml:3: unknown key "tokn" under api.tokens[0]|Did you mean "token"?`,
		},
		{
			"merge key", minimal + "server: {<<: {port: 1}}",
			`openclaw.yaml:2: this key is not a plain name|Merging and composed keys are not supported here: write the settings out`,
		},
		{
			"duplicate key", minimal + "server:\n  port: 1\n  port: 2",
			`openclaw.yaml:4: key "port" is set twice, first on line 3|Keep one of the two`,
		},
		{
			"profiles for everybody", minimal + "debug: {pprof: \"0.0.0.0:6060\"}",
			`openclaw.yaml:2: debug.pprof "0.0.0.0:6060" is no address of this machine alone|Write one such as 127.0.0.1:6060, or remove the key: profiles need no token`,
		},
		{
			"port of letters", minimal + "server: {port: abc}",
			`openclaw.yaml:2: server.port must be a whole number, not text|Write it in digits, without quotes`,
		},
		{
			"port with a fraction", minimal + "server: {port: 1.5}",
			`openclaw.yaml:2: server.port must be a whole number, not a fraction|Write it in digits, without quotes`,
		},
		{
			"port in quotes", minimal + `server: {port: "3000"}`,
			`openclaw.yaml:2: server.port must be a whole number, not text|Write it in digits, without quotes`,
		},
		{
			"port as a list", minimal + "server: {port: [3000]}",
			`openclaw.yaml:2: server.port must be a single value, not a list|Write it behind the key, on the same line`,
		},
		{
			"port in hexadecimal", minimal + "server: {port: 0xBB8}",
			`openclaw.yaml:2: server.port must be a whole number, not "0xBB8"|Write it in digits`,
		},
		{
			"port out of range", minimal + "server: {port: 65536}",
			`openclaw.yaml:2: server.port 65536 is no port|Choose one from 1 to 65535, or 0 to let the system choose`,
		},
		{
			"section as a value", minimal + "server: 3000",
			`openclaw.yaml:2: server must be a section of keys and values, not a number|Write each of its settings on a line of its own, indented, as key: value`,
		},
		{
			"list as a value", "api: {tokens: secret}",
			`openclaw.yaml:1: api.tokens must be a list, not text|Write [a, b], or each item on a line of its own behind a dash`,
		},
		{
			"a list for a configuration", "- api",
			`openclaw.yaml:1: the configuration must be a section of keys and values, not a list|Write each of its settings on a line of its own, indented, as key: value`,
		},
		{
			"truth in letters", minimal + "api2: 1",
			`openclaw.yaml:2: unknown key "api2"|Did you mean "api"?`,
		},
		{
			"boolean of YAML 1.1", "api:\n  enabled: yes\n  tokens:\n" + tok,
			`openclaw.yaml:2: api.enabled must be true or false, not text|Write true or false, without quotes`,
		},
		{
			"token that is a number", "api: {tokens: [{name: a, token: 12345678901234567890, permissions: [chat]}]}",
			`openclaw.yaml:1: api.tokens[0].token must be text, not a number|Put it in quotes`,
		},
		{
			"duration without a unit", minimal + "server: {shutdownTimeout: 25}",
			`openclaw.yaml:2: server.shutdownTimeout must be a duration with its unit, not a number|Write it as in "60s", "500ms" or "15m"`,
		},
		{
			"duration of nothing", minimal + "models: {timeouts: {idle: 0s}}",
			`openclaw.yaml:2: models.timeouts.idle is 0s|Write more than nothing, as in "60s"`,
		},
		{
			"undefined variable", "api: {tokens: [{name: a, token: '${NOT_SET}', permissions: [chat]}]}",
			`openclaw.yaml:1: api.tokens[0].token refers to ${NOT_SET}, which is not set in the environment|` +
				`Set it before the start (export NOT_SET=...), or write ${NOT_SET:-} where it may be missing`,
		},
		{
			"broken reference", minimal + "models: {systemPrompt: 'a ${b'}",
			`openclaw.yaml:2: models.systemPrompt has a ${ that begins no variable|Write ${NAME}, or $${ where you mean the two characters`,
		},
		{
			"reference that becomes no number", minimal + "server: {port: '${HOME}'}",
			`openclaw.yaml:2: server.port must be a whole number, not "[redacted]"|Write it in digits`,
		},
		{"no tokens", "server: {port: 1}", `openclaw.yaml: api.tokens is empty, so nobody could call the gateway|Add a token: openclaw token create --name my-app --write`},
		{"empty file", "", `openclaw.yaml: api.tokens is empty, so nobody could call the gateway|Add a token: openclaw token create --name my-app --write`},
		{
			"token without a secret", "api: {tokens: [{name: a, permissions: [chat]}]}",
			"openclaw.yaml:1: api.tokens[0] has no token|Make one with `openclaw token create`, or give its SHA-256 as tokenSha256",
		},
		{
			"token with two secrets", "api: {tokens: [{name: a, token: " + token + ", tokenSha256: ab, permissions: [chat]}]}",
			`openclaw.yaml:1: api.tokens[0] has both token and tokenSha256|Keep one of the two`,
		},
		{
			"bad hash", "api: {tokens: [{name: a, tokenSha256: ab, permissions: [chat]}]}",
			`openclaw.yaml:1: api.tokens[0].tokenSha256 is not a SHA-256|Write 64 hexadecimal digits: printf %s "$TOKEN" | sha256sum`,
		},
		{
			"token with a space", "api: {tokens: [{name: a, token: 'twenty characters ok', permissions: [chat]}]}",
			"openclaw.yaml:1: api.tokens[0].token has characters that cannot be sent in a header, or more than 512|" +
				"Use letters, digits and punctuation, no spaces. Make one with `openclaw token create`",
		},
		{
			"duplicate token", "api:\n  tokens:\n" + tok + "    - {name: b, token: " + token + ", permissions: [chat]}",
			"openclaw.yaml:4: api.tokens[1] is the same secret as api.tokens[0]|Give each application a token of its own. Make one with `openclaw token create`",
		},
		{
			"third of a name", "api:\n  tokens:\n" + tok + "    - {name: a, token: 00000000000000000000x, permissions: [chat]}\n" +
				"    - {name: a, token: 00000000000000000000y, permissions: [chat]}",
			`openclaw.yaml:5: the token name "a" is used 3 times, first on line 3|` +
				`Two tokens of one name are for replacing one by the other: remove the oldest, or give this one a name of its own`,
		},
		{
			"second of a name with other rights", "api:\n  tokens:\n" + tok + "    - {name: a, token: 00000000000000000000x, permissions: [chat, sessions]}",
			`openclaw.yaml:4: the token name "a" is used twice, first on line 3, and not for the same rights|` +
				`Two tokens of one name need the same permissions, workspace and rateLimits; or give this one a name of its own`,
		},
		{
			"expiry without a time", "api: {tokens: [{name: a, token: " + token + ", permissions: [chat], expiresAt: 2027-01-31}]}",
			`openclaw.yaml:1: api.tokens[0].expiresAt is "2027-01-31", which is no time|Write date, time and zone, as in 2027-01-31T00:00:00Z`,
		},
		{
			"origin with a path", minimal + "server: {allowedOrigins: [https://a.example/]}",
			`openclaw.yaml:2: server.allowedOrigins has "https://a.example/", which is not an origin|` +
				`Write scheme and host, and the port where it is not the scheme's own, as in https://app.example.com: no path, no wildcard`,
		},
		{
			"every origin", minimal + `server: {allowedOrigins: ["*"]}`,
			`openclaw.yaml:2: server.allowedOrigins has "*", which is not an origin|` +
				`Write scheme and host, and the port where it is not the scheme's own, as in https://app.example.com: no path, no wildcard`,
		},
		{
			"origin with the usual port", minimal + "server: {allowedOrigins: [https://a.example:443]}",
			`openclaw.yaml:2: server.allowedOrigins has "https://a.example:443", which is not an origin|` +
				`Write scheme and host, and the port where it is not the scheme's own, as in https://app.example.com: no path, no wildcard`,
		},
		{
			"proxy by name", minimal + "server: {trustedProxies: [nginx]}",
			`openclaw.yaml:2: server.trustedProxies has "nginx", which is neither an address nor a network|` +
				`Write the proxy's address, or its network as in 10.0.0.0/8`,
		},
		{
			"no connections", minimal + "server: {maxConnections: 0}", `openclaw.yaml:2: server.maxConnections is 0|Write 1 or more`,
		},
		{
			"certificate without key", minimal + "server: {tls: {cert: a.pem}}",
			`openclaw.yaml:2: server.tls has a cert and no key|Set server.tls.key to the file with the certificate's key`,
		},
		{
			"certificate that is none", minimal + "server: {tls: {cert: /dev/zero, key: /dev/zero}}",
			`openclaw.yaml:2: server.tls cannot be used: /dev/zero is no file|Name two PEM files that belong together and that the gateway may read`,
		},
		{
			"no name", "api: {tokens: [{token: " + token + ", permissions: [chat]}]}",
			`openclaw.yaml:1: api.tokens[0] has no valid name ("")|Name the application that uses it: up to 64 letters, digits and . _ @ - or space`,
		},
		{
			"unknown permission", "api: {tokens: [{name: a, token: " + token + ", permissions: [chat, session]}]}",
			`openclaw.yaml:1: unknown permission "session"|Did you mean "sessions"?`,
		},
		{
			"no permission", "api: {tokens: [{name: a, token: " + token + "}]}",
			`openclaw.yaml:1: api.tokens[0] has no permissions, so it could do nothing|Write permissions: [chat, sessions]`,
		},
		{
			"bad workspace", "api: {tokens: [{name: a, token: " + token + ", permissions: [chat], workspace: a/b}]}",
			`openclaw.yaml:1: the workspace "a/b" is not a valid name|Use up to 64 letters, digits and . _ @ -`,
		},
		{
			"rate limit of nothing, for all", "api: {rateLimits: {chat: -1}, tokens: [{name: a, token: " + token + ", permissions: [chat]}]}",
			`openclaw.yaml:1: api.rateLimits.chat is -1 requests a minute|Write 1 or more; to take away a right, leave out its permission instead`,
		},
		{
			"rate limit of nothing", "api: {tokens: [{name: a, token: " + token + ", permissions: [chat], rateLimits: {chat: 0}}]}",
			`openclaw.yaml:1: api.tokens[0].rateLimits.chat is 0 requests a minute|Write 1 or more; to take away a right, leave out its permission instead`,
		},
		{
			"host with a port", minimal + `server: {host: "127.0.0.1:3000"}`,
			`openclaw.yaml:2: server.host "127.0.0.1:3000" is neither a host name nor an IP address|Write it alone, without scheme, brackets or port: the port goes to server.port`,
		},
		{
			"no host", minimal + `server: {host: ""}`,
			`openclaw.yaml:2: server.host is empty|Write 127.0.0.1 for this machine only, 0.0.0.0 for every network it is in`,
		},
		{
			"allowed host as a URL", minimal + "server: {allowedHosts: ['https://x.example']}",
			`openclaw.yaml:2: server.allowedHosts has "https://x.example", which is not a host name|Write the name alone, as in gateway.example.com: no scheme, port, path or wildcard`,
		},
		{
			"model without provider", minimal + "models: {default: gpt-4.1-mini}",
			`openclaw.yaml:2: models.default "gpt-4.1-mini" is not a model|Write provider/model, as in anthropic/claude-sonnet-5-5`,
		},
		{
			"model of an unknown provider", minimal + "models: {default: antropic/x}",
			`openclaw.yaml:2: models.default "antropic/x" names the provider "antropic", which is not configured|Did you mean "anthropic"? Or add it under models.providers`,
		},
		{
			"fallback of an unknown provider", minimal + "models: {default: offline, fallbacks: [mistral/x]}",
			`openclaw.yaml:2: models.fallbacks[0] "mistral/x" names the provider "mistral", which is not configured|` +
				`Known: anthropic, gemini, offline, ollama, openai. Or add it under models.providers`,
		},
		{
			"model without a key", minimal + "models: {default: openai/gpt-4.1-mini}",
			`openclaw.yaml:2: models.default is openai/gpt-4.1-mini, but the provider openai has no API key|` +
				`Set it before the start (export OPENAI_API_KEY=...), set models.providers.openai.apiKey, or remove models.default to use what is found at the start`,
		},
		{
			"fallback alone", minimal + "models: {fallbacks: [offline]}",
			`openclaw.yaml:2: models.fallbacks is set without models.default|Set models.default to the model that should answer first`,
		},
		{
			"provider of unknown type", minimal + "models: {providers: {box: {type: opnai}}}",
			`openclaw.yaml:2: models.providers.box has the unknown type "opnai"|Did you mean "openai"? For any OpenAI-compatible server: type: openai and its baseUrl`,
		},
		{
			"provider without type", minimal + "models: {providers: {mistral: {apiKey: k}}}",
			`openclaw.yaml:2: models.providers.mistral names no type, and "mistral" is none|` +
				`Known: anthropic, openai, gemini, ollama, offline. For any OpenAI-compatible server: type: openai and its baseUrl`,
		},
		{
			"bad URL", minimal + "models: {providers: {ollama: {baseUrl: 'localhost:11434'}}}",
			`openclaw.yaml:2: models.providers.ollama.baseUrl is not an http or https URL|Write it in full, as in http://127.0.0.1:8080/v1`,
		},
		{
			"URL with a password", minimal + "models: {providers: {ollama: {baseUrl: 'http://me:hunter2@localhost'}}}",
			`openclaw.yaml:2: models.providers.ollama.baseUrl has a user name or password in it|Put the key in apiKey`,
		},
		{
			"key with a line break", minimal + "models: {providers: {openai: {apiKey: \"a\\nb\"}}}",
			`openclaw.yaml:2: models.providers.openai.apiKey has spaces or other characters that no key has|Copy it again, without line breaks`,
		},
		{
			"negative window", minimal + "models: {providers: {ollama: {models: {m: {contextWindow: -1}}}}}",
			`openclaw.yaml:2: models.providers.ollama.models.m.contextWindow is -1|Write a number of tokens, or 0 for the model's own`,
		},
		{"no database", minimal + `storage: {path: ""}`, `openclaw.yaml:2: storage.path is empty|Name a file for the database, or remove the key for ~/.openclaw/openclaw.db`},
		{"unknown level", minimal + "log: {level: warning}", `openclaw.yaml:2: log.level is "warning"|Did you mean "warn"?`},
		{"two documents", minimal + "---\nserver: {}", `openclaw.yaml:2: a second document begins here|` +
			`Keep one configuration in the file: remove the line --- and what does not belong to it`},
		{
			"tabs", "api:\n\tenabled: true", "openclaw.yaml:2: this is not YAML: found character that cannot start any token|" +
				`Indent with spaces, never tabs, and put values that contain any of : { } [ ] # & * in "quotes"`,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			message, remedy, _ := strings.Cut(tt.want, "|")
			want := "the configuration has a problem:\n  " + message + "\n      " + remedy
			if diff := cmp.Diff(want, refusal(t, tt.text)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestLostIndentation is what the reference's block becomes when it is copied from a page that drops indentation.
func TestLostIndentation(t *testing.T) {
	want := `the configuration has 4 problems:
  openclaw.yaml:2: unknown key "enabled"
      Did you mean to indent it under "api:"?
  openclaw.yaml:3: unknown key "tokens"
      Did you mean to indent it under "api:"?
  openclaw.yaml:5: unknown key "token"
      Did you mean to indent it under "api.tokens:"?
  openclaw.yaml:6: unknown key "permissions"
      Did you mean to indent it under "api.tokens:"?`
	got := refusal(t, `api:
enabled: true
tokens:
- name: "my-app"
token: "your-secure-token"
permissions: ["chat", "sessions"]
`)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestAllProblemsAtOnce has one problem from the environment, one from a flag and two from the file.
func TestAllProblemsAtOnce(t *testing.T) {
	path := write(t, minimal+"server:\n  shutdownTimeout: soon\nlog: {level: loud}\n")
	_, err := config.Load(config.Options{
		Path: path, Env: env("OPENCLAW_MODELS_MAXTOKENS", "many", "OPENCLAW_SERVER_PORT", "tcp://10.0.0.1:80"),
		Flags: []config.Flag{{Path: "server.host", Value: "a b", Name: "--host"}},
	})
	want := `the configuration has 5 problems:
  ` + path + `:3: server.shutdownTimeout must be a duration with its unit, not "soon"
      Write it as in "60s", "500ms" or "15m"
  ` + path + `:4: log.level is "loud"
      Known: debug, info, warn, error
  OPENCLAW_MODELS_MAXTOKENS: models.maxTokens must be a whole number, not "many"
      Write it in digits
  OPENCLAW_SERVER_PORT: server.port must be a whole number, not "tcp://10.0.0.1:80"
      Kubernetes sets such variables for a Service of that name: set enableServiceLinks: false, or rename the Service
  --host: server.host "a b" is neither a host name nor an IP address
      Write it alone, without scheme, brackets or port: the port goes to server.port`
	if err == nil {
		t.Fatal("accepted")
	}
	if diff := cmp.Diff(want, err.Error()); diff != "" {
		t.Error(diff)
	}
}

// TestInsecure: what is a warning on one's own machine is refused where others can reach the gateway.
func TestInsecure(t *testing.T) {
	oneToken := func(tok string) string {
		return "api: {tokens: [{name: a, token: '" + tok + "', permissions: [chat]}]}\n"
	}
	for _, tt := range []struct {
		name, text string
		mode       os.FileMode
		want       string
	}{
		{"sample token", oneToken("your-secure-token"), 0o600, "api.tokens[0].token is the sample from the documentation"},
		{"short token", oneToken("secret"), 0o600, "api.tokens[0].token has fewer than 16 characters"},
		{"readable file", oneToken(token), 0o644, "this file holds secrets, and its mode 0644 lets other users read it"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, host := range []string{"127.0.0.1", "localhost", "::1", "127.8.9.1", "0.0.0.0", "192.168.1.2", "gateway.example.com", "::"} {
				path := write(t, tt.text+"server: {host: '"+host+"'}\n")
				if err := os.Chmod(path, tt.mode); err != nil {
					t.Fatal(err)
				}
				cfg, err := config.Load(config.Options{Path: path, Env: env()})
				if config.Default().Server.Loopback() != true {
					t.Fatal("the default host is not loopback")
				}
				loopback := host == "localhost" || host == "::1" || strings.HasPrefix(host, "127.")
				switch {
				case loopback && err != nil:
					t.Errorf("%s: refused: %v", host, err)
				case loopback && (len(cfg.Warnings) != 1 || !strings.Contains(cfg.Warnings[0].String(), tt.want)):
					t.Errorf("%s: warnings %v", host, cfg.Warnings)
				case !loopback && err == nil:
					t.Errorf("%s: accepted", host)
				case !loopback && !strings.Contains(err.Error(), tt.want):
					t.Errorf("%s: %v", host, err)
				}
			}
		})
	}
}

func TestFileModeMattersOnlyForSecretsInTheFile(t *testing.T) {
	for name, text := range map[string]string{
		"reference": "api: {tokens: [{name: a, token: '${T}', permissions: [chat]}]}",
		"hash":      "api: {tokens: [{name: a, tokenSha256: " + strings.Repeat("ab", 32) + ", permissions: [chat]}]}",
	} {
		path := write(t, text)
		if err := os.Chmod(path, 0o644); err != nil {
			t.Fatal(err)
		}
		cfg, err := config.Load(config.Options{Path: path, Env: env("T", token, "OPENCLAW_SERVER_HOST", "0.0.0.0")})
		if err != nil || len(cfg.Warnings) != 0 {
			t.Errorf("%s: %v %v", name, err, cfg)
		}
	}
	path := write(t, minimal)
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load(config.Options{Path: path, Env: env("OPENCLAW_SERVER_HOST", "0.0.0.0")})
	if err != nil || len(cfg.Warnings) != 1 || !strings.Contains(cfg.Warnings[0].String(), "lets its group read it. chmod 600 "+path) {
		t.Errorf("a file that its group reads: %v %v", err, cfg)
	}
}

func TestOtherWarnings(t *testing.T) {
	good := config.NewToken()
	mistyped := good[:len(good)-1] + "-"
	for name, text := range map[string]string{
		"mistyped": "api: {tokens: [{name: a, token: " + mistyped + ", permissions: [chat]}]}",
		"without encryption": "api: {tokens: [{name: a, token: " + good + ", permissions: [chat]}]}\n" +
			"models: {providers: {box: {type: openai, apiKey: k, baseUrl: 'http://10.0.0.1/v1'}}}",
	} {
		if cfg := mustLoad(t, text); len(cfg.Warnings) != 1 || !strings.Contains(cfg.Warnings[0].String(), name) {
			t.Errorf("%s: %v", name, cfg.Warnings)
		}
	}
}

// TestMessagesKeepSecrets puts secrets where they do not belong and looks for them in what is said.
func TestMessagesKeepSecrets(t *testing.T) {
	const secret = "hunter2-hunter2-hunter2"
	for _, text := range []string{
		"api: {tokens: [{name: a, token: ['" + secret + "'], permissions: [chat]}]}",
		"api: {tokens: [{name: a, token: '" + secret + " x', permissions: [chat]}]}",
		"api: {tokens: [{name: a, tokenSha256: '" + secret + "', permissions: [chat]}]}",
		"api: {tokens: ['" + secret + "']}",
		minimal + "models: {providers: {openai: {apiKey: {key: '" + secret + "'}}}}",
		minimal + "models: {providers: {openai: {apiKey: '" + secret + " y'}}}",
		minimal + "models: {providers: {openai: '" + secret + "'}}",
		minimal + "models: {providers: {openai: {baseUrl: 'http://u:" + secret + "@h'}}}",
	} {
		if message := refusal(t, text); strings.Contains(message, "hunter2") {
			t.Errorf("%s\ntells the secret: %s", text, message)
		}
	}
}

func TestHugeFile(t *testing.T) {
	if message := refusal(t, strings.Repeat("# not a configuration\n", 60_000)); !strings.Contains(message, "over 1 MiB") {
		t.Error(message)
	}
	many := refusal(t, minimal+strings.Repeat("? [x]\n", 500))
	if !strings.Contains(many, "the configuration has 500 problems") || !strings.HasSuffix(many, "... and 460 more") {
		t.Error(many)
	}
}

// FuzzLoad looks for input that crashes the parser, that is refused without a place, or that a message betrays.
func FuzzLoad(f *testing.F) {
	for _, seed := range []string{
		"", minimal, everything, "a: &a [*a]", "api: &x {tokens: *x}", "? {a: b}\n: c", "server: {port: 99999999999999999999}",
		"<<: *x", "api: !!binary x", "%YAML 1.1\n---\n", "models: {providers: {'': {}, a.b: {models: {'': null}}}}", "\xff\xfe", "--- |\n x\n...",
		"server: {host: ${A:-}, port: ${PORT}}", "api:\n  tokens:\n  - \n  - 1\n",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		cfg, problems := config.ParseForTest("openclaw.yaml", []byte(text), env("PORT", "80"))
		for _, p := range problems {
			if p.Message == "" || p.Remedy == "" || p.Source.String() == "default" {
				t.Errorf("a problem without message, remedy or place: %+v", p)
			}
		}
		if len(problems) > 0 {
			return
		}
		if len(cfg.API.Tokens) == 0 && cfg.API.Enabled {
			t.Error("accepted without a token")
		}
		if _, err := cfg.YAML(); err != nil {
			t.Errorf("accepted, but cannot be shown: %v", err)
		}
	})
}
