package httpapi

import (
	"net/http"
	"net/netip"
	"slices"
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

// Who asks, and who of them are one party.
func TestClient(t *testing.T) {
	p := &policy{proxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("::1/128")}}
	for _, tt := range []struct{ remote, forwarded, client, party string }{
		{"127.0.0.1:1234", "", "127.0.0.1", "127.0.0.1"},
		{"[::ffff:192.0.2.1]:1234", "", "192.0.2.1", "192.0.2.1"},
		{"[2001:db8:1:2:3:4:5:6]:1234", "", "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"},
		{"[2001:db8:1:2:ffff::1]:80", "", "2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"},
		{"[fe80::1%eth0]:80", "", "fe80::1", "fe80::/64"},
		{"@", "1.2.3.4", "@", "@"}, // a Unix socket
		{"192.0.2.1:1", "1.2.3.4", "192.0.2.1", "192.0.2.1"},
		{"10.0.0.1:1", "", "10.0.0.1", "10.0.0.1"},
		{"10.0.0.1:1", "1.2.3.4", "1.2.3.4", "1.2.3.4"},
		{"10.0.0.1:1", "6.6.6.6, 1.2.3.4, 10.9.9.9", "1.2.3.4", "1.2.3.4"},
		{"10.0.0.1:1", "1.2.3.4, nonsense, 10.9.9.9", "10.9.9.9", "10.9.9.9"},
		{"10.0.0.1:1", "10.1.1.1", "10.1.1.1", "10.1.1.1"},
		{"[::1]:1", "::ffff:1.2.3.4", "1.2.3.4", "1.2.3.4"},
		{"[::1]:1", "1.2.3.4:5678", "::1", "::/64"},
	} {
		r := &http.Request{RemoteAddr: tt.remote, Header: http.Header{}}
		if tt.forwarded != "" {
			r.Header["X-Forwarded-For"] = []string{tt.forwarded}
		}
		if got := p.client(r); got != tt.client || party(got) != tt.party {
			t.Errorf("%s for %q: %s of %s, want %s of %s", tt.remote, tt.forwarded, got, party(got), tt.client, tt.party)
		}
	}
}

// Only operations that exist are audited.
func TestAuditedOperationsExist(t *testing.T) {
	for op := range audited {
		if !slices.ContainsFunc(routes, func(rt route) bool { return rt.operation == op }) {
			t.Errorf("%s is no operation", op)
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
