package e2e

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/openclaw/openclaw/model/modeltest/upstream"
)

// A disk that fills up under load: new work is refused with 503, running streams end with an error, reading and deleting
// go on; once there is room again everything does, without a restart and with nothing acknowledged lost.
func TestDiskFull(t *testing.T) {
	disk := tmpfs(t, "size=48m")
	u, server := newUpstream(t)
	g := newGateway(t, api+models(server, upstream.OpenAI))
	g.config = strings.Replace(g.config, filepath.Join(g.dir, "openclaw.db"), filepath.Join(disk, "openclaw.db"), 1)
	g.start()

	// A run that is in the middle when the disk fills up, and goes on saying things that can no longer be stored.
	u.Queue(upstream.Script{Text: []string{strings.Repeat("long ", 1000), "more"}, End: upstream.EndStall, After: 2})
	running, err := g.open(t.Context(), "POST", "/api/v1/chat/stream", message("q", "running"))
	if err != nil {
		t.Fatal(err)
	}
	defer running.close()
	first, err := running.next()
	if err != nil {
		t.Fatal(err)
	}

	// Load until new work is refused.
	filler := filepath.Join(disk, "filler")
	big := strings.Repeat("x", 100_000)
	u.Default(upstream.Script{Text: []string{"ok"}})
	type told struct{ session, id string }
	var mu sync.Mutex
	var acknowledged []told
	var refused reply
	fill := make(chan struct{})
	var clients sync.WaitGroup
	for c := range 8 {
		clients.Go(func() {
			session := "load-" + string(rune('a'+c))
			for {
				r, err := g.try(t.Context(), "POST", "/api/v1/chat", message(big, session))
				mu.Lock()
				switch {
				case err != nil:
					t.Error(err)
				case r.status == http.StatusOK:
					acknowledged = append(acknowledged, told{session, r.text("id")})
					if len(acknowledged) == 40 {
						close(fill)
					}
					mu.Unlock()
					continue
				default:
					refused = r
				}
				mu.Unlock()
				return
			}
		})
	}
	<-fill
	if err := fillUp(filler); err != nil {
		t.Fatal(err)
	}
	clients.Wait()
	victim := acknowledged[0].session
	if refused.status != http.StatusServiceUnavailable || refused.text("error.code") != "UNAVAILABLE" || refused.header.Get("Retry-After") == "" {
		t.Errorf("on a full disk new work got %d %v %s", refused.status, refused.header, refused.body)
	}

	if r := g.do("GET", "/readyz", ""); r.status != http.StatusServiceUnavailable {
		t.Errorf("on a full disk /readyz got %d", r.status)
	}
	if r := g.do("GET", "/api/v1/status", ""); r.text("status") != "degraded" || !strings.Contains(string(r.body), "full") {
		t.Errorf("on a full disk the status is %s", r.body)
	}
	for _, path := range []string{"/api/v1/sessions", "/api/v1/sessions/" + victim + "/history", "/api/v1/messages/" + first.field("id"), "/api/v1/status"} {
		if r := g.do("GET", path, ""); r.status != http.StatusOK {
			t.Errorf("on a full disk GET %s got %d %s", path, r.status, r.body)
		}
	}
	if r := g.do("POST", "/api/v1/messages/"+first.field("id")+"/cancel", ""); r.status != http.StatusOK {
		t.Errorf("on a full disk a cancel got %d %s", r.status, r.body)
	}
	rest, err := running.rest()
	if err != nil || len(rest) == 0 || rest[len(rest)-1].name != "error" {
		t.Errorf("the running stream ended with %v %+v", err, rest)
	}
	if r := g.do("DELETE", "/api/v1/sessions/"+victim, ""); r.status != http.StatusNoContent {
		t.Errorf("on a full disk DELETE got %d %s", r.status, r.body)
	}

	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	healed := time.Now()
	for {
		r := g.do("POST", "/api/v1/chat", message("again", "again"))
		if r.status == http.StatusOK {
			break
		}
		if r.status != http.StatusServiceUnavailable || time.Since(healed) > time.Minute {
			t.Fatalf("with room again new work got %d %s", r.status, r.body)
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Logf("%d chats acknowledged before the disk was full; new work again %s after it was freed", len(acknowledged), time.Since(healed).Round(10*time.Millisecond))
	for _, a := range acknowledged {
		want := http.StatusOK
		if a.session == victim {
			want = http.StatusNotFound
		}
		if r := g.do("GET", "/api/v1/messages/"+a.id, ""); r.status != want {
			t.Errorf("an acknowledged answer of %s: %d, want %d", a.session, r.status, want)
		}
	}
	g.kill()
	if got := integrityOf(t, filepath.Join(disk, "openclaw.db")); got != "ok" {
		t.Errorf("integrity_check: %s", got)
	}
}

// tmpfs mounts a small file system in memory, for which the test needs to be root.
func tmpfs(t *testing.T, options string) string {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, options); err != nil {
		t.Skipf("cannot mount a tmpfs: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// fillUp writes a file until there is no room left.
func fillUp(path string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	block := make([]byte, 1<<20)
	for len(block) > 0 {
		if _, err := f.Write(block); errors.Is(err, syscall.ENOSPC) {
			block = block[:len(block)/2]
		} else if err != nil {
			return err
		}
	}
	return f.Sync()
}
