package sqlite

import (
	"bufio"
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/openclaw/openclaw/claw"
)

func TestOpenCreatesPrivateFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "folder", "it's 100% odd?#.db")
	s := openAt(t, path, func(o *options) { o.reserve = 1 << 20 })
	turn(t, s, "s1", "1", "hello", "hi")
	for name, mode := range map[string]os.FileMode{
		filepath.Dir(path): 0o700, path: 0o600, path + "-wal": 0o600, path + "-shm": 0o600, path + ".lock": 0o600,
		path + ".reserve": 0o600,
	} {
		info, err := os.Stat(name)
		if err != nil {
			t.Error(err)
		} else if info.Mode().Perm() != mode {
			t.Errorf("%s has mode %v, want %v", name, info.Mode().Perm(), mode)
		}
	}
	if info, err := os.Stat(path + ".reserve"); err == nil && info.Size() != 1<<20 {
		t.Errorf("the reserve has %d bytes", info.Size())
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path + "-wal"); err == nil && info.Size() > 0 {
		t.Errorf("Close left %d bytes in the log", info.Size())
	}
	openAt(t, path) // with a reserve of 0
	if _, err := os.Stat(path + ".reserve"); err == nil {
		t.Error("a reserve that is no longer wanted is still there")
	}
}

func TestOpenTwiceIsRefused(t *testing.T) {
	s, path := openTest(t)
	_, err := Open(t.Context(), path)
	wantWords(t, err, path, "another gateway", fmt.Sprintf("process %d", os.Getpid()), "storage.path")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	openAt(t, path)
}

// TestHelperServe is no test: TestKilledProcessLetsGo runs it in a process of its own.
func TestHelperServe(t *testing.T) {
	path := os.Getenv("STORE_TEST_SERVE")
	if path == "" {
		t.Skip("only a helper of TestKilledProcessLetsGo")
	}
	s, err := Open(context.Background(), path)
	if err != nil {
		t.Fatal(err)
	}
	turn(t, s, "s1", "1", "hello", "hi")
	if _, _, err := s.BeginRun(t.Context(), newRun("s1", "2", "cut short")); err != nil {
		t.Fatal(err)
	}
	fmt.Println("serving")
	select {} // until killed
}

func TestKilledProcessLetsGo(t *testing.T) {
	path := filepath.Join(t.TempDir(), "openclaw.db")
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestHelperServe$", "-test.timeout=60s")
	cmd.Env = append(os.Environ(), "STORE_TEST_SERVE="+path)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	serving := false
	for lines := bufio.NewScanner(out); !serving && lines.Scan(); {
		serving = lines.Text() == "serving"
	}
	_, refused := Open(t.Context(), path)
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // says that it was killed
	if !serving {
		t.Fatal("the other process did not serve")
	}
	wantWords(t, refused, fmt.Sprintf("process %d", cmd.Process.Pid))

	s := openAt(t, path)
	h, err := s.History(t.Context(), "default", "s1", claw.HistoryQuery{Limit: 10})
	if err != nil || len(h) != 3 {
		t.Fatalf("after the kill the history is %v, %v; want 3 messages", h, err)
	}
	n, err := s.InterruptRuns(t.Context(), claw.Errorf(claw.Unavailable, "Killed."))
	if err != nil || n != 1 {
		t.Fatalf("InterruptRuns = %d, %v; want 1", n, err)
	}
}

func TestOpenRefusesWhatItMustNotTouch(t *testing.T) {
	dir := t.TempDir()
	file := func(name string) string { return filepath.Join(dir, name) }
	script := func(path string, statements ...string) {
		t.Helper()
		db, err := sql.Open("sqlite", path)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range statements {
			if _, err := db.Exec(s); err != nil {
				t.Fatal(err)
			}
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
	garbage := file("garbage.db")
	if err := os.WriteFile(garbage, []byte(strings.Repeat("not a database ", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	script(file("other.db"), "CREATE TABLE recipes (name TEXT)")
	script(file("marked.db"), "PRAGMA application_id = 42")
	s := openAt(t, file("newer.db"))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	script(file("newer.db"), "INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, 1)")

	untouched := map[string][]byte{}
	for _, name := range []string{garbage, file("other.db"), file("marked.db")} {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		untouched[name] = b
	}
	cases := map[string][]string{
		"":                 {"storage.path"},
		garbage:            {"not a database", "storage.path"},
		file("other.db"):   {"another program", "storage.path"},
		file("marked.db"):  {"another program"},
		file("newer.db"):   {"99999", "release"},
		dir:                {"a folder", "storage.path"},
		garbage + "/x.db":  {"not a directory"},
		"/proc/nowhere.db": {},
	}
	for path, words := range cases {
		s, err := Open(t.Context(), path)
		if err == nil {
			_ = s.Close()
		}
		wantWords(t, err, words...)
	}
	for name, before := range untouched {
		if after, err := os.ReadFile(name); err != nil || !bytes.Equal(before, after) {
			t.Errorf("%s has changed, though it was refused (%v)", name, err)
		}
	}
}

// A gateway that cannot write must not start: it would be ready, and refuse every message.
func TestOpenRefusesAFileThatIsReadOnly(t *testing.T) {
	s, path := openTest(t)
	turn(t, s, "s1", "1", "hello", "hi")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	readOnly(t, path)
	again, err := Open(t.Context(), path)
	if err == nil {
		_ = again.Close()
	}
	wantWords(t, err, path, "cannot be written to")
	for _, suffix := range []string{"-wal", "-shm"} { // they would be as read-only, and stay so when the file is put right
		if _, err := os.Stat(path + suffix); err == nil {
			t.Errorf("a log was begun beside it: %s", suffix)
		}
	}
}

func TestOpenThroughALink(t *testing.T) {
	dir := t.TempDir()
	file := func(names ...string) string { return filepath.Join(append([]string{dir}, names...)...) }
	path, link, linked := file("data", "real", "openclaw.db"), file("links", "a.db"), file("folder")
	for _, err := range []error{
		os.MkdirAll(filepath.Dir(link), 0o700),
		os.Symlink(filepath.Dir(link), linked),
		os.Symlink("../links/b.db", link), // one to the next, from where a linked folder is
		os.Symlink(path, file("links", "b.db")),
		os.Symlink(file("round"), file("round")),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	s := openAt(t, filepath.Join(linked, "a.db")) // leads to a file that is not there yet
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("the file that the links lead to: %v, %v", info, err)
	}
	for _, name := range []string{path, link, filepath.Join(linked, "b.db")} {
		_, err := Open(t.Context(), name)
		wantWords(t, err, name, "another gateway")
	}
	_, err := Open(t.Context(), file("round"))
	wantWords(t, err, "link")

	turn(t, s, "s1", "1", "hello", "hi")
	if _, err := os.Stat(s.writer.path + "-wal"); err != nil {
		t.Errorf("the log is not where the writer scrubs it: %v", err)
	}
}

func TestAtLeast(t *testing.T) {
	for version, want := range map[string]bool{
		"3.51.3": true, "3.51.10": true, "3.54.1": true, "4.0.0": true, "3.51.2": false, "3.9.99": false, "2.99.99": false,
		"3.51": false, "": false, "x.y.z": false,
	} {
		if got := atLeast(version, minVersion); got != want {
			t.Errorf("atLeast(%q, %q) = %v", version, minVersion, got)
		}
	}
}

func TestSettingsHoldOnEveryConnection(t *testing.T) {
	s, _ := openTest(t)
	check := func(who string, t2 *tx) {
		for pragma, want := range map[string]string{
			"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "secure_delete": "1", "temp_store": "2",
			"busy_timeout": fmt.Sprint(busyTimeout.Milliseconds()), "trusted_schema": "0",
		} {
			var got sql.NullString // of whatever type
			if err := t2.row("PRAGMA " + pragma).Scan(&got); err != nil || got.String != want {
				t.Errorf("the %s has %s = %s (%v), want %s", who, pragma, got.String, err, want)
			}
		}
	}
	_, err := write(t.Context(), s, request{}, func(t2 *tx) (any, error) { check("writer", t2); return nil, nil })
	if err != nil {
		t.Error(err)
	}
	_, err = read(t.Context(), s, func(t2 *tx) (any, error) {
		check("reader", t2)
		_, err := t2.exec("DELETE FROM sessions")
		return nil, err
	})
	if err == nil {
		t.Error("a reader may write")
	}
}

// wantWords fails the test unless err is one whose text has all the words.
func wantWords(t *testing.T, err error, words ...string) {
	t.Helper()
	if err == nil {
		t.Errorf("no error, want one with %q", words)
		return
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("the error %q does not say %q", err, w)
		}
	}
}
