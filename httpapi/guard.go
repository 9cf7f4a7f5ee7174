package httpapi

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/openclaw/openclaw/claw"
)

// ServeHTTP is the one way in: every request passes here, and every answer leaves here.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := &exchange{
		api: a, policy: a.policy.Load(), w: w, r: r, control: http.NewResponseController(w),
		id: "req_" + rand.Text(), begun: time.Now(),
	}
	h := w.Header()
	h["X-Request-Id"] = []string{x.id}
	h["Cache-Control"] = []string{"no-store"}
	h["X-Content-Type-Options"] = []string{"nosniff"}
	x.policy.share(h, r)
	defer x.finish()

	switch {
	case headerLines(r) > maxHeaderLines:
		x.fail(http.StatusRequestHeaderFieldsTooLarge, errManyHeaders)
	case !x.policy.hosts.serves(r.Host):
		x.reply(nil, claw.Errorf(claw.MisdirectedRequest,
			"This gateway does not answer for the host %.100q. Its operator can add it to server.allowedHosts.", r.Host))
	case r.Method == http.MethodOptions && r.URL.Path == "*":
		x.reply(noContent{allow: "DELETE, GET, HEAD, OPTIONS, POST"}, nil)
	case !cleanPath(r.URL.EscapedPath()):
		x.reply(nil, errNoRoute) // the mux would redirect
	default:
		a.mux.ServeHTTP(x, r)
	}
}

// headerLines counts the lines of r's header. net/http has taken the Host line out of it.
func headerLines(r *http.Request) int {
	n := 1
	for _, values := range r.Header {
		n += len(values)
	}
	return n
}

// cleanPath reports whether an escaped path is in the one form that names a route: no empty segment, no "." and "..".
func cleanPath(p string) bool {
	if !strings.HasPrefix(p, "/") || strings.Contains(p, "//") {
		return false
	}
	if !strings.Contains(p, "/.") {
		return true
	}
	for segment := range strings.SplitSeq(p[1:], "/") {
		if segment == "." || segment == ".." {
			return false
		}
	}
	return true
}

// dispatch finds the operation for the method and sees that the caller may have it.
func (res *resource) dispatch(x *exchange) (answer, error) {
	method := x.r.Method
	switch method {
	case http.MethodOptions:
		return res.options(x)
	case http.MethodHead:
		method = http.MethodGet // net/http leaves the body out
	}
	rt := res.methods[method]
	if rt == nil {
		x.Header().Set("Allow", res.allow)
		return nil, claw.Errorf(claw.MethodNotAllowed, "This route answers %s only.", res.allow)
	}
	x.route = rt
	if rt.access.kind != everybody {
		if err := res.api.admit(x, rt); err != nil {
			return nil, err
		}
	}
	return rt.handle(res.api, x)
}

// admit sets x.who, or says why the caller may not pass. A request counts against the token's limit before its
// permission is looked at: what is asked too often is refused however it is asked.
func (a *API) admit(x *exchange, rt *route) error {
	id, err := a.authenticate(x)
	if err != nil {
		return err
	}
	x.who = id.who
	x.hold(id.lease)
	d, err := a.limiter.Take(x.r.Context(), id.keys[rt.class], id.limits[rt.class])
	if err != nil {
		return err
	}
	h := x.Header() // spelt as documented: Header.Set would write X-Ratelimit-Limit
	h["X-RateLimit-Limit"] = []string{strconv.Itoa(d.Limit)}
	h["X-RateLimit-Remaining"] = []string{strconv.Itoa(d.Remaining)}
	h["X-RateLimit-Reset"] = []string{strconv.FormatInt(time.Now().Add(d.Reset+time.Second-1).Unix(), 10)}
	if !d.OK {
		return claw.Errorf(claw.RateLimited, "Too many requests. Please try again later.").After(max(d.Reset, 1))
	}
	if !rt.access.allows(x.who) {
		x.refused("permission", http.StatusForbidden)
		return claw.Errorf(claw.Forbidden, "This token lacks the permission %s. Its operator can add it to api.tokens.",
			quotedList(rt.access.anyOf))
	}
	return nil
}

// authenticate finds out whose token the request carries.
func (a *API) authenticate(x *exchange) (*identity, error) {
	values := x.r.Header["Authorization"]
	if len(values) > 1 {
		return nil, invalid("Authorization", "must be sent once.")
	}
	if len(values) == 0 {
		return nil, a.unauthorized(x, errNoToken, "no token")
	}
	reason := "unknown token"
	if secret, ok := bearer(values[0]); ok {
		id := x.policy.tokens.find(secret)
		if id != nil && !id.expired() {
			return id, nil
		}
		if id != nil {
			x.who.Name, reason = id.who.Name, "expired token"
		}
	}
	return nil, a.unauthorized(x, errBadToken, reason)
}

// unauthorized returns refusal, or a [claw.RateLimited] error where the address has been refused too often. Only
// failures are counted, so they never stand in the way of a valid token from the same address.
func (a *API) unauthorized(x *exchange, refusal *claw.Error, reason string) error {
	x.refused(reason, http.StatusUnauthorized)
	d, err := a.limiter.Take(x.r.Context(), "auth:"+party(x.client()), failureLimit)
	if err != nil {
		return refusal.Because(err)
	}
	if !d.OK {
		return claw.Errorf(claw.RateLimited, "Too many requests without a valid API token came from this address. "+
			"Please try again later.").After(max(d.Reset, 1))
	}
	return refusal
}

func quotedList(ps []claw.Permission) string {
	names := make([]string, len(ps))
	for i, p := range ps {
		names[i] = strconv.Quote(string(p))
	}
	return strings.Join(names, " or ")
}

// exchange is one request and its answer. It is the ResponseWriter of all that answers.
type exchange struct {
	api      *API
	policy   *policy // in force when the request came
	route    *route  // nil where there is none
	w        http.ResponseWriter
	control  *http.ResponseController
	r        *http.Request
	id       string
	begun    time.Time
	who      claw.Principal // who asks; zero on public routes
	leasing  sync.Mutex
	released bool
	release  func() // what holds the request to its token's lease; nil where there is no token
	hangUp   func() // ends the request's context, as if the client had left; nil as well

	limiting sync.Mutex
	until    time.Time // when it is cut off, its token being gone; zero before
	deadline time.Time // of writes, as the connection has it

	run, session string // that the request has started, for the log

	bodyRead bool // the request's body was read to its end
	status   int  // 0 until the header is written
	bytes    int64
	err      *claw.Error // what was answered, where it was an error
	cut      bool        // the connection is to be broken off: the answer is not whole
}

// client is the address of who asks.
func (x *exchange) client() string { return x.policy.client(x.r) }

// lastWords is how long a client may take for what it is still sent once its token is gone.
const lastWords = 3 * time.Second

// hold ends the request's context where its token's lease ends, so that nothing goes on for a token that is gone.
func (x *exchange) hold(l *lease) {
	ctx, cancel := context.WithCancelCause(x.r.Context())
	stop := context.AfterFunc(l, func() {
		cancel(context.Cause(l))
		x.leasing.Lock()
		defer x.leasing.Unlock()
		if !x.released {
			x.limiting.Lock()
			x.until = time.Now().Add(lastWords)
			x.limiting.Unlock()
			x.limitWrite() // one that goes on already, to a client that does not read
		}
	})
	x.hangUp = func() { cancel(nil) }
	x.release = func() {
		stop()
		cancel(nil)
		x.leasing.Lock() // the connection is net/http's again when the handler returns
		defer x.leasing.Unlock()
		x.released = true
	}
	x.r = x.r.WithContext(ctx)
}

// refused records that the request was turned away.
func (x *exchange) refused(reason string, status int) {
	x.api.audit.Audit(claw.AuditRecord{
		Action: claw.AuditRefused, Token: x.who.Name, RequestID: x.id, Address: x.client(),
		Route: x.route.method + " " + x.route.pattern, Status: status, Reason: reason,
	})
}

// record leaves a record of an operation that is audited.
func (x *exchange) record() {
	if x.route == nil || x.who.Name == "" || x.status == http.StatusUnauthorized || x.status == http.StatusForbidden {
		return
	}
	if action, ok := audited[x.route.operation]; ok {
		x.api.audit.Audit(claw.AuditRecord{
			Action: action, Token: x.who.Name, RequestID: x.id, Address: x.client(),
			Route: x.route.method + " " + x.route.pattern, Target: x.target(), Status: x.status,
		})
	}
}

// target is the session's key or the message's id in the path. What is neither may be anything, and long.
func (x *exchange) target() string {
	if target := x.r.PathValue("key") + x.r.PathValue("id"); claw.ValidSessionKey(target) {
		return target
	}
	return ""
}

// Header is that of the answer.
func (x *exchange) Header() http.Header { return x.w.Header() }

// Unwrap is how [http.ResponseController] finds what it controls.
func (x *exchange) Unwrap() http.ResponseWriter { return x.w }

// WriteHeader sends the status.
func (x *exchange) WriteHeader(status int) {
	if x.status != 0 {
		return
	}
	x.status = status
	if !x.bodyRead && x.r.ContentLength != 0 {
		// Before it answers, net/http reads what is left of the body, so as to use the connection again. A body that
		// is on its way is there within a moment; one that is not must not keep the answer from the client.
		_ = x.control.SetReadDeadline(time.Now().Add(time.Second))
	}
	if len(x.r.TransferEncoding) > 0 {
		// net/http drops a Content-Length that contradicts the chunks, without a trace. Proxies that believe the length
		// and not the chunks see other requests on this connection than we do, so none may follow.
		x.Header().Set("Connection", "close")
	}
	x.limitWrite()
	x.w.WriteHeader(status)
}

// limitWrite gives the client time to take what is written next, and cuts it off after that. net/http lifts the limit
// with the end of the request.
func (x *exchange) limitWrite() {
	x.limiting.Lock()
	defer x.limiting.Unlock()
	deadline := x.until
	if deadline.IsZero() {
		deadline = time.Now().Add(x.api.writeTimeout)
	}
	// Moving it costs a good part of what writing one event costs, so it is not moved for less than matters.
	if d := deadline.Sub(x.deadline); d < 0 || d > x.api.writeTimeout/32 {
		x.deadline = deadline
		_ = x.control.SetWriteDeadline(deadline)
	}
}

// Write sends a piece of the answer's body. A client that takes long for a long answer is fine as long as each piece gets
// through in time.
func (x *exchange) Write(b []byte) (int, error) {
	x.WriteHeader(http.StatusOK)
	x.limitWrite()
	n, err := x.w.Write(b)
	x.bytes += int64(n)
	return n, err
}

// reply sends what a handler returned.
func (x *exchange) reply(ans answer, err error) {
	if err == nil {
		ans.send(x)
		return
	}
	e := claw.AsError(err)
	if e.Code == claw.InternalError && x.gone() {
		x.err, x.cut = e, true // it failed because the client has left
		return
	}
	x.fail(statusOf(e), e)
}

// gone reports whether the client has left, or has stopped sending before it was done. A request's context also ends
// where the gateway ends it, and then has a cause that the client is to be told.
func (x *exchange) gone() bool {
	ctx := x.r.Context()
	return ctx.Err() != nil && claw.CauseOf(ctx) == nil
}

// fail sends an error.
func (x *exchange) fail(status int, e *claw.Error) {
	if e.Code == claw.Unauthorized {
		x.Header()["WWW-Authenticate"] = []string{"Bearer"}
	}
	body := errorBody{detailOf(e)}
	if s := body.Error.RetryAfter; s > 0 {
		x.Header().Set("Retry-After", strconv.Itoa(s))
	}
	x.err = e
	jsonAnswer{status, body}.send(x)
}

// finish ends every request: with its line in the log, and, where the answer is not whole, with a connection broken off
// rather than with an end that looks like one.
func (x *exchange) finish() {
	switch p := recover(); p {
	case nil:
	case http.ErrAbortHandler:
		x.cut = true
	default:
		x.api.log.Error("panic", "id", x.id, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
		if x.status == 0 {
			e := claw.AsError(fmt.Errorf("panic: %v", p))
			x.fail(statusOf(e), e)
		} else {
			x.cut = true
		}
	}
	x.record()
	x.logAccess()
	if x.release != nil {
		x.release()
	}
	if x.cut {
		panic(http.ErrAbortHandler)
	}
}

// logAccess writes the request's one line. It has the route, never the path or the query: those can hold secrets that
// were put in the wrong place.
func (x *exchange) logAccess() {
	level := x.logLevel()
	ctx := x.r.Context()
	if !x.api.log.Enabled(ctx, level) {
		return
	}
	attrs := make([]slog.Attr, 0, 14)
	attrs = append(attrs,
		slog.String("id", x.id),
		slog.String("method", knownMethod(x.r.Method)),
		slog.String("route", x.r.Pattern),
		slog.Int("status", x.status),
		slog.Duration("took", time.Since(x.begun)),
		slog.Int64("bytes", x.bytes))
	for _, named := range [...]slog.Attr{
		slog.String("token", x.who.Name), slog.String("session", x.session), slog.String("run", x.run),
	} {
		if named.Value.String() != "" {
			attrs = append(attrs, named)
		}
	}
	if x.err != nil {
		attrs = append(attrs, slog.String("code", string(x.err.Code)))
		if x.err.Err != nil {
			attrs = append(attrs, slog.String("cause", x.err.Err.Error()))
		}
		if x.err.Code == claw.Unauthorized {
			attrs = append(attrs, slog.String("remote", x.client()))
		}
	}
	if x.cut {
		attrs = append(attrs, slog.Bool("cut", true))
	}
	x.api.log.LogAttrs(ctx, level, "request", attrs...)
}

func (x *exchange) logLevel() slog.Level {
	switch {
	case x.status == http.StatusInternalServerError:
		return slog.LevelError
	case x.status > http.StatusInternalServerError:
		return slog.LevelWarn
	case x.status < http.StatusBadRequest && x.r.Method != http.MethodPost && x.r.Method != http.MethodDelete:
		return slog.LevelDebug
	}
	return slog.LevelInfo
}

// knownMethod keeps a made-up method, which may be as long as a header, out of the log.
func knownMethod(m string) string {
	switch m {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete,
		http.MethodConnect, http.MethodOptions, http.MethodTrace:
		return m
	}
	return "other"
}
