package httpapi

import (
	"net/http"
	"time"

	"github.com/openclaw/openclaw/claw"
)

// statuses is the one place where a code meets its HTTP status.
var statuses = map[claw.Code]int{
	claw.InvalidRequest:       http.StatusBadRequest,
	claw.Unauthorized:         http.StatusUnauthorized,
	claw.Forbidden:            http.StatusForbidden,
	claw.NotFound:             http.StatusNotFound,
	claw.MethodNotAllowed:     http.StatusMethodNotAllowed,
	claw.RequestTimeout:       http.StatusRequestTimeout,
	claw.SessionBusy:          http.StatusConflict,
	claw.SessionDeleted:       http.StatusConflict,
	claw.Cancelled:            http.StatusConflict,
	claw.PayloadTooLarge:      http.StatusRequestEntityTooLarge,
	claw.UnsupportedMediaType: http.StatusUnsupportedMediaType,
	claw.MisdirectedRequest:   http.StatusMisdirectedRequest,
	claw.IdempotencyKeyReused: http.StatusUnprocessableEntity,
	claw.RateLimited:          http.StatusTooManyRequests,
	claw.InternalError:        http.StatusInternalServerError,
	claw.ModelError:           http.StatusBadGateway,
	claw.Unavailable:          http.StatusServiceUnavailable,
}

// statusOf returns the status that e is answered with. An unknown code is our defect, and so a 500.
func statusOf(e *claw.Error) int {
	if status, ok := statuses[e.Code]; ok {
		return status
	}
	return http.StatusInternalServerError
}

// errorBody is the envelope of every error.
type errorBody struct {
	Error errorDetail `json:"error"`
}

type errorDetail struct {
	Code       claw.Code   `json:"code"`
	Message    string      `json:"message"`
	Reason     claw.Reason `json:"reason,omitzero"`
	RetryAfter int         `json:"retryAfter,omitzero"` // whole seconds
}

func detailOf(e *claw.Error) errorDetail {
	return errorDetail{Code: e.Code, Message: e.Message, Reason: e.Reason, RetryAfter: wholeSeconds(e.RetryAfter)}
}

// wholeSeconds rounds up, so that waiting for the result always suffices.
func wholeSeconds(d time.Duration) int {
	return int((max(d, 0) + time.Second - 1) / time.Second)
}

var (
	errNoRoute = claw.Errorf(claw.NotFound,
		"There is no such route. GET /api/v1/openapi.json lists those that there are.")
	errNoToken = claw.Errorf(claw.Unauthorized,
		"An API token is missing. Send it in the header Authorization: Bearer your-api-token.")
	errBadToken    = claw.Errorf(claw.Unauthorized, "The API token is invalid.")
	errManyHeaders = claw.Errorf(claw.InvalidRequest, "The request has more than %d header lines.", maxHeaderLines)
	errPreflight   = claw.Errorf(claw.Forbidden,
		"This gateway does not serve pages of this origin. Its operator can add it to server.allowedOrigins.")
)

// invalid returns an [claw.InvalidRequest] error that names the field and the rule.
func invalid(field, format string, args ...any) *claw.Error {
	return claw.Errorf(claw.InvalidRequest, field+": "+format, args...)
}
