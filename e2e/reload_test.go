package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/openclaw/openclaw/model/modeltest/upstream"
)

// rewrite gives a running gateway another configuration, as an editor or a deployment does: a new file in place of the old.
func (g *gateway) rewrite(config string) {
	g.t.Helper()
	path := filepath.Join(g.dir, "openclaw.yaml")
	if err := os.WriteFile(path+".new", []byte(config), 0o600); err != nil {
		g.t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		g.t.Fatal(err)
	}
	g.config = config
}

// logged waits until the gateway's log has said something so many times.
func (g *gateway) logged(what string, times int) {
	g.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); strings.Count(g.log.String(), what) < times; {
		if time.Now().After(deadline) {
			g.t.Fatalf("the log never says %q %d times", what, times)
		}
		time.Sleep(time.Millisecond)
	}
}

func (g *gateway) hangup() {
	g.t.Helper()
	if err := g.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		g.t.Fatal(err)
	}
}

const reloaded = `"msg":"configuration reloaded"`

func bearer(token string) header { return header{"Authorization", "Bearer " + token} }

// A revoked token is refused within a second of the reload, and its open stream ends within five; nobody else notices.
func TestRevokedToken(t *testing.T) {
	const rate, stays, goes = "  rateLimits: {chat: 1000, read: 100000}\n", "{name: stays, token: token-that-stays-here, permissions: [chat, sessions]}",
		"{name: goes, token: token-that-goes-away, permissions: [chat, sessions]}"
	for how, reload := range map[string]func(*gateway){
		"SIGHUP":      (*gateway).hangup,
		"file change": func(*gateway) {},
	} {
		t.Run(how, func(t *testing.T) {
			u, server := newUpstream(t)
			u.Default(upstream.Script{Text: words(3), End: upstream.EndStall, After: 2})
			g := newGateway(t, models(server, upstream.OpenAI)+"api:\n  tokens: ["+stays+", "+goes+"]\n"+rate).start()
			open := func(token string) (*stream, string) {
				s, err := g.open(t.Context(), "POST", "/api/v1/chat/stream", message("q", ""), bearer(token))
				if err != nil {
					t.Fatal(err)
				}
				first, err := s.next()
				if err != nil {
					t.Fatal(err)
				}
				return s, first.field("id")
			}
			going, _ := open("token-that-goes-away")
			defer going.close()
			staying, id := open("token-that-stays-here")
			defer staying.close()
			unknown := g.do("GET", "/api/v1/status", "", bearer("unknown"))

			g.rewrite(strings.Replace(g.config, ", "+goes, "", 1))
			reload(g)
			g.logged(reloaded, 1)
			begun := time.Now()
			r := g.do("GET", "/api/v1/status", "", bearer("token-that-goes-away"))
			if r.status != http.StatusUnauthorized || string(r.body) != string(unknown.body) {
				t.Errorf("after the reload: %d %s", r.status, r.body)
			}
			events, err := going.rest()
			if last := events[len(events)-1]; err != nil || last.name != "error" || last.field("error.code") != "UNAUTHORIZED" {
				t.Errorf("the stream ended with %+v, %v", last, err)
			}
			if took := time.Since(begun); took > 5*time.Second {
				t.Errorf("the stream ended after %v", took)
			}
			if r := g.do("POST", "/api/v1/messages/"+id+"/cancel", "", bearer("token-that-stays-here")); r.status != http.StatusOK {
				t.Errorf("the other token: %d %s", r.status, r.body)
			}
			events, err = staying.rest()
			if last := events[len(events)-1]; err != nil || last.field("error.code") != "CANCELLED" {
				t.Errorf("the other stream ended with %+v, %v", last, err)
			}
		})
	}
}

// Models, their prompt and the limits change under a stream that goes on with what it began with.
func TestReloadKeepsStreams(t *testing.T) {
	first, firstServer := newUpstream(t)
	second, secondServer := newUpstream(t)
	first.Default(upstream.Script{Text: words(40), PerChunk: upstream.Duration(50 * time.Millisecond)})
	second.Default(upstream.Script{Text: []string{"from the second"}})
	g := newGateway(t, api+models(firstServer, upstream.OpenAI)+"  systemPrompt: One.\n").start()
	s, err := g.open(t.Context(), "POST", "/api/v1/chat/stream", message("q", ""))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.next(); err != nil {
		t.Fatal(err)
	}
	config := strings.Replace(g.config, models(firstServer, upstream.OpenAI), models(secondServer, upstream.Anthropic), 1)
	config = strings.Replace(config, "One.", "Two.", 1)
	config = strings.Replace(config, "chat: 10000000", "chat: 5", 1)
	config = strings.Replace(config, "server: {", "server: {host: localhost, ", 1)
	g.rewrite(config)
	g.logged(reloaded, 1)
	r := g.do("POST", "/api/v1/chat", message("q", ""))
	if r.text("content") != "from the second" || r.header.Get("X-RateLimit-Limit") != "5" {
		t.Errorf("after the reload: %v %s", r.header, r.body)
	}
	if calls := second.Requests(); len(calls) != 1 || calls[0].System != "Two." {
		t.Errorf("the second model was asked %+v", calls)
	}
	events, err := s.rest()
	if err != nil || events[len(events)-1].name != "done" || text(events) != strings.Join(words(40), "") {
		t.Errorf("the stream: %v, %d events, %q", err, len(events), text(events))
	}
	if !strings.Contains(g.log.String(), `"settings":"server.host"`) {
		t.Error("the log does not say which setting needs a restart")
	}
	like(t, "status", g.do("GET", "/api/v1/status", "").body, `{"status": "healthy", "model": {"provider": "anthropic", "model": "scripted"}}`)
}

// A configuration with a mistake changes nothing, and both log and status say so until it is mended.
func TestReloadRefused(t *testing.T) {
	_, server := newUpstream(t)
	g := newGateway(t, api+models(server, upstream.OpenAI)).start()
	good := g.config
	refusals := 0
	for name, bad := range map[string]string{
		"a mistake":     strings.Replace(good, "permissions", "rights", 1),
		"no YAML":       "server: [",
		"empty":         "",
		"half a file":   good[:len(good)/2],
		"other secrets": strings.Replace(good, "server: {", "server: {host: 0.0.0.0, ", 1) + "storage: {path: ''}\n",
	} {
		g.rewrite(bad)
		refusals++
		g.logged("the configuration is refused", refusals)
		r := g.do("GET", "/api/v1/status", "")
		if r.status != http.StatusOK || r.text("status") != "degraded" || !strings.Contains(string(r.body), "configuration file has been changed and is refused") {
			t.Errorf("%s: %d %s", name, r.status, r.body)
		}
	}
	g.rewrite(good)
	g.logged(reloaded, 1)
	like(t, "mended", g.do("GET", "/api/v1/status", "").body, `{"status": "healthy"}`)
	audit, err := os.ReadFile(filepath.Join(g.dir, "openclaw.audit.jsonl"))
	if err != nil || strings.Count(string(audit), `"action":"config_refused"`) != refusals || strings.Count(string(audit), `"action":"config_reloaded"`) != 1 {
		t.Errorf("%v\n%s", err, audit)
	}
}

// certificate writes a self-signed one for localhost.
func certificate(t *testing.T, dir string, serial int64) *x509.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{"cert.pem": {Type: "CERTIFICATE", Bytes: der}, "key.pem": {Type: "PRIVATE KEY", Bytes: keyDER}} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

// TLS from files, over HTTP/1.1 and HTTP/2, and a certificate that is replaced while the gateway serves.
func TestTLS(t *testing.T) {
	u, server := newUpstream(t)
	u.Default(upstream.Script{Text: words(5)})
	g := newGateway(t, api+models(server, upstream.OpenAI))
	pool := x509.NewCertPool()
	pool.AddCert(certificate(t, g.dir, 1))
	g.config = strings.Replace(g.config, "server: {", "server: {tls: {cert: cert.pem, key: key.pem}, ", 1)
	config := &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	plain := client
	t.Cleanup(func() { client = plain })
	g.url = strings.Replace(g.url, "http:", "https:", 1)
	client = &http.Client{Transport: &http.Transport{TLSClientConfig: config.Clone(), ForceAttemptHTTP2: true}}
	defer client.CloseIdleConnections()
	g.start()

	for _, http2 := range []bool{true, false} {
		if !http2 {
			client = &http.Client{Transport: &http.Transport{TLSClientConfig: config.Clone()}} // which is HTTP/1.1 only
			defer client.CloseIdleConnections()
		}
		s, err := g.open(t.Context(), "POST", "/api/v1/chat/stream", message("q", ""))
		if err != nil {
			t.Fatal(err)
		}
		if (s.resp.ProtoMajor == 2) != http2 {
			t.Errorf("the protocol is %s", s.resp.Proto)
		}
		if events, err := s.rest(); err != nil || text(events) != strings.Join(words(5), "") {
			t.Errorf("%v, %q", err, text(events))
		}
		if r := g.do("POST", "/api/v1/chat", `{"message":`); r.status != http.StatusBadRequest {
			t.Errorf("a bad body: %d", r.status)
		}
		if r := g.do("GET", "/api/v1/status", "", bearer("unknown")); r.status != http.StatusUnauthorized {
			t.Errorf("a bad token: %d", r.status)
		}
	}

	serial := func() int64 {
		c, err := tls.Dial("tcp", strings.TrimPrefix(g.url, "https://"), config)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		return c.ConnectionState().PeerCertificates[0].SerialNumber.Int64()
	}
	if got := serial(); got != 1 {
		t.Errorf("serial number %d", got)
	}
	pool.AddCert(certificate(t, g.dir, 2))
	g.logged(reloaded, 1)
	if got := serial(); got != 2 {
		t.Errorf("serial number %d after the certificate was replaced", got)
	}
	if err := os.WriteFile(filepath.Join(g.dir, "key.pem"), []byte("nonsense"), 0o600); err != nil {
		t.Fatal(err)
	}
	g.logged("the configuration is refused", 1)
	if got := serial(); got != 2 {
		t.Errorf("serial number %d after a bad one", got)
	}
	// A client that speaks no TLS is told so in plain text by net/http, and nothing is served to it.
	if resp, err := plain.Get(strings.Replace(g.url, "https:", "http:", 1) + "/healthz"); err == nil {
		resp.Body.Close()
		if resp.StatusCode != http.StatusBadRequest {
			t.Errorf("without TLS: %s", fmt.Sprint(resp.Status))
		}
	}
}
