// Package vectors_test holds the test vectors of the client SDKs against the published contract: what they have clients
// send is what the gateway takes, and what they have it answer is what it answers.
package vectors_test

import (
	"bytes"
	"cmp"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"

	"github.com/openclaw/openclaw/spec/spectest"
)

type file struct {
	Vectors []struct {
		Name string `json:"name"`
		Call struct {
			Operation string `json:"operation"`
		} `json:"call"`
		Exchanges []exchange `json:"exchanges"`
		Expect    struct {
			Error struct {
				Code string `json:"code"`
			} `json:"error"`
		} `json:"expect"`
	} `json:"vectors"`
}

type exchange struct {
	Request struct {
		Method  string                    `json:"method"`
		Path    string                    `json:"path"`
		Query   map[string]string         `json:"query"`
		Headers map[string]jsontext.Value `json:"headers"`
		JSON    jsontext.Value            `json:"json"`
	} `json:"request"`
	Response struct {
		Status   int               `json:"status"`
		Headers  map[string]string `json:"headers"`
		JSON     jsontext.Value    `json:"json"`
		Text     string            `json:"text"`
		Chunks   []jsontext.Value  `json:"chunks"`
		Then     string            `json:"then"`
		Conforms *bool             `json:"conforms"`
	} `json:"response"`
}

// Each exchange is a vector's claim about the gateway, unless it says that it is not.
func TestExchangesAreOfTheContract(t *testing.T) {
	doc, err := spectest.Document()
	if err != nil {
		t.Fatal(err)
	}
	operations, codes := map[string]bool{}, map[string]bool{}
	for _, f := range load(t) {
		for _, v := range f.Vectors {
			operations[v.Call.Operation], codes[v.Expect.Error.Code] = true, true
			t.Run(v.Name, func(t *testing.T) {
				for _, x := range v.Exchanges {
					check(t, doc, x)
				}
			})
		}
	}
	for _, item := range doc.Paths.Map() {
		for _, op := range item.Operations() {
			if !operations[op.OperationID] {
				t.Errorf("no vector calls %s", op.OperationID)
			}
		}
	}
	for _, code := range doc.Components.Schemas["ErrorCode"].Value.Enum {
		if !codes[code.(string)] {
			t.Errorf("no vector expects the error %s", code)
		}
	}
}

func load(t *testing.T) []file {
	t.Helper()
	paths, err := filepath.Glob("*.json")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no vectors: %v", err)
	}
	files := make([]file, len(paths))
	for i, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(data, &files[i]); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
	}
	return files
}

func check(t *testing.T, doc *openapi3.T, x exchange) {
	t.Helper()
	req := request(x)
	status := cmp.Or(x.Response.Status, http.StatusOK)
	// A request that is answered 400 may well be one that the contract refuses.
	if status != http.StatusBadRequest {
		checkRequest(t, doc, req, len(x.Request.JSON) > 0)
	}
	if x.Response.Then == "reset" || x.Response.Conforms != nil && !*x.Response.Conforms {
		return
	}
	checkResponse(t, req, x, status)
}

// behindProxy is the path that some vectors put before the gateway's own, as a proxy takes it away again.
var behindProxy = regexp.MustCompile(`^/(my%20)?claw`)

func request(x exchange) *http.Request {
	query := url.Values{}
	for name, value := range x.Request.Query {
		query.Set(name, value)
	}
	target := behindProxy.ReplaceAllString(x.Request.Path, "")
	if len(query) > 0 {
		target += "?" + query.Encode()
	}
	req := httptest.NewRequest(x.Request.Method, target, bytes.NewReader(x.Request.JSON))
	for name, raw := range x.Request.Headers {
		var value string
		if raw.Kind() == '"' && json.Unmarshal(raw, &value) == nil {
			req.Header.Set(name, value)
		}
	}
	if len(x.Request.JSON) > 0 {
		req.Header.Set("Content-Type", "application/json")
	}
	return req
}

func checkRequest(t *testing.T, doc *openapi3.T, req *http.Request, body bool) {
	t.Helper()
	path, params := find(doc, req.URL.EscapedPath())
	item := doc.Paths.Value(path)
	if item == nil || item.GetOperation(req.Method) == nil {
		t.Errorf("%s %s is no operation", req.Method, req.URL)
		return
	}
	op := item.GetOperation(req.Method)
	input := &openapi3filter.RequestValidationInput{
		Request: req, PathParams: params,
		Route:   &routers.Route{Spec: doc, Path: path, PathItem: item, Method: req.Method, Operation: op},
		Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, SkipSettingDefaults: true},
	}
	if err := openapi3filter.ValidateRequest(req.Context(), input); err != nil {
		t.Errorf("%s %s: %v", req.Method, req.URL, err)
	}
	if body != (op.RequestBody != nil) {
		t.Errorf("%s %s: a body is %t, contrary to the document", req.Method, req.URL, body)
	}
}

// find returns the path of the document that an escaped path is of, with its parameters.
func find(doc *openapi3.T, escaped string) (string, map[string]string) {
	got := strings.Split(escaped, "/")
	for template := range doc.Paths.Map() {
		want := strings.Split(template, "/")
		params := map[string]string{}
		if slices.EqualFunc(want, got, func(w, g string) bool {
			name, ok := strings.CutPrefix(w, "{")
			if ok {
				params[strings.TrimSuffix(name, "}")], _ = url.PathUnescape(g)
			}
			return ok || w == g
		}) {
			return template, params
		}
	}
	return "", nil
}

func checkResponse(t *testing.T, req *http.Request, x exchange, status int) {
	t.Helper()
	resp := &http.Response{StatusCode: status, Header: http.Header{}}
	for name, value := range x.Response.Headers {
		resp.Header.Set(name, value)
	}
	body := []byte(x.Response.JSON)
	if body == nil {
		body = []byte(x.Response.Text)
	}
	if body = append(body, chunks(t, x)...); resp.Header.Get("Content-Type") == "" && len(body) > 0 {
		resp.Header.Set("Content-Type", "application/json")
	}
	if then := x.Response.Then; x.Response.Chunks != nil && (then == "cut" || then == "stall") {
		body = completed(body)
	}
	spectest.Validate(t, req, resp, body)
}

func chunks(t *testing.T, x exchange) (body []byte) {
	t.Helper()
	for _, raw := range x.Response.Chunks {
		var text string
		var piece struct {
			Base64 []byte `json:"base64"`
		}
		var err error
		if raw.Kind() == '"' {
			err = json.Unmarshal(raw, &text)
		} else {
			err = json.Unmarshal(raw, &piece)
		}
		if err != nil {
			t.Fatal(err)
		}
		body = append(append(body, text...), piece.Base64...)
	}
	return body
}

// completed gives a stream that is cut off an end, so that what comes before can be held against the document.
func completed(body []byte) []byte {
	whole := body[:bytes.LastIndex(append([]byte("\n\n"), body...), []byte("\n\n"))]
	text := string(whole)
	if strings.Contains(text, "event: done") || strings.Contains(text, "event: error") {
		return whole
	}
	if !strings.Contains(text, "event: ") {
		text += "id: 1\nevent: start\ndata: {\"id\":\"msg_1\",\"sessionKey\":\"s\"}\n\n"
	}
	return []byte(text + "id: 999999\nevent: error\ndata: {\"error\":{\"code\":\"CANCELLED\",\"message\":\"Cut.\"}}\n\n")
}
