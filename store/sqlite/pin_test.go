package sqlite

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"
)

// TestLibcIsTheOneThatSQLiteWasBuiltFor: SQLite in Go is translated against one version of its C library, and no other
// is tested with it. An update of either must bring the other.
func TestLibcIsTheOneThatSQLiteWasBuiltFor(t *testing.T) {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		t.Fatal("the test binary says nothing of its modules")
	}
	built := map[string]string{}
	for _, m := range info.Deps {
		built[m.Path] = m.Version
	}
	out, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "modernc.org/sqlite").Output()
	if err != nil {
		t.Fatal(err)
	}
	gomod, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(out)), "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(gomod)) {
		path, version, _ := strings.Cut(strings.TrimSpace(line), " ")
		if path != "modernc.org/libc" {
			continue
		}
		if built[path] != version {
			t.Errorf("go.mod has %s %s, and modernc.org/sqlite %s wants %s: go get %s@%s",
				path, built[path], built["modernc.org/sqlite"], version, path, version)
		}
		return
	}
	t.Error("modernc.org/sqlite names no modernc.org/libc")
}
