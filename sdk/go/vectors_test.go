package openclaw

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"maps"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// The test vectors are described in spec/vectors/README.md. vectorserver_test.go plays the server's part.

type vectorFile struct {
	About   string   `json:"about"`
	Vectors []vector `json:"vectors"`
}

type vector struct {
	Name      string            `json:"name"`
	About     string            `json:"about"`
	Env       map[string]string `json:"env"`
	Client    vectorClient      `json:"client"`
	Call      vectorCall        `json:"call"`
	Exchanges []exchange        `json:"exchanges"`
	Waits     [][2]float64      `json:"waits"`
	Expect    outcome           `json:"expect"`
}

type vectorClient struct {
	BaseURL    json.RawMessage `json:"baseUrl"` // a string, null for none given, or absent for the default
	APIKey     json.RawMessage `json:"apiKey"`
	Channel    string          `json:"channel"`
	MaxRetries *int            `json:"maxRetries"`
	Timeout    float64         `json:"timeout"`
}

type vectorCall struct {
	Operation string       `json:"operation"`
	Params    vectorParams `json:"params"`
	Page      bool         `json:"page"`
	Take      int          `json:"take"`
}

type vectorParams struct {
	Message, SessionKey, IdempotencyKey string
	OnDisconnect                        OnDisconnect
	Key, ID, Before, Cursor, Channel    string
	After                               int64
	Limit                               int
}

// outcome is what a call comes to, as a vector expects it and as it was. Raw JSON because null is not absent.
type outcome struct {
	Result json.RawMessage            `json:"result,omitempty"`
	Meta   map[string]json.RawMessage `json:"meta,omitempty"`
	Items  *[]json.RawMessage         `json:"items,omitempty"`
	Events *[]map[string]any          `json:"events,omitempty"`
	Error  map[string]any             `json:"error,omitempty"`
}

func TestVectors(t *testing.T) {
	paths, err := filepath.Glob("../../spec/vectors/*.json")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no vectors in ../../spec/vectors (%v)", err)
	}
	names := map[string]bool{}
	operations := map[string]bool{}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		dec := json.NewDecoder(strings.NewReader(string(data)))
		dec.DisallowUnknownFields() // a member that this runner passes over would be a test that cannot fail
		var file vectorFile
		if err := dec.Decode(&file); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		for _, v := range file.Vectors {
			if names[v.Name] {
				t.Errorf("%s: a second vector of the name %q", path, v.Name)
			}
			names[v.Name] = true
			operations[v.Call.Operation] = true
			t.Run(v.Name, func(t *testing.T) { runVector(t, v) })
		}
	}
	for _, op := range specOperations(t) {
		if !operations[op] {
			t.Errorf("no vector calls %s", op)
		}
	}
}

func runVector(t *testing.T, v vector) {
	server := newVectorServer(t, v.Exchanges)
	fill := strings.NewReplacer("{server}", "http://"+server.addr(), "{closed}", closedAddress(t))
	for _, name := range []string{EnvBaseURL, EnvAPIKey} {
		t.Setenv(name, fill.Replace(v.Env[name]))
	}
	baseURL := fill.Replace(given(t, v.Client.BaseURL, "{server}"))
	opts := []Option{WithChannel(v.Client.Channel), WithTimeout(time.Duration(v.Client.Timeout * float64(time.Second)))}
	apiKey := given(t, v.Client.APIKey, "test-token")
	if apiKey != "" {
		opts = append(opts, WithAPIKey(apiKey))
	} else {
		apiKey = os.Getenv(EnvAPIKey)
	}
	if v.Client.MaxRetries != nil {
		opts = append(opts, WithMaxRetries(*v.Client.MaxRetries))
	}
	client := New(baseURL, opts...)
	defer client.CloseIdleConnections()
	var waits []time.Duration
	client.sleep = func(_ context.Context, d time.Duration) error {
		waits = append(waits, d)
		return nil
	}
	server.start(apiKey)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	got := perform(ctx, t, client, v.Call)
	server.finish()
	checkWaits(t, v.Waits, waits)
	checkOutcome(t, v.Expect, got)
}

// given reads an option that may be a string, null, or absent.
func given(t *testing.T, raw json.RawMessage, def string) string {
	t.Helper()
	if raw == nil {
		return def
	}
	var s *string
	if err := json.Unmarshal(raw, &s); err != nil {
		t.Fatal(err)
	}
	if s == nil {
		return ""
	}
	return *s
}

// closedAddress returns the URL of a port that was free a moment ago.
func closedAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return "http://" + l.Addr().String()
}

// perform makes the call and records what it came to.
func perform(ctx context.Context, t *testing.T, c *Client, call vectorCall) outcome {
	t.Helper()
	p := call.Params
	chat := ChatRequest{
		Message: p.Message, SessionKey: p.SessionKey, OnDisconnect: p.OnDisconnect, IdempotencyKey: p.IdempotencyKey,
	}
	sessions := SessionQuery{Channel: p.Channel, Limit: p.Limit, Cursor: p.Cursor}
	history := HistoryQuery{Limit: p.Limit, Before: p.Before}
	switch call.Operation {
	case "chat":
		r, err := c.Chat(ctx, chat)
		return result(t, r, err, func() Meta { return r.Meta })
	case "chatStream":
		return events(t, c.Stream(ctx, chat), call.Take)
	case "listSessions":
		if call.Page {
			r, err := c.Sessions.ListPage(ctx, sessions)
			return result(t, r, err, func() Meta { return r.Meta })
		}
		return items(t, c.Sessions.List(ctx, sessions), call.Take)
	case "getSession":
		r, err := c.Sessions.Get(ctx, p.Key)
		return result(t, r, err, func() Meta { return r.Meta })
	case "getHistory":
		if call.Page {
			r, err := c.Sessions.HistoryPage(ctx, p.Key, history)
			return result(t, r, err, func() Meta { return r.Meta })
		}
		return items(t, c.Sessions.History(ctx, p.Key, history), call.Take)
	case "deleteSession":
		return result(t, nil, c.Sessions.Delete(ctx, p.Key), nil)
	case "getMessage":
		r, err := c.Messages.Get(ctx, p.ID)
		return result(t, r, err, func() Meta { return r.Meta })
	case "streamMessage":
		return events(t, c.Messages.Stream(ctx, p.ID, p.After), call.Take)
	case "cancelMessage":
		r, err := c.Messages.Cancel(ctx, p.ID)
		return result(t, r, err, func() Meta { return r.Meta })
	case "getStatus":
		r, err := c.Status(ctx)
		return result(t, r, err, func() Meta { return r.Meta })
	case "getOpenapi":
		r, err := c.OpenAPI(ctx)
		return result(t, r, err, nil)
	case "healthz":
		return result(t, nil, c.Health(ctx), nil)
	case "readyz":
		return result(t, nil, c.Ready(ctx), nil)
	}
	t.Fatalf("unknown operation %q", call.Operation)
	return outcome{}
}

func result(t *testing.T, v any, err error, meta func() Meta) outcome {
	t.Helper()
	if err != nil {
		return outcome{Error: describe(t, err)}
	}
	o := outcome{Result: encoded(t, v)}
	if meta != nil {
		m := meta()
		o.Meta = map[string]json.RawMessage{"replayed": encoded(t, m.Replayed), "requestId": encoded(t, orNil(m.RequestID))}
		o.Meta["rateLimit"] = encoded(t, nil)
		if r := m.RateLimit; r != nil {
			o.Meta["rateLimit"] = encoded(t, map[string]any{"limit": r.Limit, "remaining": r.Remaining, "reset": r.Reset})
		}
	}
	return o
}

func items[T any](t *testing.T, seq iter.Seq2[T, error], take int) (o outcome) {
	t.Helper()
	list := []json.RawMessage{}
	for v, err := range seq {
		if o.Error != nil {
			t.Error("the loop went on after an error")
		}
		if err != nil {
			o.Error = describe(t, err)
			continue
		}
		list = append(list, encoded(t, v))
		if len(list) == take {
			break
		}
	}
	o.Items = &list
	return o
}

func events(t *testing.T, seq iter.Seq2[Event, error], take int) (o outcome) {
	t.Helper()
	list := []map[string]any{}
	for ev, err := range seq {
		if o.Error != nil {
			t.Error("the loop went on after an error")
		}
		if err != nil {
			o.Error = describe(t, err)
			continue
		}
		list = append(list, flatten(t, ev))
		if len(list) == take {
			break
		}
	}
	o.Events = &list
	return o
}

// flatten gives an event the form of the vectors, and checks its typed fields against its data on the way.
func flatten(t *testing.T, ev Event) map[string]any {
	t.Helper()
	var data any
	if err := json.Unmarshal([]byte(ev.Data), &data); err != nil {
		data = ev.Data
	}
	flat, isObject := data.(map[string]any)
	if !isObject {
		flat = map[string]any{"data": data}
	}
	if isObject && slices.Contains([]EventType{EventStart, EventDelta, EventDone}, ev.Type) {
		typed := map[string]any{"id": ev.ID, "sessionKey": ev.SessionKey, "content": ev.Content, "model": ev.Model}
		for name, v := range typed {
			if raw, ok := flat[name]; ok != (v != "") || ok && raw != v {
				t.Errorf("event %s: field %s is %q, its data has %v", ev.Type, name, v, raw)
			}
		}
		if usage, ok := flat["usage"]; ok && !equal(usage, decoded(t, encoded(t, ev.Usage))) {
			t.Errorf("event %s: usage is %+v, its data has %v", ev.Type, ev.Usage, usage)
		}
		if _, ok := flat["createdAt"]; ok == ev.CreatedAt.IsZero() {
			t.Errorf("event %s: createdAt is %s", ev.Type, ev.CreatedAt)
		}
	}
	flat["type"], flat["seq"] = string(ev.Type), float64(ev.Seq)
	return flat
}

// describe gives an error the form of the vectors.
func describe(t *testing.T, err error) map[string]any {
	t.Helper()
	var e *Error
	if errors.As(err, &e) {
		d := map[string]any{"kind": "api", "code": orNil(e.Code), "status": nil, "reason": orNil(e.Reason)}
		if e.Status != 0 {
			d["status"] = float64(e.Status)
		}
		d["retryAfter"] = nil
		if e.RetryAfter != 0 {
			d["retryAfter"] = e.RetryAfter.Seconds()
		}
		d["message"], d["requestId"] = e.Message, orNil(e.RequestID)
		return d
	}
	var kinds []string
	for kind, sentinel := range map[string]error{
		"connection": ErrConnection, "timeout": ErrTimeout, "incomplete_stream": ErrIncompleteStream,
		"argument": ErrInvalidArgument,
	} {
		if errors.Is(err, sentinel) {
			kinds = append(kinds, kind)
		}
	}
	if len(kinds) != 1 {
		t.Fatalf("the error is of the kinds %q: %v", kinds, err)
	}
	return map[string]any{"kind": kinds[0]}
}

func orNil[S ~string](s S) any {
	if s == "" {
		return nil
	}
	return string(s)
}

func encoded(t *testing.T, v any) json.RawMessage {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func decoded(t *testing.T, raw []byte) any {
	t.Helper()
	var v any
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	return v
}

func checkWaits(t *testing.T, want [][2]float64, got []time.Duration) {
	t.Helper()
	if len(want) != len(got) {
		t.Fatalf("waited %v, want %v", got, want)
	}
	for i, w := range want {
		if s := got[i].Seconds(); s < w[0] || s > w[1] {
			t.Errorf("wait %d is %s, want %v s", i, got[i], w)
		}
	}
}

func checkOutcome(t *testing.T, want, got outcome) {
	t.Helper()
	describeAll := func(o outcome) string { return string(encoded(t, o)) }
	if (want.Error == nil) != (got.Error == nil) {
		t.Fatalf("got %s, want %s", describeAll(got), describeAll(want))
	}
	for name, v := range want.Error {
		if !equal(v, got.Error[name]) {
			t.Errorf("error: %s is %v, want %v", name, got.Error[name], v)
		}
	}
	if want.Result != nil && !equal(decoded(t, want.Result), decoded(t, got.Result)) {
		t.Errorf("result is %s, want %s", got.Result, want.Result)
	}
	for name, v := range want.Meta {
		if !equal(decoded(t, v), decoded(t, got.Meta[name])) {
			t.Errorf("meta: %s is %s, want %s", name, got.Meta[name], v)
		}
	}
	if want.Items != nil && !equal(decoded(t, encoded(t, want.Items)), decoded(t, encoded(t, got.Items))) {
		t.Errorf("items are %s, want %s", encoded(t, got.Items), encoded(t, want.Items))
	}
	if want.Events != nil {
		checkEvents(t, *want.Events, *got.Events)
	}
	if want.Result == nil && want.Items == nil && want.Events == nil && want.Error == nil {
		t.Error("this vector expects nothing")
	}
}

func checkEvents(t *testing.T, want, got []map[string]any) {
	t.Helper()
	if len(want) != len(got) {
		t.Fatalf("%d events %v, want %d: %v", len(got), got, len(want), want)
	}
	for i := range want {
		g := maps.Clone(got[i])
		if _, ok := want[i]["seq"]; !ok {
			delete(g, "seq")
		}
		if !equal(want[i], g) {
			t.Errorf("event %d is %v, want %v", i, g, want[i])
		}
	}
}

// equal compares JSON values; times are equal where they are the same instant.
func equal(a, b any) bool {
	switch a := a.(type) {
	case map[string]any:
		b, ok := b.(map[string]any)
		return ok && maps.EqualFunc(a, b, equal)
	case []any:
		b, ok := b.([]any)
		return ok && slices.EqualFunc(a, b, equal)
	case string:
		bs, ok := b.(string)
		if !ok {
			return false
		}
		at, err1 := time.Parse(time.RFC3339Nano, a)
		bt, err2 := time.Parse(time.RFC3339Nano, bs)
		return a == bs || err1 == nil && err2 == nil && at.Equal(bt)
	}
	return reflect.DeepEqual(a, b)
}

var operationID = regexp.MustCompile(`(?m)^\s+operationId:\s*(\w+)`)

// specOperations returns the operations of the contract.
func specOperations(t *testing.T) []string {
	t.Helper()
	data, err := os.ReadFile("../../spec/openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var ops []string
	for _, m := range operationID.FindAllSubmatch(data, -1) {
		ops = append(ops, string(m[1]))
	}
	if len(ops) == 0 {
		t.Fatal("openapi.yaml has no operations")
	}
	return ops
}

// The contract's operations all have a method that says so, and no method says otherwise.
func TestEveryOperationHasAMethod(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	documented := map[string]bool{}
	mark := regexp.MustCompile(`(?m)^// Operation: (\w+)\nfunc \(\w+ \*\w+\) [A-Z]`)
	for _, file := range files {
		src, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range mark.FindAllSubmatch(src, -1) {
			documented[string(m[1])] = true
		}
	}
	ops := specOperations(t)
	for _, op := range ops {
		if !documented[op] {
			t.Errorf("operation %s has no method", op)
		}
	}
	for op := range documented {
		if !slices.Contains(ops, op) {
			t.Errorf("a method says that it is operation %s, which the contract does not have", op)
		}
	}
}
