package call

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"sync"
)

// keptBody is how long a request's body may be, in bytes, to be left to net/http, which holds on to it until the answer has
// ended. A body of its own kind it writes along with the header; another costs one write more, which is nothing for a long
// one.
const keptBody = 8 << 10

// payload is a request's body while it may still have to be sent: an answer takes as long as a model writes, and a long
// conversation should not be held in memory for that time.
type payload struct {
	mu   sync.Mutex
	text []byte
}

// attach makes text the body of req, and returns a function that lets go of it. It is to be called when there is an answer.
func attach(req *http.Request, text []byte) (release func()) {
	req.ContentLength = int64(len(text))
	if len(text) <= keptBody {
		req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(text)), nil }
		req.Body, _ = req.GetBody()
		return func() {}
	}
	p := &payload{text: text}
	req.GetBody = p.open
	req.Body, _ = p.open()
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.text = nil
	}
}

// open is what net/http calls to send the request again over another connection, where the first one turns out to have been
// closed by the server.
func (p *payload) open() (io.ReadCloser, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.text == nil {
		return nil, errors.New("the request has been answered and is not kept")
	}
	return &sending{rest: p.text}, nil
}

// sending is a body on its way. It is closed by another goroutine than the one that reads it.
type sending struct {
	mu   sync.Mutex
	rest []byte
}

// Read implements io.Reader.
func (s *sending) Read(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.rest) == 0 {
		s.rest = nil // an empty slice would hold on to what is before it
		return 0, io.EOF
	}
	n := copy(b, s.rest)
	s.rest = s.rest[n:]
	return n, nil
}

// Close implements io.Closer.
func (s *sending) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rest = nil
	return nil
}
