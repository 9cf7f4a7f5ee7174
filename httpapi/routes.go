package httpapi

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/openclaw/openclaw/claw"
)

// routes is the whole API. A route whose access or class is left out is refused by newMux: the default is to deny.
var routes = []route{
	{"POST", "/api/v1/chat", "chat", mayChat, chatClass, (*API).postChat},
	{"POST", "/api/v1/chat/stream", "chatStream", mayChat, chatClass, (*API).postChatStream},

	{"GET", "/api/v1/messages/{id}", "getMessage", mayEither, readClass, (*API).getMessage},
	{"GET", "/api/v1/messages/{id}/stream", "streamMessage", mayEither, readClass, (*API).streamMessage},
	{"POST", "/api/v1/messages/{id}/cancel", "cancelMessage", mayChat, readClass, (*API).cancelMessage},

	{"GET", "/api/v1/sessions", "listSessions", maySessions, readClass, (*API).listSessions},
	{"GET", "/api/v1/sessions/{key}", "getSession", maySessions, readClass, (*API).getSession},
	{"DELETE", "/api/v1/sessions/{key}", "deleteSession", maySessions, readClass, (*API).deleteSession},
	{"GET", "/api/v1/sessions/{key}/history", "getHistory", maySessions, readClass, (*API).getHistory},

	{"GET", "/api/v1/status", "getStatus", anyToken, readClass, (*API).getStatus},
	{"GET", "/api/v1/openapi.json", "getOpenapi", public, unlimited, (*API).getOpenAPI},
	{"GET", "/healthz", "healthz", public, unlimited, (*API).healthz},
	{"GET", "/readyz", "readyz", public, unlimited, (*API).readyz},
}

// audited are the operations that leave a record, whatever came of them. Refusals of any operation do, too.
var audited = map[string]claw.AuditAction{
	"cancelMessage": claw.AuditRunCancelled,
	"deleteSession": claw.AuditSessionDeleted,
}

// route is one operation.
type route struct {
	method    string
	pattern   string // of the path, as [http.ServeMux] reads it
	operation string // its operationId in the OpenAPI document
	access    access
	class     class
	handle    func(*API, *exchange) (answer, error)
}

// access is who may call a route. The zero value is nobody.
type access struct {
	kind  accessKind
	anyOf []claw.Permission // one of them is enough
}

type accessKind int

const (
	nobody accessKind = iota
	everybody
	tokenHolders
)

var (
	public      = access{kind: everybody}
	anyToken    = access{kind: tokenHolders}
	mayChat     = needs(claw.PermissionChat)
	maySessions = needs(claw.PermissionSessions)
	mayEither   = needs(claw.PermissionChat, claw.PermissionSessions)
)

func needs(anyOf ...claw.Permission) access { return access{kind: tokenHolders, anyOf: anyOf} }

// allows reports whether who has one of the permissions needed.
func (acc access) allows(who claw.Principal) bool {
	return len(acc.anyOf) == 0 || slices.ContainsFunc(acc.anyOf, who.May)
}

// class is which of a token's limits a route counts against. The zero value is none that exists.
type class int

const (
	unclassed class = iota
	unlimited       // of public routes only
	chatClass
	readClass
	numClasses
)

// resource is one path with its methods.
type resource struct {
	api     *API
	methods map[string]*route
	allow   string // the Allow header
}

// newMux returns a mux with a resource for every path of the table, and a 404 for all else.
func newMux(a *API, table []route) (*http.ServeMux, error) {
	resources := make(map[string]*resource)
	for i := range table {
		rt := &table[i]
		if rt.access.kind == nobody || rt.class == unclassed || (rt.access.kind == everybody) != (rt.class == unlimited) {
			return nil, fmt.Errorf("route %s %s: says too little about who may call it and how often", rt.method, rt.pattern)
		}
		res := resources[rt.pattern]
		if res == nil {
			res = &resource{api: a, methods: make(map[string]*route)}
			resources[rt.pattern] = res
		}
		if res.methods[rt.method] != nil {
			return nil, fmt.Errorf("route %s %s: is there twice", rt.method, rt.pattern)
		}
		res.methods[rt.method] = rt
	}
	mux := http.NewServeMux()
	for pattern, res := range resources {
		res.allow = allowed(res.methods)
		mux.Handle(pattern, res)
	}
	mux.Handle("/", elsewhere{a})
	return mux, nil
}

// allowed lists the methods that a path answers, in a fixed order.
func allowed(methods map[string]*route) string {
	all := []string{http.MethodOptions}
	for m := range methods {
		all = append(all, m)
		if m == http.MethodGet {
			all = append(all, http.MethodHead)
		}
	}
	slices.Sort(all)
	return strings.Join(all, ", ")
}

// ServeHTTP lets the guard dispatch the request. The mux is only ever called with an exchange for its writer.
func (res *resource) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	x := w.(*exchange)
	x.reply(res.dispatch(x))
}

// elsewhere answers every path that is not in the table.
type elsewhere struct{ api *API }

// ServeHTTP shows the page to a reader, and a 404 in JSON to everyone else.
func (e elsewhere) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := w.(*exchange)
	reading := r.Method == http.MethodGet || r.Method == http.MethodHead
	if e.api.page != nil && reading && !strings.HasPrefix(r.URL.Path, "/api/") {
		e.api.page.ServeHTTP(w, r)
		return
	}
	x.reply(nil, errNoRoute)
}
