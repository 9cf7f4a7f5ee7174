package call

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/openclaw/openclaw/claw"
)

// ReasonOf returns what a provider's HTTP status of 300 and above means for a caller.
func ReasonOf(status int) claw.Reason {
	switch {
	case status == http.StatusTooManyRequests:
		return claw.ReasonRateLimited
	case status == http.StatusServiceUnavailable || status == 529: // 529 is Anthropic's, and others took it over
		return claw.ReasonOverloaded
	case status == http.StatusRequestTimeout:
		return claw.ReasonTimeout
	case status >= 500:
		return claw.ReasonUnavailable
	case status == http.StatusUnauthorized, status == http.StatusPaymentRequired, status == http.StatusForbidden,
		status == http.StatusNotFound:
		// It is the account or the model's name that is refused, not the prompt: another model may answer it.
		return claw.ReasonUnconfigured
	case status < 400:
		return claw.ReasonUnconfigured // a redirect, see statusError
	default:
		return claw.ReasonRejected
	}
}

// statusError makes an error of an answer that is none. The body is for the log only.
func (e *Endpoint) statusError(model string, res *http.Response, body []byte) *claw.Error {
	err := e.failed(ReasonOf(res.StatusCode), model)
	switch status := res.StatusCode; {
	case status < 400:
		err = claw.ModelErrorf(claw.ReasonUnconfigured, "The server of provider %q redirects to another address, where its "+
			"API key is not sent. Set the baseUrl of this provider to the final address.", e.Provider)
	case status == http.StatusUnauthorized:
		err = claw.ModelErrorf(claw.ReasonUnconfigured,
			"Provider %q refused the API key. Check the apiKey of this provider in the configuration.", e.Provider)
	case status == http.StatusPaymentRequired, status == http.StatusForbidden:
		err = claw.ModelErrorf(claw.ReasonUnconfigured, "Provider %q does not let this API key use the model %q. "+
			"Check the account's permissions and credit.", e.Provider, model)
	case status == http.StatusNotFound:
		err = claw.ModelErrorf(claw.ReasonUnconfigured, "Provider %q knows no model %q. Check the model's name and the "+
			"baseUrl of this provider in the configuration.", e.Provider, model)
	case err.Reason == claw.ReasonRejected: // a prompt too long, a field that it does not know, an account without credit
		err = claw.ModelErrorf(claw.ReasonRejected, "Provider %q refused this request to the model %q. "+
			"The gateway's log has its reason.", e.Provider, model)
	}
	if wait := retryAfter(res.Header, time.Now()); wait > 0 && Transient(err.Reason) {
		err = err.After(wait)
	}
	return err.Because(fmt.Errorf("status %d: %s", res.StatusCode, e.excerpt(body)))
}

// Transient reports whether the same request may succeed later, or elsewhere, without anybody changing anything.
func Transient(r claw.Reason) bool {
	switch r {
	case claw.ReasonRateLimited, claw.ReasonOverloaded, claw.ReasonTimeout, claw.ReasonUnavailable, claw.ReasonTruncated:
		return true
	default:
		return false
	}
}

// failed returns the error of the given reason in the words that all providers share.
func (e *Endpoint) failed(reason claw.Reason, model string) *claw.Error {
	var format string
	switch reason {
	case claw.ReasonRateLimited:
		format = "Provider %q limits the rate of requests for the model %q. Try again later."
	case claw.ReasonOverloaded:
		format = "Provider %q is overloaded and did not answer with the model %q. Try again later."
	case claw.ReasonTimeout:
		format = "Provider %q took too long to answer with the model %q."
	case claw.ReasonRejected:
		format = "Provider %q refused to answer this conversation with the model %q."
	case claw.ReasonTruncated:
		format = "The connection to provider %q ended before the answer of the model %q did."
	case claw.ReasonUnconfigured:
		format = "Provider %q cannot be used with the model %q. Check its apiKey and the model's name in the configuration."
	default:
		format = "Provider %q failed to answer with the model %q."
	}
	return claw.ModelErrorf(reason, format, e.Provider, model)
}

// Fail returns an answer that is nothing but err.
func Fail(err error) iter.Seq2[claw.Chunk, error] {
	return func(yield func(claw.Chunk, error) bool) { yield(claw.Chunk{}, err) }
}

// NoKey returns the error of a provider that needs an API key and has none. It is better than to send a call that can only
// be refused: that one would say less.
func NoKey(provider, variable string) *claw.Error {
	return claw.ModelErrorf(claw.ReasonUnconfigured, "Provider %q has no API key. Set %s, or the apiKey of this provider "+
		"in the configuration, and restart the gateway.", provider, variable)
}

// garbage is the error of an answer that is in no format of the vendor's.
func (e *Endpoint) garbage(cause error) *claw.Error {
	return claw.ModelErrorf(claw.ReasonUnavailable, "What answers for provider %q does not speak its protocol. Check the "+
		"type and the baseUrl of this provider in the configuration.", e.Provider).Because(cause)
}

// connectError makes an error of a call that got no answer. Its cause names neither URL nor key: url.Error does, so it
// is taken off.
func (e *Endpoint) connectError(model string, err error) *claw.Error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	if n, ok := errors.AsType[net.Error](err); ok && n.Timeout() || errors.Is(err, context.DeadlineExceeded) {
		return e.failed(claw.ReasonTimeout, model).Because(err)
	}
	return claw.ModelErrorf(claw.ReasonUnavailable, "No connection to provider %q. Check that its server is running "+
		"and can be reached from here, and its baseUrl in the configuration.", e.Provider).Because(err)
}

// excerpt returns the beginning of a provider's error for the log: quoted, and without the API key, which some servers
// repeat to the caller.
func (e *Endpoint) excerpt(body []byte) string {
	text := string(body)
	if e.Secret != "" {
		text = strings.ReplaceAll(text, e.Secret, "[key]")
	}
	if len(text) > maxLogged {
		text = text[:maxLogged] + "..."
	}
	return strconv.Quote(text)
}

// retryAfter reads for how long the provider asks to be left alone; 0 where it does not say.
func retryAfter(h http.Header, now time.Time) time.Duration {
	if ms, err := strconv.ParseFloat(h.Get("Retry-After-Ms"), 64); err == nil {
		return clampWait(ms * float64(time.Millisecond))
	}
	v := h.Get("Retry-After")
	if s, err := strconv.ParseFloat(v, 64); err == nil {
		return clampWait(s * float64(time.Second))
	}
	if t, err := http.ParseTime(v); err == nil {
		return clampWait(float64(t.Sub(now)))
	}
	return 0
}

// clampWait takes a float so that a figure beyond the range of a Duration does not wrap around.
func clampWait(ns float64) time.Duration {
	if !(ns > 0) { // also NaN
		return 0
	}
	return time.Duration(min(ns, float64(MaxRetryAfter)))
}
