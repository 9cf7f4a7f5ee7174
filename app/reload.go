package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"
	"time"

	"github.com/openclaw/openclaw/claw"
	"github.com/openclaw/openclaw/config"
)

// Reload puts the configuration as it is now in force: tokens, limits, models, hosts, origins, certificates. It comes
// into force whole or, where anything is wrong with it, not at all; then the last good one stays, and the log and the
// status say so. Streams and runs go on, save the streams of tokens that are gone.
func (a *App) Reload(ctx context.Context) error {
	if a.opts.Load == nil {
		return errors.New("app: there is nothing to load the configuration from")
	}
	a.reloading.Lock()
	defer a.reloading.Unlock()
	old := a.cfg.Load()
	a.files.Store(look(old)) // before they are read, so that no change after it goes unnoticed
	cfg, err := a.opts.Load()
	if err == nil {
		err = a.apply(ctx, old, cfg)
	}
	a.refused.Store(err != nil)
	if err != nil {
		a.Audit(claw.AuditRecord{Action: claw.AuditReloadRefused})
		a.log.Error("the configuration is refused; the last good one stays in force", problems(err)...)
		return err
	}
	a.cfg.Store(cfg)
	if files(old) != files(cfg) {
		a.files.Store(look(cfg))
	}
	if a.opts.Reloaded != nil {
		a.opts.Reloaded(cfg)
	}
	if a.audit != nil { // it may have been renamed, to start a new one
		if err := a.audit.Reopen(); err != nil {
			a.log.Error("the audit log stays where it was", "error", err)
		}
	}
	a.Audit(claw.AuditRecord{Action: claw.AuditReloaded})
	a.log.Info("configuration reloaded", "file", cfg.File)
	for _, w := range cfg.Warnings {
		a.log.Warn("configuration", "at", w.Source.String(), "problem", w.Message, "remedy", w.Remedy)
	}
	if paths := config.RestartNeeded(old, cfg); len(paths) > 0 {
		a.log.Warn("restart the gateway for these settings to take effect", "settings", strings.Join(paths, ", "))
	}
	return nil
}

// apply puts cfg in force. All that can fail comes before the first change.
func (a *App) apply(ctx context.Context, old, cfg *config.Config) error {
	asked, cert := a.asked.Load(), a.cert.Load()
	if !reflect.DeepEqual(old.Models, cfg.Models) {
		var err error
		if asked, err = a.ask(ctx, cfg); err != nil {
			return err
		}
	}
	if cert != nil && cfg.Server.TLS.Enabled() {
		loaded, err := cfg.Server.TLS.Load()
		if err != nil {
			return fmt.Errorf("server.tls cannot be used: %w", err)
		}
		cert = &loaded
	}
	if err := a.api.SetPolicy(policy(cfg)); err != nil { // changes all or nothing
		return err
	}
	a.cert.Store(cert)
	a.asked.Store(asked)
	a.engine.SetModel(asked.model(cfg))
	if a.listener != nil {
		a.listener.SetLimits(connections(cfg))
	}
	return nil
}

// problems are the attributes of an error that refuses a configuration.
func problems(err error) []any {
	refused, ok := errors.AsType[*config.Error](err)
	if !ok {
		return []any{"error", err}
	}
	list := make([]string, len(refused.Problems))
	for i, p := range refused.Problems {
		list[i] = p.String()
	}
	return []any{"problems", list}
}

// A change of the files is acted on when it looks the same twice, so that a file is not read while it is being written: at
// most lookEvery+lookAgain after it was made. Each look wakes an idle gateway, which is most of what one costs.
const (
	lookEvery = time.Second
	lookAgain = 250 * time.Millisecond // at files that have changed since they were read
)

// watch reloads when the configuration's file changes, or one of the certificate's. It looks at the files rather than
// being told of changes: that works on every file system and with every way of replacing a file, and the folder that
// would have to be watched is often the database's, too, which changes a thousand times a second.
func (a *App) watch(ctx context.Context) {
	cfg := a.cfg.Load()
	if a.opts.Load == nil || cfg.File == "" {
		return
	}
	ctx, a.unwatch = context.WithCancel(context.WithoutCancel(ctx))
	a.files.Store(look(cfg))
	a.watching.Go(func() {
		timer := time.NewTimer(lookEvery)
		defer timer.Stop()
		before := a.files.Load()
		for {
			select {
			case <-ctx.Done():
				return
			case <-timer.C:
			}
			now, next := look(a.cfg.Load()), lookEvery
			switch {
			case now == a.files.Load():
			case now == before:
				_ = a.Reload(ctx) // it has been logged
			default:
				next = lookAgain
			}
			before = now
			timer.Reset(next)
		}
	})
}

// files are those that the configuration is made of.
func files(cfg *config.Config) [3]string {
	return [3]string{cfg.File, cfg.Server.TLS.Cert, cfg.Server.TLS.Key}
}

// look is what can be told of the files without reading them.
func look(cfg *config.Config) string {
	var b strings.Builder
	for _, path := range files(cfg) {
		if path == "" {
			continue
		}
		info, err := os.Stat(path)
		if err != nil {
			fmt.Fprintf(&b, "%s: none\n", path)
			continue
		}
		fmt.Fprintf(&b, "%s: %d %d %s\n", path, info.Size(), info.ModTime().UnixNano(), info.Mode())
	}
	return b.String()
}
