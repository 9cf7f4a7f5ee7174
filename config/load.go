package config

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
)

// maxFileSize bounds what is read as configuration, in bytes: more is not one, but a mistaken path.
const maxFileSize = 1 << 20

// FileName is the name of the configuration file in the working directory and in ~/.openclaw.
const FileName = "openclaw.yaml"

// ErrNoFile is returned by [Find] and [Load] where no file was named and none is at the usual places.
var ErrNoFile = errors.New("no configuration found: there is neither ./openclaw.yaml nor ~/.openclaw/openclaw.yaml. " +
	"`openclaw serve` writes one at its first start")

// Options say where a configuration comes from.
type Options struct {
	Path  string // of the file, as named by the user; "" looks for it as [Find] does
	Env   Env    // nil for the process's own environment
	Flags []Flag // override all else

	// Elsewhere is for who reads the file where the gateway's own environment may not be: what only lacks a variable is
	// not refused then, and stays empty.
	Elsewhere bool
}

// Flag is a value given on the command line.
type Flag struct {
	Path  string // of the value, as in "server.port"
	Value string
	Name  string // of the flag with its dashes, for messages
}

// Find returns the path of the configuration file: o.Path, else $OPENCLAW_CONFIG, else ./openclaw.yaml, else
// ~/.openclaw/openclaw.yaml. One that was named must exist; where none was named and none is found, the error is
// [ErrNoFile].
func Find(o Options) (string, error) {
	env := o.env()
	fromEnv, _ := env("OPENCLAW_CONFIG")
	if path := cmp.Or(o.Path, fromEnv); path != "" {
		named := "by --config"
		if o.Path == "" {
			named = "by $OPENCLAW_CONFIG"
		}
		path = expandHome(path, env)
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			return "", &Error{[]Problem{{
				Source: Source{File: path}, Message: "there is no such file, yet it is named " + named,
				Remedy: "Correct the path, or name none: `openclaw serve` writes a configuration where there is none",
			}}}
		}
		return path, nil
	}
	for _, path := range []string{FileName, DefaultPath(env)} {
		if _, err := os.Stat(path); path != "" && err == nil {
			return path, nil
		}
	}
	return "", ErrNoFile
}

// DefaultPath is ~/.openclaw/openclaw.yaml, or "" where the environment has no home directory.
func DefaultPath(env Env) string {
	home := homeDir(env)
	if home == "" {
		return ""
	}
	return filepath.Join(home, ".openclaw", FileName)
}

// Load reads, completes and validates the configuration. Its error is [ErrNoFile], a file system error, or an *[Error]
// with all that is wrong.
func Load(o Options) (*Config, error) {
	path, err := Find(o)
	if err != nil {
		return nil, err
	}
	data, err := readFile(path)
	if err != nil {
		return nil, err
	}
	cfg, problems := parse(path, data, o.env(), o.Flags)
	if o.Elsewhere {
		problems = inFile(problems)
	}
	if len(problems) > 0 {
		return nil, &Error{problems}
	}
	return cfg, nil
}

// Peek reads what can be read of the configuration, and judges nothing: enough for a client to find the gateway's
// address and a token. It may run where the gateway's own environment, which the file refers to, is not. Its error is
// [ErrNoFile], a file system error, or an *[Error] for a file that is no YAML at all.
func Peek(o Options) (*Config, error) {
	path, err := Find(o)
	if err != nil {
		return nil, err
	}
	data, err := readFile(path)
	if err != nil {
		return nil, err
	}
	if d := newDecoder(path, o.env()); d.parse(data) == nil && len(d.problems) > 0 {
		return nil, &Error{d.problems}
	}
	cfg, _ := parse(path, data, o.env(), o.Flags)
	return cfg, nil
}

// parse is Load without the search for the file.
func parse(path string, data []byte, env Env, flags []Flag) (*Config, []Problem) {
	cfg := Default()
	d := newDecoder(path, env)
	cfg.File, cfg.sources = path, d.sources
	root := reflect.ValueOf(cfg).Elem()
	if n := d.parse(data); n != nil {
		d.node(n, root, "")
	}
	d.overrides(root, flags)

	cfg.complete(env)
	v := validator{decoder: d, cfg: cfg, undecoded: len(d.problems) > 0}
	v.validate()
	d.hide(d.problems)
	d.hide(cfg.Warnings)
	slices.SortStableFunc(d.problems, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Source.Flag, b.Source.Flag), cmp.Compare(a.Source.Env, b.Source.Env),
			cmp.Compare(a.Source.Line, b.Source.Line))
	})
	return cfg, d.problems
}

// overrides sets what environment and flags set, in this order: the later wins.
func (d *decoder) overrides(root reflect.Value, flags []Flag) {
	scalars(root, "", func(v reflect.Value, path string) {
		name := EnvName(path)
		if text, ok := d.env(name); ok && text != "" {
			d.text(text, v, path, Source{Env: name})
		}
	})
	for _, f := range flags {
		scalars(root, "", func(v reflect.Value, path string) {
			if path == f.Path {
				d.text(f.Value, v, path, Source{Flag: f.Name})
			}
		})
	}
}

// EnvName is the environment variable that sets the value at path: EnvName("server.port") is OPENCLAW_SERVER_PORT.
func EnvName(path string) string {
	return "OPENCLAW_" + strings.ToUpper(strings.ReplaceAll(path, ".", "_"))
}

// complete fills in the defaults that depend on other values.
func (c *Config) complete(env Env) {
	c.implyProviders(env)
	for i := range c.API.Tokens {
		t := &c.API.Tokens[i]
		t.Workspace = cmp.Or(t.Workspace, "default")
		if _, set := c.sources[fmt.Sprintf("api.tokens[%d].rateLimits.chat", i)]; !set {
			t.RateLimits.Chat = c.API.RateLimits.Chat
		}
		if _, set := c.sources[fmt.Sprintf("api.tokens[%d].rateLimits.read", i)]; !set {
			t.RateLimits.Read = c.API.RateLimits.Read
		}
	}
	for i, h := range c.Server.AllowedHosts {
		c.Server.AllowedHosts[i] = strings.ToLower(h)
	}
	for i, o := range c.Server.AllowedOrigins {
		c.Server.AllowedOrigins[i] = strings.ToLower(o)
	}
	c.resolve("storage.path", &c.Storage.Path, env)
	c.resolve("server.tls.cert", &c.Server.TLS.Cert, env)
	c.resolve("server.tls.key", &c.Server.TLS.Key, env)
	c.resolve("audit.path", &c.Audit.Path, env)
	if c.Audit.Enabled && c.Audit.Path == "" && c.Storage.Path != "" {
		c.Audit.Path = strings.TrimSuffix(c.Storage.Path, filepath.Ext(c.Storage.Path)) + ".audit.jsonl"
	}
}

// resolve makes a path of what was written: ~ is the home directory, and a relative path in the file starts at the
// file's own folder.
func (c *Config) resolve(path string, value *string, env Env) {
	*value = expandHome(*value, env)
	if c.sources[path].File != "" && *value != "" && !filepath.IsAbs(*value) {
		*value = filepath.Join(filepath.Dir(c.File), *value)
	}
}

// SourceOf tells where the value at path, as in "server.port", came from.
func (c *Config) SourceOf(path string) Source { return c.sources[path] }

func (o Options) env() Env {
	if o.Env == nil {
		return os.LookupEnv
	}
	return o.Env
}

func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("the configuration cannot be read: %w", err)
	}
	defer func() { _ = f.Close() }() // it was only read
	data, err := io.ReadAll(io.LimitReader(f, maxFileSize+1))
	if err != nil {
		return nil, fmt.Errorf("the configuration cannot be read: %w", err)
	}
	if len(data) > maxFileSize {
		return nil, &Error{[]Problem{{
			Source: Source{File: path}, Message: "this file is over 1 MiB", Remedy: "Check the path: a configuration is never so large",
		}}}
	}
	return data, nil
}

func homeDir(env Env) string {
	name := "HOME"
	if runtime.GOOS == "windows" {
		name = "USERPROFILE"
	}
	home, _ := env(name)
	return home
}

// expandHome replaces a leading ~, as a shell does for a path that is not in quotes.
func expandHome(path string, env Env) string {
	if rest, ok := strings.CutPrefix(path, "~"); ok && (rest == "" || rest[0] == '/' || rest[0] == filepath.Separator) {
		if home := homeDir(env); home != "" {
			return filepath.Join(home, rest)
		}
	}
	return path
}
