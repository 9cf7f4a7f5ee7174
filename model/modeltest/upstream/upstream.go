// Package upstream is a model's server made to order: it speaks the protocols of Anthropic, OpenAI, Gemini and Ollama over
// real HTTP, and answers each call as a [Script] says. Without a script it answers with an echo.
//
// Tests run it within their process, on an httptest.Server. [Serve] runs it as a process of its own, which is then
// scripted over HTTP too:
//
//	POST   /_script    {"scripts": [...], "replace": true, "default": {...}}
//	GET    /_requests  {"requests": [...], "total": 12}
//	DELETE /_requests  forgets them
package upstream

import (
	"context"
	"encoding/json/v2"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// keep is how many requests are remembered: the newest, so that a load test does not fill the memory.
const keep = 1000

// Server is the scripted server. It is an [http.Handler].
type Server struct {
	mux *http.ServeMux

	mu       sync.Mutex
	scripts  []Script
	fallback Script
	requests []*Request
	total    int
	changed  chan struct{} // closed, and replaced, whenever requests change
}

// New returns a server that echoes.
func New() *Server {
	s := &Server{mux: http.NewServeMux(), changed: make(chan struct{})}
	s.mux.HandleFunc("POST /v1/messages", s.serve(Anthropic))
	s.mux.HandleFunc("POST /v1/chat/completions", s.serve(OpenAI))
	s.mux.HandleFunc("POST /v1beta/models/{call}", s.serve(Gemini))
	s.mux.HandleFunc("POST /api/chat", s.serve(Ollama))
	s.mux.HandleFunc("GET /v1/models", reply(`{"object":"list","data":[{"id":"scripted","object":"model"}]}`))
	s.mux.HandleFunc("GET /api/tags", reply(`{"models":[{"name":"scripted:latest"}]}`))
	s.mux.HandleFunc("POST /_script", s.control)
	s.mux.HandleFunc("GET /_requests", s.list)
	s.mux.HandleFunc("DELETE /_requests", s.forget)
	return s
}

// ServeHTTP answers one call.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// Serve serves on l, which ought to be on loopback, until ctx ends.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	srv := &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second}
	stop := context.AfterFunc(ctx, func() { _ = srv.Close() })
	defer stop()
	if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// Queue adds scripts behind those that wait. A call takes the first one for its model.
func (s *Server) Queue(scripts ...Script) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.scripts = append(s.scripts, scripts...)
}

// Replace puts scripts in the place of those that wait.
func (s *Server) Replace(scripts ...Script) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.scripts = slices.Clone(scripts)
}

// Default sets the script for calls that none waits for.
func (s *Server) Default(script Script) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fallback = script
}

// Requests returns the newest calls, oldest first.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.snapshot()
}

func (s *Server) snapshot() []Request {
	out := make([]Request, len(s.requests))
	for i, r := range s.requests {
		out[i] = *r
	}
	return out
}

// Wait waits until the calls are as ok wants them, or ctx ends.
func (s *Server) Wait(ctx context.Context, ok func([]Request) bool) error {
	for {
		s.mu.Lock()
		have, changed := s.snapshot(), s.changed
		s.mu.Unlock()
		if ok(have) {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("%w; calls so far: %+v", context.Cause(ctx), have)
		}
	}
}

// update changes a request and wakes those who wait.
func (s *Server) update(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
	close(s.changed)
	s.changed = make(chan struct{})
}

func (s *Server) take(model string) Script {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, script := range s.scripts {
		if script.Model == "" || script.Model == model {
			if !script.Repeat {
				s.scripts = slices.Delete(s.scripts, i, i+1)
			}
			return script
		}
	}
	return s.fallback
}

func (s *Server) serve(name Wire) http.HandlerFunc {
	proto := wires[name]
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(io.LimitReader(r.Body, 32<<20))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		req := &Request{
			Method: r.Method, Path: r.URL.RequestURI(), Header: maps.Clone(r.Header), Body: string(body), Wire: name,
		}
		invalid := proto.parse(req)
		s.update(func() {
			s.total++
			if len(s.requests) >= keep {
				s.requests = slices.Delete(s.requests, 0, 1+len(s.requests)-keep)
			}
			s.requests = append(s.requests, req)
		})
		answered := false
		// Deferred, because some scripts end in a panic that cuts the connection.
		defer func() { s.update(func() { req.Answered, req.Gone = answered, !answered && r.Context().Err() != nil }) }()
		if invalid != nil {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusBadRequest)
			_, _ = fmt.Fprintf(w, `{"error":{"type":"invalid_request_error","message":%s}}`, quote(invalid.Error()))
			return
		}
		p := player{w: w, r: r, rc: http.NewResponseController(w), wire: proto, req: req, script: s.take(req.Model)}
		answered = p.play()
	}
}

func (s *Server) control(w http.ResponseWriter, r *http.Request) {
	var c struct {
		Scripts []Script `json:"scripts"`
		Replace bool     `json:"replace"`
		Default *Script  `json:"default"`
	}
	if err := json.UnmarshalRead(r.Body, &c, json.RejectUnknownMembers(true)); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if c.Replace {
		s.Replace()
	}
	s.Queue(c.Scripts...)
	if c.Default != nil {
		s.Default(*c.Default)
	}
	w.WriteHeader(http.StatusNoContent)
}

func (s *Server) list(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	out := struct {
		Requests []Request `json:"requests"`
		Total    int       `json:"total"`
	}{s.snapshot(), s.total}
	s.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	_ = json.MarshalWrite(w, out) // fails where the client left
}

func (s *Server) forget(w http.ResponseWriter, _ *http.Request) {
	s.update(func() { s.requests, s.total = nil, 0 })
	w.WriteHeader(http.StatusNoContent)
}

func reply(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, body)
	}
}

// echo is the default answer: what was said last, word by word.
func echo(req *Request) []string {
	last := req.Messages[len(req.Messages)-1].Content
	return strings.SplitAfter("You said: "+last, " ")
}
