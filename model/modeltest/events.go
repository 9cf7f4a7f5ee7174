package modeltest

import (
	"bytes"
	"encoding/json/jsontext"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/openclaw/openclaw/claw"
	"github.com/openclaw/openclaw/model/internal/call"
)

// FuzzEvents holds a protocol's Event, which skims, against the decoder that has the last word: with the given events, with
// what the fuzzer makes of their bytes, and with what [mutate] then makes of their values.
func FuzzEvents(
	f *testing.F, newAnswer func(call.Answer) call.Protocol,
	decode func(p call.Protocol, event []byte) (claw.Chunk, error), events ...string,
) {
	for _, e := range events {
		for seed := range uint64(300) {
			f.Add([]byte(e), seed)
		}
	}
	answer := anAnswer(f)
	f.Fuzz(func(t *testing.T, event []byte, seed uint64) {
		for _, event := range [][]byte{event, mutate(rand.New(rand.NewPCG(seed, 0)), event)} {
			a, b := newAnswer(answer), newAnswer(answer)
			got, gotErr := a.Event(event)
			want, wantErr := decode(b, event)
			if !reflect.DeepEqual(got, want) || fmt.Sprint(gotErr) != fmt.Sprint(wantErr) || !reflect.DeepEqual(a, b) {
				t.Errorf("%q: got %+v, %v, %+v, want %+v, %v, %+v", event, got, gotErr, a, want, wantErr, b)
			}
		}
	})
}

// OrdinaryEvent checks that an event with text costs no more allocations than the text itself.
func OrdinaryEvent(t *testing.T, newAnswer func(call.Answer) call.Protocol, event string) {
	p, data := newAnswer(anAnswer(t)), []byte(event)
	if chunk, err := p.Event(data); err != nil || chunk.Text == "" {
		t.Errorf("got %+v, %v, want text", chunk, err)
	}
	if n := testing.AllocsPerRun(1000, func() { _, _ = p.Event(data) }); n > 1 {
		t.Errorf("an event costs %v allocations, want 1", n)
	}
}

// BenchmarkEvent measures an event with text.
func BenchmarkEvent(b *testing.B, newAnswer func(call.Answer) call.Protocol, event string) {
	p, data := newAnswer(anAnswer(b)), []byte(event)
	b.ReportAllocs()
	for b.Loop() {
		_, _ = p.Event(data)
	}
}

// anAnswer returns what protocols are made with.
func anAnswer(tb testing.TB) (a call.Answer) {
	e := call.Endpoint{Client: Canned(""), Header: call.NewHeader()}
	for range e.Stream(tb.Context(), "http://127.0.0.1:1", Ask("Hello"), nil, func(got call.Answer) call.Protocol {
		a = got
		return &protocol{got}
	}) {
	}
	return a
}

type protocol struct{ call.Answer }

// Event implements [call.Protocol].
func (*protocol) Event([]byte) (claw.Chunk, error) { return claw.Chunk{}, nil }

// odd are values that readers of JSON have fallen out over.
var odd = []string{
	`null`, `true`, `false`, `0`, `-0`, `1`, `01`, `0.0`, `1e3`, `1.`, `-1`, `99999999999999999999`, `""`, `"hi"`, `[]`, `{}`, `[null]`,
	`"\""`, `"\\"`, `"\n"`, `"\u0041"`, `"\ud83c\udf05"`, `"\ud83c"`, `"\x"`, "\"\xff\"", "\"\xf0\x9f\x8c\"", "\"a\nb\"", `"🌅"`, `nul`, ``,
	`[{"type":"text","text":"hi"}]`, `{"content":"hi"}`, `"content_block_delta"`, `"type"`, `"\u0074ype"`,
	`[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]`,
}

const signs = " \n{}[],:\"\\0-.n\x00\xff"

// mutate replaces values of a document, doubles and moves members, and damages bytes: a few of these.
func mutate(r *rand.Rand, data []byte) []byte {
	data = slices.Clone(data)
	for range 1 + r.IntN(4) {
		values, members := parts(data)
		pick := func(of [][2]int) (from, to int) { p := of[r.IntN(len(of))]; return p[0], p[1] }
		switch op := r.IntN(8); {
		case op < 3 && len(values) > 0:
			from, to := pick(values)
			value := []byte(odd[r.IntN(len(odd))])
			if r.IntN(3) == 0 {
				from, to := pick(values)
				value = slices.Clone(data[from:to])
			}
			data = slices.Replace(data, from, to, value...)
		case op < 6 && len(members) > 0:
			at, _ := pick(members)
			from, to := pick(members)
			data = slices.Insert(data, at, append(slices.Clone(data[from:to]), ',')...)
		case op < 7:
			data = slices.Insert(data, r.IntN(len(data)+1), signs[r.IntN(len(signs))])
		case len(data) > 0:
			at := r.IntN(len(data))
			data = slices.Delete(data, at, at+1)
		}
	}
	return data
}

// parts returns where the values of a document are, names among them, and where its objects' members are.
func parts(data []byte) (values, members [][2]int) {
	d := jsontext.NewDecoder(bytes.NewReader(data), jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true))
	var open, names []int // where the lists begin that are not closed yet, and the last name of each
	for {
		from := len(data) - len(bytes.TrimLeft(data[d.InputOffset():], ",: \n\r\t"))
		tok, err := d.ReadToken()
		if err != nil {
			return values, members
		}
		to := int(d.InputOffset())
		switch tok.Kind() {
		case jsontext.KindBeginObject, jsontext.KindBeginArray:
			open, names = append(open, from), append(names, 0)
			continue
		case jsontext.KindEndObject, jsontext.KindEndArray:
			from = open[len(open)-1]
			open, names = open[:len(open)-1], names[:len(names)-1]
		}
		values = append(values, [2]int{from, to})
		if kind, n := d.StackIndex(d.StackDepth()); kind == jsontext.KindBeginObject {
			if n%2 == 1 {
				names[len(names)-1] = from
			} else {
				members = append(members, [2]int{names[len(names)-1], to})
			}
		}
	}
}
