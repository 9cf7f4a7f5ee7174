package config

import (
	"fmt"
	"slices"
	"strings"
)

// Source is where a value came from. At most one of File, Env and Flag is set; none means the default.
type Source struct {
	File string
	Line int // within File, from 1; 0 where unknown
	Env  string
	Flag string // with its dashes
}

// String is the source as a message begins with it: "openclaw.yaml:12", "OPENCLAW_SERVER_PORT", "--port", "default".
func (s Source) String() string {
	switch {
	case s.Flag != "":
		return s.Flag
	case s.Env != "":
		return s.Env
	case s.File != "" && s.Line > 0:
		return fmt.Sprintf("%s:%d", s.File, s.Line)
	case s.File != "":
		return s.File
	}
	return "default"
}

// Problem is one thing that is wrong, or in a warning unwise.
type Problem struct {
	Source  Source
	Path    string // of the value, as in "api.tokens[0].name"
	Message string // what is wrong; never contains a secret
	Remedy  string // what to do about it

	Absent bool // it is for want of a variable, which where the gateway runs may be there
}

// inFile returns the problems that the file has wherever it is read.
func inFile(problems []Problem) []Problem {
	return slices.DeleteFunc(problems, func(p Problem) bool { return p.Absent })
}

// String is the problem on one line. A remedy is a sentence or a command, so it ends without a stop of ours.
func (p Problem) String() string { return fmt.Sprintf("%s: %s. %s", p.Source, p.Message, p.Remedy) }

// Error is a configuration that was refused, with all of its problems in the order of the file.
type Error struct {
	Problems []Problem
}

// maxShown bounds the problems that a message lists: a file of the wrong kind has thousands.
const maxShown = 40

// Error gives each problem a line, and its remedy the next.
func (e *Error) Error() string {
	var b strings.Builder
	if len(e.Problems) == 1 {
		b.WriteString("the configuration has a problem:")
	} else {
		fmt.Fprintf(&b, "the configuration has %d problems:", len(e.Problems))
	}
	for i, p := range e.Problems {
		if i == maxShown {
			fmt.Fprintf(&b, "\n  ... and %d more", len(e.Problems)-i)
			break
		}
		fmt.Fprintf(&b, "\n  %s: %s\n      %s", p.Source, p.Message, p.Remedy)
	}
	return b.String()
}
