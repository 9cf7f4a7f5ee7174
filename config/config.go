// Package config reads the gateway's configuration: a YAML file, environment variables and flags become one validated
// [Config], or one error that names every problem with its place and its remedy.
//
// The file is strict: a key that is not known is refused, for a setting that silently does nothing is worse than a
// gateway that does not start. Text values may refer to the environment:
//
//	${NAME}           the variable's value; undefined is an error
//	${NAME:-default}  the variable's value, or default where it is undefined or empty
//	$${               a literal ${; any other $ stands for itself
//
// Every value but the tokens and the providers can also be set by an environment variable: its path in upper case with
// underscores for dots, behind OPENCLAW_. So server.port is OPENCLAW_SERVER_PORT, models.systemPrompt is
// OPENCLAW_MODELS_SYSTEMPROMPT, and OPENCLAW_SERVER_ALLOWEDHOSTS is a list, as in "a.example,b.example". One that is
// empty counts as unset.
//
// What is set in several places is taken from the first of: flags, environment, file, defaults.
package config

import (
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"time"
)

// Config is the whole configuration. One returned by [Load] is valid and complete: every default is filled in.
type Config struct {
	Server  Server  `yaml:"server"`
	API     API     `yaml:"api"`
	Models  Models  `yaml:"models"`
	Storage Storage `yaml:"storage"`
	Audit   Audit   `yaml:"audit"`
	Log     Log     `yaml:"log"`
	Debug   Debug   `yaml:"debug"`

	// File is the path that the configuration was read from, "" where there was none.
	File string `yaml:"-"`
	// Warnings are what is allowed, but should be said to whoever starts the gateway.
	Warnings []Problem `yaml:"-"`

	sources map[string]Source
}

// Server is where the gateway listens, and whom it lets in.
type Server struct {
	Host            string        `yaml:"host"`           // name or IP address; default 127.0.0.1, this machine only
	Port            int           `yaml:"port"`           // default 3000; 0 lets the system choose
	AllowedHosts    []string      `yaml:"allowedHosts"`   // names that clients may call it by; loopback names and IP addresses always do
	AllowedOrigins  []string      `yaml:"allowedOrigins"` // pages that browsers may call it from, as "https://app.example.com"; default none
	TrustedProxies  []string      `yaml:"trustedProxies"` // addresses or networks whose X-Forwarded-For is believed; default none
	TLS             TLS           `yaml:"tls"`
	ShutdownTimeout time.Duration `yaml:"shutdownTimeout"` // how long running answers may go on at shutdown; default 25s

	MaxConnections           int `yaml:"maxConnections"`           // open at one time; default 20000
	MaxConnectionsPerAddress int `yaml:"maxConnectionsPerAddress"` // of one address, loopback and trusted proxies excepted; default 1000
}

// TLS names the files of a certificate. Both or none are set; without them the gateway speaks plain HTTP. Relative paths
// in the file start at the file's own folder. The files are read again when they change.
type TLS struct {
	Cert string `yaml:"cert"` // PEM, the whole chain
	Key  string `yaml:"key"`  // PEM
}

// Enabled reports whether a certificate is configured.
func (t TLS) Enabled() bool { return t.Cert != "" && t.Key != "" }

// Proxies are the networks of TrustedProxies.
func (s Server) Proxies() []netip.Prefix {
	var out []netip.Prefix
	for _, text := range s.TrustedProxies {
		if p, ok := network(text); ok {
			out = append(out, p)
		}
	}
	return out
}

// network reads an address or a network; an address is a network of one.
func network(text string) (netip.Prefix, bool) {
	if a, err := netip.ParseAddr(text); err == nil && a.Zone() == "" {
		return netip.PrefixFrom(a, a.BitLen()), true
	}
	p, err := netip.ParsePrefix(text)
	return p.Masked(), err == nil
}

// Load reads the certificate and its key.
func (t TLS) Load() (tls.Certificate, error) {
	var pem [2][]byte
	for i, path := range []string{t.Cert, t.Key} {
		// A device or a pipe put there by mistake would be read for ever.
		if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
			return tls.Certificate{}, fmt.Errorf("%s is no file", path)
		}
		var err error
		if pem[i], err = os.ReadFile(path); err != nil {
			return tls.Certificate{}, err
		}
	}
	return tls.X509KeyPair(pem[0], pem[1])
}

// Addr is the address to listen on, as net.Listen takes it.
func (s Server) Addr() string { return net.JoinHostPort(s.Host, strconv.Itoa(s.Port)) }

// Loopback reports whether only this machine can reach the gateway.
func (s Server) Loopback() bool { return isLoopback(s.Host) }

// API is who may call the gateway, and how often.
type API struct {
	Enabled    bool       `yaml:"enabled"` // default true; false closes the REST API
	Tokens     []Token    `yaml:"tokens"`  // at least one where the API is enabled
	RateLimits RateLimits `yaml:"rateLimits"`
}

// Token is a bearer secret and what its owner may do. Exactly one of Token and TokenSHA256 is set.
type Token struct {
	Name        string     `yaml:"name"`        // shown in logs; at most two tokens share one, while one replaces the other
	Token       Secret     `yaml:"token"`       // the secret itself, or ...
	TokenSHA256 Secret     `yaml:"tokenSha256"` // ... the SHA-256 of it, 64 hexadecimal digits
	Permissions []string   `yaml:"permissions"` // of "chat" and "sessions"
	Workspace   string     `yaml:"workspace"`   // the boundary of what it can see; default "default"
	RateLimits  RateLimits `yaml:"rateLimits"`  // of this token; default api.rateLimits
	ExpiresAt   string     `yaml:"expiresAt"`   // RFC 3339; default never
}

// Expiry is ExpiresAt as a time, zero where the token never expires.
func (t Token) Expiry() time.Time {
	at, _ := time.Parse(time.RFC3339, t.ExpiresAt) // Load has refused what is none
	return at
}

// ID is the beginning of the hash in hexadecimal: it tells two tokens of one name apart, and gives neither away.
func (t Token) ID() string {
	h := t.Hash()
	return hex.EncodeToString(h[:4])
}

// Hash is the SHA-256 of the secret, which is all that the gateway keeps of it.
func (t Token) Hash() [sha256.Size]byte {
	if t.TokenSHA256 == "" {
		return sha256.Sum256([]byte(t.Token))
	}
	var h [sha256.Size]byte
	// Load has refused anything but 64 digits; a Config made by hand with less gets a hash that no token has.
	if b, err := hex.DecodeString(string(t.TokenSHA256)); err == nil {
		copy(h[:], b)
	}
	return h
}

// RateLimits are requests per minute and token.
type RateLimits struct {
	Chat int `yaml:"chat"` // sending messages; default 100
	Read int `yaml:"read"` // everything else; default 1000
}

// Models is which models answer, and where they are reached.
type Models struct {
	// Default is the model that answers, as "provider/model". Unset, the gateway looks at every start for what it can
	// use: see [Config.AutoModel].
	Default      string              `yaml:"default"`
	Fallbacks    []string            `yaml:"fallbacks"`    // models to try in turn where the default fails, as "provider/model"
	SystemPrompt string              `yaml:"systemPrompt"` // sent ahead of every conversation; default none
	MaxTokens    int                 `yaml:"maxTokens"`    // most tokens of an answer; default 0, the model's own limit
	Providers    map[string]Provider `yaml:"providers"`
	Timeouts     Timeouts            `yaml:"timeouts"`
}

// Provider is a server that models are reached at. One that is named like its type needs no entry in the
// configuration: its key is then taken from the environment variable that its vendor documents.
type Provider struct {
	Type    string                   `yaml:"type"`    // anthropic, openai, gemini, ollama or offline; default the provider's name
	APIKey  Secret                   `yaml:"apiKey"`  // default the vendor's environment variable, where baseUrl is unset
	BaseURL string                   `yaml:"baseUrl"` // default the vendor's own; no trailing slash
	Models  map[string]ModelOverride `yaml:"models"`  // what the built-in catalogue does not know or should be corrected in
}

// ModelOverride corrects what the gateway knows of a model. 0 leaves a figure as it is.
type ModelOverride struct {
	ContextWindow int `yaml:"contextWindow"` // in tokens
	MaxTokens     int `yaml:"maxTokens"`     // most tokens of an answer
}

// Timeouts bound how long a model may take.
type Timeouts struct {
	Connect   time.Duration `yaml:"connect"`   // until the provider's server is connected; default 10s
	FirstByte time.Duration `yaml:"firstByte"` // until the answer begins; default 60s
	Idle      time.Duration `yaml:"idle"`      // between two pieces of the answer; default 60s
	Run       time.Duration `yaml:"run"`       // the whole run, retries included; default 15m
}

// Storage is where sessions are kept.
type Storage struct {
	// Path of the SQLite database; default ~/.openclaw/openclaw.db. A relative path in the file starts at the file's
	// own folder, so that it names the same database wherever the gateway is started.
	Path string `yaml:"path"`
}

// Audit is the record of refusals, deletions, cancellations and reloads: a file of JSON lines that is only appended to.
type Audit struct {
	Enabled bool   `yaml:"enabled"` // default true
	Path    string `yaml:"path"`    // default beside the database: openclaw.audit.jsonl for openclaw.db
}

// Log is what the gateway writes to standard error.
type Log struct {
	Level    string `yaml:"level"`    // debug, info, warn or error; default info
	Format   string `yaml:"format"`   // text or json; default text
	Messages bool   `yaml:"messages"` // what users and models say, too; default false
}

// Debug is what helps to find out why a gateway is slow. It is off by default.
type Debug struct {
	// Pprof is a loopback address, as in 127.0.0.1:6060, that Go's profiler answers at, without a token: a profile tells
	// how the gateway works, and a trace slows it down.
	Pprof string `yaml:"pprof"`
}

// SlogLevel is Level as log/slog has it.
func (l Log) SlogLevel() slog.Level {
	var v slog.Level
	if v.UnmarshalText([]byte(l.Level)) != nil {
		return slog.LevelInfo
	}
	return v
}

// Default returns the configuration of an empty file. It has no token and so is not complete.
func Default() *Config {
	return &Config{
		Server: Server{
			Host: "127.0.0.1", Port: 3000, ShutdownTimeout: 25 * time.Second,
			MaxConnections: 20_000, MaxConnectionsPerAddress: 1000,
		},
		API:     API{Enabled: true, RateLimits: RateLimits{Chat: 100, Read: 1000}},
		Models:  Models{Timeouts: Timeouts{Connect: 10 * time.Second, FirstByte: time.Minute, Idle: time.Minute, Run: 15 * time.Minute}},
		Storage: Storage{Path: "~/.openclaw/openclaw.db"},
		Audit:   Audit{Enabled: true},
		Log:     Log{Level: "info", Format: "text"},
	}
}

// Secret is text that must not be seen. Printed, logged or marshalled it shows as [redacted]; string(s) is the text.
type Secret string

const redacted = "[redacted]"

// String returns a placeholder, or "" where there is no secret.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return redacted
}

// GoString is String for %#v.
func (s Secret) GoString() string { return strconv.Quote(s.String()) }

// LogValue keeps the secret out of structured logs.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText keeps the secret out of JSON.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
