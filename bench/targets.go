//go:build linux

package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// benchToken is the bearer token of every target that wants one.
const benchToken = "oc_benchmark_token_of_this_run_only"

// target is one way to reach the model.
type target struct {
	name    string
	what    string // for the report
	peer    bool   // a gateway that the project wants to be ahead of
	patient bool   // takes long to start
	dialect dialect
	// start returns the running process, not yet listening. It is nil for the upstream itself.
	start func(ctx context.Context, l *lab, dir string) (*process, error)
	// version is what the report calls it; an error says that it is not installed, and how to install it.
	version func(l *lab) (string, error)
}

const (
	direct       = "direct"
	reverseProxy = "ReverseProxy"
	nginx        = "nginx"
	ours         = "OpenClaw"
	oursClaude   = "OpenClaw, Anthropic's wire"
	portkey      = "Portkey"
	litellm      = "LiteLLM"
)

// targets are all there are, in the report's order.
func targets() []*target {
	return []*target{
		{name: direct, what: "the upstream itself, nothing between", dialect: openaiDialect, version: noVersion},
		{name: reverseProxy, what: "`httputil.ReverseProxy`: no authentication, limits, logs or storage",
			dialect: openaiDialect, start: startReverseProxy, version: noVersion},
		{name: nginx, what: "as a reverse proxy with an access log, unbuffered, one worker a core",
			dialect: openaiDialect, start: startNginx, version: nginxVersion},
		{name: ours, what: "every message committed durably, authentication, limits and logs on",
			dialect: openclawDialect, start: startOurs("openai"), version: oursVersion},
		{name: oursClaude, what: "the same before an upstream that speaks Anthropic's wire",
			dialect: openclawDialect, start: startOurs("anthropic"), version: oursVersion},
		{name: portkey, what: "as its package starts it; keeps nothing", peer: true,
			dialect: portkeyDialect, start: startPortkey, version: portkeyVersion},
		{name: litellm, what: "its proxy with a master key, as its package starts it; keeps nothing", peer: true, patient: true,
			dialect: litellmDialect, start: startLitellm, version: litellmVersion},
	}
}

func noVersion(*lab) (string, error) { return "", nil }

func startReverseProxy(_ context.Context, l *lab, _ string) (*process, error) {
	return itself(reverseProxy, "proxy", "-to", "http://"+l.upstream.addr)
}

// gatewayConfig is the gateway's configuration: its defaults, with limits that are counted but not reached.
const gatewayConfig = `server: {port: %s}
api:
  tokens: [{name: bench, token: %s, permissions: [chat, sessions]}]
  rateLimits: {chat: 1000000000, read: 1000000000}
models:
  default: %s/bench
  providers:
    %[3]s: {apiKey: key-of-the-benchmark, baseUrl: "http://%[4]s"}
  timeouts: {firstByte: 15m, idle: 15m}
storage: {path: %[5]s}
log: {format: json}
`

func startOurs(wire string) func(context.Context, *lab, string) (*process, error) {
	return func(_ context.Context, l *lab, dir string) (*process, error) {
		return l.gateway(l.binary, wire, filepath.Join(dir, "openclaw.db"), dir)
	}
}

// gateway starts a build of the gateway on a database.
func (l *lab) gateway(binary, wire, database, dir string) (*process, error) {
	addr, err := freeAddr()
	if err != nil {
		return nil, err
	}
	base := l.upstream.addr
	if wire == "openai" {
		base += "/v1"
	}
	_, port, _ := strings.Cut(addr, ":")
	config := filepath.Join(dir, "openclaw.yaml")
	text := fmt.Sprintf(gatewayConfig, port, benchToken, wire, base, database)
	if l.options.pprof != "" {
		text += fmt.Sprintf("debug: {pprof: %q}\n", l.options.pprof)
	}
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		return nil, err
	}
	p, err := launch("openclaw", filepath.Join(dir, "openclaw.log"), []string{"HOME=" + dir}, binary, "serve", "--config", config)
	if err == nil {
		p.addr = addr
	}
	return p, err
}

func oursVersion(l *lab) (string, error) { return output(l.binary, "version") }

const nginxConfig = `daemon off; user root; worker_processes auto; pid %[1]s/nginx.pid; error_log %[1]s/error.log;
worker_rlimit_nofile 100000;
events { worker_connections 40000; }
http {
  access_log %[1]s/access.log combined;
  client_body_temp_path %[1]s/body; proxy_temp_path %[1]s/proxy; fastcgi_temp_path %[1]s/fastcgi;
  uwsgi_temp_path %[1]s/uwsgi; scgi_temp_path %[1]s/scgi;
  keepalive_requests 1000000000;
  upstream model { server %[2]s; keepalive 1024; keepalive_requests 1000000000; }
  server {
    listen %[3]s backlog=4096;
    client_max_body_size 4m;
    location / {
      proxy_pass http://model; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_buffering off; proxy_request_buffering on; proxy_read_timeout 15m; client_body_buffer_size 1m;
    }
  }
}
`

func (l *lab) nginxBinary() string {
	if path, err := exec.LookPath("nginx"); err == nil {
		return path
	}
	return filepath.Join(l.cache, "nginx/usr/sbin/nginx")
}

func startNginx(_ context.Context, l *lab, dir string) (*process, error) {
	addr, err := freeAddr()
	if err != nil {
		return nil, err
	}
	config := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(config, fmt.Appendf(nil, nginxConfig, dir, l.upstream.addr, addr), 0o600); err != nil {
		return nil, err
	}
	p, err := launch(nginx, filepath.Join(dir, "nginx.log"), nil, l.nginxBinary(), "-p", dir, "-c", config)
	if err == nil {
		p.addr = addr
	}
	return p, err
}

func nginxVersion(l *lab) (string, error) {
	text, err := output(l.nginxBinary(), "-v")
	return strings.TrimPrefix(text, "nginx version: "), err
}

var portkeyDialect = dialect{path: "/v1/chat/completions", streamPath: "/v1/chat/completions",
	headers: "Authorization: Bearer key-of-the-benchmark\r\nx-portkey-provider: openai\r\n"}

func (l *lab) portkeyFolder() string {
	return filepath.Join(l.cache, "portkey/node_modules/@portkey-ai/gateway")
}

// startPortkey starts it headless: its page with statistics would cost it something. Where the model is has to be said in a
// header of every request, which the lab adds once the upstream's address is known.
func startPortkey(_ context.Context, l *lab, dir string) (*process, error) {
	addr, err := freeAddr()
	if err != nil {
		return nil, err
	}
	_, port, _ := strings.Cut(addr, ":")
	env := []string{"NODE_ENV=production", "TRUSTED_CUSTOM_HOSTS=127.0.0.1,localhost"}
	p, err := launch(portkey, filepath.Join(dir, "portkey.log"), env,
		"node", filepath.Join(l.portkeyFolder(), "build/start-server.js"), "--headless", "--port="+port)
	if err == nil {
		p.addr = addr
	}
	return p, err
}

func portkeyVersion(l *lab) (string, error) {
	return output("node", "-p", fmt.Sprintf("require(%q).version+' on Node '+process.version", l.portkeyFolder()+"/package.json"))
}

var litellmDialect = dialect{path: "/v1/chat/completions", streamPath: "/v1/chat/completions",
	headers: "Authorization: Bearer sk-" + benchToken + "\r\n"}

const litellmConfig = `model_list:
  - model_name: bench
    litellm_params: {model: openai/bench, api_base: "http://%s/v1", api_key: key-of-the-benchmark}
general_settings: {master_key: "sk-%s"}
litellm_settings: {telemetry: false}
`

func startLitellm(_ context.Context, l *lab, dir string) (*process, error) {
	addr, err := freeAddr()
	if err != nil {
		return nil, err
	}
	_, port, _ := strings.Cut(addr, ":")
	config := filepath.Join(dir, "litellm.yaml")
	if err := os.WriteFile(config, fmt.Appendf(nil, litellmConfig, l.upstream.addr, benchToken), 0o600); err != nil {
		return nil, err
	}
	// Without these it asks the internet for its table of prices, and reports home.
	env := []string{"LITELLM_LOCAL_MODEL_COST_MAP=True", "LITELLM_TELEMETRY=False", "LITELLM_MODE=PRODUCTION", "LITELLM_LOG=ERROR"}
	p, err := launch(litellm, filepath.Join(dir, "litellm.log"), env, filepath.Join(l.cache, "litellm/bin/litellm"),
		"--config", config, "--host", "127.0.0.1", "--port", port, "--telemetry", "False")
	if err == nil {
		p.addr = addr
	}
	return p, err
}

func litellmVersion(l *lab) (string, error) {
	return output(filepath.Join(l.cache, "litellm/bin/python"), "-c",
		"import platform, importlib.metadata as m; print(m.version('litellm')+' on Python '+platform.python_version())")
}

// output is what a short command prints.
func output(args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, args[0], args[1:]...).CombinedOutput()
	return strings.TrimSpace(string(out)), err
}
