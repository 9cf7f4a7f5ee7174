package model

import (
	_ "embed"
	"regexp"
	"strconv"
	"strings"
)

//go:generate go run ./internal/catalog

// catalog has a line "TYPE NAME WINDOW MAXTOKENS" for each known model, sorted. It is made from the data of catwalk, which
// is not linked in: its models with prices and options would cost 1.5 MB of the binary and, at the first question, 2 MB of
// memory for the two figures asked for. A test holds the table to the version of catwalk that go.mod names.
//
//go:embed catalog.txt
var catalog string

// Limits are what a model can take and give, in tokens.
type Limits struct {
	ContextWindow int // 0 where unknown
	MaxTokens     int // most of an answer to ask for, 0 to leave it to the provider
}

const (
	// unknownAnthropic is accepted by every model of a vendor that demands a figure.
	unknownAnthropic = 4096
	// ollamaWindow is for models on the user's own machine, where a window costs memory as soon as it is asked for: room for
	// a conversation without ousting the model from the graphics card. Ollama's own default is 4096.
	ollamaWindow = 8192
)

// anyType stands in the catalogue for models that several vendors serve.
const anyType = "*"

// dated matches what vendors append to a model's name to name one release of it.
var dated = regexp.MustCompile(`(-\d{8}|-\d{4}-\d{2}-\d{2}|-\d{4}|-latest|:latest|-preview)$`)

// LimitsOf returns the limits of a model, by its provider's type and its name there. It knows the names of the common
// vendors, also with a release's date that it does not know. It reads through its table at each call: of use at the start,
// not for every request.
func LimitsOf(providerType, name string) Limits {
	if providerType == "ollama" {
		return Limits{ContextWindow: ollamaWindow}
	}
	for _, n := range []string{name, dated.ReplaceAllString(name, "")} {
		for _, t := range []string{providerType, anyType} {
			if l, ok := find(t, n); ok {
				return l.forType(providerType)
			}
		}
	}
	return Limits{}.forType(providerType)
}

func find(providerType, name string) (Limits, bool) {
	prefix := providerType + " " + name + " "
	for line := range strings.Lines(catalog) {
		rest, ok := strings.CutPrefix(line, prefix)
		if !ok {
			continue
		}
		window, most, _ := strings.Cut(strings.TrimSpace(rest), " ")
		w, err1 := strconv.Atoi(window)
		m, err2 := strconv.Atoi(most)
		return Limits{ContextWindow: w, MaxTokens: m}, err1 == nil && err2 == nil
	}
	return Limits{}, false
}

// forType keeps the answer's limit for the one vendor that demands it. The others' own defaults are better than ours.
func (l Limits) forType(providerType string) Limits {
	switch {
	case providerType != "anthropic":
		l.MaxTokens = 0
	case l.MaxTokens == 0:
		l.MaxTokens = unknownAnthropic
	}
	return l
}
