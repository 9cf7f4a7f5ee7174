// Package spectest holds answers of the gateway against the published document. Black-box tests give it every answer that
// they get; an answer outside of the document fails the test that got it.
package spectest

import (
	"bytes"
	"encoding/json/v2"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"

	"github.com/openclaw/openclaw/spec"
)

// Document returns the document, loaded and found valid. The caller must not change it.
func Document() (*openapi3.T, error) { return load() }

var load = sync.OnceValues(func() (*openapi3.T, error) {
	loader := openapi3.NewLoader()
	doc, err := loader.LoadFromData(spec.YAML())
	if err != nil {
		return nil, err
	}
	return doc, doc.Validate(loader.Context)
})

// Validate fails t where the answer to req is not one that the document has for that operation: status, headers, content
// type, schema, and no field that is not documented. Streams of events are checked event by event, and must end with
// exactly one of done and error. body is the answer's body, whole.
func Validate(t testing.TB, req *http.Request, resp *http.Response, body []byte) {
	t.Helper()
	if err := Check(req, resp, body); err != nil {
		t.Errorf("%s %s: the answer %d is outside of the document: %v\n%s", req.Method, req.URL, resp.StatusCode, err, body)
	}
}

// Check is Validate for callers without a test.
func Check(req *http.Request, resp *http.Response, body []byte) error {
	doc, err := load()
	if err != nil {
		return err
	}
	if resp.Header.Get("X-Request-Id") == "" {
		return fmt.Errorf("no X-Request-Id")
	}
	path, item := find(doc, req.URL.EscapedPath())
	var op *openapi3.Operation
	method := req.Method
	if item != nil {
		if method == http.MethodHead {
			method = http.MethodGet
		}
		op = item.GetOperation(method)
	}
	if op == nil {
		return checkNoOperation(doc, item, resp, body)
	}
	if req.Method == http.MethodHead {
		if op.Responses.Status(resp.StatusCode) == nil || len(body) > 0 {
			return fmt.Errorf("an undocumented status, or a body in answer to HEAD")
		}
		return nil
	}
	stream := resp.StatusCode == http.StatusOK && resp.Header.Get("Content-Type") == "text/event-stream"
	options := &openapi3filter.Options{IncludeResponseStatus: true, ExcludeResponseBody: stream, MultiError: true}
	input := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{
			Request: req,
			Route:   &routers.Route{Spec: doc, Path: path, PathItem: item, Method: method, Operation: op},
		},
		Status:  resp.StatusCode,
		Header:  resp.Header,
		Body:    io.NopCloser(bytes.NewReader(body)),
		Options: options,
	}
	if err := openapi3filter.ValidateResponse(req.Context(), input); err != nil {
		return err
	}
	content := op.Responses.Status(resp.StatusCode).Value.Content
	switch {
	case stream:
		if content["text/event-stream"] == nil {
			return fmt.Errorf("this operation does not stream")
		}
		return checkStream(doc, body)
	case len(content) == 0:
		if len(body) > 0 {
			return fmt.Errorf("a body where none is documented")
		}
		return nil
	}
	if path == "/api/v1/openapi.json" && resp.StatusCode == http.StatusOK {
		return nil // a document is free to have more fields than its schema
	}
	return checkFields(content["application/json"].Schema, body)
}

// find returns the path of the document that an escaped path of a request is of.
func find(doc *openapi3.T, escaped string) (string, *openapi3.PathItem) {
	if item := doc.Paths.Value(escaped); item != nil {
		return escaped, item
	}
	segments := strings.Split(escaped, "/")
	for template, item := range doc.Paths.Map() {
		if slices.EqualFunc(strings.Split(template, "/"), segments, func(want, got string) bool {
			return want == got || strings.HasPrefix(want, "{") && got != ""
		}) {
			return template, item
		}
	}
	return "", nil
}

// checkNoOperation checks what the document's introduction promises of everything that is no operation.
func checkNoOperation(doc *openapi3.T, item *openapi3.PathItem, resp *http.Response, body []byte) error {
	if resp.StatusCode == http.StatusNoContent {
		if resp.Header.Get("Allow") == "" || len(body) > 0 {
			return fmt.Errorf("a 204 without Allow, or with a body")
		}
		return nil
	}
	if resp.StatusCode < 400 {
		return fmt.Errorf("no such operation, and no error")
	}
	if resp.StatusCode == http.StatusMethodNotAllowed && (item == nil || resp.Header.Get("Allow") == "") {
		return fmt.Errorf("a 405 on an unknown path, or without Allow")
	}
	return checkValue(doc.Components.Schemas["Error"], body)
}

// Event is one event of a stream.
type Event struct {
	ID   int64
	Type string
	Data string
}

// ParseEvents parses a stream of the one form that the gateway sends: comments, and events of the lines id, event and
// data. It is stricter than clients are, so as to find what only lenient ones would read.
func ParseEvents(body []byte) ([]Event, error) {
	var events []Event
	for block := range strings.SplitAfterSeq(string(body), "\n\n") {
		if block == "" || strings.HasPrefix(block, ": ") && strings.Count(block, "\n") == 2 {
			continue
		}
		lines := strings.Split(block, "\n")
		if len(lines) != 5 || !strings.HasSuffix(block, "\n\n") {
			return events, fmt.Errorf("not an event of three lines: %q", block)
		}
		id, hasID := strings.CutPrefix(lines[0], "id: ")
		name, hasName := strings.CutPrefix(lines[1], "event: ")
		data, hasData := strings.CutPrefix(lines[2], "data: ")
		n, err := strconv.ParseInt(id, 10, 64)
		if !hasID || !hasName || !hasData || err != nil {
			return events, fmt.Errorf("not an event of id, event and data: %q", block)
		}
		events = append(events, Event{n, name, data})
	}
	return events, nil
}

func checkStream(doc *openapi3.T, body []byte) error {
	events, err := ParseEvents(body)
	if err != nil {
		return err
	}
	schemas := map[string]string{"start": "StartEvent", "delta": "DeltaEvent", "done": "DoneEvent", "error": "Error"}
	last := int64(0)
	for i, ev := range events {
		schema := doc.Components.Schemas[schemas[ev.Type]]
		if schema == nil {
			return fmt.Errorf("event %d: unknown type %q", ev.ID, ev.Type)
		}
		if err := checkValue(schema, []byte(ev.Data)); err != nil {
			return fmt.Errorf("event %d: %w", ev.ID, err)
		}
		if ev.ID <= last || (ev.ID == 1) != (ev.Type == "start") {
			return fmt.Errorf("event %d: out of order, after %d", ev.ID, last)
		}
		last = ev.ID
		if terminal := ev.Type == "done" || ev.Type == "error"; terminal != (i == len(events)-1) {
			return fmt.Errorf("event %d: %s is event %d of %d", ev.ID, ev.Type, i+1, len(events))
		}
	}
	if len(events) == 0 {
		return fmt.Errorf("a stream without events")
	}
	return nil
}

// checkValue holds JSON against a schema, and against its fields.
func checkValue(schema *openapi3.SchemaRef, text []byte) error {
	var value any
	if err := json.Unmarshal(text, &value); err != nil {
		return err
	}
	if err := schema.Value.VisitJSON(value, openapi3.EnableJSONSchema2020(), openapi3.VisitAsResponse()); err != nil {
		return err
	}
	return undeclared("", schema, value)
}

// checkFields looks for fields that the schema does not have.
func checkFields(schema *openapi3.SchemaRef, text []byte) error {
	var value any
	if err := json.Unmarshal(text, &value); err != nil {
		return err
	}
	return undeclared("", schema, value)
}

// undeclared returns an error for the first field of value that schema does not name. The document allows clients no
// assumption about such fields, so a validator lets them pass; from this gateway they are a slip.
func undeclared(at string, schema *openapi3.SchemaRef, value any) error {
	switch value := value.(type) {
	case []any:
		for i, v := range value {
			if items := schema.Value.Items; items != nil {
				if err := undeclared(fmt.Sprintf("%s/%d", at, i), items, v); err != nil {
					return err
				}
			}
		}
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(value)) {
			declared := properties(schema, name)
			if len(declared) == 0 {
				return fmt.Errorf("%s/%s: is not in the document", at, name)
			}
			for _, property := range declared {
				// An allOf may repeat a property only to narrow it; the full one decides.
				if len(declared) > 1 && property.Ref == "" {
					continue
				}
				if err := undeclared(at+"/"+name, property, value[name]); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// properties returns the schemas of a property, of which there are several where an allOf narrows it.
func properties(schema *openapi3.SchemaRef, name string) []*openapi3.SchemaRef {
	var found []*openapi3.SchemaRef
	if p := schema.Value.Properties[name]; p != nil {
		found = append(found, p)
	}
	for _, part := range schema.Value.AllOf {
		found = append(found, properties(part, name)...)
	}
	return found
}
