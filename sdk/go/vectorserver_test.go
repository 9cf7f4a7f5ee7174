package openclaw

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

type exchange struct {
	Request  wantRequest      `json:"request"`
	Response scriptedResponse `json:"response"`
}

type wantRequest struct {
	Method  string                     `json:"method"`
	Path    string                     `json:"path"`
	Query   map[string]string          `json:"query"`
	Headers map[string]json.RawMessage `json:"headers"`
	JSON    json.RawMessage            `json:"json"`
}

type scriptedResponse struct {
	Status   int               `json:"status"`
	Headers  map[string]string `json:"headers"`
	JSON     json.RawMessage   `json:"json"`
	Text     string            `json:"text"`
	Chunks   *[]chunk          `json:"chunks"`
	Split    string            `json:"split"`
	Framing  string            `json:"framing"`
	Then     string            `json:"then"`
	Conforms *bool             `json:"conforms"` // for the gateway's own tests
}

// chunk is a piece of a body: in JSON a string, or {"base64": "..."}.
type chunk []byte

func (c *chunk) UnmarshalJSON(data []byte) error {
	var s string
	if err := json.Unmarshal(data, &s); err == nil {
		*c = chunk(s)
		return nil
	}
	var b struct {
		Base64 string `json:"base64"`
	}
	if err := json.Unmarshal(data, &b); err != nil {
		return err
	}
	raw, err := base64.StdEncoding.DecodeString(b.Base64)
	*c = raw
	return err
}

// vectorServer answers by script on a socket of its own. It speaks HTTP by hand: what libraries tidy up is the point.
type vectorServer struct {
	t         *testing.T
	l         *net.TCPListener
	exchanges []exchange
	apiKey    string
	keys      map[string]string // idempotency keys by the vector's names for them
	done      chan struct{}
}

func newVectorServer(t *testing.T, exchanges []exchange) *vectorServer {
	t.Helper()
	l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	s := &vectorServer{t: t, l: l, exchanges: exchanges, keys: map[string]string{}, done: make(chan struct{})}
	t.Cleanup(func() { l.Close() })
	return s
}

func (s *vectorServer) addr() string { return s.l.Addr().String() }

func (s *vectorServer) start(apiKey string) {
	s.apiKey = apiKey
	go func() {
		defer close(s.done)
		for i := 0; ; i++ {
			conn, err := s.l.AcceptTCP()
			if err != nil {
				if i < len(s.exchanges) {
					s.t.Errorf("%d requests came, want %d", i, len(s.exchanges))
				}
				return
			}
			s.serve(conn, i)
		}
	}()
}

// finish waits for the last exchange to be over.
func (s *vectorServer) finish() {
	s.l.Close()
	<-s.done
}

func (s *vectorServer) serve(conn *net.TCPConn, i int) {
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
		s.t.Error(err)
	}
	req, err := http.ReadRequest(bufio.NewReader(conn))
	if err != nil {
		s.t.Errorf("request %d: %v", i, err)
		return
	}
	body, err := io.ReadAll(req.Body)
	if err != nil {
		s.t.Errorf("request %d: %v", i, err)
	}
	if i >= len(s.exchanges) {
		s.t.Errorf("one request too many: %s %s", req.Method, req.RequestURI)
		return
	}
	s.check(fmt.Sprintf("request %d (%s %s)", i, req.Method, req.RequestURI), s.exchanges[i].Request, req, body)
	if err := s.respond(conn, s.exchanges[i].Response); err != nil {
		s.t.Errorf("response %d: %v", i, err)
	}
}

var userAgent = regexp.MustCompile(`(^| )openclaw-(go|node|python)/\d+\.\d+\.\d+`)

func (s *vectorServer) check(which string, want wantRequest, req *http.Request, body []byte) {
	path, query, _ := strings.Cut(req.RequestURI, "?")
	if req.Method != want.Method || !slices.Equal(segments(path), segments(want.Path)) {
		s.t.Errorf("%s: want %s %s", which, want.Method, want.Path)
	}
	values, err := url.ParseQuery(query)
	if err != nil {
		s.t.Errorf("%s: %v", which, err)
	}
	got := map[string]string{}
	for name, v := range values {
		got[name] = strings.Join(v, " and ")
	}
	if !maps.Equal(got, want.Query) {
		s.t.Errorf("%s: query is %v, want %v", which, got, want.Query)
	}
	switch {
	case want.JSON == nil && len(body) > 0:
		s.t.Errorf("%s: body is %q, want none", which, body)
	case want.JSON != nil && !equal(decoded(s.t, want.JSON), decoded(s.t, body)):
		s.t.Errorf("%s: body is %s, want %s", which, body, want.JSON)
	}
	for name, raw := range want.Headers {
		s.checkHeader(which, name, raw, req.Header.Values(name))
	}
	s.checkCommon(which, req, len(body) > 0)
}

func (s *vectorServer) checkCommon(which string, req *http.Request, hasBody bool) {
	auth := ""
	if s.apiKey != "" {
		auth = "Bearer " + s.apiKey
	}
	if got := req.Header.Get("Authorization"); got != auth {
		s.t.Errorf("%s: Authorization is %q, want %q", which, got, auth)
	}
	if got := req.Header.Get("User-Agent"); !userAgent.MatchString(got) {
		s.t.Errorf("%s: User-Agent is %q", which, got)
	}
	accept := jsonType
	if strings.HasSuffix(req.URL.Path, "/stream") {
		accept = eventType
	}
	if got := req.Header.Get("Accept"); !strings.Contains(got, accept) {
		s.t.Errorf("%s: Accept is %q, want %s", which, got, accept)
	}
	if got := req.Header.Get("Content-Type"); hasBody && got != jsonType {
		s.t.Errorf("%s: Content-Type is %q", which, got)
	}
}

var printable = regexp.MustCompile(`^[\x20-\x7e]{1,255}$`)

func (s *vectorServer) checkHeader(which, name string, raw json.RawMessage, got []string) {
	var exact string
	var named struct {
		Key string `json:"key"`
	}
	switch {
	case string(raw) == "null":
		if len(got) > 0 {
			s.t.Errorf("%s: header %s is %q, want none", which, name, got)
		}
	case json.Unmarshal(raw, &exact) == nil:
		if len(got) != 1 || got[0] != exact {
			s.t.Errorf("%s: header %s is %q, want %q", which, name, got, exact)
		}
	case json.Unmarshal(raw, &named) != nil || named.Key == "":
		s.t.Errorf("%s: this runner does not know the header value %s", which, raw)
	case len(got) != 1 || !printable.MatchString(got[0]):
		s.t.Errorf("%s: header %s is %q, want a key", which, name, got)
	case s.keys[named.Key] == "":
		if slices.Contains(slices.Collect(maps.Values(s.keys)), got[0]) {
			s.t.Errorf("%s: header %s is %q a second time, want another", which, name, got[0])
		}
		s.keys[named.Key] = got[0]
	case s.keys[named.Key] != got[0]:
		s.t.Errorf("%s: header %s is %q, want %q as before", which, name, got[0], s.keys[named.Key])
	}
}

func segments(path string) []string {
	parts := strings.Split(path, "/")
	for i, p := range parts {
		if d, err := url.PathUnescape(p); err == nil {
			parts[i] = d
		}
	}
	return parts
}

func (s *vectorServer) respond(conn *net.TCPConn, r scriptedResponse) error {
	if r.Then == "reset" {
		return conn.SetLinger(0) // the close that follows resets the connection
	}
	if r.Status == 0 {
		r.Status = http.StatusOK
	}
	pieces, chunked, kind := r.body()
	var head strings.Builder
	fmt.Fprintf(&head, "HTTP/1.1 %d %s\r\nConnection: close\r\n", r.Status, http.StatusText(r.Status))
	if _, ok := r.Headers["Content-Type"]; !ok && kind != "" {
		fmt.Fprintf(&head, "Content-Type: %s\r\n", kind)
	}
	for name, value := range r.Headers {
		fmt.Fprintf(&head, "%s: %s\r\n", name, value)
	}
	switch {
	case chunked:
		head.WriteString("Transfer-Encoding: chunked\r\n")
	case r.Framing != "close" && r.Status != http.StatusNoContent:
		fmt.Fprintf(&head, "Content-Length: %d\r\n", len(slices.Concat(pieces...)))
	}
	if _, err := conn.Write([]byte(head.String() + "\r\n")); err != nil {
		return err
	}
	for _, p := range pieces {
		if chunked {
			p = fmt.Appendf(nil, "%x\r\n%s\r\n", len(p), p)
		}
		if _, err := conn.Write(p); err != nil {
			return nil // a client that knows the outcome need not stay for the rest
		}
	}
	return s.end(conn, r.Then, chunked)
}

// body returns the body in the pieces that it is written in, whether it is to be sent in HTTP's chunks, and its type.
func (r *scriptedResponse) body() (pieces [][]byte, chunked bool, kind string) {
	switch {
	case r.JSON != nil:
		return [][]byte{r.JSON}, false, jsonType
	case r.Chunks == nil && r.Text == "":
		return nil, false, ""
	case r.Chunks == nil:
		return [][]byte{[]byte(r.Text)}, false, ""
	}
	for _, c := range *r.Chunks {
		pieces = append(pieces, c)
	}
	if r.Split == "bytes" {
		pieces = slices.Collect(slices.Chunk(slices.Concat(pieces...), 1))
	}
	return pieces, r.Framing != "close", eventType
}

func (s *vectorServer) end(conn *net.TCPConn, then string, chunked bool) error {
	switch then {
	case "", "close":
		if chunked {
			_, _ = io.WriteString(conn, "0\r\n\r\n") // where the client has not left
		}
	case "cut": // the close that follows does it
	case "stall":
		_, err := conn.Read(make([]byte, 1))
		var e net.Error
		switch {
		case err == nil:
			return fmt.Errorf("the client sent more than its request")
		case errors.As(err, &e) && e.Timeout():
			return fmt.Errorf("the client did not close the connection in 5 s")
		}
	default:
		return fmt.Errorf("this runner does not know %q", then)
	}
	return nil
}
