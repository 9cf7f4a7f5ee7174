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
	"encoding/hex"
	"log/slog"
	"net"
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
	Log     Log     `yaml:"log"`
	Debug   Debug   `yaml:"debug"`

	// File is the path that the configuration was read from, "" where there was none.
	File string `yaml:"-"`
	// Warnings are what is allowed, but should be said to whoever starts the gateway.
	Warnings []Problem `yaml:"-"`

	sources map[string]Source
}

// Server is where the gateway listens.
type Server struct {
	Host            string        `yaml:"host"`            // name or IP address; default 127.0.0.1, this machine only
	Port            int           `yaml:"port"`            // default 3000; 0 lets the system choose
	AllowedHosts    []string      `yaml:"allowedHosts"`    // names that clients may call it by; loopback names and IP addresses always do
	ShutdownTimeout time.Duration `yaml:"shutdownTimeout"` // how long running answers may go on at shutdown; default 25s
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
	Name        string     `yaml:"name"`        // unique; shown in logs
	Token       Secret     `yaml:"token"`       // the secret itself, or ...
	TokenSHA256 Secret     `yaml:"tokenSha256"` // ... the SHA-256 of it, 64 hexadecimal digits
	Permissions []string   `yaml:"permissions"` // of "chat" and "sessions"
	Workspace   string     `yaml:"workspace"`   // the boundary of what it can see; default "default"
	RateLimits  RateLimits `yaml:"rateLimits"`  // of this token; default api.rateLimits
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

// Log is what the gateway writes to standard error.
type Log struct {
	Level  string `yaml:"level"`  // debug, info, warn or error; default info
	Format string `yaml:"format"` // text or json; default text
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
		Server:  Server{Host: "127.0.0.1", Port: 3000, ShutdownTimeout: 25 * time.Second},
		API:     API{Enabled: true, RateLimits: RateLimits{Chat: 100, Read: 1000}},
		Models:  Models{Timeouts: Timeouts{Connect: 10 * time.Second, FirstByte: time.Minute, Idle: time.Minute, Run: 15 * time.Minute}},
		Storage: Storage{Path: "~/.openclaw/openclaw.db"},
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
