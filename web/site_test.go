package web

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
)

// packed is a build with one file in all its forms.
func packed(t *testing.T) site {
	t.Helper()
	var gz bytes.Buffer
	z := gzip.NewWriter(&gz)
	if _, err := z.Write([]byte("let x")); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return newSite(fstest.MapFS{
		"dist/index.html":         {Data: []byte("<!doctype html>the page")},
		"dist/unbuilt.html":       {Data: []byte("not built")},
		"dist/favicon.svg":        {Data: []byte("<svg/>")},
		"dist/assets/a-1.js":      {Data: []byte("let x")},
		"dist/assets/a-1.js.gz":   {Data: gz.Bytes()},
		"dist/assets/a-1.js.br":   {Data: []byte("brotli")},
		"dist/assets/b-2.css":     {Data: []byte("b {}")},
		"dist/assets/c-3.unknown": {Data: []byte("?")},
	})
}

func ask(h http.Handler, method, path string, header ...string) *http.Response {
	r := httptest.NewRequest(method, path, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func body(t *testing.T, r *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestFiles(t *testing.T) {
	const year = "public, max-age=31536000, immutable"
	for _, tt := range []struct{ path, contentType, cache, body string }{
		{"/", "text/html; charset=utf-8", "no-cache", "<!doctype html>the page"},
		{"/favicon.svg", "image/svg+xml", "no-cache", "<svg/>"},
		{"/assets/a-1.js", "text/javascript; charset=utf-8", year, "let x"},
		{"/assets/b-2.css", "text/css; charset=utf-8", year, "b {}"},
		{"/assets/c-3.unknown", "application/octet-stream", year, "?"},
	} {
		r := ask(packed(t), "GET", tt.path)
		h := r.Header
		if r.StatusCode != 200 || h.Get("Content-Type") != tt.contentType || h.Get("Cache-Control") != tt.cache || body(t, r) != tt.body {
			t.Errorf("%s: %d %v", tt.path, r.StatusCode, h)
		}
		if head := ask(packed(t), "HEAD", tt.path); head.StatusCode != 200 || head.ContentLength != int64(len(tt.body)) || body(t, head) != "" {
			t.Errorf("HEAD %s: %d, length %d", tt.path, head.StatusCode, head.ContentLength)
		}
	}
}

func TestEncodings(t *testing.T) {
	for _, tt := range []struct{ accept, want string }{
		{"gzip, deflate, br, zstd", "br"},
		{"gzip", "gzip"},
		{"GZIP;q=0.5", "gzip"},
		{"br;q=0, gzip", "gzip"},
		{"br; q=0.0, gzip;q=0", ""},
		{"bread", ""},
		{"*", ""},
		{"", ""},
		{"br;q=nonsense", ""},
	} {
		r := ask(packed(t), "GET", "/assets/a-1.js", "Accept-Encoding", tt.accept)
		if got := r.Header.Get("Content-Encoding"); r.StatusCode != 200 || got != tt.want || r.Header.Get("Vary") != "Accept-Encoding" {
			t.Errorf("Accept-Encoding %q: %d, Content-Encoding %q, want %q", tt.accept, r.StatusCode, got, tt.want)
		}
	}
}

func TestNotModified(t *testing.T) {
	s := packed(t)
	plain := ask(s, "GET", "/assets/a-1.js").Header.Get("ETag")
	gz := ask(s, "GET", "/assets/a-1.js", "Accept-Encoding", "gzip").Header.Get("ETag")
	if plain == gz {
		t.Errorf("two encodings share the ETag %s", gz)
	}
	for _, tt := range []struct {
		condition string
		want      int
	}{{gz, 304}, {"W/" + gz, 304}, {`"other", ` + gz, 304}, {"*", 304}, {plain, 200}, {`"other"`, 200}} {
		r := ask(s, "GET", "/assets/a-1.js", "Accept-Encoding", "gzip", "If-None-Match", tt.condition)
		if r.StatusCode != tt.want || (tt.want == 304 && body(t, r) != "") {
			t.Errorf("If-None-Match %s: %d, want %d", tt.condition, r.StatusCode, tt.want)
		}
	}
}

func TestRefusals(t *testing.T) {
	for _, path := range []string{
		"/index.html", "/unbuilt.html", "/assets/", "/assets/a-1.js.gz", "/assets/a-1.js/", "/assets/../favicon.svg", "/wp-login.php",
		"/dist/index.html", "/embed.go",
	} {
		r := ask(packed(t), "GET", path)
		if r.StatusCode != 404 || r.Header.Get("Content-Type") != "application/json" || !strings.HasPrefix(body(t, r), `{"error":{"code":"NOT_FOUND"`) {
			t.Errorf("%s: %d %v", path, r.StatusCode, r.Header)
		}
	}
	for _, method := range []string{"POST", "PUT", "DELETE", "PATCH"} {
		if r := ask(packed(t), method, "/"); r.StatusCode != 405 || r.Header.Get("Allow") != "GET, HEAD" {
			t.Errorf("%s /: %d, Allow %q", method, r.StatusCode, r.Header.Get("Allow"))
		}
	}
}

func TestHeaders(t *testing.T) {
	for _, path := range []string{"/", "/assets/a-1.js"} {
		h := ask(packed(t), "GET", path).Header
		policy := h.Get("Content-Security-Policy")
		for _, part := range []string{
			"default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'", "img-src 'self' data:",
			"base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'", "require-trusted-types-for 'script'",
		} {
			if !strings.Contains(policy+";", part+";") {
				t.Errorf("%s: the policy lacks %s: %s", path, part, policy)
			}
		}
		if strings.Contains(policy, "unsafe") || strings.Contains(policy, "http") {
			t.Errorf("%s: the policy lets something in: %s", path, policy)
		}
		for name, want := range map[string]string{
			"Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff", "Cross-Origin-Opener-Policy": "same-origin",
			"Cross-Origin-Resource-Policy": "same-origin", "X-Frame-Options": "DENY",
		} {
			if got := h.Get(name); got != want {
				t.Errorf("%s: %s is %q, want %q", path, name, got, want)
			}
		}
	}
}

// A clone without Node must yield a gateway whose page says what is missing.
func TestUnbuilt(t *testing.T) {
	data, err := dist.ReadFile("dist/unbuilt.html")
	if err != nil {
		t.Fatal(err)
	}
	r := ask(newSite(fstest.MapFS{"dist/unbuilt.html": {Data: data}}), "GET", "/")
	if text := body(t, r); r.StatusCode != 200 || !strings.Contains(text, "npm --prefix web run build") {
		t.Errorf("%d: %s", r.StatusCode, text)
	}
}

func TestHandler(t *testing.T) {
	r := ask(Handler(), "GET", "/")
	if text := body(t, r); r.StatusCode != 200 || !strings.HasPrefix(text, "<!doctype html>") {
		t.Errorf("%d: %.80s", r.StatusCode, text)
	}
}
