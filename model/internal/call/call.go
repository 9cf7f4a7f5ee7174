package call

import (
	"bytes"
	"context"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"fmt"
	"io"
	"iter"
	"mime"
	"net/http"
	"strings"

	"github.com/openclaw/openclaw/claw"
)

// Endpoint is where a provider is called.
type Endpoint struct {
	Provider string       // its name in the configuration, for messages
	Header   http.Header  // of every request, the credentials among them; made by [NewHeader]
	Secret   string       // the API key, which must appear in no error
	Client   *http.Client // made by [HTTPClient]
	Framing  Framing

	// Refine improves on the error that the status of an answer gave, where the vendor says more in the body. May be nil.
	Refine func(body []byte, err *claw.Error) *claw.Error
}

// Protocol reads one answer in a vendor's format. A Protocol is used for one answer only.
type Protocol interface {
	// Event reads an event. The chunk has Stop set if the event is the terminal one, and is empty if the event has no
	// text. An error of type *claw.Error ends the answer as it is; any other means that the event is not understood.
	// The data may not be kept.
	Event(data []byte) (claw.Chunk, error)

	// End is asked for the last chunk where the connection ends, or breaks, without a terminal event: of use to vendors
	// that have none. It returns false where the answer is not whole.
	End() (claw.Chunk, bool)
}

// HTTPClient returns a copy of c (nil for one of Go's defaults) that follows no redirect: only some of the headers that
// vendors take keys in are among those that net/http keeps from a foreign host, and a redirected POST becomes a GET. Nor
// does it keep cookies, which would be written into the header that all requests share.
func HTTPClient(c *http.Client) *http.Client {
	if c == nil {
		c = http.DefaultClient
	}
	clone := *c
	clone.Jar = nil
	clone.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &clone
}

// NewHeader returns what every request says in its header.
func NewHeader() http.Header {
	return http.Header{"Content-Type": {"application/json"}, "User-Agent": {"openclaw"}}
}

// Stream posts body, as JSON, to url and yields the answer as read makes it out: see [claw.Provider] for what a caller
// may rely on. An event without text is yielded as an empty chunk, so that who waits can tell a model that thinks from one
// that hangs.
func (e *Endpoint) Stream(
	ctx context.Context, url string, prompt claw.Prompt, body any, read func(Answer) Protocol,
) iter.Seq2[claw.Chunk, error] {
	return func(yield func(claw.Chunk, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		a := Answer{endpoint: e, model: prompt.Model, promptBytes: prompt.Bytes()}
		answer, err := e.post(ctx, url, prompt.Model, a.promptBytes, body)
		if err != nil {
			yield(claw.Chunk{}, err)
			return
		}
		// From here on nothing refers to the prompt any more, see TestConversationsAreNotHeld.
		in := newEvents(answer, e.Framing)
		defer in.release()
		whole, err := a.relay(ctx, in, read(a), yield)
		if !whole {
			hangUp(answer, cancel)
		}
		answer.Close()
		if err != nil {
			yield(claw.Chunk{}, err)
		}
	}
}

// hangUp ends an answer that is still coming, and returns once its connection is closed. Close alone would leave the
// transport to read on in the background for a moment, in the hope of saving the connection. Nor do cancel and then Close
// do: where both come before the transport looks, it picks one of them at random. Reading until the cancellation comes
// back as an error leaves it no choice.
func hangUp(body io.Reader, cancel context.CancelFunc) {
	cancel()
	_, _ = io.Copy(io.Discard, body)
}

// post returns the body of an answer whose events can be read, or the error to yield. size is about how long the body is.
func (e *Endpoint) post(ctx context.Context, url, model string, size int, body any) (io.ReadCloser, error) {
	var buf bytes.Buffer
	buf.Grow(size + size/16 + 512) // names, quotes, escapes
	// The history is valid UTF-8 by contract. If it ever is not, a replacement character beats a session that is stuck.
	if err := json.MarshalWrite(&buf, body, jsontext.AllowInvalidUTF8(true)); err != nil {
		return nil, claw.AsError(fmt.Errorf("encode the request to provider %q: %w", e.Provider, err))
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, nil)
	if err != nil {
		return nil, claw.ModelErrorf(claw.ReasonUnconfigured,
			"The baseUrl of provider %q in the configuration is not a URL.", e.Provider)
	}
	defer attach(req, buf.Bytes())()
	req.Header = e.Header // net/http changes none that it is given

	res, err := e.Client.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		return nil, e.connectError(model, err)
	}
	if res.StatusCode != http.StatusOK {
		defer res.Body.Close()
		return nil, e.refusal(ctx, model, res)
	}
	if kind := mediaType(res); kind == "text/html" || e.Framing == SSE && kind == "application/json" {
		res.Body.Close()
		return nil, e.garbage(fmt.Errorf("status 200 with content type %q", kind))
	}
	return res.Body, nil
}

func (e *Endpoint) refusal(ctx context.Context, model string, res *http.Response) error {
	body, err := io.ReadAll(io.LimitReader(res.Body, maxErrorBody))
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	refused := e.statusError(model, res, body)
	if e.Refine != nil {
		refused = e.Refine(body, refused)
	}
	return refused
}

func mediaType(res *http.Response) string {
	kind, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type")) // "" where it is malformed: then the body decides
	return strings.ToLower(kind)
}

// Decode reads a JSON value of an answer into out. Providers are read with tolerance: doubled names are no reason to
// lose an answer, and what is not UTF-8 becomes U+FFFD.
func Decode(data []byte, out any) error {
	return json.Unmarshal(data, out, jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true))
}
