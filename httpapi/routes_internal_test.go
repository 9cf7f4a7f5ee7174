package httpapi

import (
	"net/http"
	"testing"

	"github.com/openclaw/openclaw/claw"
)

// A route that says too little must not be served to everyone; it must not be served at all.
func TestRoutesDenyByDefault(t *testing.T) {
	handle := (*API).healthz
	chat := needs(claw.PermissionChat)
	for name, table := range map[string][]route{
		"no access":        {{http.MethodGet, "/x", "x", access{}, readClass, handle}},
		"no class":         {{http.MethodGet, "/x", "x", chat, unclassed, handle}},
		"unlimited tokens": {{http.MethodGet, "/x", "x", anyToken, unlimited, handle}},
		"limited public":   {{http.MethodGet, "/x", "x", public, readClass, handle}},
		"twice":            {{http.MethodGet, "/x", "x", chat, readClass, handle}, {http.MethodGet, "/x", "y", public, unlimited, handle}},
	} {
		if _, err := newMux(new(API), table); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if _, err := newMux(new(API), routes); err != nil {
		t.Error(err)
	}
}

func TestOrigin(t *testing.T) {
	for remote, want := range map[string]string{
		"127.0.0.1:1234":              "127.0.0.1",
		"[::ffff:10.0.0.1]:1234":      "10.0.0.1",
		"[2001:db8:1:2:3:4:5:6]:1234": "2001:db8:1:2::/64",
		"[2001:db8:1:2:ffff::1]:80":   "2001:db8:1:2::/64",
		"[fe80::1%eth0]:80":           "fe80::/64",
		"@":                           "@", // a Unix socket
	} {
		if got := origin(remote); got != want {
			t.Errorf("origin(%q) = %q, want %q", remote, got, want)
		}
	}
}

func TestEveryCodeHasAStatus(t *testing.T) {
	if got := statusOf(claw.Errorf("UNHEARD_OF", "")); got != http.StatusInternalServerError {
		t.Errorf("an unknown code is a %d", got)
	}
}

func FuzzHost(f *testing.F) {
	for _, s := range []string{"localhost:80", "[::1]:3000", "a.b", "::", "[", "]:"} {
		f.Add(s)
	}
	hs := hostSet([]string{"gateway.example"})
	f.Fuzz(func(t *testing.T, host string) {
		name, ok := splitHost(host)
		if served := hs.serves(host); served && (!ok || name == "") {
			t.Errorf("%q is served as %q", host, name)
		}
	})
}
