package e2e

import (
	"bufio"
	"io"
	"strings"
)

// lineReader reads lines of any length. It is not the SDKs' reader on purpose: the gateway's promise is to send events in
// one plain form, and this reader takes no other.
type lineReader struct{ r *bufio.Reader }

func newLineReader(r io.Reader) *lineReader { return &lineReader{bufio.NewReader(r)} }

func (l *lineReader) line() (string, error) {
	s, err := l.r.ReadString('\n')
	if err != nil {
		if s != "" && err == io.EOF { //nolint:errorlint // a Reader's own EOF is never wrapped
			return "", io.ErrUnexpectedEOF
		}
		return "", err
	}
	return strings.TrimSuffix(s, "\n"), nil
}
