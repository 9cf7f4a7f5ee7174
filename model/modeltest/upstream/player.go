package upstream

import (
	"net"
	"net/http"
	"strings"
	"time"
)

// player plays one script to one call.
type player struct {
	w      http.ResponseWriter
	r      *http.Request
	rc     *http.ResponseController
	wire   wire
	req    *Request
	script Script
}

// play returns whether the script was played to its end, rather than left by the client.
func (p *player) play() bool {
	s := p.script
	if !p.pause(s.FirstByte) {
		return false
	}
	p.w.Header().Set("Content-Type", p.wire.contentType())
	if s.Status != 0 && s.Status != http.StatusOK {
		p.w.Header().Set("Content-Type", "application/json")
	}
	for k, v := range s.Header {
		p.w.Header().Set(k, v)
	}
	if s.Status != 0 {
		p.w.WriteHeader(s.Status)
	}
	switch {
	case s.Body != "":
		return p.write(s.Body)
	case s.Status != 0 && s.Status != http.StatusOK:
		return p.write(p.wire.body(s.Status))
	}
	return p.stream()
}

func (p *player) stream() bool {
	s := p.script
	chunks := s.Text
	if chunks == nil && !s.Empty {
		chunks = echo(p.req)
	}
	usage := p.usage(chunks)
	if s.End != EndWhole {
		chunks = chunks[:min(s.After, len(chunks))]
	}
	if !p.write(p.wire.open(p.req, usage)) {
		return false
	}
	for _, c := range chunks {
		if !p.pause(s.PerChunk) || !p.write(p.wire.text(p.req, c)) {
			return false
		}
	}
	switch s.End {
	case EndError:
		return p.write(p.wire.failure(s.ErrorKind))
	case EndTruncate:
		return true
	case EndAbort:
		panic(http.ErrAbortHandler)
	case EndReset:
		p.reset()
		return true
	case EndStall:
		<-p.r.Context().Done()
		return false
	default:
		return p.write(p.wire.done(p.req, s.Stop, usage))
	}
}

func (p *player) usage(chunks []string) *Usage {
	if p.script.NoUsage {
		return nil
	}
	if p.script.Usage != nil {
		return p.script.Usage
	}
	in := len(p.req.System)
	for _, m := range p.req.Messages {
		in += len(m.Content)
	}
	return &Usage{Input: in/4 + 1, Output: len(strings.Join(chunks, ""))/4 + 1}
}

// pause waits, unless the client leaves.
func (p *player) pause(d Duration) bool {
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(time.Duration(d))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-p.r.Context().Done():
		return false
	}
}

// write sends text at once, in segments where the script asks for it. An empty text still sends the header.
func (p *player) write(text string) bool {
	size := p.script.Segment
	for size > 0 && len(text) > size {
		if !p.send(text[:size]) {
			return false
		}
		text = text[size:]
	}
	return p.send(text)
}

func (p *player) send(text string) bool {
	if _, err := p.w.Write([]byte(text)); err != nil {
		return false
	}
	return p.rc.Flush() == nil && p.r.Context().Err() == nil
}

// reset closes the connection so that the peer gets a reset instead of an end.
func (p *player) reset() {
	conn, _, err := p.rc.Hijack()
	if err != nil {
		return // HTTP/2, which this server does not speak
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}
