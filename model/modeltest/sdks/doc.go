// Package sdks holds tests only. They hold the scripted upstream, and with it all that is tested on it, to the vendors'
// own clients: what those send must be understood as what our providers send is, and what it answers must be to them a
// whole answer or the error that it is meant to be.
//
// The clients are linked into these tests and not into the gateway; docs/decisions says why.
package sdks
