package call

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

func readAll(text string, f Framing) (got []string, err error) {
	e := newEvents(iotest.OneByteReader(strings.NewReader(text)), f)
	for {
		data, err := e.next()
		if err != nil {
			return got, err
		}
		got = append(got, string(data))
	}
}

func TestEvents(t *testing.T) {
	long := strings.Repeat("x", 100<<10) // more than the reader's buffer
	for name, c := range map[string]struct {
		framing Framing
		text    string
		want    []string
	}{
		"one":                    {SSE, "data: a\n\n", []string{"a"}},
		"no space":               {SSE, "data:a\n\n", []string{"a"}},
		"two spaces":             {SSE, "data:  a\n\n", []string{" a"}},
		"carriage returns":       {SSE, "event: x\r\ndata: a\r\n\r\ndata: b\r\n\r\n", []string{"a", "b"}},
		"several lines":          {SSE, "data: a\ndata: b\n\n", []string{"a\nb"}},
		"other fields":           {SSE, "id: 1\nretry: 2\nevent: e\nfoo: bar\ndata: a\n\n", []string{"a"}},
		"event without data":     {SSE, "event: e\n\ndata: a\n\n", []string{"a"}},
		"comment":                {SSE, ": hello\n\ndata: a\n\n", []string{"", "a"}},
		"comment within":         {SSE, "data: a\n: hello\ndata: b\n\n", []string{"a\nb"}},
		"no blank line at end":   {SSE, "data: a\n", []string{"a"}},
		"no line break at end":   {SSE, "data: a\n\ndata: b", []string{"a"}},
		"half an event at end":   {SSE, "data: a\ndata: b", []string{"a"}},
		"long":                   {SSE, "data: " + long + "\n\ndata: b\n\n", []string{long, "b"}},
		"nothing":                {SSE, "", nil},
		"lines":                  {Lines, "a\n\n  b \r\nc\n", []string{"a", "b", "c"}},
		"lines, half one at end": {Lines, "a\nb", []string{"a"}},
		"long lines":             {Lines, long + "\n" + long + "\n", []string{long, long}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := readAll(c.text, c.framing)
			if !errors.Is(err, io.EOF) || !slices.Equal(got, c.want) {
				t.Errorf("got %.200q, %v, want %.200q", got, err, c.want)
			}
		})
	}
}

// zeros never ends, and counts what was read of it.
type zeros struct{ n int }

func (z *zeros) Read(p []byte) (int, error) {
	z.n += len(p)
	return len(p), nil
}

func TestEventsAreBounded(t *testing.T) {
	for _, f := range []Framing{SSE, Lines} {
		z := &zeros{}
		if _, err := newEvents(z, f).next(); !errors.Is(err, errLongLine) {
			t.Errorf("an endless line gives %v, want %v", err, errLongLine)
		}
		if z.n > 2*maxLine {
			t.Errorf("%d bytes of an endless line were read, want about %d", z.n, maxLine)
		}
	}
	line := "data: " + strings.Repeat("x", 1000) + "\n"
	e := newEvents(strings.NewReader(strings.Repeat(line, 2000)), SSE)
	if data, err := e.next(); !errors.Is(err, errLongLine) {
		t.Errorf("an event of 2 MB in lines of 1 kB gives %d bytes, %v, want %v", len(data), err, errLongLine)
	}
}

func TestEventsAllocateNothing(t *testing.T) {
	e := newEvents(strings.NewReader(strings.Repeat("event: e\ndata: {\"a\":1}\n\n", 2000)), SSE)
	_, _ = e.next() // grows the buffer
	if n := testing.AllocsPerRun(1000, func() { _, _ = e.next() }); n > 0 {
		t.Errorf("an event costs %v allocations, want none", n)
	}
}

func BenchmarkEvents(b *testing.B) {
	text := strings.Repeat("event: content_block_delta\ndata: "+strings.Repeat("x", 90)+"\n\n", 1000)
	b.ReportAllocs()
	for b.Loop() {
		e := newEvents(strings.NewReader(text), SSE)
		for range 1000 {
			_, _ = e.next()
		}
		e.release()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1000, "ns/event")
}
