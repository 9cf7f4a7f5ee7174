package config

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// Redacted returns a copy of c in which every secret reads [redacted], fit to be shown.
func (c *Config) Redacted() *Config {
	r := *c
	copied := deepCopy(reflect.ValueOf(&r).Elem()).Interface().(Config)
	copied.sources, copied.Warnings = c.sources, slices.Clone(c.Warnings)
	return &copied
}

// deepCopy copies v with its lists and maps, and masks the secrets in it.
func deepCopy(v reflect.Value) reflect.Value {
	out := reflect.New(v.Type()).Elem()
	out.Set(v)
	switch {
	case v.Type() == secretType:
		out.SetString(Secret(v.String()).String())
	case v.Kind() == reflect.Struct:
		for _, f := range fieldsOf(v.Type()) {
			out.Field(f.index).Set(deepCopy(v.Field(f.index)))
		}
	case v.Kind() == reflect.Slice && !v.IsNil():
		out.Set(reflect.MakeSlice(v.Type(), v.Len(), v.Len()))
		for i := range v.Len() {
			out.Index(i).Set(deepCopy(v.Index(i)))
		}
	case v.Kind() == reflect.Map && !v.IsNil():
		out.Set(reflect.MakeMap(v.Type()))
		for k, e := range v.Seq2() {
			out.SetMapIndex(k, deepCopy(e))
		}
	}
	return out
}

// YAML is the whole configuration in effect, secrets redacted, with a comment behind each value that is not a default:
// where it came from.
func (c *Config) YAML() ([]byte, error) {
	var b bytes.Buffer
	if c.File != "" {
		fmt.Fprintf(&b, "# %s\n", c.File)
	}
	body, err := dump(c.tree(reflect.ValueOf(c).Elem(), ""))
	if err != nil {
		return nil, fmt.Errorf("cannot write the configuration as YAML: %w", err)
	}
	b.Write(body)
	return b.Bytes(), nil
}

// Map is the whole configuration in effect as maps, lists, strings, integers and booleans, secrets redacted.
func (c *Config) Map() map[string]any {
	return plain(reflect.ValueOf(c).Elem()).(map[string]any)
}

func plain(v reflect.Value) any {
	switch {
	case v.Type() == secretType, v.Type() == durationType:
		return fmt.Sprint(v.Interface())
	case v.Kind() == reflect.Struct:
		m := map[string]any{}
		for _, f := range fieldsOf(v.Type()) {
			m[f.key] = plain(v.Field(f.index))
		}
		return m
	case v.Kind() == reflect.Map:
		m := map[string]any{}
		for k, e := range v.Seq2() {
			m[k.String()] = plain(e)
		}
		return m
	case v.Kind() == reflect.Slice:
		list := make([]any, v.Len())
		for i := range list {
			list[i] = plain(v.Index(i))
		}
		return list
	}
	return v.Interface()
}

func (c *Config) tree(v reflect.Value, path string) *yaml.Node {
	n := &yaml.Node{}
	switch {
	case v.Kind() == reflect.Struct:
		n.Kind, n.Tag = yaml.MappingNode, "!!map"
		for _, f := range fieldsOf(v.Type()) {
			n.Content = append(n.Content, keyNode(f.key), c.tree(v.Field(f.index), join(path, f.key)))
		}
	case v.Kind() == reflect.Map:
		n.Kind, n.Tag = yaml.MappingNode, "!!map"
		for _, k := range sortedKeys(v) {
			n.Content = append(n.Content, keyNode(k.String()), c.tree(v.MapIndex(k), join(path, k.String())))
		}
	case v.Kind() == reflect.Slice:
		n.Kind, n.Tag = yaml.SequenceNode, "!!seq"
		for i := range v.Len() {
			n.Content = append(n.Content, c.tree(v.Index(i), fmt.Sprintf("%s[%d]", path, i)))
		}
	default:
		n.Kind, n.Value, n.Tag = yaml.ScalarNode, fmt.Sprint(v.Interface()), "!!str"
		if v.Kind() == reflect.Int && v.Type() != durationType {
			n.Tag = "!!int"
		}
		if v.Kind() == reflect.Bool {
			n.Tag = "!!bool"
		}
		if s, ok := c.sources[path]; ok {
			n.LineComment = "# " + s.brief()
		}
	}
	if n.Kind != yaml.ScalarNode && len(n.Content) == 0 {
		n.Style = yaml.FlowStyle
	}
	return n
}

// brief is String without the name of the file, which stands above all the lines that it would be repeated in.
func (s Source) brief() string {
	if s.File != "" && s.Line > 0 {
		return "line " + strconv.Itoa(s.Line)
	}
	return s.String()
}

func keyNode(key string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: key}
}

func sortedKeys(v reflect.Value) []reflect.Value {
	keys := v.MapKeys()
	slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
	return keys
}

// dump writes a tree in the style of the documentation.
func dump(n *yaml.Node) ([]byte, error) {
	return yaml.Dump(n, yaml.WithLineWidth(-1), yaml.WithCompactSeqIndent(false), yaml.WithQuotePreference(yaml.QuoteDouble))
}
