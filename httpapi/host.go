package httpapi

import (
	"net/netip"
	"strings"
)

// hosts are the names that requests may be addressed to, beside loopback's and IP addresses. A page of some other origin
// can make a reader's browser send requests here by pointing a name of its own at this address; the Host it sends then
// is that name, and is refused.
type hosts map[string]bool

func hostSet(names []string) hosts {
	set := make(hosts, len(names))
	for _, n := range names {
		name, _ := splitHost(n)
		set[name] = true
	}
	return set
}

// serves reports whether a Host header's value, with or without a port, is one to answer for.
func (hs hosts) serves(host string) bool {
	name, ok := splitHost(host)
	if !ok || name == "" {
		return false
	}
	if name == "localhost" || strings.HasSuffix(name, ".localhost") || hs[name] {
		return true
	}
	_, err := netip.ParseAddr(name)
	return err == nil
}

// splitHost returns the name of a host in the form to compare it in: lower case, without port, brackets and final dot.
func splitHost(host string) (name string, ok bool) {
	if rest, bracketed := strings.CutPrefix(host, "["); bracketed {
		addr, port, closed := strings.Cut(rest, "]")
		parsed, err := netip.ParseAddr(addr)
		if !closed || err != nil || !parsed.Is6() || port != "" && !isPort(port) {
			return "", false
		}
		return addr, true
	}
	name = host
	if i := strings.IndexByte(host, ':'); i >= 0 {
		if !isPort(host[i:]) {
			return "", false
		}
		name = host[:i]
	}
	return strings.TrimSuffix(strings.ToLower(name), "."), true
}

// isPort reports whether s is a colon and at most five digits.
func isPort(s string) bool {
	return len(s) <= 6 && s[0] == ':' && strings.Trim(s[1:], "0123456789") == ""
}
