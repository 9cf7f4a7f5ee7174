package call

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestBodyCanBeSentAgainUntilItIsLetGo(t *testing.T) {
	for name, text := range map[string][]byte{
		"short": []byte(`{"a":1}`),
		"long":  bytes.Repeat([]byte("0123456789"), keptBody),
	} {
		t.Run(name, func(t *testing.T) {
			req := httptest.NewRequest(http.MethodPost, "/", nil)
			release := attach(req, text)
			if req.ContentLength != int64(len(text)) {
				t.Errorf("content length %d, want %d", req.ContentLength, len(text))
			}
			if _, err := req.Body.Read(make([]byte, 3)); err != nil {
				t.Fatal(err)
			}
			again, err := req.GetBody()
			if err != nil {
				t.Fatal(err)
			}
			release()
			for what, body := range map[string]io.ReadCloser{string(text[3:]): req.Body, string(text): again} {
				if got, err := io.ReadAll(body); string(got) != what || err != nil {
					t.Errorf("got %d bytes, %v, want %d", len(got), err, len(what))
				}
				if err := body.Close(); err != nil {
					t.Error(err)
				}
			}
			if _, err := req.GetBody(); (err == nil) != (len(text) <= keptBody) {
				t.Errorf("once answered: %v", err)
			}
		})
	}
}

// TestEarlyAnswer has a server that answers before it has read the request, which by then is let go of.
func TestEarlyAnswer(t *testing.T) {
	read := make(chan int64, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).EnableFullDuplex()
		w.Header().Set("Content-Type", "text/event-stream")
		_ = http.NewResponseController(w).Flush()
		n, _ := io.Copy(io.Discard, r.Body)
		read <- n
		_, _ = io.WriteString(w, "data: whole\n\n")
	}))
	defer server.Close()
	e := &Endpoint{Provider: "test", Header: NewHeader(), Client: HTTPClient(server.Client())}
	long := strings.Repeat("x", 16<<20)
	body, err := e.post(t.Context(), server.URL, "m", 0, long)
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	got, err := io.ReadAll(body)
	if string(got) != "data: whole\n\n" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	if n := <-read; n != int64(len(long))+2 {
		t.Errorf("the server read %d bytes, want %d", n, len(long)+2)
	}
}
