package openclaw

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

// The vectors have the cases that matter on the wire; here is what a network hardly brings about.

func readEvents(r io.Reader) (events []rawEvent, lastID int64, err error) {
	reader := newEventReader(r)
	for {
		ev, err := reader.next()
		if err != nil {
			return events, reader.lastID, err
		}
		events = append(events, ev)
	}
}

// However a stream is cut into reads, it has the same events; and what comes after its last empty line is none.
func FuzzEvents(f *testing.F) {
	f.Add("id: 1\nevent: start\ndata: {}\n\n: x\r\n\r\nid:2\rdata\rdata:a\r\revent: done\ndata: {}\n")
	f.Add("\xef\xbb\xbfdata: \xef\xbb\xbf\n\n\xef\xbb")
	f.Add("data: 1\r\n\r\ndata: 2\r\n\n\r\r\n")
	f.Fuzz(func(t *testing.T, stream string) {
		whole, wholeID, err := readEvents(strings.NewReader(stream))
		if !errors.Is(err, io.EOF) {
			t.Fatal(err)
		}
		single, singleID, _ := readEvents(iotest.OneByteReader(strings.NewReader(stream)))
		if !slices.Equal(whole, single) || wholeID != singleID {
			t.Errorf("%q: at once %q (%d), byte by byte %q (%d)", stream, whole, wholeID, single, singleID)
		}
		for _, ev := range whole {
			if ev.name == "" || strings.ContainsAny(ev.name+ev.data, "\r") || strings.Contains(ev.name, "\n") {
				t.Errorf("%q: event %q", stream, ev)
			}
		}
		lines, _, _ := readEvents(strings.NewReader(toLF(stream)))
		if !slices.Equal(whole, lines) {
			t.Errorf("%q: %q, with LF alone %q", stream, whole, lines)
		}
	})
}

func toLF(s string) string { return strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(s) }

// A stream without an end must not take all memory.
func TestEventTooLong(t *testing.T) {
	for name, stream := range map[string]io.Reader{
		"one line":   io.MultiReader(strings.NewReader("data: "), endless("x")),
		"many lines": endless("data: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n"),
		"a comment":  io.MultiReader(strings.NewReader(":"), endless("x")),
	} {
		if _, _, err := readEvents(stream); !errors.Is(err, errEventTooLong) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// endless repeats itself for ever.
type endless string

func (e endless) Read(p []byte) (int, error) {
	n := 0
	for n+len(e) <= len(p) {
		n += copy(p[n:], e)
	}
	return n, nil
}
