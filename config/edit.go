package config

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// TokenYAML is the item for api.tokens that stands for t, its lines indented by so many spaces.
func TokenYAML(t Token, indent int) string {
	lines := []string{fmt.Sprintf("- name: %q", t.Name), fmt.Sprintf("  token: %q", string(t.Token))}
	if t.TokenSHA256 != "" {
		lines[1] = fmt.Sprintf("  tokenSha256: %q", string(t.TokenSHA256))
	}
	quoted := make([]string, len(t.Permissions))
	for i, p := range t.Permissions {
		quoted[i] = fmt.Sprintf("%q", p)
	}
	lines = append(lines, "  permissions: ["+strings.Join(quoted, ", ")+"]")
	if t.Workspace != "" && t.Workspace != "default" {
		lines = append(lines, fmt.Sprintf("  workspace: %q", t.Workspace))
	}
	if t.ExpiresAt != "" {
		lines = append(lines, fmt.Sprintf("  expiresAt: %q", t.ExpiresAt))
	}
	pad := strings.Repeat(" ", indent)
	return pad + strings.Join(lines, "\n"+pad) + "\n"
}

// AddToken adds t to the tokens in the file at path and keeps all else as it is, comments included. The result is
// checked before it is written, in place of the old file, whole or not at all: a configuration with which the gateway
// would not start is an *[Error], and nothing is written. Variables that are missing here may be there where it runs.
func AddToken(path string, t Token, env Env) error {
	return edit(path, env, func(data []byte) ([]byte, error) { return insertToken(path, data, t, env) })
}

// RevokeToken removes the token with that hash from the file at path, and keeps all else as it is; see [AddToken].
func RevokeToken(path string, hash [sha256.Size]byte, env Env) error {
	return edit(path, env, func(data []byte) ([]byte, error) { return removeToken(path, data, hash, env) })
}

func edit(path string, env Env, change func([]byte) ([]byte, error)) error {
	data, err := readFile(path)
	if err != nil {
		return err
	}
	edited, err := change(data)
	if err != nil {
		return err
	}
	_, problems := parse(path, edited, env, nil)
	if problems = inFile(problems); len(problems) > 0 {
		return &Error{problems}
	}
	if err := replaceFile(path, edited); err != nil {
		return fmt.Errorf("cannot write the configuration: %w", err)
	}
	return nil
}

// insertToken adds the lines of the new token behind the last one where tokens are listed in lines. A file of another
// shape (no tokens yet, or [...] on one line) is written anew from its tree, which keeps comments, not blank lines.
func insertToken(path string, data []byte, t Token, env Env) ([]byte, error) {
	d := newDecoder(path, env)
	root := d.parse(data)
	if len(d.problems) > 0 {
		return nil, &Error{d.problems}
	}
	if root == nil {
		data = slices.Concat(bytes.TrimRight(data, "\n"), []byte("\napi:\n  tokens:\n"+TokenYAML(t, 4)))
		return bytes.TrimLeft(data, "\n"), nil
	}
	if tokens := child(child(root, "api"), "tokens"); tokens != nil && tokens.Kind == yaml.SequenceNode &&
		tokens.Style&yaml.FlowStyle == 0 && len(tokens.Content) > 0 {
		edited := insertLines(data, lastLine(tokens), TokenYAML(t, tokens.Column-1))
		if addsOnly(path, data, edited, t, env) {
			return edited, nil
		}
	}
	if err := appendToken(root, t); err != nil {
		return nil, err
	}
	return dump(root)
}

// removeToken takes the lines of a token out where tokens are listed in lines, else the item out of the tree.
func removeToken(path string, data []byte, hash [sha256.Size]byte, env Env) ([]byte, error) {
	d := newDecoder(path, env)
	root := d.parse(data)
	if len(d.problems) > 0 {
		return nil, &Error{d.problems}
	}
	was, _ := parse(path, data, env, nil)
	i := slices.IndexFunc(was.API.Tokens, func(t Token) bool { return t.Hash() == hash })
	tokens := child(child(root, "api"), "tokens")
	if i < 0 || tokens == nil || i >= len(tokens.Content) {
		return nil, errors.New("the file has no such token")
	}
	if tokens.Style&yaml.FlowStyle == 0 {
		item := tokens.Content[i]
		edited := removeLines(data, item.Line, lastLine(item))
		if removesOnly(path, was, edited, i, env) {
			return edited, nil
		}
	}
	tokens.Content = slices.Delete(tokens.Content, i, i+1)
	return dump(root)
}

// removeLines takes the lines from first to last out, which are counted from 1.
func removeLines(data []byte, first, last int) []byte {
	return bytes.Join(slices.Delete(bytes.SplitAfter(data, []byte("\n")), first-1, last), nil)
}

// removesOnly proves that the edited text means the old one without token i, no more and no less; see addsOnly.
func removesOnly(path string, was *Config, edited []byte, i int, env Env) bool {
	is, _ := parse(path, edited, env, nil)
	rest := *was
	rest.API.Tokens = slices.Delete(slices.Clone(was.API.Tokens), i, i+1)
	if len(rest.API.Tokens) == 0 {
		rest.API.Tokens = nil // which is what a list without items reads as
	}
	rest.sources, is.sources, rest.Warnings, is.Warnings = nil, nil, nil, nil
	return reflect.DeepEqual(&rest, is)
}

func insertLines(data []byte, after int, text string) []byte {
	lines := bytes.SplitAfter(data, []byte("\n"))
	before, rest := bytes.Join(lines[:after], nil), bytes.Join(lines[after:], nil)
	if !bytes.HasSuffix(before, []byte("\n")) {
		before = append(before, '\n')
	}
	return slices.Concat(before, []byte(text), rest)
}

// addsOnly reports whether the edited text means the old one and the new token, no more and no less. Where a line of
// YAML ends is not always where it seems to (text over several lines, for one), so insertion is proved, not trusted.
func addsOnly(path string, old, edited []byte, t Token, env Env) bool {
	was, _ := parse(path, old, env, nil)
	is, _ := parse(path, edited, env, nil)
	n := len(was.API.Tokens)
	if len(is.API.Tokens) != n+1 {
		return false
	}
	added := is.API.Tokens[n]
	is.API.Tokens = is.API.Tokens[:n]
	was.sources, is.sources, was.Warnings, is.Warnings = nil, nil, nil, nil // lines have moved, as they should
	return added.Name == t.Name && added.Hash() == t.Hash() && slices.Equal(added.Permissions, t.Permissions) &&
		reflect.DeepEqual(was, is)
}

func lastLine(n *yaml.Node) int {
	last := n.Line
	for _, c := range n.Content {
		last = max(last, lastLine(c))
	}
	return last
}

func child(n *yaml.Node, key string) *yaml.Node {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}

func appendToken(root *yaml.Node, t Token) error {
	var items []yaml.Node
	if err := yaml.Load([]byte(TokenYAML(t, 0)), &items); err != nil {
		return fmt.Errorf("cannot compose the token: %w", err)
	}
	api, err := ensure(root, "api", yaml.MappingNode, "!!map")
	if err != nil {
		return err
	}
	tokens, err := ensure(api, "tokens", yaml.SequenceNode, "!!seq")
	if err != nil {
		return err
	}
	if len(tokens.Content) == 0 {
		tokens.Style = 0 // [] grows into lines
	}
	tokens.Content = append(tokens.Content, &items[0])
	return nil
}

// ensure returns the section of that name and kind in n, made where it is missing or empty.
func ensure(n *yaml.Node, key string, kind yaml.Kind, tag string) (*yaml.Node, error) {
	if n.Kind != yaml.MappingNode {
		return nil, errors.New("the configuration is not a list of keys and values: `openclaw config check` says more")
	}
	c := child(n, key)
	switch {
	case c == nil:
		c = &yaml.Node{Kind: kind, Tag: tag}
		n.Content = append(n.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: key}, c)
	case c.Kind == yaml.ScalarNode && c.ShortTag() == "!!null":
		c.Kind, c.Tag, c.Value = kind, tag, ""
	case c.Kind != kind:
		return nil, fmt.Errorf("%s has the wrong form in the configuration: `openclaw config check` says more", key)
	}
	return c, nil
}
