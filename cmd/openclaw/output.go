package main

import (
	"encoding/json/jsontext"
	"encoding/json/v2"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode"

	"github.com/mattn/go-isatty"
	openclaw "github.com/openclaw/openclaw-go"
)

// printf writes to standard output. A failure is not looked at: there is nobody left to tell.
func (sh *shell) printf(format string, args ...any) { _, _ = fmt.Fprintf(sh.out, format, args...) }

// note writes a line to standard error: what is for people, and must not end up in a pipe.
func (sh *shell) note(format string, args ...any) { _, _ = fmt.Fprintf(sh.err, format+"\n", args...) }

// printJSON writes v, indented, as one JSON document.
func (sh *shell) printJSON(v any) error { return writeJSON(sh.out, v) }

func writeJSON(w io.Writer, v any) error {
	if err := json.MarshalWrite(w, v, jsontext.WithIndent("  "), json.Deterministic(true)); err != nil {
		return fmt.Errorf("cannot write JSON: %w", err)
	}
	_, err := io.WriteString(w, "\n")
	return err
}

// report tells of the error that ended a command.
func (sh *shell) report(err error) {
	if !sh.asJSON {
		sh.note("openclaw: %s", clean(err.Error()))
		return
	}
	body := map[string]any{"message": err.Error()}
	if e, ok := errors.AsType[*openclaw.Error](err); ok && e.Code != "" {
		body["code"] = e.Code
	}
	_ = writeJSON(sh.err, map[string]any{"error": body})
}

func isTerminal(f any) bool {
	file, ok := f.(*os.File)
	return ok && isatty.IsTerminal(file.Fd())
}

// style is how text is set off on a terminal. Elsewhere, and where NO_COLOR is set, it does nothing.
type style struct{ on bool }

func (sh *shell) style(w io.Writer) style {
	noColor, _ := sh.env("NO_COLOR")
	term, _ := sh.env("TERM")
	return style{on: isTerminal(w) && noColor == "" && term != "dumb"}
}

func (s style) bold(text string) string { return s.wrap("1", text) }
func (s style) dim(text string) string  { return s.wrap("2", text) }
func (s style) warn(text string) string { return s.wrap("33", text) }

func (s style) wrap(code, text string) string {
	if !s.on {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// shown is text of others, fit for w: a terminal gets nothing that it would obey, a file or a pipe gets it as it is.
func (sh *shell) shown(text string) string {
	if isTerminal(sh.out) {
		return clean(text)
	}
	return text
}

// clean makes control characters visible, lest they move the cursor or set the window's title, and the marks that turn
// the direction of text, lest it read otherwise than it is.
func clean(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return r
		case r < 0x20:
			return 0x2400 + r // Unicode's pictures of the control characters
		case r == 0x7f:
			return 0x2421
		case unicode.IsControl(r), unicode.Is(unicode.Bidi_Control, r):
			return unicode.ReplacementChar
		}
		return r
	}, text)
}
