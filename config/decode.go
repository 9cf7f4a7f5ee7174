package config

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"
)

// decoder fills a Config from a YAML tree and from single texts. It does not stop at a problem, so that all of them
// can be told at once, and remembers where each value came from. The yaml package's own decoding gives neither.
type decoder struct {
	file     string
	env      Env
	problems []Problem
	refused  map[string]bool // paths that problems name
	sources  map[string]Source
	hidden   []string        // values that came out of the environment, or are secrets: not to be repeated in a message
	literal  map[string]bool // paths of secrets that stand in the file itself, not behind a ${VAR}
}

var (
	durationType = reflect.TypeFor[time.Duration]()
	secretType   = reflect.TypeFor[Secret]()
)

// parse returns the root of the file's only document, nil where it is empty.
func (d *decoder) parse(data []byte) *yaml.Node {
	var docs []yaml.Node
	if err := yaml.Load(data, &docs, yaml.WithAllDocuments()); err != nil {
		src := Source{File: d.file}
		message := err.Error()
		if le, ok := errors.AsType[*yaml.LoadError](err); ok {
			src.Line, message = le.Mark.Line, le.Message
		}
		d.add(Problem{
			Source: src, Message: "this is not YAML: " + message,
			Remedy: `Indent with spaces, never tabs, and put values that contain any of : { } [ ] # & * in "quotes"`,
		})
		return nil
	}
	if len(docs) == 0 || len(docs[0].Content) == 0 {
		return nil
	}
	if len(docs) > 1 {
		d.add(Problem{
			Source: d.at(&docs[1]), Message: "a second document begins here",
			Remedy: "Keep one configuration in the file: remove the line --- and what does not belong to it",
		})
	}
	return docs[0].Content[0]
}

func newDecoder(file string, env Env) *decoder {
	return &decoder{file: file, env: env, refused: map[string]bool{}, sources: map[string]Source{}, literal: map[string]bool{}}
}

func (d *decoder) add(p Problem) {
	d.problems = append(d.problems, p)
	d.refused[p.Path] = true
}

// minHidden is the fewest bytes of a value that is hidden: less is no secret, and turns up in other words.
const minHidden = 6

// hide takes secrets out of what is said of the configuration: a variable that holds one may have been put in the wrong
// place, where a message would quote it.
func (d *decoder) hide(problems []Problem) {
	for i := range problems {
		for _, secret := range d.hidden {
			problems[i].Message = strings.ReplaceAll(problems[i].Message, secret, redacted)
			problems[i].Remedy = strings.ReplaceAll(problems[i].Remedy, secret, redacted)
		}
	}
}

func (d *decoder) at(n *yaml.Node) Source { return Source{File: d.file, Line: n.Line} }

// node decodes n into v. Null leaves v at its default: that is what a section whose lines are all commented out is.
func (d *decoder) node(n *yaml.Node, v reflect.Value, path string) {
	if n.Kind == yaml.AliasNode {
		n = n.Alias // the depth of the types bounds the recursion, so a cycle of aliases ends in a wrong type
	}
	if n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" {
		return
	}
	d.sources[path] = d.at(n)
	switch {
	case v.Kind() == reflect.Struct:
		d.structure(n, v, path)
	case v.Kind() == reflect.Map:
		d.mapping(n, v, path)
	case v.Kind() == reflect.Slice:
		d.list(n, v, path)
	default:
		d.scalarNode(n, v, path)
	}
}

func (d *decoder) structure(n *yaml.Node, v reflect.Value, path string) {
	for key, value := range d.pairs(n, path) {
		i := -1
		for _, f := range fieldsOf(v.Type()) {
			if f.key == key.Value {
				i = f.index
			}
		}
		if i < 0 {
			d.unknownKey(key, v.Type(), path)
			continue
		}
		d.node(value, v.Field(i), join(path, key.Value))
	}
}

func (d *decoder) mapping(n *yaml.Node, v reflect.Value, path string) {
	v.Set(reflect.MakeMap(v.Type()))
	for key, value := range d.pairs(n, path) {
		p := join(path, key.Value)
		d.sources[p] = d.at(key)
		elem := reflect.New(v.Type().Elem()).Elem()
		d.node(value, elem, p)
		v.SetMapIndex(reflect.ValueOf(key.Value), elem)
	}
}

// pairs yields the keys and values of a mapping, and refuses what is none, keys that are not text, and repeated keys.
func (d *decoder) pairs(n *yaml.Node, path string) func(func(key, value *yaml.Node) bool) {
	return func(yield func(key, value *yaml.Node) bool) {
		if n.Kind != yaml.MappingNode {
			d.wrongType(n, path, "a section of keys and values", "Write each of its settings on a line of its own, indented, as key: value")
			return
		}
		seen := map[string]int{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			key := n.Content[i]
			if key.Kind != yaml.ScalarNode || key.ShortTag() == "!!merge" {
				d.add(Problem{
					Source: d.at(key), Path: path, Message: "this key is not a plain name",
					Remedy: "Merging and composed keys are not supported here: write the settings out",
				})
				continue
			}
			if first, dup := seen[key.Value]; dup {
				d.add(Problem{
					Source: d.at(key), Path: join(path, key.Value),
					Message: fmt.Sprintf("key %q is set twice, first on line %d", key.Value, first), Remedy: "Keep one of the two",
				})
				continue
			}
			seen[key.Value] = key.Line
			if !yield(key, n.Content[i+1]) {
				return
			}
		}
	}
}

func (d *decoder) list(n *yaml.Node, v reflect.Value, path string) {
	if n.Kind != yaml.SequenceNode {
		d.wrongType(n, path, "a list", "Write [a, b], or each item on a line of its own behind a dash")
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content)))
	for i, item := range n.Content {
		p := fmt.Sprintf("%s[%d]", path, i)
		d.sources[p] = d.at(item)
		d.node(item, v.Index(i), p)
	}
}

// scalarNode checks that a value has the type its field wants as YAML sees it: a number in quotes is text.
func (d *decoder) scalarNode(n *yaml.Node, v reflect.Value, path string) {
	if n.Kind != yaml.ScalarNode {
		d.wrongType(n, path, "a single value", "Write it behind the key, on the same line")
		return
	}
	text, tag := n.Value, n.ShortTag()
	expanded := false
	if tag == "!!str" && strings.Contains(text, "${") {
		var err *expandError
		if text, err = expand(text, d.env); err != nil {
			d.add(Problem{Source: d.at(n), Path: path, Message: path + " " + err.message, Remedy: err.remedy, Absent: err.absent})
			return
		}
		expanded = true
	}
	if (expanded || v.Type() == secretType) && len(text) >= minHidden {
		d.hidden = append(d.hidden, text)
	}
	switch kind := v.Kind(); {
	case v.Type() == durationType && tag != "!!str":
		d.wrongType(n, path, "a duration with its unit", `Write it as in "60s", "500ms" or "15m"`)
	case v.Type() == durationType, expanded: // text is checked below
		d.text(text, v, path, d.at(n))
	case kind == reflect.String && tag != "!!str" && tag != "!!timestamp": // a time needs no quotes
		d.wrongType(n, path, "text", "Put it in quotes")
	case kind == reflect.Int && tag != "!!int":
		d.wrongType(n, path, "a whole number", "Write it in digits, without quotes")
	case kind == reflect.Bool && tag != "!!bool":
		d.wrongType(n, path, "true or false", "Write true or false, without quotes")
	default:
		d.text(text, v, path, d.at(n))
	}
	// A hash gives nothing away that helps to guess a random token.
	if v.Type() == secretType && !expanded && v.Len() > 0 && !strings.HasSuffix(path, ".tokenSha256") {
		d.literal[path] = true
	}
}

// text sets v from text, wherever it came from.
func (d *decoder) text(text string, v reflect.Value, path string, src Source) {
	d.sources[path] = src
	bad := func(want, remedy string) {
		d.add(Problem{Source: src, Path: path, Message: fmt.Sprintf("%s must be %s, not %q", path, want, text), Remedy: remedy})
	}
	switch {
	case v.Kind() == reflect.Slice:
		v.Set(reflect.ValueOf(splitList(text)))
		maps.DeleteFunc(d.sources, func(p string, _ Source) bool { return strings.HasPrefix(p, path+"[") }) // the file's items
	case v.Type() == durationType:
		t, err := time.ParseDuration(strings.TrimSpace(text))
		if err != nil {
			bad("a duration with its unit", `Write it as in "60s", "500ms" or "15m"`)
			return
		}
		v.SetInt(int64(t))
	case v.Kind() == reflect.Int:
		i, err := strconv.Atoi(strings.TrimSpace(text))
		if err != nil && strings.HasPrefix(text, "tcp://") {
			bad("a whole number", "Kubernetes sets such variables for a Service of that name: set enableServiceLinks: false, or rename the Service")
			return
		}
		if err != nil {
			bad("a whole number", "Write it in digits")
			return
		}
		v.SetInt(int64(i))
	case v.Kind() == reflect.Bool:
		b := strings.TrimSpace(text)
		if b != "true" && b != "false" {
			bad("true or false", "Write true or false")
			return
		}
		v.SetBool(b == "true")
	default:
		v.SetString(text)
	}
}

func (d *decoder) wrongType(n *yaml.Node, path, want, remedy string) {
	name := path
	if name == "" {
		name = "the configuration"
	}
	d.add(Problem{Source: d.at(n), Path: path, Message: fmt.Sprintf("%s must be %s, not %s", name, want, kindName(n)), Remedy: remedy})
}

// kindName says what n is without quoting it: it may be a secret.
func kindName(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a section of keys and values"
	case yaml.SequenceNode:
		return "a list"
	default:
	}
	switch n.ShortTag() {
	case "!!int":
		return "a number"
	case "!!float":
		return "a fraction"
	case "!!bool":
		return "true or false"
	case "!!str":
		return "text"
	}
	return "a value of type " + n.ShortTag()
}

// unknownKey refuses a key with the best guess at what was meant: a slip of the pen, or lost indentation.
func (d *decoder) unknownKey(key *yaml.Node, t reflect.Type, path string) {
	p := Problem{Source: d.at(key), Path: join(path, key.Value), Message: fmt.Sprintf("unknown key %q", key.Value)}
	if path != "" {
		p.Message += " under " + path
	}
	known := keysOf(t)
	near, elsewhere := nearest(key.Value, known), parentsOf(key.Value)
	switch {
	case near != "":
		p.Remedy = fmt.Sprintf("Did you mean %q?", near)
	case len(elsewhere) > 0 && elsewhere[0] == "":
		p.Remedy = "It belongs at the top level: move it there, without indentation"
	case len(elsewhere) > 0:
		p.Remedy = fmt.Sprintf("Did you mean to indent it under %q?", strings.TrimSuffix(elsewhere[0], "[]")+":")
	default:
		p.Remedy = "Known here: " + strings.Join(known, ", ")
	}
	d.add(p)
}

// splitList takes a list apart that stands in one text: a,b.
func splitList(text string) []string {
	var items []string
	for item := range strings.SplitSeq(text, ",") {
		if item = strings.TrimSpace(item); item != "" {
			items = append(items, item)
		}
	}
	return items
}

// scalars calls f with every value of v that stands at a fixed path and fits in one text: single values and lists of
// texts, not what is in lists of sections and under names of the user's choice.
func scalars(v reflect.Value, path string, f func(v reflect.Value, path string)) {
	switch v.Kind() {
	case reflect.Struct:
		for _, fd := range fieldsOf(v.Type()) {
			scalars(v.Field(fd.index), join(path, fd.key), f)
		}
	case reflect.Map:
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.String {
			f(v, path)
		}
	default:
		f(v, path)
	}
}
