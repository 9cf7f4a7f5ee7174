//go:build linux

package main

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestScriptTravels(t *testing.T) {
	for _, s := range []script{{1, 0}, {100, 20 * time.Millisecond}, {2, 10 * time.Minute}} {
		talk := &conversation{}
		openaiDialect.heard(talk, script{pieces: 7}, []byte("earlier"))
		for name, d := range map[string]dialect{"OpenAI": openaiDialect, "OpenClaw": openclawDialect} {
			got, err := scriptIn(d.body(nil, talk, s, true))
			if err != nil || got != s {
				t.Errorf("%s: %v became %v (%v)", name, s, got, err)
			}
		}
	}
	for _, body := range []string{"", "bench:", "bench:1:", "bench:x:1.", "bench:1:2"} {
		if s, err := scriptIn([]byte(body)); err == nil {
			t.Errorf("%q is the script %v", body, s)
		}
	}
}

func TestTextIsCheckedToTheByte(t *testing.T) {
	s := script{pieces: 3}
	var text []byte
	for i := range s.pieces {
		text = appendPiece(text, i, time.Now())
	}
	if err := checkText(text, s); err != nil {
		t.Fatal(err)
	}
	swapped := append(bytes.Clone(text[pieceLen:2*pieceLen]), text[:pieceLen]...)
	for name, wrong := range map[string][]byte{
		"short": text[:len(text)-1], "long": append(bytes.Clone(text), ' '), "a piece twice": append(bytes.Clone(text), text[:pieceLen]...),
		"out of order": append(swapped, text[2*pieceLen:]...), "damaged": bytes.Replace(text, []byte("@"), []byte("#"), 1),
	} {
		if err := checkText(wrong, s); !errors.Is(err, errPiece) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestErrorsAreNoticed has a server give answers that are wrong in every way that the load generator has to notice.
func TestErrorsAreNoticed(t *testing.T) {
	whole := openaiWire{}.whole(nil, appendPiece(nil, 0, time.Now()))
	streamed := openaiWire{}.piece(nil, appendPiece(nil, 0, time.Now()))
	for name, wrong := range map[string]struct {
		status   int
		body     []byte
		streamed bool
	}{
		"status":          {500, whole, false},
		"other text":      {200, bytes.Replace(whole, []byte("w0000"), []byte("w0001"), 1), false},
		"no text":         {200, []byte(`{}`), false},
		"no end":          {200, streamed, true},
		"pieces missing":  {200, openaiWire{}.end(nil), true},
		"an error event":  {200, []byte("event: error\ndata: {}\n\n"), true},
		"a piece too far": {200, openaiWire{}.end(append(bytes.Clone(streamed), streamed...)), true},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				w.WriteHeader(wrong.status)
				_, _ = w.Write(wrong.body)
			}))
			defer server.Close()
			c := &client{addr: server.Listener.Addr().String(), dialect: openaiDialect}
			defer c.close()
			if _, err := c.ask(t.Context(), &conversation{}, script{pieces: 1}, wrong.streamed); err == nil {
				t.Error("was not noticed")
			}
		})
	}
}

// TestUpstreamSpeaksBothWires has the gateway, whose adapters pass their own conformance suites, read them.
func TestUpstreamSpeaksBothWires(t *testing.T) {
	r := newRig(t)
	for name, addr := range map[string]string{"OpenAI": r.gateway, "Anthropic": startGateway(t, r.upstream, "anthropic")} {
		for _, streamed := range []bool{false, true} {
			c := &client{addr: addr, dialect: openclawDialect}
			timing, err := c.ask(t.Context(), &conversation{key: "wire-" + name}, script{5, time.Millisecond}, streamed)
			c.close()
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if streamed && len(timing.lags) != 5 {
				t.Errorf("%s: %d lags of 5 pieces", name, len(timing.lags))
			}
		}
	}
}

func TestQuantile(t *testing.T) {
	for _, c := range []struct{ q, want float64 }{{0, 1}, {0.5, 3}, {0.25, 2}, {1, 5}, {0.9, 4.6}} {
		if got := quantile([]float64{1, 2, 3, 4, 5}, c.q); math.Abs(got-c.want) > 1e-9 {
			t.Errorf("the %v quantile is %v, want %v", c.q, got, c.want)
		}
	}
}

// TestReport writes a report of made-up figures: its goals are judged by them, and its plots are XML.
func TestReport(t *testing.T) {
	docs := t.TempDir()
	r := newResults()
	r.Targets = []targetInfo{{Name: reverseProxy}, {Name: ours}, {Name: portkey, Peer: true}}
	for target, seconds := range map[string]float64{reverseProxy: 0.1, ours: 0.31, portkey: 4} {
		r.add(at32, target, cpuPer1000, seconds)
		r.add(at32, target, perSecond, 300/seconds)
		r.add(at32, target, errorCount, 0)
	}
	if err := writeReport(r, docs); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(docs, "performance.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"(32 clients) | **missed** | 3.1 times: 310 and 100 µs |", "| **missed** | 968/s; the reverse proxy 3,000/s |",
		"ahead of every peer in every row | met | 3 of 3 comparisons (a peer", "No errors.",
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the report lacks %q:\n%s", want, text)
		}
	}
	plots, err := filepath.Glob(filepath.Join(docs, "performance", "*.svg"))
	if err != nil || len(plots) != 2 {
		t.Fatalf("plots %v (%v), want 2", plots, err)
	}
	for _, path := range plots {
		svg, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		d := xml.NewDecoder(bytes.NewReader(svg))
		for err == nil {
			_, err = d.Token()
		}
		if !errors.Is(err, io.EOF) || bytes.Contains(svg, []byte("NaN")) || bytes.Contains(svg, []byte("Inf")) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// TestProportion has a machine that is three times as slow in one round, for both builds.
func TestProportion(t *testing.T) {
	r := &results{}
	for _, slow := range []float64{1, 3, 1} {
		r.add("s", "old", p50, 2*slow)
		r.add("s", "new", p50, 1*slow)
	}
	r.add("s", "new", p99, 1)
	if got := r.proportion("s", p50, "new", "old"); got != 0.5 {
		t.Errorf("%v, want 0.5", got)
	}
	if got := r.proportion("s", p99, "new", "old"); !math.IsNaN(got) {
		t.Errorf("with nothing to compare with: %v", got)
	}
}
