package audit_test

import (
	"encoding/json/v2"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/openclaw/openclaw/audit"
	"github.com/openclaw/openclaw/claw"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t *testing.T) (*audit.Log, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "new", "audit.jsonl")
	l, err := audit.Open(path, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l, path
}

// records are the lines of the file.
func records(t *testing.T, path string) []map[string]any {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var all []map[string]any
	for line := range strings.Lines(string(text)) {
		var r map[string]any
		if err := json.Unmarshal([]byte(line), &r); err != nil || !strings.HasSuffix(line, "\n") {
			t.Fatalf("%q: %v", line, err)
		}
		if _, err := time.Parse(time.RFC3339, r["time"].(string)); err != nil {
			t.Error(err)
		}
		all = append(all, r)
	}
	return all
}

func TestRecords(t *testing.T) {
	l, path := open(t)
	l.Audit(claw.AuditRecord{
		Action: claw.AuditSessionDeleted, Token: "my-app", RequestID: "req_1", Address: "10.0.0.1",
		Route: "DELETE /api/v1/sessions/{key}", Target: "line\nbreak", Status: 204,
	})
	l.Audit(claw.AuditRecord{Action: claw.AuditReloaded})
	got := records(t, path)
	if len(got) != 2 || got[0]["action"] != "session_deleted" || got[0]["token"] != "my-app" || got[0]["target"] != "line\nbreak" ||
		got[0]["status"] != 204.0 || got[0]["address"] != "10.0.0.1" || got[0]["request"] != "req_1" || len(got[1]) != 2 {
		t.Errorf("%v", got)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
}

// The first refusal is there at once, what follows within a minute shares one more record.
func TestRefusalsGather(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	synctest.Test(t, func(t *testing.T) {
		l, err := audit.Open(path, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		refuse := func(address string, times int) {
			for range times {
				l.Audit(claw.AuditRecord{Action: claw.AuditRefused, Address: address, Reason: "unknown token", Status: 401})
			}
		}
		refuse("10.0.0.1", 1000)
		refuse("10.0.0.2", 1)
		if got := records(t, path); len(got) != 2 {
			t.Fatalf("at once: %v", got)
		}
		time.Sleep(audit.Gather)
		synctest.Wait()
		got := records(t, path)
		if len(got) != 3 || got[2]["count"] != 999.0 || got[2]["address"] != "10.0.0.1" {
			t.Fatalf("after a minute: %v", got)
		}
		refuse("10.0.0.1", 3) // a new first one, and two that gather until the end
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		if got = records(t, path); len(got) != 5 || got[4]["count"] != 2.0 {
			t.Errorf("at the end: %v", got)
		}
		l.Audit(claw.AuditRecord{Action: claw.AuditReloaded})
		if err := l.Close(); err != nil || len(records(t, path)) != 5 {
			t.Errorf("after the end: %v", err)
		}
	})
}

func TestManyAddresses(t *testing.T) {
	l, path := open(t)
	for i := range 5000 {
		l.Audit(claw.AuditRecord{Action: claw.AuditRefused, Address: fmt.Sprint("10.0.0.", i), Reason: "no token"})
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	got := records(t, path)
	if last := got[len(got)-1]; len(got) != 1002 || last["reason"] != "many addresses" || last["count"] != 3999.0 {
		t.Errorf("%d records, the last %v", len(got), last)
	}
}

func TestReopen(t *testing.T) {
	l, path := open(t)
	l.Audit(claw.AuditRecord{Action: claw.AuditReloaded})
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	if err := l.Reopen(); err != nil {
		t.Fatal(err)
	}
	l.Audit(claw.AuditRecord{Action: claw.AuditReloadRefused})
	if was, is := records(t, path+".1"), records(t, path); len(was) != 1 || len(is) != 1 || is[0]["action"] != "config_refused" {
		t.Errorf("%v, %v", was, is)
	}
}

// What cannot be written is said, and fails nobody.
func TestTrouble(t *testing.T) {
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("no /dev/full here")
	}
	var log strings.Builder
	l, err := audit.Open("/dev/full", slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		l.Audit(claw.AuditRecord{Action: claw.AuditReloaded})
	}
	if l.Degraded() == "" || strings.Count(log.String(), "the audit log cannot be written") != 1 {
		t.Errorf("degraded %q, log %s", l.Degraded(), &log)
	}
	_ = l.Close() // a device cannot be synced
	if _, err := audit.Open(filepath.Join("/dev/null", "x"), slog.New(slog.DiscardHandler)); err == nil {
		t.Error("opened below a file")
	}
}
