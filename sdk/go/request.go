package openclaw

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

const (
	jsonType  = "application/json"
	eventType = "text/event-stream"

	firstPause = 500 * time.Millisecond
	maxPause   = 8 * time.Second
	jitter     = 0.25
	// maxRetryAfter is the longest wait that is sat out on the caller's behalf.
	maxRetryAfter = 60 * time.Second

	maxErrorBody = 1 << 20
)

// call is one operation, as often as it is sent.
type call struct {
	op      string // its operationId, for errors and the log
	method  string
	path    string // from the root on, escaped
	query   url.Values
	header  http.Header // besides those that every request has
	body    []byte      // nil for none
	accept  string
	timeout time.Duration // of one try, until its answer is whole, or begins where that is a stream
	once    bool          // a probe, whose failure is its answer
}

// do sends call until it is answered, or until trying again is no use, and decodes the answer into v (nil for none).
func (c *Client) do(ctx context.Context, call call, v any) (Meta, error) {
	if c.broken != nil {
		return Meta{}, c.broken
	}
	call.accept = jsonType
	var meta Meta
	failures, lost := 0, false
	for {
		err := c.try(ctx, call, &meta, v)
		if err == nil {
			return meta, nil
		}
		// A try whose answer was lost may well have deleted it.
		if call.method == http.MethodDelete && lost && CodeOf(err) == CodeNotFound {
			return meta, nil
		}
		lost = lost || errors.Is(err, errBroken)
		if call.once || !c.pause(ctx, &failures, err) {
			return meta, c.explain(ctx, call.op, err)
		}
	}
}

// try sends call once.
func (c *Client) try(ctx context.Context, call call, meta *Meta, v any) error {
	tryCtx, cancel := context.WithTimeoutCause(ctx, call.timeout, errTryTimeout)
	defer cancel()
	resp, err := c.send(tryCtx, call)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	*meta = metaOf(resp.Header)
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		return brokenBy(tryCtx, err)
	}
	if v == nil {
		return nil
	}
	// encoding/json takes null for an object without members.
	if !bytes.HasPrefix(bytes.TrimSpace(data), []byte{'{'}) {
		return notOurs(resp, "its answer is no JSON object")
	}
	if err := json.Unmarshal(data, v); err != nil {
		return notOurs(resp, "its answer is not the JSON expected ("+err.Error()+")")
	}
	return nil
}

// send sends call once and returns an answer of success, whose body the caller closes. Its errors are an *Error, or of
// the types that brokenBy returns.
func (c *Client) send(ctx context.Context, call call) (*http.Response, error) {
	target := c.root + call.path
	if len(call.query) > 0 {
		target += "?" + call.query.Encode()
	}
	var body io.Reader
	if call.body != nil {
		body = bytes.NewReader(call.body) // of a type for which net/http sets the length, and can rewind
	}
	req, err := http.NewRequestWithContext(ctx, call.method, target, body)
	if err != nil {
		return nil, invalid(call.op, "%w", err)
	}
	for name, values := range call.header {
		req.Header[name] = values
	}
	req.Header.Set("Accept", call.accept)
	req.Header.Set("User-Agent", c.userAgent)
	if c.apiKey != "" {
		req.Header.Set("Authorization", "Bearer "+c.apiKey)
	}
	if call.body != nil {
		req.Header.Set("Content-Type", jsonType)
	}
	begun := time.Now()
	resp, err := c.http.Do(req)
	if err != nil {
		err = brokenBy(ctx, err)
		c.logTry(ctx, call, nil, begun, err)
		return nil, err
	}
	c.logTry(ctx, call, resp, begun, nil)
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		defer resp.Body.Close()
		return nil, readError(ctx, resp)
	}
	return resp, nil
}

func (c *Client) logTry(ctx context.Context, call call, resp *http.Response, begun time.Time, err error) {
	if c.log == nil {
		return
	}
	args := []any{"operation", call.op, "method", call.method, "path", call.path, "duration", time.Since(begun)}
	if err != nil {
		c.log.DebugContext(ctx, "openclaw: request failed", append(args, "error", err)...)
		return
	}
	args = append(args, "status", resp.StatusCode, "requestId", resp.Header.Get("X-Request-Id"))
	c.log.DebugContext(ctx, "openclaw: request answered", args...)
}

// pause waits before the next try and reports whether there is to be one. *failures is how many tries have failed
// in a row before this one; it counts on.
func (c *Client) pause(ctx context.Context, failures *int, err error) bool {
	if *failures >= c.maxRetries || !retryable(err) || ctx.Err() != nil {
		return false
	}
	wait := backoff(*failures, c.random())
	var e *Error
	if errors.As(err, &e) && e.RetryAfter > 0 {
		wait = e.RetryAfter
	}
	if wait > maxRetryAfter {
		return false
	}
	*failures++
	return c.sleep(ctx, wait) == nil
}

// backoff doubles from firstPause to maxPause, give or take the jitter; random is in [0, 1).
func backoff(failures int, random float64) time.Duration {
	d := maxPause
	if failures < 10 { // beyond, the shift would overflow before min could cut it
		d = min(firstPause<<failures, maxPause)
	}
	return time.Duration(float64(d) * (1 - jitter + 2*jitter*random))
}

func retryable(err error) bool {
	var e *Error
	if errors.As(err, &e) {
		return e.Status == http.StatusTooManyRequests || e.Status == http.StatusServiceUnavailable
	}
	var cert *tls.CertificateVerificationError
	return errors.Is(err, errBroken) && !errors.As(err, &cert)
}

var (
	errTryTimeout = errors.New("the gateway took too long")
	errBroken     = errors.New("connection failed") // wrapped by every error of the connection until explain
)

type brokenError struct{ error }

func (b brokenError) Unwrap() []error { return []error{errBroken, b.error} }

// brokenBy tells a connection that failed by itself from one that ctx, or the Timeout of the caller's own
// http.Client, has ended.
func brokenBy(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	var dial *net.OpError // its timeout is the network's, and claims to be a context's
	dialing := errors.As(err, &dial) && dial.Op == "dial"
	if errors.Is(err, context.DeadlineExceeded) && !dialing {
		return fmt.Errorf("%w: %w", errTryTimeout, err)
	}
	return brokenError{err}
}

// explain turns what a call ends with into what its caller sees. ctx is the caller's own.
func (c *Client) explain(ctx context.Context, op string, err error) error {
	var answer *Error
	var told *failure
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return &failure{kind: ErrTimeout, op: op, cause: endOf(ctx, err), hint: "the context's deadline has passed"}
	case ctx.Err() != nil:
		return fmt.Errorf("openclaw: %s: %w", op, endOf(ctx, err))
	case errors.As(err, &answer), errors.As(err, &told):
		return err
	case errors.Is(err, errTryTimeout):
		return &failure{kind: ErrTimeout, op: op, cause: err, hint: "WithTimeout sets how long it may take"}
	default:
		return &failure{kind: ErrConnection, op: op, cause: err, hint: "is a gateway running at " + c.root + "?"}
	}
}

// endOf says why ctx has ended, and in its text what the last try came to where ctx ended in the wait behind that.
func endOf(ctx context.Context, last error) error {
	err, cause := ctx.Err(), context.Cause(ctx)
	if !errors.Is(cause, err) { // one that the caller gave
		err = fmt.Errorf("%w: %w", err, cause)
	}
	if !errors.Is(last, cause) {
		err = fmt.Errorf("%w, after %v", err, last) //nolint:errorlint // it is the context that the caller is to find
	}
	return err
}

// envelope is the body of the gateway's errors.
type envelope struct {
	Error *struct {
		Code       Code            `json:"code"`
		Message    string          `json:"message"`
		Reason     Reason          `json:"reason"`
		RetryAfter json.RawMessage `json:"retryAfter"` // a number, or else as good as absent
	} `json:"error"`
}

// parseEnvelope returns nil where data is not an error of the gateway's.
func parseEnvelope(data []byte) *Error {
	var env envelope
	if json.Unmarshal(data, &env) != nil || env.Error == nil || env.Error.Code == "" {
		return nil
	}
	return &Error{
		Code: env.Error.Code, Message: env.Error.Message, Reason: env.Error.Reason,
		RetryAfter: seconds(string(env.Error.RetryAfter)),
	}
}

// readError makes an *Error of an answer that is none of success.
func readError(ctx context.Context, resp *http.Response) error {
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxErrorBody))
	if err != nil && ctx.Err() != nil {
		return brokenBy(ctx, err)
	}
	e := parseEnvelope(data) // whatever of the body came: the status alone is an answer
	if e == nil {
		e = notOurs(resp, "")
	}
	e.Status = resp.StatusCode
	e.RequestID = resp.Header.Get("X-Request-Id")
	if e.RetryAfter == 0 {
		e.RetryAfter = retryAfterHeader(resp.Header)
	}
	return e
}

// notOurs describes an answer that the gateway did not write.
func notOurs(resp *http.Response, problem string) *Error {
	e := &Error{Status: resp.StatusCode, RequestID: resp.Header.Get("X-Request-Id")}
	if problem == "" {
		kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
		if kind == "" {
			kind = "nothing"
		}
		problem = "it answered with " + kind
	}
	e.Message = fmt.Sprintf("HTTP %d %s, but not from an OpenClaw gateway: %s",
		resp.StatusCode, http.StatusText(resp.StatusCode), problem)
	if to := resp.Header.Get("Location"); to != "" && resp.StatusCode/100 == 3 {
		e.Message += fmt.Sprintf("; it points to %q, so check the base URL", to)
	}
	return e
}

// retryAfterHeader reads Retry-After in both of its forms. The gateway sends seconds, a proxy before it may send a date.
func retryAfterHeader(h http.Header) time.Duration {
	v := h.Get("Retry-After")
	if at, err := http.ParseTime(v); err == nil {
		return max(0, time.Until(at).Round(time.Second))
	}
	return seconds(v)
}

// seconds returns 0 for what is no time to wait for.
func seconds(s string) time.Duration {
	n, err := strconv.ParseFloat(s, 64)
	if err != nil || !(n > 0) {
		return 0
	}
	return time.Duration(min(n, 1e9) * float64(time.Second))
}

func metaOf(h http.Header) Meta {
	m := Meta{RequestID: h.Get("X-Request-Id"), Replayed: h.Get("Idempotent-Replayed") == "true"}
	limit, err1 := strconv.Atoi(h.Get("X-RateLimit-Limit"))
	remaining, err2 := strconv.Atoi(h.Get("X-RateLimit-Remaining"))
	reset, err3 := strconv.ParseInt(h.Get("X-RateLimit-Reset"), 10, 64)
	if err1 == nil && err2 == nil && err3 == nil {
		m.RateLimit = &RateLimit{Limit: limit, Remaining: remaining, Reset: time.Unix(reset, 0).UTC()}
	}
	return m
}
