// Package call makes one streamed call to a model's server: it sends the request, tells the ways in which that can fail
// apart, frames the answer into events, and closes the connection before it returns. What the four vendors' protocols
// have in common lives here once; what is special to each is a [Protocol] in its own package.
//
// Everything that arrives is bounded (see the constants) because a provider's address is configuration: it may be a proxy
// gone wrong, or the login page of a hotel.
package call

import "time"

const (
	// maxLine is the longest line of an answer in bytes. Real events are a few hundred bytes; the largest known ones, a
	// last chunk that repeats the whole answer, are some 100 KiB.
	maxLine = 1 << 20
	// maxErrorBody is how much of an error's body is read. Vendors' errors are under 2 KiB.
	maxErrorBody = 16 << 10
	// maxLogged is how much of an error's body goes to the log.
	maxLogged = 512
	// MaxRetryAfter is the longest wait believed. More than a day is a broken clock.
	MaxRetryAfter = 24 * time.Hour
)
