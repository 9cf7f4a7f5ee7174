package httpapi_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/openclaw/openclaw/claw"
	"github.com/openclaw/openclaw/httpapi"
	"github.com/openclaw/openclaw/spec/spectest"
)

const auth = "Authorization: Bearer " + fullToken + "\r\n"

// What net/http itself refuses gets a status and no envelope. That it does, and goes on living, is what these hold.
func TestTransportRefusedBeforeTheAPI(t *testing.T) {
	g := open(t)
	for _, tt := range []struct {
		name, request string
		status        int
	}{
		{"garbage", "\x01\x02\x03 nonsense\r\n\r\n", 400},
		{"TLS", "\x16\x03\x01\x00\xf4\x01\x00\x00\xf0\x03\x03\r\n\r\n", 400},
		{"no Host", "GET /api/v1/status HTTP/1.1\r\n" + auth + "\r\n", 400},
		{"two Hosts", "GET /api/v1/status HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n" + auth + "\r\n", 400},
		{"two lengths", "POST /api/v1/chat HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\n12345", 400},
		{"negative length", "POST /api/v1/chat HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n", 400},
		{"40 kB header", "GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Big: " + strings.Repeat("x", 40<<10) + "\r\n\r\n", 431},
		{"1 MB token", "GET /api/v1/status HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " + strings.Repeat("x", 1<<20) + "\r\n\r\n", 431},
		{"NUL in a header", "GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Bad: a\x00b\r\n\r\n", 400},
		{"bare CR in a header", "GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Bad: a\rb\r\n\r\n", 400},
		{"space before the colon", "GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Bad : a\r\n\r\n", 400},
		{"unknown coding", "POST /api/v1/chat HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip\r\n\r\n", 501},
	} {
		t.Run(tt.name, func(t *testing.T) { g.raw(tt.request).mustBe(t, tt.status) })
	}
	if asked := g.chat.asked(); len(asked) > 0 {
		t.Errorf("the engine was asked: %v", asked)
	}
	g.do("GET", "/healthz", "").mustBe(t, 200)
}

func TestHost(t *testing.T) {
	g := open(t)
	for _, tt := range []struct {
		host   string
		served bool
	}{
		{"localhost", true},
		{"LOCALHOST:3000", true},
		{"localhost.", true},
		{"app.localhost:1", true},
		{"127.0.0.1:3000", true},
		{"192.168.1.7", true},
		{"[::1]:3000", true},
		{"[fe80::1]", true},
		{"gateway.example", true},
		{"Gateway.Example:443", true},
		{"evil.example", false},
		{"localhost.evil.example", false},
		{"evil-localhost", false},
		{"gateway.example.evil", false},
		{"127.0.0.1.evil.example", false},
		{"", false},
		{":3000", false},
		{"[::1", false},
		{"[localhost]", false},
		{"localhost:80:80", false},
		{"localhost:http", false},
	} {
		t.Run(tt.host, func(t *testing.T) {
			r := g.raw("GET /api/v1/status HTTP/1.1\r\nHost: " + tt.host + "\r\n" + auth + "\r\n")
			if tt.served {
				r.mustBe(t, 200)
			} else if tt.host != "[::1" || r.StatusCode != http.StatusBadRequest { // net/http may find it malformed first
				r.mustFail(t, 421, claw.MisdirectedRequest, "server.allowedHosts")
			}
		})
	}
	g.raw("GET /healthz HTTP/1.0\r\n\r\n").mustFail(t, 421, claw.MisdirectedRequest)
	g.raw("GET http://evil.example/healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").mustFail(t, 421, claw.MisdirectedRequest)
	g.raw("GET http://localhost/healthz HTTP/1.1\r\nHost: evil.example\r\n\r\n").mustBe(t, 200) // the address wins, says RFC 9112
}

func TestTooManyHeaderLines(t *testing.T) {
	g := open(t)
	lines := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "X-%d: 1\r\n", i)
		}
		return "GET /healthz HTTP/1.1\r\nHost: localhost\r\n" + b.String() + "\r\n"
	}
	g.raw(lines(99)).mustBe(t, 200)
	g.raw(lines(100)).mustFail(t, 431, claw.InvalidRequest, "100 header lines")
	g.raw(lines(2000)).mustFail(t, 431, claw.InvalidRequest, "100 header lines")
	g.raw("GET /healthz HTTP/1.1\r\nHost: localhost\r\n"+strings.Repeat("A: 1\r\n", 600)+"\r\n").
		mustFail(t, 431, claw.InvalidRequest)
}

func TestSlowHeaderIsCut(t *testing.T) {
	g := open(t, func(_ *httpapi.Config, srv *http.Server) {
		if srv.ReadHeaderTimeout != 10*time.Second {
			t.Errorf("headers may take %v", srv.ReadHeaderTimeout)
		}
		srv.ReadHeaderTimeout = 50 * time.Millisecond
	})
	w := g.dial()
	w.write("GET /healthz HTTP/1.1\r\nHost: loc")
	if !w.closed() {
		t.Error("the connection is still open")
	}
}

func TestSlowBodyIsCut(t *testing.T) {
	g := open(t, func(cfg *httpapi.Config, _ *http.Server) { cfg.BodyTimeout = 50 * time.Millisecond })
	const head = "POST /api/v1/chat HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n" + auth
	for name, request := range map[string]string{
		"short body":    head + "Content-Length: 100\r\n\r\n{\"message\":",
		"stalled chunk": head + "Transfer-Encoding: chunked\r\n\r\n10\r\n{\"mess",
		"no last chunk": head + "Transfer-Encoding: chunked\r\n\r\n10\r\n{\"message\":\"hi\"}\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			w := g.dial()
			w.write(request)
			w.read("POST").mustFail(t, 408, claw.RequestTimeout, "body", "50ms")
			if !w.closed() {
				t.Error("the connection is still open")
			}
		})
	}
	if asked := g.chat.asked(); len(asked) > 0 {
		t.Errorf("the engine was asked: %v", asked)
	}
}

// The deadline for the body must not end the wait for the answer, nor a later request on the same connection.
func TestBodyDeadlineEndsWithTheBody(t *testing.T) {
	g := open(t, func(cfg *httpapi.Config, _ *http.Server) { cfg.BodyTimeout = 50 * time.Millisecond })
	g.chat.start = func(ctx ctxT, _ claw.Principal, _ claw.ChatRequest) (claw.Started, error) {
		timer := time.NewTimer(150 * time.Millisecond) // three deadlines long
		defer timer.Stop()
		select {
		case <-ctx.Done():
			return claw.Started{}, ctx.Err()
		case <-timer.C:
			return claw.Started{ID: "msg_123"}, nil
		}
	}
	w := g.dial()
	const body = `{"message":"hi"}`
	for range 2 {
		w.write(fmt.Sprintf("POST /api/v1/chat HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n%s"+
			"Content-Length: %d\r\n\r\n%s", auth, len(body), body))
		w.read("POST").mustBe(t, 200)
	}
}

func TestBrokenBody(t *testing.T) {
	g := open(t)
	const head = "POST /api/v1/chat HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n" + auth
	w := g.dial()
	w.write(head + "Content-Length: 100\r\n\r\n{}")
	_ = w.conn.CloseWrite()
	w.read("POST").mustFail(t, 400, claw.InvalidRequest, "body")
	g.raw(head+"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n").mustFail(t, 400, claw.InvalidRequest, "body")
}

func TestPipelining(t *testing.T) {
	g := open(t)
	w := g.dial()
	w.write("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\nGET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n")
	for _, want := range []string{`"ok"`, `"ready"`} {
		if r := w.read("GET"); !strings.Contains(string(r.body), want) {
			t.Errorf("answer %s, want %s", r.body, want)
		}
	}
}

// net/http takes the chunks' word where Content-Length contradicts them. A proxy in front that takes the length's must not
// be led to see a second request that we do not, or the reverse: nothing behind such a request is looked at.
func TestNothingIsSmuggledBehindChunks(t *testing.T) {
	g := open(t)
	w := g.dial()
	w.write("POST /api/v1/messages/msg_1/cancel HTTP/1.1\r\nHost: localhost\r\n" + auth +
		"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
	w.read("POST").mustFail(t, 404, claw.NotFound)
	if !w.closed() {
		t.Error("the request behind the chunks was answered")
	}
}

// net/http joins a header line that goes on in the next with a space, as RFC 9112 has it. What goes on is no header of its
// own: one that a proxy in front has looked at in another way gets nobody in.
func TestFoldedHeaders(t *testing.T) {
	g := open(t)
	g.raw("GET /api/v1/status HTTP/1.1\r\nHost: localhost\r\nX-A: a\r\n "+auth+"\r\n").mustFail(t, 401, claw.Unauthorized)
	g.raw("GET /api/v1/status HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer "+fullToken+"\r\n more\r\n\r\n").mustFail(t, 401, claw.Unauthorized)
	g.raw("GET /api/v1/status HTTP/1.1\r\n Host: localhost\r\n\r\n").mustBe(t, 400)
	g.raw("GET /healthz HTTP/1.1\r\nHost: localhost\r\n evil.example\r\n\r\n").mustBe(t, 400)
}

func TestOversizeIsRefusedAtOnce(t *testing.T) {
	g := open(t)
	const head = "POST /api/v1/chat HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n" + auth
	t.Run("expecting 100", func(t *testing.T) { // no byte of the body is sent: only an answer at once ends this test
		g.raw(head+"Expect: 100-continue\r\nContent-Length: 1048577\r\n\r\n").mustFail(t, 413, claw.PayloadTooLarge, "1 MiB")
	})
	t.Run("by length", func(t *testing.T) {
		g.raw(head+"Content-Length: 1048577\r\n\r\n").mustFail(t, 413, claw.PayloadTooLarge)
	})
	t.Run("chunked", func(t *testing.T) {
		g.raw(head+"Transfer-Encoding: chunked\r\n\r\n100001\r\n"+strings.Repeat(" ", 1<<20+1)+"\r\n0\r\n\r\n").
			mustFail(t, 413, claw.PayloadTooLarge)
	})
	t.Run("just fits", func(t *testing.T) {
		body := `{"message":"hi"` + strings.Repeat(" ", 1<<20-len(`{"message":"hi"}`)) + "}"
		g.do("POST", "/api/v1/chat", body).mustBe(t, 200)
	})
	t.Run("100 is answered where the body is wanted", func(t *testing.T) {
		w := g.dial()
		w.write(head + "Expect: 100-continue\r\nContent-Length: 16\r\n\r\n")
		if line, err := w.br.ReadString('\n'); err != nil || !strings.Contains(line, " 100 ") {
			t.Fatalf("%q, %v", line, err)
		}
		if _, err := w.br.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
		w.write(`{"message":"hi"}`)
		w.read("POST").mustBe(t, 200)
	})
}

// A refusal that needs no body does not wait for one, and the connection lives on where the body was there.
func TestRefusalDoesNotWaitForTheBody(t *testing.T) {
	g := open(t)
	begun := time.Now()
	g.raw("POST /api/v1/chat HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n").mustFail(t, 401, claw.Unauthorized)
	if took := time.Since(begun); took > patience/2 {
		t.Errorf("it took %v", took)
	}
	w := g.dial()
	for range 2 {
		w.write("POST /api/v1/chat HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}")
		w.read("POST").mustFail(t, 401, claw.Unauthorized)
	}
}

// Answers read off raw sockets are in the document like all others.
func TestRawAnswersAreDocumented(t *testing.T) {
	g := open(t)
	for _, request := range []string{
		"POST /api/v1/chat HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n" + auth + "Content-Length: 1048577\r\n\r\n",
		"GET /api/v1/status HTTP/1.1\r\nHost: evil.example\r\n\r\n",
		"GET /healthz HTTP/1.1\r\nHost: localhost\r\n" + strings.Repeat("A: 1\r\n", 600) + "\r\n",
		"BREW /api/v1/status HTTP/1.1\r\nHost: localhost\r\n\r\n",
	} {
		r := g.raw(request)
		path := strings.Fields(request)[1]
		req, err := http.NewRequestWithContext(t.Context(), method(request), "http://localhost"+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		spectest.Validate(t, req, r.Response, r.body)
	}
}
