// Package app joins the rooms into a gateway. It is the only package that knows them all.
package app

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/openclaw/openclaw/audit"
	"github.com/openclaw/openclaw/chat"
	"github.com/openclaw/openclaw/claw"
	"github.com/openclaw/openclaw/config"
	"github.com/openclaw/openclaw/httpapi"
	"github.com/openclaw/openclaw/live/mem"
	"github.com/openclaw/openclaw/model"
	"github.com/openclaw/openclaw/spec"
	"github.com/openclaw/openclaw/store/sqlite"
	"github.com/openclaw/openclaw/web"
)

// Options are what a gateway is made of.
type Options struct {
	Config  *config.Config // valid, as config.Load returns it
	Logger  *slog.Logger   // nil discards
	Version string

	// Load reads the configuration again, for [App.Reload]; nil where it cannot change.
	Load func() (*config.Config, error)
	// Reloaded is told of each configuration that has come into force, for what is the caller's own; may be nil.
	Reloaded func(*config.Config)

	// Local is where to look for model servers on this machine where the configuration names no model; nil means
	// where they usually listen.
	Local []model.Candidate
}

// App is a gateway: made by [New], at work from [App.Start] to [App.Stop].
type App struct {
	opts Options
	log  *slog.Logger

	cfg    atomic.Pointer[config.Config] // in force
	asked  atomic.Pointer[asked]
	cert   atomic.Pointer[tls.Certificate]
	store  *sqlite.Store
	audit  *audit.Log // nil where there is none
	engine *chat.Engine
	api    *httpapi.API
	server *http.Server

	stopProfile func() // nil where no profiles are served

	started  time.Time
	listener *httpapi.Listener
	draining atomic.Bool
	failed   chan error

	reloading sync.Mutex   // held while a configuration comes into force
	refused   atomic.Bool  // the newest configuration is not in force
	files     atomic.Value // string: how the files looked that were read last
	watching  sync.WaitGroup
	unwatch   context.CancelFunc
}

// asked is the models that answer, and the provider that asks them.
type asked struct {
	choice
	models *model.FailoverProvider
}

// New opens the store, ends what the last process left behind, and connects everything. It does not listen yet. Where it
// fails, nothing is left open.
func New(ctx context.Context, o Options) (_ *App, err error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	a := &App{opts: o, log: o.Logger, failed: make(chan error, 1), unwatch: func() {}}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.close())
		}
	}()
	cfg := o.Config
	a.cfg.Store(cfg)
	if cfg.Server.TLS.Enabled() {
		cert, err := cfg.Server.TLS.Load()
		if err != nil {
			return nil, fmt.Errorf("server.tls cannot be used: %w", err)
		}
		a.cert.Store(&cert)
	}
	asked, err := a.ask(ctx, cfg)
	if err != nil {
		return nil, err
	}
	a.asked.Store(asked)
	if a.store, err = sqlite.Open(ctx, cfg.Storage.Path, sqlite.WithLogger(o.Logger)); err != nil {
		if _, badPath := errors.AsType[*fs.PathError](err); badPath {
			err = fmt.Errorf("%w. Choose another place for it: storage.path (this one came from: %s)", err, cfg.SourceOf("storage.path"))
		}
		return nil, err
	}
	if cfg.Audit.Enabled {
		if a.audit, err = audit.Open(cfg.Audit.Path, o.Logger); err != nil {
			return nil, err
		}
	}
	a.engine, err = chat.New(ctx, chat.Config{Store: a.store, Log: &mem.Log{}, Logger: o.Logger, Model: asked.model(cfg)})
	if err != nil {
		return nil, err
	}
	if err := a.serveAPI(cfg); err != nil {
		return nil, errors.Join(err, a.engine.Stop(ctx))
	}
	return a, nil
}

// ask makes the provider of the models that the configuration chooses.
func (a *App) ask(ctx context.Context, cfg *config.Config) (*asked, error) {
	choice, err := choose(ctx, cfg, a.opts.Local)
	if err != nil {
		return nil, err
	}
	return &asked{choice, model.Failover(model.Options{
		Targets: choice.targets, Logger: a.log,
		FirstByte: cfg.Models.Timeouts.FirstByte, Idle: cfg.Models.Timeouts.Idle,
	})}, nil
}

// model is what the engine is told of it.
func (k *asked) model(cfg *config.Config) chat.Model {
	return chat.Model{
		Provider: k.models, SystemPrompt: cfg.Models.SystemPrompt, RunTimeout: cfg.Models.Timeouts.Run,
		MaxPromptBytes: k.promptBytes(), LogMessages: cfg.Log.Messages,
	}
}

func (a *App) serveAPI(cfg *config.Config) error {
	document, err := spec.JSON()
	if err != nil {
		return err
	}
	a.api, err = httpapi.New(httpapi.Config{
		Chat: a.engine, Sessions: a.store, Limiter: &mem.Limiter{}, Status: a.status, Ready: a.ready,
		Policy: policy(cfg), OpenAPI: document, Page: web.Handler(), Logger: a.log, Audit: a,
	})
	if err != nil {
		return err
	}
	a.server = httpapi.NewServer(a.api, a.log)
	a.server.TLSConfig = &tls.Config{
		MinVersion:     tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return a.cert.Load(), nil },
	}
	return nil
}

// Audit appends to the audit log, where there is one.
func (a *App) Audit(r claw.AuditRecord) {
	if a.audit != nil {
		a.audit.Audit(r)
	}
}

// Start binds the address and serves in the background. What ends the serving otherwise than Stop comes on [App.Failed].
// Where the configuration can be loaded again, changes of its file are noticed from now on.
func (a *App) Start(ctx context.Context) error {
	cfg := a.cfg.Load()
	listener, err := httpapi.Listen(ctx, cfg.Server.Addr(), connections(cfg), a.log)
	if err != nil {
		return fmt.Errorf("cannot listen on %s: %w", cfg.Server.Addr(), err)
	}
	a.listener, a.started = listener, time.Now()
	serve := a.server.Serve
	if cfg.Server.TLS.Enabled() {
		serve = func(l net.Listener) error { return a.server.ServeTLS(l, "", "") }
	}
	if addr := cfg.Debug.Pprof; addr != "" {
		if a.stopProfile, err = profile(ctx, addr); err != nil {
			return errors.Join(err, listener.Close())
		}
	}
	go func() {
		if err := serve(listener); !errors.Is(err, http.ErrServerClosed) {
			a.failed <- err
		}
	}()
	a.watch(ctx)
	return nil
}

// Addr is the address that the gateway listens on, as host:port.
func (a *App) Addr() string { return a.listener.Addr().String() }

// Failed receives the error that ended the serving without Stop.
func (a *App) Failed() <-chan error { return a.failed }

// lastWrites is how long answers and terminal events may take to reach their clients once all runs have ended.
const lastWrites = 3 * time.Second

// Stop takes no new work, lets running answers go on for server.shutdownTimeout or until ctx ends, ends what is left,
// and closes everything. A gateway that was never started may be stopped too.
func (a *App) Stop(ctx context.Context) error {
	a.draining.Store(true)
	if a.stopProfile != nil {
		defer a.stopProfile()
	}
	a.unwatch()
	a.watching.Wait()
	drain, cancel := context.WithTimeout(ctx, a.cfg.Load().Server.ShutdownTimeout)
	defer cancel()
	if err := a.engine.Stop(drain); err != nil {
		a.log.Warn("some answers were ended before they were whole", "error", err)
	}
	// Streams have their terminal events now and end by themselves. Shutdown closes idle connections and waits for the
	// rest; who does not read is not waited for.
	last, cancelLast := context.WithTimeout(context.WithoutCancel(ctx), lastWrites)
	defer cancelLast()
	if err := a.server.Shutdown(last); err != nil {
		_ = a.server.Close()
	}
	return a.close()
}

// close closes what New has opened.
func (a *App) close() error {
	var err error
	if a.store != nil {
		err = a.store.Close()
	}
	if a.audit != nil {
		err = errors.Join(err, a.audit.Close())
	}
	return err
}

func (a *App) ready() error {
	if a.draining.Load() || a.engine.Closing() {
		return errors.New("the gateway is shutting down")
	}
	return a.store.Health()
}

func (a *App) status(ctx context.Context, who claw.Principal) (httpapi.Status, error) {
	sessions, err := a.store.CountSessions(ctx, who.Workspace)
	if err != nil {
		return httpapi.Status{}, err
	}
	asked := a.asked.Load()
	reasons := asked.models.Degraded()
	if a.refused.Load() {
		reasons = append(reasons, "The configuration file has been changed and is refused, so the last good one is in force. "+
			"`openclaw config check` says what is wrong with it.")
	}
	if a.audit != nil && a.audit.Degraded() != "" {
		reasons = append(reasons, a.audit.Degraded())
	}
	if err := a.store.Health(); err != nil {
		reasons = append(reasons, claw.AsError(err).Message)
	}
	if asked.offline() {
		reasons = append(reasons, "No model is connected. Ask the assistant anything: its answer says how to connect one.")
	}
	first := asked.targets[0]
	return httpapi.Status{
		Reasons: reasons, Version: a.opts.Version, Uptime: time.Since(a.started), ActiveSessions: sessions,
		Provider: first.Provider.Name(), Model: first.Model,
	}, nil
}

// policy is whom the configuration lets in.
func policy(cfg *config.Config) httpapi.Policy {
	return httpapi.Policy{
		Tokens: tokens(cfg), AllowedHosts: cfg.Server.AllowedHosts,
		AllowedOrigins: cfg.Server.AllowedOrigins, TrustedProxies: cfg.Server.Proxies(),
	}
}

func connections(cfg *config.Config) httpapi.Limits {
	return httpapi.Limits{
		Total: cfg.Server.MaxConnections, PerAddress: cfg.Server.MaxConnectionsPerAddress, Exempt: cfg.Server.Proxies(),
	}
}

func tokens(cfg *config.Config) []httpapi.Token {
	var out []httpapi.Token
	if !cfg.API.Enabled {
		return out
	}
	perMinute := func(own, all int) claw.Limit {
		if own > 0 {
			all = own
		}
		return claw.Limit{Requests: all, Window: time.Minute}
	}
	for _, t := range cfg.API.Tokens {
		permissions := make([]claw.Permission, len(t.Permissions))
		for i, p := range t.Permissions {
			permissions[i] = claw.Permission(p)
		}
		out = append(out, httpapi.Token{
			Name: t.Name, Hash: t.Hash(), Workspace: t.Workspace, Permissions: permissions, ExpiresAt: t.Expiry(),
			ChatLimit: perMinute(t.RateLimits.Chat, cfg.API.RateLimits.Chat),
			ReadLimit: perMinute(t.RateLimits.Read, cfg.API.RateLimits.Read),
		})
	}
	return out
}
