// Package app joins the rooms into a gateway. It is the only package that knows them all.
package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"

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

	// Local is where to look for model servers on this machine where the configuration names no model; nil means
	// where they usually listen.
	Local []model.Candidate
}

// App is a gateway: made by [New], at work from [App.Start] to [App.Stop].
type App struct {
	cfg     *config.Config
	log     *slog.Logger
	version string
	choice  choice

	store  *sqlite.Store
	models *model.FailoverProvider
	engine *chat.Engine
	server *http.Server

	stopProfile func() // nil where no profiles are served

	started  time.Time
	addr     string
	draining atomic.Bool
	failed   chan error
}

// New opens the store, ends what the last process left behind, and connects everything. It does not listen yet. Where it
// fails, nothing is left open.
func New(ctx context.Context, o Options) (_ *App, err error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	a := &App{cfg: o.Config, log: o.Logger, version: o.Version, failed: make(chan error, 1)}
	if a.choice, err = choose(ctx, o.Config, o.Local); err != nil {
		return nil, err
	}
	a.models = model.Failover(model.Options{
		Targets: a.choice.targets, Logger: o.Logger,
		FirstByte: o.Config.Models.Timeouts.FirstByte, Idle: o.Config.Models.Timeouts.Idle,
	})
	if a.store, err = sqlite.Open(ctx, o.Config.Storage.Path, sqlite.WithLogger(o.Logger)); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.store.Close())
		}
	}()
	a.engine, err = chat.New(ctx, chat.Config{
		Store: a.store, Log: &mem.Log{}, Provider: a.models, Logger: o.Logger,
		SystemPrompt: o.Config.Models.SystemPrompt, RunTimeout: o.Config.Models.Timeouts.Run,
		MaxPromptBytes: a.choice.promptBytes(),
	})
	if err != nil {
		return nil, err
	}
	handler, err := a.handler()
	if err != nil {
		return nil, errors.Join(err, a.engine.Stop(ctx))
	}
	a.server = httpapi.NewServer(handler, o.Logger)
	return a, nil
}

func (a *App) handler() (http.Handler, error) {
	document, err := spec.JSON()
	if err != nil {
		return nil, err
	}
	return httpapi.New(httpapi.Config{
		Chat: a.engine, Sessions: a.store, Limiter: &mem.Limiter{}, Status: a.status, Ready: a.ready,
		Tokens: tokens(a.cfg), AllowedHosts: a.cfg.Server.AllowedHosts, OpenAPI: document, Page: web.Handler(), Logger: a.log,
	})
}

// Start binds the address and serves in the background. What ends the serving otherwise than Stop comes on [App.Failed].
func (a *App) Start(ctx context.Context) error {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", a.cfg.Server.Addr())
	if err != nil {
		return fmt.Errorf("cannot listen on %s: %w", a.cfg.Server.Addr(), err)
	}
	if addr := a.cfg.Debug.Pprof; addr != "" {
		if a.stopProfile, err = profile(ctx, addr); err != nil {
			return errors.Join(err, listener.Close())
		}
	}
	a.addr, a.started = listener.Addr().String(), time.Now()
	go func() {
		if err := a.server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			a.failed <- err
		}
	}()
	return nil
}

// Addr is the address that the gateway listens on, as host:port.
func (a *App) Addr() string { return a.addr }

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
	drain, cancel := context.WithTimeout(ctx, a.cfg.Server.ShutdownTimeout)
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
	return a.store.Close()
}

func (a *App) ready() error {
	if a.draining.Load() || a.engine.Closing() {
		return errors.New("the gateway is shutting down")
	}
	return nil
}

func (a *App) status(ctx context.Context, who claw.Principal) (httpapi.Status, error) {
	sessions, err := a.store.CountSessions(ctx, who.Workspace)
	if err != nil {
		return httpapi.Status{}, err
	}
	reasons := a.models.Degraded()
	if a.choice.offline() {
		reasons = append(reasons, "No model is connected. Ask the assistant anything: its answer says how to connect one.")
	}
	first := a.choice.targets[0]
	return httpapi.Status{
		Reasons: reasons, Version: a.version, Uptime: time.Since(a.started), ActiveSessions: sessions,
		Provider: first.Provider.Name(), Model: first.Model,
	}, nil
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
			Name: t.Name, Hash: t.Hash(), Workspace: t.Workspace, Permissions: permissions,
			ChatLimit: perMinute(t.RateLimits.Chat, cfg.API.RateLimits.Chat),
			ReadLimit: perMinute(t.RateLimits.Read, cfg.API.RateLimits.Read),
		})
	}
	return out
}
