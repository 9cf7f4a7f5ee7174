package model

import (
	"cmp"
	"net"
	"net/http"
	"time"
)

// NewHTTPClient returns the client that all providers of a gateway share. A connection, TLS included, has to be there
// within connect (0 is 10 s). There is no limit on the whole call: answers take as long as they take, and who hangs is found
// out by [Failover]'s deadlines.
func NewHTTPClient(connect time.Duration) *http.Client {
	connect = cmp.Or(connect, 10*time.Second)
	return &http.Client{
		Transport: &http.Transport{
			Proxy:               http.ProxyFromEnvironment, // of the machine, never for loopback
			DialContext:         (&net.Dialer{Timeout: connect, KeepAlive: 30 * time.Second}).DialContext,
			TLSHandshakeTimeout: connect,
			ForceAttemptHTTP2:   true,
			// Go's default of 2 idle connections a host would close and open one for nearly every call under load.
			MaxIdleConnsPerHost: 256,
			MaxIdleConns:        1024,
			IdleConnTimeout:     90 * time.Second,
			// Less than Go's default of 4 kB: an open stream holds both, a model's events are small, and of a longer request what
			// does not fit is written past the buffer.
			ReadBufferSize:         2 << 10,
			WriteBufferSize:        1 << 10,
			MaxResponseHeaderBytes: 256 << 10,
			// A compressed stream is one that a server's compressor may hold back, and that can grow without bound.
			DisableCompression: true,
		},
	}
}
