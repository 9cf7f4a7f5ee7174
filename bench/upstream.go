//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"runtime/debug"
	"sync"
	"time"
)

// serveUpstream is the scripted model server: OpenAI's and Anthropic's wire, whole and streamed. It is leaner than the one
// of the tests, which remembers requests and can fail in all the ways that models do: under load that would be what is
// measured.
func serveUpstream(ctx context.Context) error {
	debug.SetGCPercent(400)
	return serveUntil(ctx, newUpstream())
}

func newUpstream() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/chat/completions", answerWith(openaiWire{}))
	mux.HandleFunc("POST /v1/messages", answerWith(anthropicWire{}))
	return mux
}

// serveProxy is the measure of all: what the standard library's reverse proxy costs, without limits, logs and storage.
func serveProxy(ctx context.Context, to string) error {
	u, err := url.Parse(to)
	if err != nil {
		return err
	}
	return serveUntil(ctx, newReverseProxy(u))
}

func newReverseProxy(to *url.URL) http.Handler {
	proxy := &httputil.ReverseProxy{
		Rewrite:       func(r *httputil.ProxyRequest) { r.SetURL(to) },
		FlushInterval: -1,
		Transport:     &http.Transport{MaxIdleConnsPerHost: 1024, DisableCompression: true},
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// Without this it breaks one stream in a hundred: net/http closes the request's body when the answer begins, and
		// the transport, which may not have seen the body's end yet, takes that for the client's leaving.
		_ = http.NewResponseController(w).EnableFullDuplex()
		proxy.ServeHTTP(w, r)
	})
}

// serveUntil serves on a free loopback port, whose address is its first line of output.
func serveUntil(ctx context.Context, h http.Handler) error {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(l.Addr())
	server := &http.Server{Handler: h, ReadHeaderTimeout: time.Minute}
	defer context.AfterFunc(ctx, func() { _ = server.Close() })()
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// wire is how a vendor writes an answer.
type wire interface {
	whole(b, text []byte) []byte
	open(b []byte) []byte
	piece(b, text []byte) []byte
	end(b []byte) []byte
}

var bodies = sync.Pool{New: func() any { return new(bytes.Buffer) }}

func answerWith(v wire) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body := bodies.Get().(*bytes.Buffer)
		body.Reset()
		_, err := io.Copy(body, r.Body)
		s, err2 := scriptIn(body.Bytes())
		streamed := bytes.Contains(body.Bytes(), []byte(`"stream":true`)) || bytes.Contains(body.Bytes(), []byte(`"stream": true`))
		bodies.Put(body)
		if err := errors.Join(err, err2); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		if streamed {
			stream(w, r, v, s)
			return
		}
		var text []byte
		for i := range s.pieces {
			text = appendPiece(text, i, time.Now())
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(v.whole(nil, text)) // whoever has left is not there to be told
	}
}

// stream sends the pieces at their times, which are counted from the first so that delays do not add up.
func stream(w http.ResponseWriter, r *http.Request, v wire, s script) {
	control := http.NewResponseController(w)
	w.Header().Set("Content-Type", "text/event-stream")
	begun := time.Now()
	var text, b []byte
	for i := range s.pieces {
		if i > 0 && s.apart > 0 && !sleepUntil(r.Context(), begun.Add(time.Duration(i)*s.apart)) {
			return
		}
		b = b[:0]
		if i == 0 {
			b = v.open(b)
		}
		text = appendPiece(text[:0], i, time.Now())
		b = v.piece(b, text)
		if i == s.pieces-1 {
			b = v.end(b)
		}
		if _, err := w.Write(b); err != nil || control.Flush() != nil {
			return
		}
	}
}

// sleepUntil reports whether t came before ctx ended.
func sleepUntil(ctx context.Context, t time.Time) bool {
	timer := time.NewTimer(time.Until(t))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

type openaiWire struct{}

const openaiChunk = `data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1790000000,"model":"bench",`

func (openaiWire) whole(b, text []byte) []byte {
	b = append(b, `{"id":"chatcmpl-1","object":"chat.completion","created":1790000000,"model":"bench","choices":[{"index":0,`...)
	b = append(b, `"message":{"role":"assistant","content":"`...)
	b = append(b, text...)
	return append(b, `"},"finish_reason":"stop"}],"usage":{"prompt_tokens":12,"completion_tokens":34,"total_tokens":46}}`...)
}

func (openaiWire) open(b []byte) []byte {
	b = append(b, openaiChunk...)
	return append(b, `"choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}`+"\n\n"...)
}

func (openaiWire) piece(b, text []byte) []byte {
	b = append(b, openaiChunk...)
	b = append(b, `"choices":[{"index":0,"delta":{"content":"`...)
	b = append(b, text...)
	return append(b, `"},"finish_reason":null}]}`+"\n\n"...)
}

func (openaiWire) end(b []byte) []byte {
	b = append(b, openaiChunk...)
	b = append(b, `"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}`+"\n\n"...)
	b = append(b, openaiChunk...)
	b = append(b, `"choices":[],"usage":{"prompt_tokens":12,"completion_tokens":34,"total_tokens":46}}`+"\n\n"...)
	return append(b, "data: [DONE]\n\n"...)
}

type anthropicWire struct{}

func (anthropicWire) whole(b, text []byte) []byte {
	b = append(b, `{"id":"msg_1","type":"message","role":"assistant","model":"bench","content":[{"type":"text","text":"`...)
	b = append(b, text...)
	return append(b, `"}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":12,"output_tokens":34}}`...)
}

func (anthropicWire) open(b []byte) []byte {
	b = append(b, `event: message_start`+"\n"+`data: {"type":"message_start","message":{"id":"msg_1","type":"message",`...)
	b = append(b, `"role":"assistant","model":"bench","content":[],"stop_reason":null,"usage":{"input_tokens":12,"output_tokens":1}}}`...)
	b = append(b, "\n\n"+`event: content_block_start`+"\n"+`data: {"type":"content_block_start","index":0,`...)
	return append(b, `"content_block":{"type":"text","text":""}}`+"\n\n"...)
}

func (anthropicWire) piece(b, text []byte) []byte {
	b = append(b, `event: content_block_delta`+"\n"+`data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"`...)
	b = append(b, text...)
	return append(b, `"}}`+"\n\n"...)
}

func (anthropicWire) end(b []byte) []byte {
	b = append(b, `event: content_block_stop`+"\n"+`data: {"type":"content_block_stop","index":0}`+"\n\n"...)
	b = append(b, `event: message_delta`+"\n"+`data: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":34}}`+"\n\n"...)
	return append(b, `event: message_stop`+"\n"+`data: {"type":"message_stop"}`+"\n\n"...)
}
