package httpapi

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// Policy is whom the API lets in. It can be replaced while the API serves.
type Policy struct {
	Tokens         []Token
	AllowedHosts   []string       // names, beside loopback's and IP addresses, that requests may be addressed to
	AllowedOrigins []string       // of pages that browsers may call from, spelt as browsers do; none by default
	TrustedProxies []netip.Prefix // whose X-Forwarded-For is believed
}

// policy is a Policy in the form that requests need it. It never changes: a new configuration is a new one.
type policy struct {
	tokens  *tokenSet
	hosts   hosts
	origins map[string]bool
	proxies []netip.Prefix
}

// SetPolicy replaces the policy from the next request on. Streams go on, save those of tokens that are gone, or that may
// no longer do what they could: they end with an event that says so. Where it fails, the old policy stays in force.
func (a *API) SetPolicy(p Policy) error {
	a.changing.Lock()
	defer a.changing.Unlock()
	old := a.policy.Load()
	var were *tokenSet
	if old != nil {
		were = old.tokens
	}
	set, err := newTokenSet(p.Tokens, were)
	if err != nil {
		return err
	}
	origins := make(map[string]bool, len(p.AllowedOrigins))
	for _, o := range p.AllowedOrigins {
		origins[o] = true
	}
	a.policy.Store(&policy{tokens: set, hosts: hostSet(p.AllowedHosts), origins: origins, proxies: slices.Clone(p.TrustedProxies)})
	were.endExcept(set) // after the new one is in force, or a stream could be opened in between
	return nil
}

// client returns the address of who asks: the connection's, or, where that is a trusted proxy's, the last one in
// X-Forwarded-For that is not. What stands before it the client may have made up.
func (p *policy) client(r *http.Request) string {
	addr, ok := remoteAddr(r.RemoteAddr)
	if !ok {
		return r.RemoteAddr // a Unix socket
	}
	if p.trusts(addr) {
		hops := strings.Split(strings.Join(r.Header["X-Forwarded-For"], ","), ",")
		for _, hop := range slices.Backward(hops) {
			next, err := netip.ParseAddr(strings.TrimSpace(hop))
			if err != nil {
				break // nothing before it can be believed either
			}
			if addr = next.Unmap().WithZone(""); !p.trusts(addr) {
				break
			}
		}
	}
	return addr.String()
}

func (p *policy) trusts(addr netip.Addr) bool {
	return slices.ContainsFunc(p.proxies, func(n netip.Prefix) bool { return n.Contains(addr) })
}

func remoteAddr(remote string) (netip.Addr, bool) {
	ap, err := netip.ParseAddrPort(remote)
	return ap.Addr().Unmap().WithZone(""), err == nil
}

// party is the part of an address that stands for one party: an IPv4 address, or the /64 network that a party with IPv6
// can choose its addresses from.
func party(address string) string {
	addr, err := netip.ParseAddr(address)
	if err != nil || addr.Is4() {
		return address
	}
	return netip.PrefixFrom(addr, 64).Masked().String()
}

// The headers that pages of other origins may send and see, beyond those that every page may.
const (
	corsRequestHeaders = "Authorization, Content-Type, Idempotency-Key, Last-Event-ID, X-OpenClaw-Channel"
	corsExposedHeaders = "X-Request-Id, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, Retry-After, Idempotent-Replayed"
)

// share lets pages of the allowed origins see the answer. No credentials are allowed, for there are none: a token is sent
// by the page itself, never by the browser of its own accord.
func (p *policy) share(h http.Header, r *http.Request) {
	if len(p.origins) == 0 {
		return
	}
	h["Vary"] = []string{"Origin"}
	if origin := r.Header["Origin"]; len(origin) == 1 && p.origins[origin[0]] {
		h["Access-Control-Allow-Origin"] = origin
		h["Access-Control-Expose-Headers"] = []string{corsExposedHeaders}
	}
}

// options answers OPTIONS, a browser's preflight included.
func (res *resource) options(x *exchange) (answer, error) {
	if x.r.Header.Get("Origin") == "" || x.r.Header.Get("Access-Control-Request-Method") == "" {
		return noContent{allow: res.allow}, nil
	}
	h := x.Header()
	if h.Get("Access-Control-Allow-Origin") == "" {
		return nil, errPreflight
	}
	h["Access-Control-Allow-Methods"] = []string{res.allow}
	h["Access-Control-Allow-Headers"] = []string{corsRequestHeaders}
	h["Access-Control-Max-Age"] = []string{"600"} // seconds; a change of the configuration is noticed after that
	return noContent{allow: res.allow}, nil
}
