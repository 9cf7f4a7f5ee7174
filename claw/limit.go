package claw

import (
	"context"
	"time"
)

// Limit is how many requests one key may make in a window of time.
type Limit struct {
	Requests int
	Window   time.Duration
}

// Decision is what a limiter says of one request.
type Decision struct {
	OK        bool
	Limit     int
	Remaining int           // after this request
	Reset     time.Duration // until the window ends and Remaining is Limit again; waiting so long always suffices
}

// Limiter counts requests per key in windows that begin with the first request counted. A request that it refuses is
// not counted. It goes by a clock that does not jump, and is safe for concurrent use.
type Limiter interface {
	Take(ctx context.Context, key string, l Limit) (Decision, error)
}
