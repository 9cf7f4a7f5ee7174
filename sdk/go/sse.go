package openclaw

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strconv"
	"strings"
)

// maxEventSize bounds what one event may take in memory, in bytes. The gateway's are a thousand times smaller.
const maxEventSize = 16 << 20

var errEventTooLong = errors.New("an event of over 16 MiB")

// rawEvent is one event of a stream of server-sent events.
type rawEvent struct {
	name string // "message" where the stream names none
	data string
}

// eventReader reads server-sent events as the HTML standard defines them: lines end with LF, CR or CRLF, a byte order
// mark at the start is skipped, comments and unknown fields are ignored, and what is not followed by an empty line is
// not an event.
type eventReader struct {
	in *bufio.Reader
	// lastID is the id of the last event that was whole, or 0. The gateway numbers its events; an id that is no number
	// is ignored.
	lastID  int64
	started bool
	// afterCR: the last line ended with CR. A LF that follows belongs to it, but waiting for it would hold the event
	// back until the next one begins.
	afterCR bool
	line    []byte
}

func newEventReader(r io.Reader) *eventReader { return &eventReader{in: bufio.NewReader(r)} }

// next returns the next event, or the error that reading ended with: io.EOF where that was the stream's regular end.
func (r *eventReader) next() (rawEvent, error) {
	ev := rawEvent{}
	id := r.lastID
	var data strings.Builder
	seen := false // a data field, even an empty one
	for {
		line, err := r.readLine()
		if err != nil {
			return rawEvent{}, err
		}
		if len(line) == 0 {
			r.lastID = id
			if !seen { // nothing to tell of, by the standard, whatever its name
				ev.name = ""
				continue
			}
			ev.data = data.String()
			if ev.name == "" {
				ev.name = "message"
			}
			return ev, nil
		}
		field, value, _ := bytes.Cut(line, []byte{':'})
		value = bytes.TrimPrefix(value, []byte{' '})
		switch string(field) {
		case "event":
			ev.name = string(value)
		case "data":
			if seen {
				data.WriteByte('\n')
			}
			seen = true
			if data.Len()+len(value) > maxEventSize {
				return rawEvent{}, errEventTooLong
			}
			data.Write(value)
		case "id":
			if n, err := strconv.ParseInt(string(value), 10, 64); err == nil && n >= 0 {
				id = n
			}
		}
	}
}

// readLine returns the next line without its end, valid until the next call. A line that the stream's end cuts off is
// an error.
func (r *eventReader) readLine() ([]byte, error) {
	if !r.started {
		r.started = true
		if bom, err := r.in.Peek(1); err == nil && bom[0] == 0xEF {
			if bom, err := r.in.Peek(3); err == nil && string(bom) == "\xEF\xBB\xBF" {
				_, _ = r.in.Discard(3)
			}
		}
	}
	r.line = r.line[:0]
	for {
		if _, err := r.in.Peek(1); err != nil {
			return nil, err
		}
		buf, _ := r.in.Peek(r.in.Buffered())
		if r.afterCR {
			r.afterCR = false
			if buf[0] == '\n' {
				_, _ = r.in.Discard(1)
				continue
			}
		}
		end := bytes.IndexAny(buf, "\r\n")
		piece := buf
		if end >= 0 {
			piece = buf[:end]
		}
		if len(r.line)+len(piece) > maxEventSize {
			return nil, errEventTooLong
		}
		r.line = append(r.line, piece...)
		if end >= 0 {
			r.afterCR = buf[end] == '\r'
			_, _ = r.in.Discard(end + 1)
			return r.line, nil
		}
		_, _ = r.in.Discard(len(buf))
	}
}
