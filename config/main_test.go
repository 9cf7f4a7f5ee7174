package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/openclaw/openclaw/config"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// token is a good one: long enough for any host.
const token = "0123456789abcdefghij"

// minimal is the least that is accepted.
const minimal = "api: {tokens: [{name: app, token: " + token + ", permissions: [chat]}]}\n"

// env is an environment of the given variables and a home directory that does not exist.
func env(pairs ...string) config.Env {
	m := map[string]string{"HOME": "/nonexistent/home"}
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i]] = pairs[i+1]
	}
	return func(name string) (string, bool) {
		v, ok := m[name]
		return v, ok
	}
}

// write puts text in a file of mode 0600 and returns its path.
func write(t testing.TB, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "openclaw.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func load(t testing.TB, text string, pairs ...string) (*config.Config, error) {
	t.Helper()
	return config.Load(config.Options{Path: write(t, text), Env: env(pairs...)})
}

func mustLoad(t testing.TB, text string, pairs ...string) *config.Config {
	t.Helper()
	cfg, err := load(t, text, pairs...)
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

// refusal loads text, which must be refused, and returns the message with the file's path cut down to its name.
func refusal(t testing.TB, text string, pairs ...string) string {
	t.Helper()
	path := write(t, text)
	_, err := config.Load(config.Options{Path: path, Env: env(pairs...)})
	if err == nil {
		t.Fatalf("accepted:\n%s", text)
	}
	return strings.ReplaceAll(err.Error(), filepath.Dir(path)+string(filepath.Separator), "")
}
