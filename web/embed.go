// Package web is the page that a browser sees at the gateway's address: a chat with the assistant and a view of how the
// gateway is doing. The page is a program of its own, in src, that uses the public API and nothing else. `npm run build`
// puts it into dist, from where it becomes part of the binary.
package web

import (
	"embed"
	"net/http"
)

// dist is what `npm run build` made. From a clone it holds unbuilt.html only, which is in version control so that the
// gateway builds without Node; the page then says how to build it.
//
//go:embed all:dist
var dist embed.FS

// Handler serves the page at "/" and its files below "/assets/" to GET and HEAD. Everything else is a 404, or a 405, in
// the API's own format. It needs no token: the page holds nothing but itself.
func Handler() http.Handler {
	return newSite(dist)
}
