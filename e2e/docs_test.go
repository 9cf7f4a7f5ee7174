package e2e

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// A document that names a test as its proof names one that exists.
func TestDocumentsNameRealTests(t *testing.T) {
	out, err := exec.Command("git", "-C", "..", "grep", "-hoE", `^func (Test|Benchmark|Fuzz)[A-Za-z0-9]+`, "--", "*_test.go").Output()
	if err != nil {
		t.Fatal(err)
	}
	exists := map[string]bool{}
	for name := range strings.FieldsSeq(string(out)) {
		exists[name] = true
	}
	named := regexp.MustCompile(`\b(Test|Benchmark|Fuzz)[A-Z][A-Za-z0-9]+`)
	total := 0
	for _, path := range []string{"../docs/reliability.md", "../docs/clients.md", "../docs/security.md"} {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range named.FindAllString(string(text), -1) {
			total++
			if !exists[name] {
				t.Errorf("%s names %s, which does not exist", path, name)
			}
		}
	}
	if total == 0 {
		t.Error("no document names any test")
	}
}
