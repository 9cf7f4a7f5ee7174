package claw

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Code names a class of failure. It is what a client branches on, so a code once published never changes its meaning.
type Code string

// The codes of the contract. The HTTP status of each stands in one table, in package httpapi.
const (
	InvalidRequest       Code = "INVALID_REQUEST"
	Unauthorized         Code = "UNAUTHORIZED"
	Forbidden            Code = "FORBIDDEN"
	NotFound             Code = "NOT_FOUND"
	MethodNotAllowed     Code = "METHOD_NOT_ALLOWED"
	RequestTimeout       Code = "REQUEST_TIMEOUT"
	SessionBusy          Code = "SESSION_BUSY"
	SessionDeleted       Code = "SESSION_DELETED"
	Cancelled            Code = "CANCELLED"
	PayloadTooLarge      Code = "PAYLOAD_TOO_LARGE"
	UnsupportedMediaType Code = "UNSUPPORTED_MEDIA_TYPE"
	MisdirectedRequest   Code = "MISDIRECTED_REQUEST"
	IdempotencyKeyReused Code = "IDEMPOTENCY_KEY_REUSED"
	RateLimited          Code = "RATE_LIMITED"
	InternalError        Code = "INTERNAL_ERROR"
	ModelError           Code = "MODEL_ERROR"
	Unavailable          Code = "UNAVAILABLE"
)

// Reason says why a model gave no (whole) answer. Set on errors of code [ModelError] and on no others.
type Reason string

// The reasons of the contract. Package model decides from them alone whether another attempt may help.
const (
	ReasonRateLimited  Reason = "rate_limited" // the provider's limit, not ours
	ReasonOverloaded   Reason = "overloaded"   // the provider says that it has too much to do (503, 529)
	ReasonTimeout      Reason = "timeout"      // no connection, first byte or next byte within its deadline
	ReasonUnavailable  Reason = "unavailable"  // no connection, or a 5xx
	ReasonRejected     Reason = "rejected"     // the provider understood and refused (400-class, content filter)
	ReasonTruncated    Reason = "truncated"    // the stream ended before its terminal event
	ReasonUnconfigured Reason = "unconfigured" // key missing or refused (401, 403), or no such model (404)
)

// Error is the one error type that crosses rooms. Message and Reason are shown to clients; Err, the cause, is logged
// and never shown.
type Error struct {
	Code       Code
	Message    string        // one sentence for the client, saying what to do where that is known
	Reason     Reason        // of a ModelError
	RetryAfter time.Duration // 0 where waiting does not help
	Err        error         // internal cause, may be nil
}

// Errorf returns an error of the given code with a formatted message for the client.
func Errorf(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// ModelErrorf returns a [ModelError] with its reason and a formatted message for the client.
func ModelErrorf(reason Reason, format string, args ...any) *Error {
	return &Error{Code: ModelError, Reason: reason, Message: fmt.Sprintf(format, args...)}
}

// Because returns a copy of e with the internal cause set.
func (e *Error) Because(cause error) *Error {
	c := *e
	c.Err = cause
	return &c
}

// After returns a copy of e that asks the client to wait for d before it tries again.
func (e *Error) After(d time.Duration) *Error {
	c := *e
	c.RetryAfter = d
	return &c
}

// Error gives code, message and cause: text for logs, not for clients.
func (e *Error) Error() string {
	s := string(e.Code) + ": " + e.Message
	if e.Reason != "" {
		s += " (" + string(e.Reason) + ")"
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap returns the internal cause.
func (e *Error) Unwrap() error { return e.Err }

// AsError returns the *Error within err. An error that is none becomes an [InternalError] with err as its cause, so
// that no message which was not written for clients reaches one. AsError(nil) is nil.
func AsError(err error) *Error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	return Errorf(InternalError, "The gateway failed to handle this request. Its log has the cause under this request's id.").Because(err)
}

// CodeOf returns the code of err, [InternalError] where it has none, and "" for nil.
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	return AsError(err).Code
}

// CauseOf returns the *Error that ctx was cancelled with, or nil where it is live or was cancelled for another cause.
func CauseOf(ctx context.Context) *Error {
	e, _ := errors.AsType[*Error](context.Cause(ctx))
	return e
}
