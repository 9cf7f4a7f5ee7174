//go:build linux

package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"
)

// dialect is how a target is asked: where, with what headers, and whether it keeps the conversation itself.
type dialect struct {
	path       string // of whole answers
	streamPath string
	headers    string // lines, each with its \r\n
	sessions   bool   // the target keeps the history; else every request carries it
}

var (
	openaiDialect   = dialect{path: "/v1/chat/completions", streamPath: "/v1/chat/completions"}
	openclawDialect = dialect{
		path: "/api/v1/chat", streamPath: "/api/v1/chat/stream", sessions: true,
		headers: "Authorization: Bearer " + benchToken + "\r\n",
	}
)

// conversation is what one client has said and heard so far.
type conversation struct {
	key     string // of the session
	turns   int
	history []byte // JSON: the messages so far, each with a comma behind it
}

// body is the next request's.
func (d dialect) body(b []byte, c *conversation, s script, streamed bool) []byte {
	if d.sessions {
		return fmt.Appendf(b, `{"message":%q,"sessionKey":%q}`, s.message(), c.key)
	}
	options := ""
	if streamed {
		options = `,"stream_options":{"include_usage":true}`
	}
	b = fmt.Appendf(b, `{"model":"bench","stream":%t%s,"messages":[`, streamed, options)
	b = append(b, c.history...)
	return fmt.Appendf(b, `{"role":"user","content":%q}]}`, s.message())
}

// heard notes a turn that has ended, for targets that have to be told.
func (d dialect) heard(c *conversation, s script, text []byte) {
	c.turns++
	if !d.sessions {
		c.history = fmt.Appendf(c.history, `{"role":"user","content":%q},{"role":"assistant","content":%q},`, s.message(), text)
	}
}

// client is one user: one connection, used again and again, and one request at a time.
type client struct {
	addr string
	dialect

	conn       net.Conn
	in         *bufio.Reader
	out, entry []byte
	text       []byte // of the last answer
}

func (c *client) close() {
	if c.conn != nil {
		c.conn.Close()
		c.conn = nil
	}
}

// do makes a request. The answer's body has to be read to its end before the next one.
func (c *client) do(ctx context.Context, method, path string, body []byte) (*http.Response, error) {
	if c.conn == nil {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", c.addr)
		if err != nil {
			return nil, err
		}
		c.conn, c.in = conn, bufio.NewReaderSize(conn, 4<<10)
	}
	c.out = fmt.Appendf(c.out[:0], "%s %s HTTP/1.1\r\nHost: 127.0.0.1\r\n%s", method, path, c.headers)
	if body != nil {
		c.out = append(c.out, "Content-Type: application/json\r\nContent-Length: "...)
		c.out = strconv.AppendInt(c.out, int64(len(body)), 10)
		c.out = append(c.out, "\r\n"...)
	}
	c.out = append(append(c.out, "\r\n"...), body...)
	deadline, _ := ctx.Deadline()
	if err := c.conn.SetDeadline(deadline); err != nil {
		return nil, err
	}
	if _, err := c.conn.Write(c.out); err != nil {
		return nil, err
	}
	res, err := http.ReadResponse(c.in, nil)
	if err != nil {
		return nil, err
	}
	if res.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(res.Body, 300))
		res.Body.Close()
		return nil, fmt.Errorf("status %d: %s", res.StatusCode, text)
	}
	return res, nil
}

// timing is how one answer came.
type timing struct {
	first time.Duration // until the first piece; the whole answer where it was not streamed
	total time.Duration
	lags  []time.Duration // of each piece: from when the upstream sent it to when it was here
}

// ask makes one turn of a conversation and checks the answer to the byte.
func (c *client) ask(ctx context.Context, talk *conversation, s script, streamed bool) (t timing, err error) {
	defer func() {
		if err != nil {
			c.close() // what else comes on this connection is of no use
		}
	}()
	path := c.path
	if streamed {
		path = c.streamPath
	}
	c.entry = c.body(c.entry[:0], talk, s, streamed)
	begun := time.Now()
	res, err := c.do(ctx, http.MethodPost, path, c.entry)
	if err != nil {
		return t, err
	}
	defer res.Body.Close()
	c.text = c.text[:0]
	if streamed {
		err = c.readStream(res.Body, begun, &t)
	} else {
		err = c.readWhole(res.Body)
	}
	if err != nil {
		return t, err
	}
	t.total = time.Since(begun)
	if !streamed {
		t.first = t.total
	}
	if err := checkText(c.text, s); err != nil {
		return t, err
	}
	c.heard(talk, s, c.text)
	if res.Close {
		c.close()
	}
	return t, nil
}

var contentMark = []byte(`"content":"`)

// content finds the text in one JSON document. Texts are made of characters that JSON never escapes.
func content(b []byte) []byte {
	at := bytes.Index(b, contentMark)
	if at < 0 {
		if at = bytes.Index(b, []byte(`"content": "`)); at < 0 {
			return nil
		}
		at++
	}
	b = b[at+len(contentMark):]
	end := bytes.IndexByte(b, '"')
	if end < 0 {
		return nil
	}
	return b[:end]
}

func (c *client) readWhole(r io.Reader) error {
	body, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	c.text = append(c.text, content(body)...)
	return nil
}

// readStream reads events to the terminal one, and then the end of the body.
func (c *client) readStream(r io.Reader, begun time.Time, t *timing) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, 2<<10), 64<<10)
	ended := false
	for lines.Scan() {
		line := lines.Bytes()
		switch {
		case string(line) == "data: [DONE]", string(line) == "event: done":
			ended = true
		case string(line) == "event: error":
			lines.Scan()
			return fmt.Errorf("error event: %s", lines.Bytes())
		case bytes.HasPrefix(line, []byte("data: ")):
			text := content(line)
			if len(text) == 0 {
				continue
			}
			now := time.Now()
			for at := 0; at < len(text); at += pieceLen { // a gateway may join pieces
				sent, err := readPiece(text[at:], (len(c.text)+at)/pieceLen)
				if err != nil {
					return err
				}
				t.lags = append(t.lags, now.Sub(sent))
			}
			if len(c.text) == 0 {
				t.first = now.Sub(begun)
			}
			c.text = append(c.text, text...)
		}
	}
	if err := lines.Err(); err != nil {
		return err
	}
	if !ended {
		return errors.New("the stream ended without its terminal event")
	}
	return nil
}
