package call

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"sync"
)

// Framing is how a vendor cuts its answer into events.
type Framing int

// The framings in use.
const (
	SSE   Framing = iota // server-sent events
	Lines                // one JSON document a line
)

var errLongLine = errors.New("a line is longer than 1 MiB")

// events reads a stream of events. It allocates nothing per event as long as their data is one line, as it always is in
// practice. (The vendors' SDKs have decoders of their own: 0.5 to 2 allocations per line, and lines of up to 32 MiB.)
type events struct {
	r       *bufio.Reader
	framing Framing
	long    []byte // a line that did not fit the reader's buffer
	data    []byte // of the event that is being read
}

// readers are used again: they would be a good part of all that a short answer allocates in the gateway. They are small,
// since an idle stream holds one, and behind them is the transport's own buffer; an event is a few hundred bytes.
var readers = sync.Pool{New: func() any { return bufio.NewReaderSize(nil, 512) }}

func newEvents(r io.Reader, f Framing) *events {
	buffered := readers.Get().(*bufio.Reader)
	buffered.Reset(r)
	return &events{r: buffered, framing: f}
}

// release gives the reader back. Nothing that next returned may be used any more.
func (e *events) release() {
	e.r.Reset(nil)
	readers.Put(e.r)
	e.r = nil
}

// next returns the data of the next event, valid until the next call: empty for a comment, which servers send as a sign of
// life. Names of events are passed over, since every vendor repeats them in the data. The error is io.EOF where the
// stream ended, or what broke it. What stands behind the last line break is dropped: nobody can say whether it is whole.
func (e *events) next() ([]byte, error) {
	if e.framing == Lines {
		return e.nextLine()
	}
	e.data = e.data[:0]
	seen := false
	for {
		line, err := e.line()
		if err != nil {
			// A last event whose blank line is missing is delivered: its lines are whole, and servers are seen that close
			// right behind "data: [DONE]\n".
			if errors.Is(err, io.EOF) && seen {
				return e.data, nil
			}
			return nil, err
		}
		if len(line) == 0 {
			if seen {
				return e.data, nil
			}
			continue
		}
		field, value, _ := bytes.Cut(line, []byte{':'})
		value = bytes.TrimPrefix(value, []byte{' '})
		switch string(field) {
		case "":
			if !seen {
				return nil, nil
			}
		case "data":
			if seen {
				e.data = append(e.data, '\n')
			}
			seen = true
			if len(e.data)+len(value) > maxLine {
				return nil, errLongLine
			}
			e.data = append(e.data, value...)
		}
	}
}

func (e *events) nextLine() ([]byte, error) {
	for {
		line, err := e.line()
		if err != nil {
			return nil, err
		}
		if line = bytes.TrimSpace(line); len(line) > 0 {
			return line, nil
		}
	}
}

// line returns the next line without its break, valid until the next call.
func (e *events) line() ([]byte, error) {
	e.long = e.long[:0]
	for {
		part, err := e.r.ReadSlice('\n')
		switch {
		case err == nil && len(e.long) == 0:
			return trimBreak(part), nil
		case err == nil || errors.Is(err, bufio.ErrBufferFull):
			if len(e.long)+len(part) > maxLine {
				return nil, errLongLine
			}
			e.long = append(e.long, part...)
			if err == nil {
				return trimBreak(e.long), nil
			}
		default:
			return nil, err
		}
	}
}

// trimBreak cuts the line feed off, and a carriage return before it. With [bytes.TrimSuffix] an event takes a third longer.
func trimBreak(line []byte) []byte {
	line = line[:len(line)-1]
	if last := len(line) - 1; last >= 0 && line[last] == '\r' {
		line = line[:last]
	}
	return line
}
