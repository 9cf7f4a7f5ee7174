package web

import (
	"crypto/sha256"
	"encoding/base64"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"
)

// headers are sent with every file. The policy lets the page run its own scripts and talk to its own gateway, and denies
// all else: whatever a model answers can neither run nor be fetched, and no other page can embed this one.
var headers = map[string]string{
	"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; " +
		"img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; " +
		"require-trusted-types-for 'script'; trusted-types dompurify",
	"Cross-Origin-Opener-Policy":   "same-origin",
	"Cross-Origin-Resource-Policy": "same-origin",
	"Permissions-Policy":           "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
	"Referrer-Policy":              "no-referrer",
	"X-Content-Type-Options":       "nosniff",
	"X-Frame-Options":              "DENY",
}

// contentTypes are fixed here, because package mime would ask the machine that it runs on.
var contentTypes = map[string]string{
	".css":  "text/css; charset=utf-8",
	".html": "text/html; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".svg":  "image/svg+xml",
	".txt":  "text/plain; charset=utf-8",
}

// encodings are the forms that the build stores a file in beside its own, best first.
var encodings = []struct{ name, suffix string }{{"br", ".br"}, {"gzip", ".gz"}}

// site answers for the files of one build. It is made once and not changed.
type site map[string]*file

// file is one URL.
type file struct {
	contentType  string
	cacheControl string
	variants     []variant // best first; the last one is not encoded
}

// variant is a file in one encoding.
type variant struct {
	encoding string // as in Content-Encoding; "" for none
	body     []byte
	etag     string
}

// newSite reads a build. Its files are embedded, so what cannot be read is a defect of the build and panics.
func newSite(build fs.FS) site {
	s := make(site)
	err := fs.WalkDir(build, "dist", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || isVariant(name) {
			return err
		}
		f, err := load(build, name)
		if err == nil {
			s["/"+strings.TrimPrefix(name, "dist/")] = f
		}
		return err
	})
	if err != nil {
		panic("web: " + err.Error())
	}
	page := s["/index.html"]
	if page == nil {
		page = s["/unbuilt.html"]
	}
	// The page has one address. Under a second one it would keep its drafts and its token apart for no reason.
	delete(s, "/index.html")
	delete(s, "/unbuilt.html")
	s["/"] = page
	return s
}

func isVariant(name string) bool {
	for _, e := range encodings {
		if strings.HasSuffix(name, e.suffix) {
			return true
		}
	}
	return false
}

func load(build fs.FS, name string) (*file, error) {
	f := &file{contentType: contentTypes[path.Ext(name)], cacheControl: "no-cache"}
	if f.contentType == "" {
		f.contentType = "application/octet-stream"
	}
	if strings.HasPrefix(name, "dist/assets/") { // the build puts a hash of the content into these names
		f.cacheControl = "public, max-age=31536000, immutable"
	}
	for _, e := range encodings {
		if body, err := fs.ReadFile(build, name+e.suffix); err == nil {
			f.variants = append(f.variants, newVariant(e.name, body))
		}
	}
	plain, err := fs.ReadFile(build, name)
	f.variants = append(f.variants, newVariant("", plain))
	return f, err
}

func newVariant(encoding string, body []byte) variant {
	sum := sha256.Sum256(body)
	return variant{encoding: encoding, body: body, etag: `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`}
}

// ServeHTTP answers one request.
func (s site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		refuse(w, http.StatusMethodNotAllowed, "METHOD_NOT_ALLOWED", "The page answers GET and HEAD only.")
		return
	}
	f := s[r.URL.Path]
	if f == nil {
		refuse(w, http.StatusNotFound, "NOT_FOUND",
			"There is no such route. The page is at /, and GET /api/v1/openapi.json lists the API's routes.")
		return
	}
	f.send(w, r)
}

func (f *file) send(w http.ResponseWriter, r *http.Request) {
	v := f.accepted(r.Header.Values("Accept-Encoding"))
	h := w.Header()
	for name, value := range headers {
		h.Set(name, value)
	}
	h.Set("Cache-Control", f.cacheControl)
	h.Set("ETag", v.etag)
	h.Set("Vary", "Accept-Encoding")
	if matches(r.Header.Values("If-None-Match"), v.etag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Type", f.contentType)
	h.Set("Content-Length", strconv.Itoa(len(v.body)))
	if v.encoding != "" {
		h.Set("Content-Encoding", v.encoding)
	}
	w.WriteHeader(http.StatusOK)
	if r.Method == http.MethodGet {
		_, _ = w.Write(v.body) // fails where the reader has left
	}
}

// accepted is the best variant that a client takes.
func (f *file) accepted(accept []string) variant {
	for _, v := range f.variants {
		if v.encoding != "" && accepts(accept, v.encoding) {
			return v
		}
	}
	return f.variants[len(f.variants)-1]
}

// accepts reports whether Accept-Encoding names an encoding other than to refuse it. Every browser names those that it
// takes, so what a "*" would add does not matter.
func accepts(accept []string, encoding string) bool {
	for part := range strings.SplitSeq(strings.Join(accept, ","), ",") {
		name, params, err := mime.ParseMediaType("x/" + strings.TrimSpace(part))
		if err != nil || name != "x/"+encoding {
			continue
		}
		weight, weighed := params["q"]
		q, err := strconv.ParseFloat(weight, 64)
		return !weighed || err == nil && q > 0
	}
	return false
}

// matches reports whether If-None-Match names the ETag. A proxy that packs an answer may have marked it as weak.
func matches(conditions []string, etag string) bool {
	for part := range strings.SplitSeq(strings.Join(conditions, ","), ",") {
		part = strings.TrimSpace(part)
		if part == "*" || strings.TrimPrefix(part, "W/") == etag {
			return true
		}
	}
	return false
}

// refuse answers in the API's format: whoever asks for a path that is not there is a program more often than a person.
// code and message need no escaping.
func refuse(w http.ResponseWriter, status int, code, message string) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(`{"error":{"code":"` + code + `","message":"` + message + `"}}` + "\n"))
}
