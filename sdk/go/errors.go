package openclaw

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Code names a class of failure in an answer of the gateway. A gateway newer than this SDK may send others.
type Code string

// The codes of the contract.
const (
	CodeInvalidRequest       Code = "INVALID_REQUEST"        // 400: the message names the field and the rule
	CodeUnauthorized         Code = "UNAUTHORIZED"           // 401: missing or invalid token
	CodeForbidden            Code = "FORBIDDEN"              // 403: the token lacks a permission, which the message names
	CodeNotFound             Code = "NOT_FOUND"              // 404: no such session, message or route
	CodeMethodNotAllowed     Code = "METHOD_NOT_ALLOWED"     // 405
	CodeRequestTimeout       Code = "REQUEST_TIMEOUT"        // 408: the request's body took too long to arrive
	CodeSessionBusy          Code = "SESSION_BUSY"           // 409: too many messages wait in this session
	CodeSessionDeleted       Code = "SESSION_DELETED"        // 409: deleted while the message waited or was answered
	CodeCancelled            Code = "CANCELLED"              // 409: cancelled while the message waited or was answered
	CodePayloadTooLarge      Code = "PAYLOAD_TOO_LARGE"      // 413
	CodeUnsupportedMediaType Code = "UNSUPPORTED_MEDIA_TYPE" // 415
	CodeMisdirectedRequest   Code = "MISDIRECTED_REQUEST"    // 421: the host in the URL is not on the gateway's list
	CodeIdempotencyKeyReused Code = "IDEMPOTENCY_KEY_REUSED" // 422: the same key with another message
	CodeRateLimited          Code = "RATE_LIMITED"           // 429: this token's limit; RetryAfter says how long to wait
	CodeInternalError        Code = "INTERNAL_ERROR"         // 500
	CodeModelError           Code = "MODEL_ERROR"            // 502: no model answered; see Reason
	CodeUnavailable          Code = "UNAVAILABLE"            // 503: shutting down, or storage full or locked
)

// Reason says why no model gave a whole answer. It comes with [CodeModelError] only.
type Reason string

// The reasons of the contract.
const (
	ReasonRateLimited  Reason = "rate_limited"
	ReasonOverloaded   Reason = "overloaded"
	ReasonTimeout      Reason = "timeout"
	ReasonUnavailable  Reason = "unavailable"
	ReasonRejected     Reason = "rejected"
	ReasonTruncated    Reason = "truncated"
	ReasonUnconfigured Reason = "unconfigured"
)

// Error is an answer that is an error: the gateway's own, or that of a proxy before it.
type Error struct {
	// Code is the class of the failure, "" where the answer was not the gateway's (a proxy's page, for example). Status
	// is then all there is to go by.
	Code Code
	// Status is the HTTP status, 0 for an error that came as an event of a stream.
	Status  int
	Message string
	Reason  Reason // of a [CodeModelError]
	// RequestID finds the request in the gateway's log.
	RequestID string
	// RetryAfter is how long to wait before another try, 0 where waiting does not help or is not known to.
	RetryAfter time.Duration
}

// Error gives all that is known in one line.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("openclaw: ")
	switch {
	case e.Code != "" && e.Reason != "":
		fmt.Fprintf(&b, "%s (%s): ", e.Code, e.Reason)
	case e.Code != "":
		fmt.Fprintf(&b, "%s: ", e.Code)
	}
	b.WriteString(e.Message)
	if e.RetryAfter > 0 {
		fmt.Fprintf(&b, " [try again in %s]", e.RetryAfter)
	}
	if e.RequestID != "" {
		fmt.Fprintf(&b, " [request %s]", e.RequestID)
	}
	return b.String()
}

// CodeOf returns the code of the [*Error] in err's chain, "" where there is none.
func CodeOf(err error) Code {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

// What fails without an answer of the gateway, to be tested for with errors.Is. The error's text and what it wraps tell
// the details.
var (
	// ErrConnection: the gateway could not be reached, or the connection broke before its answer was whole.
	ErrConnection = errors.New("no answer from the gateway")
	// ErrTimeout: no answer within the time of [WithTimeout], or within the deadline of the call's context.
	ErrTimeout = errors.New("timed out")
	// ErrIncompleteStream: a stream ended without its last event and could not be taken up again. What has been
	// received is an incomplete answer. [MessagesService.Get] tells what became of it.
	ErrIncompleteStream = errors.New("the stream ended before the answer did")
	// ErrInvalidArgument: the call could not be made of what it, or [New], was given. Nothing was sent.
	ErrInvalidArgument = errors.New("invalid argument")
)

// failure is an error of one of the kinds above, with what was attempted and why it failed.
type failure struct {
	kind  error
	op    string
	cause error // may be nil
	hint  string
}

func (f *failure) Error() string {
	s := "openclaw: " + f.op + ": " + f.kind.Error()
	if f.cause != nil {
		s += ": " + f.cause.Error()
	}
	if f.hint != "" {
		s += "; " + f.hint
	}
	return s
}

func (f *failure) Unwrap() []error {
	if f.cause == nil {
		return []error{f.kind}
	}
	return []error{f.kind, f.cause}
}

func invalid(op, format string, args ...any) error {
	return &failure{kind: ErrInvalidArgument, op: op, cause: fmt.Errorf(format, args...)}
}
