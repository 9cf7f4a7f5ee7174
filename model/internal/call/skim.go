package call

import (
	"encoding/json/jsontext"
	"unicode/utf8"
)

// Skim reads the JSON of an ordinary event: one that adds a few letters to an answer and says nothing else that counts.
// Nearly all events are ordinary, and [Decode] takes four times as long for one. (A walk over the tokens of package
// jsontext takes half of what Decode does.)
//
// It gives up on whatever is out of the ordinary (fractions, deep nesting, text that is not UTF-8, errors of any kind), and
// leaves that to Decode; what it has read by then counts for nothing. What it does read it checks in full, so that
// [Skim.Done] is true of valid JSON only. Its methods do nothing once it has given up: who calls them need not look.
type Skim struct {
	data   []byte
	at     int // what is read ends here
	depth  int
	gaveUp bool
}

// maxSkim is how deep values may be nested. Ordinary events have three or four levels. A hostile one could have half a
// million, and each costs stack.
const maxSkim = 16

// NewSkim returns a Skim of one event.
func NewSkim(data []byte) Skim { return Skim{data: data} }

// Done reports whether all was read, and was ordinary.
func (s *Skim) Done() bool { return s.peek() == 0 && s.at == len(s.data) && !s.gaveUp }

// Object reads an object. It calls field with each name, to read the value.
func (s *Skim) Object(field func(name []byte)) {
	for more := s.open('{', '}'); more; more = s.more('}') {
		name := s.quoted()
		s.sign(':')
		field(name)
	}
}

// Array reads an array. It calls item to read each value.
func (s *Skim) Array(item func()) {
	for more := s.open('[', ']'); more; more = s.more(']') {
		item()
	}
}

// Text reads a string, or null, which is as good as an empty one. It may be a part of the event's data.
func (s *Skim) Text() []byte {
	if s.peek() == 'n' {
		s.Literal("null")
		return nil
	}
	return s.quoted()
}

// Literal reads a value that is written in just this way. That it ends there shows when what follows is read: nothing but
// a sign can.
func (s *Skim) Literal(want string) {
	s.peek()
	if end := s.at + len(want); end <= len(s.data) && string(s.data[s.at:end]) == want {
		s.at = end
		return
	}
	s.giveUp()
}

// Skip reads a value of any kind.
func (s *Skim) Skip() {
	switch s.peek() {
	case '"':
		s.quoted()
	case '{':
		s.Object(func([]byte) { s.Skip() })
	case '[':
		s.Array(s.Skip)
	case 'n':
		s.Literal("null")
	case 't':
		s.Literal("true")
	case 'f':
		s.Literal("false")
	case '0':
		s.Literal("0")
	default:
		s.natural()
	}
}

func (s *Skim) natural() {
	start := s.at
	for s.at < len(s.data) && '0' <= s.data[s.at] && s.data[s.at] <= '9' {
		s.at++
	}
	if s.at == start {
		s.giveUp()
	}
}

func (s *Skim) quoted() []byte {
	if s.peek() != '"' {
		s.giveUp()
		return nil
	}
	raw, ascii, escaped := s.data[s.at:], true, false
	for i := 1; i < len(raw); i++ {
		switch c := raw[i]; {
		case c > '"' && c != '\\' && c < utf8.RuneSelf: // nearly all: one branch for them is much faster than three
		case c == '"':
			s.at += i + 1
			if !escaped && (ascii || utf8.Valid(raw[:i])) {
				return raw[1:i]
			}
			return s.unquote(raw[:i+1])
		case c == '\\':
			escaped = true
			i++ // what stands there does not end the string, and unquote is its judge
		case c >= utf8.RuneSelf:
			ascii = false
		case c < ' ':
			s.giveUp()
			return nil
		}
	}
	s.giveUp()
	return nil
}

func (s *Skim) unquote(raw []byte) []byte {
	text, err := jsontext.AppendUnquote(nil, raw)
	if err != nil {
		s.giveUp()
	}
	return text
}

// open reads the sign that opens a list, and reports whether there is an element to read.
func (s *Skim) open(sign, end byte) bool {
	if s.sign(sign); s.depth == maxSkim {
		s.giveUp()
	}
	if s.peek() == end {
		s.at++
		return false
	}
	s.depth++
	return !s.gaveUp
}

// more does so behind an element.
func (s *Skim) more(end byte) bool {
	switch s.peek() {
	case ',':
		s.at++
		return true
	case end:
		s.at++
		s.depth--
		return false
	}
	s.giveUp()
	return false
}

func (s *Skim) sign(want byte) {
	if s.peek() != want {
		s.giveUp()
		return
	}
	s.at++
}

// peek returns the byte behind the white space, and 0 at the end.
func (s *Skim) peek() byte {
	for ; s.at < len(s.data); s.at++ {
		if c := s.data[s.at]; c > ' ' || c != ' ' && c != '\n' && c != '\r' && c != '\t' {
			return c
		}
	}
	return 0
}

func (s *Skim) giveUp() { s.at, s.gaveUp = len(s.data), true }
