package config

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"net"
	"net/url"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/openclaw/openclaw/claw"
)

// minTokenLength is the fewest characters of a token that other machines may use: 16 random letters and digits are 95
// bits, far beyond guessing over a network.
const minTokenLength = 16

// sampleTokens are known to everyone, for they stand in the documentation.
var sampleTokens = []string{"your-secure-token", "your-api-token"}

const freshToken = "Make one with `openclaw token create`"

var (
	tokenPattern     = regexp.MustCompile(`^[\x21-\x7e]{1,512}$`)
	tokenNamePattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._ @-]{0,63}$`)
	workspacePattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$`)
	providerPattern  = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)
	hostPattern      = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?)*$`)
)

type validator struct {
	*decoder
	cfg       *Config
	undecoded bool // something could not be read, so that what seems to be missing may be there
}

func (v *validator) validate() {
	v.server()
	v.network()
	v.tokens()
	v.rateLimits("api.rateLimits", v.cfg.API.RateLimits)
	v.providers()
	v.models()
	if v.cfg.Storage.Path == "" {
		v.problem("storage.path", "storage.path is empty", "Name a file for the database, or remove the key for ~/.openclaw/openclaw.db")
	} else if strings.HasPrefix(v.cfg.Storage.Path, "~") {
		v.problem("storage.path", "storage.path begins with ~, but there is no home directory: HOME is not set", "Write an absolute path")
	}
	v.oneOf("log.level", v.cfg.Log.Level, "debug", "info", "warn", "error")
	v.oneOf("log.format", v.cfg.Log.Format, "text", "json")
	if p := v.cfg.Debug.Pprof; p != "" {
		if host, _, err := net.SplitHostPort(p); err != nil || !isLoopback(host) {
			v.problem("debug.pprof", fmt.Sprintf("debug.pprof %q is no address of this machine alone", p),
				"Write one such as 127.0.0.1:6060, or remove the key: profiles need no token")
		}
	}
	v.fileMode()
}

// problem refuses the value at path, unless it has been refused for something else already.
func (v *validator) problem(path, message, remedy string) {
	if !v.refused[path] {
		v.add(Problem{Source: v.source(path), Path: path, Message: message, Remedy: remedy})
	}
}

// insecure is what may be on one's own machine, and must not be where others can reach it.
func (v *validator) insecure(path, message, remedy string) {
	if !v.cfg.Server.Loopback() && !v.refused["server.host"] {
		v.problem(path, message+fmt.Sprintf(", and server.host %s lets other machines in", v.cfg.Server.Host), remedy)
		return
	}
	v.warn(path, message, remedy)
}

func (v *validator) warn(path, message, remedy string) {
	v.cfg.Warnings = append(v.cfg.Warnings, Problem{Source: v.source(path), Path: path, Message: message, Remedy: remedy})
}

// source of the value at path, or of the nearest section around it that is in the file.
func (v *validator) source(path string) Source {
	for p := path; p != ""; p = p[:max(strings.LastIndexAny(p, ".["), 0)] {
		if s, ok := v.sources[p]; ok {
			return s
		}
	}
	return Source{File: v.file}
}

func (v *validator) server() {
	s := v.cfg.Server
	switch {
	case s.Host == "":
		v.problem("server.host", "server.host is empty", "Write 127.0.0.1 for this machine only, 0.0.0.0 for every network it is in")
	case !isIP(s.Host) && !hostPattern.MatchString(s.Host):
		v.problem("server.host", fmt.Sprintf("server.host %q is neither a host name nor an IP address", s.Host),
			"Write it alone, without scheme, brackets or port: the port goes to server.port")
	}
	if s.Port < 0 || s.Port > 65535 {
		v.problem("server.port", fmt.Sprintf("server.port %d is no port", s.Port), "Choose one from 1 to 65535, or 0 to let the system choose")
	}
	for i, h := range s.AllowedHosts {
		if !hostPattern.MatchString(h) && !isIP(h) {
			v.problem(fmt.Sprintf("server.allowedHosts[%d]", i), fmt.Sprintf("server.allowedHosts has %q, which is not a host name", h),
				"Write the name alone, as in gateway.example.com: no scheme, port, path or wildcard")
		}
	}
	v.positive("server.shutdownTimeout", s.ShutdownTimeout)
}

// network checks who is let in, and how.
func (v *validator) network() {
	s := v.cfg.Server
	for i, o := range s.AllowedOrigins {
		if !isOrigin(o) {
			v.problem(fmt.Sprintf("server.allowedOrigins[%d]", i), fmt.Sprintf("server.allowedOrigins has %q, which is not an origin", o),
				"Write scheme and host, and the port where it is not the scheme's own, as in https://app.example.com: no path, no wildcard")
		}
	}
	for i, p := range s.TrustedProxies {
		if _, ok := network(p); !ok {
			v.problem(fmt.Sprintf("server.trustedProxies[%d]", i), fmt.Sprintf("server.trustedProxies has %q, which is neither an address nor a network", p),
				"Write the proxy's address, or its network as in 10.0.0.0/8")
		}
	}
	for path, n := range map[string]int{"server.maxConnections": s.MaxConnections, "server.maxConnectionsPerAddress": s.MaxConnectionsPerAddress} {
		if n < 1 {
			v.problem(path, fmt.Sprintf("%s is %d", path, n), "Write 1 or more")
		}
	}
	switch {
	case s.TLS == TLS{}:
	case s.TLS.Cert == "":
		v.problem("server.tls", "server.tls has a key and no cert", "Set server.tls.cert to the file with the certificate chain")
	case s.TLS.Key == "":
		v.problem("server.tls", "server.tls has a cert and no key", "Set server.tls.key to the file with the certificate's key")
	default:
		if _, err := s.TLS.Load(); err != nil {
			v.problem("server.tls", fmt.Sprintf("server.tls cannot be used: %v", err), "Name two PEM files that belong together and that the gateway may read")
		}
	}
}

// isOrigin reports whether s is an origin as browsers write it. They send lower case, and leave the scheme's own port out.
func isOrigin(s string) bool {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Scheme+"://"+u.Host != s {
		return false
	}
	port := u.Port()
	return (hostPattern.MatchString(u.Hostname()) || isIP(u.Hostname())) && !strings.HasSuffix(u.Host, ":") &&
		(u.Scheme != "http" || port != "80") && (u.Scheme != "https" || port != "443")
}

func (v *validator) tokens() {
	names, hashes := map[string]int{}, map[[sha256.Size]byte]int{}
	uses := map[string]int{}
	for i, t := range v.cfg.API.Tokens {
		path := fmt.Sprintf("api.tokens[%d]", i)
		if v.refused[path] {
			continue
		}
		if !ValidTokenName(t.Name) {
			v.problem(path+".name", fmt.Sprintf("%s has no valid name (%q)", path, t.Name),
				"Name the application that uses it: "+TokenNameRule)
		} else if first, again := names[t.Name]; again {
			uses[t.Name]++
			v.rotation(path, t, first, uses[t.Name])
		} else {
			names[t.Name], uses[t.Name] = i, 1
		}
		if v.secret(path, t) {
			if first, dup := hashes[t.Hash()]; dup {
				v.problem(path+".token", fmt.Sprintf("%s is the same secret as api.tokens[%d]", path, first),
					"Give each application a token of its own. "+freshToken)
			} else {
				hashes[t.Hash()] = i
			}
		}
		v.permissions(path, t.Permissions)
		if !ValidWorkspace(t.Workspace) {
			v.problem(path+".workspace", fmt.Sprintf("the workspace %q is not a valid name", t.Workspace), "Use "+WorkspaceRule)
		}
		v.rateLimits(path+".rateLimits", t.RateLimits)
		v.expiry(path+".expiresAt", t)
	}
	if v.cfg.API.Enabled && len(v.cfg.API.Tokens) == 0 && !v.undecoded {
		v.problem("api.tokens", "api.tokens is empty, so nobody could call the gateway",
			"Add a token: openclaw token create --name my-app --write")
	}
}

// rotation checks a token whose name is that of another. Two may share one, so that an application can move from the old
// secret to the new; what they may do must then be the same, for logs and limits go by the name.
func (v *validator) rotation(path string, t Token, first, uses int) {
	other := v.cfg.API.Tokens[first]
	line := v.source(fmt.Sprintf("api.tokens[%d].name", first)).Line
	switch {
	case uses > 2:
		v.problem(path+".name", fmt.Sprintf("the token name %q is used %d times, first on line %d", t.Name, uses, line),
			"Two tokens of one name are for replacing one by the other: remove the oldest, or give this one a name of its own")
	case t.Workspace != other.Workspace || t.RateLimits != other.RateLimits || !sameSet(t.Permissions, other.Permissions):
		v.problem(path+".name", fmt.Sprintf("the token name %q is used twice, first on line %d, and not for the same rights", t.Name, line),
			"Two tokens of one name need the same permissions, workspace and rateLimits; or give this one a name of its own")
	}
}

func sameSet(a, b []string) bool {
	within := func(a, b []string) bool {
		return !slices.ContainsFunc(a, func(s string) bool { return !slices.Contains(b, s) })
	}
	return within(a, b) && within(b, a)
}

func (v *validator) expiry(path string, t Token) {
	if t.ExpiresAt == "" {
		return
	}
	at, err := time.Parse(time.RFC3339, t.ExpiresAt)
	switch {
	case err != nil:
		v.problem(path, fmt.Sprintf("%s is %q, which is no time", path, t.ExpiresAt), "Write date, time and zone, as in 2027-01-31T00:00:00Z")
	case !at.After(time.Now()):
		v.warn(path, fmt.Sprintf("the token %q has expired", t.Name), "Make a new one with `openclaw token create`, and remove this one with `openclaw token revoke`")
	}
}

// secret checks a token's secret and reports whether it can be compared with others.
func (v *validator) secret(path string, t Token) bool {
	plain, hash := string(t.Token), string(t.TokenSHA256)
	if v.refused[path+".token"] || v.refused[path+".tokenSha256"] {
		return false
	}
	switch digest, err := hex.DecodeString(hash); {
	case plain == "" && hash == "":
		v.problem(path+".token", path+" has no token", freshToken+", or give its SHA-256 as tokenSha256")
		return false
	case plain != "" && hash != "":
		v.problem(path+".tokenSha256", path+" has both token and tokenSha256", "Keep one of the two")
		return false
	case hash != "" && (err != nil || len(digest) != sha256.Size):
		v.problem(path+".tokenSha256", path+".tokenSha256 is not a SHA-256", "Write 64 hexadecimal digits: printf %s \"$TOKEN\" | sha256sum")
		return false
	case plain != "" && !tokenPattern.MatchString(plain):
		v.problem(path+".token", path+".token has characters that cannot be sent in a header, or more than 512",
			"Use letters, digits and punctuation, no spaces. "+freshToken)
		return false
	}
	isSample := slices.ContainsFunc(sampleTokens, func(s string) bool { return t.Hash() == sha256.Sum256([]byte(s)) })
	switch {
	case isSample:
		v.insecure(path+".token", path+".token is the sample from the documentation, which everyone knows", freshToken)
	case hash == "" && len(plain) < minTokenLength:
		v.insecure(path+".token", fmt.Sprintf("%s.token has fewer than %d characters", path, minTokenLength), freshToken)
	case TokenLooksMistyped(plain):
		v.warn(path+".token", path+".token begins with oc_ but its checksum is wrong: it has been mistyped or cut off", "Copy it again. "+freshToken)
	}
	return true
}

func (v *validator) permissions(path string, permissions []string) {
	known := make([]string, 0, 2)
	for _, p := range claw.Permissions() {
		known = append(known, string(p))
	}
	if len(permissions) == 0 && !v.refused[path+".permissions"] {
		v.problem(path+".permissions", path+" has no permissions, so it could do nothing", fmt.Sprintf("Write permissions: [%s]", strings.Join(known, ", ")))
	}
	for i, p := range permissions {
		if !slices.Contains(known, p) {
			v.problem(fmt.Sprintf("%s.permissions[%d]", path, i), fmt.Sprintf("unknown permission %q", p), didYouMean(p, known))
		}
	}
}

func (v *validator) rateLimits(path string, r RateLimits) {
	for name, n := range map[string]int{"chat": r.Chat, "read": r.Read} {
		// A token's that is not set is the one for all, which is judged for itself.
		if _, set := v.sources[join(path, name)]; set && n < 1 {
			v.problem(join(path, name), fmt.Sprintf("%s is %d requests a minute", join(path, name), n),
				"Write 1 or more; to take away a right, leave out its permission instead")
		}
	}
}

func (v *validator) providers() {
	for _, name := range slices.Sorted(maps.Keys(v.cfg.Models.Providers)) {
		p, path := v.cfg.Models.Providers[name], "models.providers."+name
		if !providerPattern.MatchString(name) {
			v.problem(path, fmt.Sprintf("%q cannot name a provider", name), "Use letters, digits and . _ -, no slash: a model is written provider/model")
		}
		if _, ok := vendorOf(p.Type); !ok {
			message := fmt.Sprintf("%s has the unknown type %q", path, p.Type)
			if _, set := v.sources[path+".type"]; !set {
				message = fmt.Sprintf("%s names no type, and %q is none", path, name)
			}
			v.problem(path+".type", message, sentence(didYouMean(p.Type, typeNames()))+" For any OpenAI-compatible server: type: openai and its baseUrl")
		}
		v.baseURL(path, p)
		if strings.ContainsFunc(string(p.APIKey), func(r rune) bool { return r <= ' ' || r > '~' }) {
			v.problem(path+".apiKey", path+".apiKey has spaces or other characters that no key has", "Copy it again, without line breaks")
		}
		for _, model := range slices.Sorted(maps.Keys(p.Models)) {
			m, modelPath := p.Models[model], join(path+".models", model)
			v.notNegative(modelPath+".contextWindow", m.ContextWindow)
			v.notNegative(modelPath+".maxTokens", m.MaxTokens)
		}
	}
}

func (v *validator) baseURL(path string, p Provider) {
	if p.BaseURL == "" {
		return
	}
	path += ".baseUrl"
	u, err := url.Parse(p.BaseURL)
	switch {
	case err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" || u.Opaque != "":
		v.problem(path, path+" is not an http or https URL", "Write it in full, as in http://127.0.0.1:8080/v1")
	case u.User != nil:
		v.problem(path, path+" has a user name or password in it", "Put the key in apiKey")
	case u.RawQuery != "" || u.Fragment != "":
		v.problem(path, path+" has a ? or # in it", "Leave both out: the API's own paths are put behind it")
	case u.Scheme == "http" && p.APIKey != "" && !isLoopback(u.Hostname()):
		v.warn(path, path+" sends the API key without encryption", "Use https, unless you trust every network between")
	}
}

func (v *validator) models() {
	m := v.cfg.Models
	if m.Default != "" {
		v.model("models.default", m.Default)
	}
	for i, f := range m.Fallbacks {
		v.model(fmt.Sprintf("models.fallbacks[%d]", i), f)
	}
	if len(m.Fallbacks) > 0 && m.Default == "" && !v.undecoded {
		v.problem("models.fallbacks", "models.fallbacks is set without models.default", "Set models.default to the model that should answer first")
	}
	v.notNegative("models.maxTokens", m.MaxTokens)
	v.positive("models.timeouts.connect", m.Timeouts.Connect)
	v.positive("models.timeouts.firstByte", m.Timeouts.FirstByte)
	v.positive("models.timeouts.idle", m.Timeouts.Idle)
	v.positive("models.timeouts.run", m.Timeouts.Run)
}

func (v *validator) model(path, model string) {
	name, _, ok := SplitModel(model)
	if !ok {
		v.problem(path, fmt.Sprintf("%s %q is not a model", path, model), "Write provider/model, as in anthropic/"+vendors[0].defaultModel)
		return
	}
	p, ok := v.cfg.Models.Providers[name]
	if !ok {
		known := slices.Concat(slices.Collect(maps.Keys(v.cfg.Models.Providers)), typeNames())
		slices.Sort(known)
		known = slices.Compact(known)
		v.problem(path, fmt.Sprintf("%s %q names the provider %q, which is not configured", path, model, name),
			sentence(didYouMean(name, known))+" Or add it under models.providers")
		return
	}
	if p.needsKey() && !v.refused["models.providers."+name+".apiKey"] && !v.refused[path] {
		vendor, _ := vendorOf(p.Type)
		v.add(Problem{
			Source: v.source(path), Path: path, Message: fmt.Sprintf("%s is %s, but the provider %s has no API key", path, model, name),
			Remedy: fmt.Sprintf("Set it before the start (export %s=...), set models.providers.%s.apiKey, or remove %s to use what is found at the start",
				vendor.keys[0], name, path),
			Absent: true,
		})
	}
}

// fileMode complains of a file with secrets in it that other users can read. What the file only refers to, as
// ${VAR}, is not in it.
func (v *validator) fileMode() {
	if len(v.literal) == 0 || runtime.GOOS == "windows" {
		return
	}
	info, err := os.Stat(v.file)
	if err != nil || info.Mode().Perm()&0o077 == 0 {
		return
	}
	message := fmt.Sprintf("this file holds secrets, and its mode %04o lets other users read it", info.Mode().Perm())
	if info.Mode().Perm()&0o007 == 0 {
		message = fmt.Sprintf("this file holds secrets, and its mode %04o lets its group read it", info.Mode().Perm())
		v.warn("", message, "chmod 600 "+v.file)
		return
	}
	v.insecure("", message, "chmod 600 "+v.file)
}

func (v *validator) oneOf(path, value string, allowed ...string) {
	if !slices.Contains(allowed, value) {
		v.problem(path, fmt.Sprintf("%s is %q", path, value), didYouMean(value, allowed))
	}
}

func (v *validator) positive(path string, d time.Duration) {
	if d <= 0 {
		v.problem(path, fmt.Sprintf("%s is %s", path, d), `Write more than nothing, as in "60s"`)
	}
}

func (v *validator) notNegative(path string, n int) {
	if n < 0 {
		v.problem(path, fmt.Sprintf("%s is %d", path, n), "Write a number of tokens, or 0 for the model's own")
	}
}

func didYouMean(s string, known []string) string {
	if near := nearest(s, known); near != "" {
		return fmt.Sprintf("Did you mean %q?", near)
	}
	return "Known: " + strings.Join(known, ", ")
}

// sentence ends s where another is to follow.
func sentence(s string) string {
	if strings.HasSuffix(s, "?") {
		return s
	}
	return s + "."
}

func isIP(host string) bool { return net.ParseIP(host) != nil }
