package config

import (
	"fmt"
	"regexp"
	"strings"
)

// Env looks up an environment variable, as os.LookupEnv does.
type Env func(name string) (value string, ok bool)

var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// expand replaces the references to variables in s. What a variable holds is taken as it is, never expanded again. The
// error is for the user and names no value.
func expand(s string, env Env) (string, *expandError) {
	var b strings.Builder
	for {
		i := strings.Index(s, "${")
		if i < 0 {
			b.WriteString(s)
			return b.String(), nil
		}
		if i > 0 && s[i-1] == '$' { // $${ is a literal ${
			b.WriteString(s[:i-1])
			b.WriteString("${")
			s = s[i+2:]
			continue
		}
		b.WriteString(s[:i])
		ref, rest, closed := strings.Cut(s[i+2:], "}")
		name, fallback, hasFallback := strings.Cut(ref, ":-")
		if !closed || !variableName.MatchString(name) {
			return "", &expandError{
				message: "has a ${ that begins no variable",
				remedy:  "Write ${NAME}, or $${ where you mean the two characters",
			}
		}
		value, defined := env(name)
		switch {
		case hasFallback && value == "":
			value = fallback
		case !defined:
			return "", &expandError{
				message: fmt.Sprintf("refers to ${%s}, which is not set in the environment", name),
				remedy:  fmt.Sprintf("Set it before the start (export %s=...), or write ${%s:-} where it may be missing", name, name),
				absent:  true,
			}
		}
		b.WriteString(value)
		s = rest
	}
}

type expandError struct {
	message, remedy string
	absent          bool // the variable is not there
}
