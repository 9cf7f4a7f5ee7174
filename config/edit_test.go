package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/openclaw/openclaw/config"
)

func TestAddToken(t *testing.T) {
	added := config.Token{Name: "my-app", Token: "abcdefghijklmnopqrst", Permissions: []string{"chat", "sessions"}, Workspace: "team"}
	for _, tt := range []struct{ name, before, after string }{
		{
			"in the middle, comments and blank lines stay", `# Ours.
api:
  tokens:
    # The first.
    - name: app   # one
      permissions:
        - chat
      token: "0123456789abcdefghij"

  rateLimits: {chat: 5}

log: {level: warn}   # quiet
`, `# Ours.
api:
  tokens:
    # The first.
    - name: app   # one
      permissions:
        - chat
      token: "0123456789abcdefghij"
    - name: "my-app"
      token: "abcdefghijklmnopqrst"
      permissions: ["chat", "sessions"]
      workspace: "team"

  rateLimits: {chat: 5}

log: {level: warn}   # quiet
`,
		},
		{
			"at the end, no line break", "api:\n  tokens:\n  - {name: app, token: 0123456789abcdefghij, permissions: [chat]}",
			`api:
  tokens:
  - {name: app, token: 0123456789abcdefghij, permissions: [chat]}
  - name: "my-app"
    token: "abcdefghijklmnopqrst"
    permissions: ["chat", "sessions"]
    workspace: "team"
`,
		},
		{
			"on one line", "# Ours.\napi: {tokens: [{name: app, token: 0123456789abcdefghij, permissions: [chat]}]}\n",
			"# Ours.\napi: {tokens: [{name: app, token: 0123456789abcdefghij, permissions: [chat]}, " +
				"{name: \"my-app\", token: \"abcdefghijklmnopqrst\", permissions: [\"chat\", \"sessions\"], workspace: \"team\"}]}\n",
		},
		{
			"text over several lines in the last item", `api:
  tokens:
    - permissions: [chat]
      name: app
      token: "0123456789
        "
log: {level: warn}
`, `api:
  tokens:
    - permissions: [chat]
      name: app
      token: "0123456789 "
    - name: "my-app"
      token: "abcdefghijklmnopqrst"
      permissions: ["chat", "sessions"]
      workspace: "team"
log: {level: warn}
`,
		},
		{
			"none yet", "api:\n  enabled: true # open\n  tokens: []\n", `api:
  enabled: true # open
  tokens:
    - name: "my-app"
      token: "abcdefghijklmnopqrst"
      permissions: ["chat", "sessions"]
      workspace: "team"
`,
		},
		{
			"no section", "log: {level: warn}\n", `log: {level: warn}
api:
  tokens:
    - name: "my-app"
      token: "abcdefghijklmnopqrst"
      permissions: ["chat", "sessions"]
      workspace: "team"
`,
		},
		{
			"sections without content", "api:\nlog:\n", `api:
  tokens:
    - name: "my-app"
      token: "abcdefghijklmnopqrst"
      permissions: ["chat", "sessions"]
      workspace: "team"
log:
`,
		},
		{
			"nothing but comments", "# Ours.\n", `# Ours.
api:
  tokens:
    - name: "my-app"
      token: "abcdefghijklmnopqrst"
      permissions: ["chat", "sessions"]
      workspace: "team"
`,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := write(t, tt.before)
			err := config.AddToken(path, added, env())
			if strings.Contains(tt.before, "\"0123456789\n") {
				// Refused for the space that folding leaves in a token, but not before the edit was right.
				if err == nil || !strings.Contains(err.Error(), "tokens[0].token has characters") || read(t, path) != tt.before {
					t.Fatalf("got %v, and the file is\n%s", err, read(t, path))
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.after, read(t, path)); diff != "" {
				t.Error(diff)
			}
			if mode(t, path) != 0o600 || leftovers(t, filepath.Dir(path)) != "openclaw.yaml" {
				t.Errorf("mode %04o, folder: %s", mode(t, path), leftovers(t, filepath.Dir(path)))
			}
		})
	}
}

func TestAddTokenRefuses(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		t          config.Token
		want       string
	}{
		{"a name that has other rights", minimal, config.Token{Name: "app", Token: "abcdefghijklmnopqrst", Permissions: []string{"sessions"}}, `the token name "app" is used twice`},
		{"an unknown permission", minimal, config.Token{Name: "b", Token: "abcdefghijklmnopqrst", Permissions: []string{"caht"}}, `unknown permission "caht"`},
		{"what is no YAML", "a: [", config.Token{Name: "b"}, "this is not YAML"},
		{"a list", "[]", config.Token{Name: "b"}, "not a list of keys and values"},
		{"tokens that are none", "api: {tokens: {}}", config.Token{Name: "b"}, "tokens has the wrong form"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := write(t, tt.text)
			if err := config.AddToken(path, tt.t, env()); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %s", err, tt.want)
			}
			if read(t, path) != tt.text {
				t.Error("the file was changed")
			}
		})
	}
}

func TestAddTokenFollowsLinks(t *testing.T) {
	target := write(t, minimal)
	link := filepath.Join(t.TempDir(), "openclaw.yaml")
	if err := os.Symlink(target, link); err != nil {
		t.Fatal(err)
	}
	if err := config.AddToken(link, config.Token{Name: "b", Token: "abcdefghijklmnopqrst", Permissions: []string{"chat"}}, env()); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(read(t, target), "abcdefghijklmnopqrst") {
		t.Error("the link's target was not changed")
	}
	if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link is gone: %v %v", info, err)
	}
}

func TestRevokeToken(t *testing.T) {
	revoked := config.Token{Token: token}
	const other = "abcdefghijklmnopqrst"
	for _, tt := range []struct{ name, before, after string }{
		{
			"in lines, comments stay", "# Ours.\napi:\n  tokens:\n    # The first.\n    - name: app   # one\n      permissions:\n        - chat\n" +
				"      token: \"" + token + "\"\n    # The second.\n    - {name: b, token: " + other + ", permissions: [chat]}\n\nlog: {level: warn}   # quiet\n",
			"# Ours.\napi:\n  tokens:\n    # The first.\n    # The second.\n    - {name: b, token: " + other + ", permissions: [chat]}\n\nlog: {level: warn}   # quiet\n",
		},
		{
			"the last, without a line break", "api:\n  tokens:\n  - {name: b, token: " + other + ", permissions: [chat]}\n  - {name: app, token: " + token + ", permissions: [chat]}",
			"api:\n  tokens:\n  - {name: b, token: " + other + ", permissions: [chat]}\n",
		},
		{
			"one of two of a name, by its hash", "api:\n  tokens:\n  - {name: app, token: " + other + ", permissions: [chat]}\n  - name: app\n" +
				"    tokenSha256: 3bf7c8f9fd6f3f1ff9f4a3c5d6d5dfd1e3a0e0ab5b6a0e5b0a1b0b7d9c3a9e11\n    permissions: [chat]\n  - {name: c, token: " + token + ", permissions: [chat]}\n",
			"api:\n  tokens:\n  - {name: app, token: " + other + ", permissions: [chat]}\n  - name: app\n" +
				"    tokenSha256: 3bf7c8f9fd6f3f1ff9f4a3c5d6d5dfd1e3a0e0ab5b6a0e5b0a1b0b7d9c3a9e11\n    permissions: [chat]\n",
		},
		{
			"on one line", "# Ours.\napi: {tokens: [{name: app, token: " + token + ", permissions: [chat]}, {name: b, token: " + other + ", permissions: [chat]}]}\n",
			"# Ours.\napi: {tokens: [{name: b, token: " + other + ", permissions: [chat]}]}\n",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := write(t, tt.before)
			if err := config.RevokeToken(path, revoked.Hash(), env()); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.after, read(t, path)); diff != "" {
				t.Error(diff)
			}
			if mode(t, path) != 0o600 || leftovers(t, filepath.Dir(path)) != "openclaw.yaml" {
				t.Errorf("mode %04o, folder: %s", mode(t, path), leftovers(t, filepath.Dir(path)))
			}
		})
	}
}

// The last token is not revoked: nobody could call the gateway, and it would not start again.
func TestRevokeTokenRefuses(t *testing.T) {
	path := write(t, minimal)
	if err := config.RevokeToken(path, config.Token{Token: token}.Hash(), env()); err == nil || !strings.Contains(err.Error(), "api.tokens is empty") {
		t.Errorf("the only one: %v", err)
	}
	if err := config.RevokeToken(path, config.Token{Token: "another"}.Hash(), env()); err == nil || !strings.Contains(err.Error(), "no such token") {
		t.Errorf("an unknown one: %v", err)
	}
	if read(t, path) != minimal {
		t.Error("the file was changed")
	}
}

// A second token of a name is for replacing the first; an expired one is allowed, and said.
func TestRotation(t *testing.T) {
	cfg := mustLoad(t, "api:\n  tokens:\n    - {name: a, token: "+token+", permissions: [chat, sessions], expiresAt: 2020-01-01T00:00:00Z}\n"+
		"    - {name: a, token: abcdefghijklmnopqrst, permissions: [sessions, chat]}\n")
	if len(cfg.API.Tokens) != 2 || cfg.API.Tokens[0].ID() == cfg.API.Tokens[1].ID() || len(cfg.API.Tokens[0].ID()) != 8 {
		t.Errorf("%v", cfg.API.Tokens)
	}
	if len(cfg.Warnings) != 1 || !strings.Contains(cfg.Warnings[0].Message, `the token "a" has expired`) {
		t.Errorf("warnings: %v", cfg.Warnings)
	}
}

// Whatever form a file has, an edit of it is refused, or adds what it should and can be taken back.
func FuzzEdit(f *testing.F) {
	for _, seed := range []string{
		"", minimal, everything, "# c\n", "api:\n", "api:\n  tokens: []\n", "api:\n  tokens:\n  - {name: a, token: " + token + ", permissions: [chat]}",
		"api: {tokens: &x [{name: a, token: " + token + ", permissions: [chat]}]}\nlog: {level: warn}\n", "api:\n  tokens:\n    - name: a\n      token: |\n        x\n",
		"[]", "a: [", "api: 1", "---\n---\n",
	} {
		f.Add(seed)
	}
	added := config.Token{Name: "fuzz", Token: "abcdefghijklmnopqrst", Permissions: []string{"chat"}, Workspace: "default"}
	f.Fuzz(func(t *testing.T, text string) {
		lookup := env("APP_TOKEN", token, "ANTHROPIC_API_KEY", "sk-ant")
		before, problems := config.ParseForTest("openclaw.yaml", []byte(text), lookup)
		edited, err := config.InsertForTest([]byte(text), added, lookup)
		if err != nil || len(problems) > 0 {
			return
		}
		after, problems := config.ParseForTest("openclaw.yaml", edited, lookup)
		if len(problems) > 0 { // a third token of its name, for one
			return
		}
		if n := len(after.API.Tokens); n != len(before.API.Tokens)+1 || after.API.Tokens[n-1].Hash() != added.Hash() {
			t.Fatalf("%d tokens of %d:\n%s", n, len(before.API.Tokens), edited)
		}
		undone, err := config.RemoveForTest(edited, added.Hash(), lookup)
		if err != nil {
			t.Fatal(err)
		}
		again, problems := config.ParseForTest("openclaw.yaml", undone, lookup)
		if len(problems) > 0 || cmp.Diff(before.API, again.API) != "" || cmp.Diff(before.Models, again.Models) != "" || cmp.Diff(before.Server, again.Server) != "" {
			t.Fatalf("taken back, it is not what it was: %v\n%s", problems, undone)
		}
	})
}
