//go:build linux

package main

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// script is what the upstream is asked to answer: so many pieces of text, so far apart. It travels within the user's
// message, as "bench:PIECES:MILLISECONDS.", since that is what every gateway passes on unchanged.
type script struct {
	pieces int
	apart  time.Duration
}

const scriptMark = "bench:"

// message is the user's message that asks for the script.
func (s script) message() string {
	return fmt.Sprintf("%s%d:%d. What's the weather like today?", scriptMark, s.pieces, s.apart.Milliseconds())
}

// scriptIn finds the script of the last message in a request's body.
func scriptIn(body []byte) (s script, err error) {
	at := bytes.LastIndex(body, []byte(scriptMark))
	if at < 0 {
		return s, errors.New("the request's body has no script")
	}
	rest := body[at+len(scriptMark):]
	pieces, rest, _ := bytes.Cut(rest, []byte(":"))
	apart, _, found := bytes.Cut(rest, []byte("."))
	n, err := strconv.Atoi(string(pieces))
	ms, err2 := strconv.Atoi(string(apart))
	if !found || err != nil || err2 != nil {
		return s, fmt.Errorf("malformed script: %.40q", body[at:])
	}
	return script{n, time.Duration(ms) * time.Millisecond}, nil
}

// A piece of an answer says which one it is and when it was sent: "w0042@0123456789abcdef ".
const (
	pieceLen   = 23
	pieceTime  = 6 // where its time begins
	pieceDigit = 1 // where its number begins
)

func appendPiece(b []byte, number int, sent time.Time) []byte {
	return fmt.Appendf(b, "w%04d@%016x ", number%10_000, sent.UnixNano())
}

var errPiece = errors.New("the answer's text is not what the upstream sent")

// readPiece checks that b begins with piece number n and returns when it was sent.
func readPiece(b []byte, number int) (time.Time, error) {
	if len(b) < pieceLen || b[0] != 'w' || b[pieceTime-1] != '@' || b[pieceLen-1] != ' ' {
		return time.Time{}, fmt.Errorf("%w: %.60q instead of piece %d", errPiece, b, number)
	}
	n, err := strconv.Atoi(string(b[pieceDigit : pieceTime-1]))
	ns, err2 := strconv.ParseInt(string(b[pieceTime:pieceLen-1]), 16, 64)
	if err != nil || err2 != nil || n != number%10_000 {
		return time.Time{}, fmt.Errorf("%w: %.60q instead of piece %d", errPiece, b, number)
	}
	return time.Unix(0, ns), nil
}

// checkText sees that text is all pieces of a script and nothing else.
func checkText(text []byte, s script) error {
	if len(text) != s.pieces*pieceLen {
		return fmt.Errorf("%w: %d bytes instead of %d", errPiece, len(text), s.pieces*pieceLen)
	}
	for i := range s.pieces {
		if _, err := readPiece(text[i*pieceLen:], i); err != nil {
			return err
		}
	}
	return nil
}
