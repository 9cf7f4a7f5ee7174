// Package httpapi is the gateway's REST API over HTTP: what the document spec/openapi.yaml promises, and nothing else.
//
// Read routes.go first: the whole API stands there in one table. A handler decodes its input, makes one call, and returns
// an answer or an error; identity, permissions, limits, headers, panics, the log and the mapping of errors to statuses
// belong to guard.go and happen to every request in the same way.
package httpapi

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/openclaw/openclaw/claw"
)

// Chat is what the API needs of whoever owns the runs. Its errors are [*claw.Error] values, or ctx's cause.
type Chat interface {
	// Start returns once the run has begun: its turn in the session's queue has come, and the user's message and the
	// run are durable. ctx is the request's and ends no earlier than the connection or the answer: where the request
	// asked to be cancelled on disconnect, its end is what cancels the run.
	Start(ctx context.Context, who claw.Principal, req claw.ChatRequest) (claw.Started, error)

	// Watch yields the events of a run that followed event number after, then follows live to the terminal event: those
	// that are there at the same time in one slice, which is not empty and valid until the next. It returns a nil
	// sequence where after is the terminal event or past it, and [claw.NotFound] where there is no such run. It yields
	// ctx's cause as an error where ctx ends first.
	Watch(ctx context.Context, who claw.Principal, messageID string, after int64) (iter.Seq2[[]claw.Event, error], error)

	// Wait returns a run's message once the run has ended, or [claw.NotFound].
	Wait(ctx context.Context, who claw.Principal, messageID string) (claw.MessageView, error)

	// Message returns a message, that of a live run as far as it has come, or [claw.NotFound].
	Message(ctx context.Context, who claw.Principal, messageID string) (claw.MessageView, error)

	// Cancel stops a run and returns its message once it has stopped. Of one that has ended it changes nothing.
	Cancel(ctx context.Context, who claw.Principal, messageID string) (claw.MessageView, error)

	// DeleteSession erases a session, stopping what runs in it, or returns [claw.NotFound].
	DeleteSession(ctx context.Context, who claw.Principal, key string) error
}

// Sessions is the part of a [claw.SessionStore] that the API reads from directly.
type Sessions interface {
	Session(ctx context.Context, workspace, key string) (claw.Session, error)
	Sessions(ctx context.Context, workspace string, q claw.SessionQuery) (claw.SessionPage, error)
	History(ctx context.Context, workspace, key string, q claw.HistoryQuery) ([]claw.Message, error)
}

// Status is what GET /api/v1/status tells.
type Status struct {
	Reasons        []string // why the gateway is degraded, a sentence each; none means healthy
	Version        string
	Uptime         time.Duration
	ActiveSessions int // of the asking token's workspace
	Provider       string
	Model          string
}

// Config is what an [API] is made of. Chat, Sessions, Limiter and Status are required.
type Config struct {
	Chat     Chat
	Sessions Sessions
	Limiter  claw.Limiter
	Status   func(ctx context.Context, who claw.Principal) (Status, error)

	// Ready says whether the gateway takes new work; nil means always. The error is logged, not shown.
	Ready func() error

	Policy         // can be replaced later, see [API.SetPolicy]
	OpenAPI []byte // the document as JSON

	// Page answers GET and HEAD outside of /api/ where no route does. nil leaves those to a 404.
	Page http.Handler

	Logger *slog.Logger // nil means slog's default
	Audit  claw.Auditor // nil keeps no record

	BodyTimeout  time.Duration // for a request's body to arrive; 0 means 30 s
	WriteTimeout time.Duration // for a client to take what one write sends; 0 means 30 s
	KeepAlive    time.Duration // of silence on a stream until a comment is sent; 0 means 15 s
	HistoryPart  int           // bytes of a long history that are held at a time; 0 means 1 MiB
}

// API serves the gateway's REST API. It is safe for concurrent use.
type API struct {
	chat     Chat
	sessions Sessions
	limiter  claw.Limiter
	status   func(context.Context, claw.Principal) (Status, error)
	ready    func() error
	openapi  []byte
	page     http.Handler
	log      *slog.Logger

	audit claw.Auditor

	mux      *http.ServeMux
	policy   atomic.Pointer[policy]
	changing sync.Mutex // held while the policy is replaced

	bodyTimeout, writeTimeout, keepAlive time.Duration
	historyPart                          int
}

// New returns an API, or an error that says what of cfg is missing or contradicts itself.
func New(cfg Config) (*API, error) {
	if cfg.Chat == nil || cfg.Sessions == nil || cfg.Limiter == nil || cfg.Status == nil {
		return nil, errors.New("httpapi: Chat, Sessions, Limiter and Status are required")
	}
	a := &API{
		chat:         cfg.Chat,
		sessions:     cfg.Sessions,
		limiter:      cfg.Limiter,
		status:       cfg.Status,
		ready:        cfg.Ready,
		openapi:      cfg.OpenAPI,
		page:         cfg.Page,
		log:          cmp.Or(cfg.Logger, slog.Default()),
		audit:        cfg.Audit,
		bodyTimeout:  cmp.Or(cfg.BodyTimeout, 30*time.Second),
		writeTimeout: cmp.Or(cfg.WriteTimeout, 30*time.Second),
		keepAlive:    cmp.Or(cfg.KeepAlive, 15*time.Second),
		historyPart:  cmp.Or(cfg.HistoryPart, 1<<20),
	}
	if a.ready == nil {
		a.ready = func() error { return nil }
	}
	if a.audit == nil {
		a.audit = noAudit{}
	}
	if err := a.SetPolicy(cfg.Policy); err != nil {
		return nil, err
	}
	var err error
	if a.mux, err = newMux(a, routes); err != nil {
		return nil, fmt.Errorf("httpapi: %w", err)
	}
	return a, nil
}

// noAudit keeps no record.
type noAudit struct{}

// Audit does nothing.
func (noAudit) Audit(claw.AuditRecord) {}

// maxHeaderLines is how many header lines a request may have.
const maxHeaderLines = 100

// sendBuffer is how much the kernel is to hold for a client that does not read, in bytes; Linux doubles it. Left to
// itself it would hold nearly 4 MB for each.
const sendBuffer = 256 << 10

func boundBuffer(ctx context.Context, c net.Conn) context.Context {
	if secure, ok := c.(*tls.Conn); ok {
		c = secure.NetConn()
	}
	if buffered, ok := c.(interface{ SetWriteBuffer(int) error }); ok {
		_ = buffered.SetWriteBuffer(sendBuffer) // a connection that is gone already will say so itself
	}
	return ctx
}

// NewServer returns an HTTP server for h with the limits that guard a connection before a handler sees the request. The
// caller gives it a listener.
func NewServer(h http.Handler, logger *slog.Logger) *http.Server {
	return &http.Server{
		Handler: h,
		// OPTIONS * gets a request id and the check of its host like everything else.
		DisableGeneralOptionsHandler: true,
		ConnContext:                  boundBuffer,
		ReadHeaderTimeout:            10 * time.Second,
		IdleTimeout:                  120 * time.Second,
		MaxHeaderBytes:               32 << 10,
		// net/http would answer too many lines with a bare 400. The byte limit above bounds them anyhow, and the API
		// counts them itself.
		MaxHeaderValueCount: 32 << 10,
		// No WriteTimeout: it would end every stream. Each write of an answer has its own deadline instead.
		ErrorLog: slog.NewLogLogger(logger.Handler(), slog.LevelDebug),
	}
}
