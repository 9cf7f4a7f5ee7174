package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"

	openclaw "github.com/openclaw/openclaw-go"
	"github.com/openclaw/openclaw/app"
	"github.com/openclaw/openclaw/config"
	"github.com/spf13/cobra"
)

// probeTimeout bounds the look at what answers on a port that is taken.
const probeTimeout = 2 * time.Second

func newServe(sh *shell) *cobra.Command {
	var host, port string
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Start the gateway",
		Long: "Starts the gateway and serves until it is told to stop (Ctrl-C or SIGTERM): it then takes no new work, and gives\n" +
			"running answers the time of server.shutdownTimeout; a second signal ends them at once.\n\n" +
			"It reads the configuration again when its file changes, and on SIGHUP. One with a mistake in it is refused, and the\n" +
			"one before stays in force. What needs a restart is said in the log: the address, the database.\n\n" +
			"Where there is no configuration it writes one with a fresh token, and says where.",
		Args: between(0, 0, ""),
	}
	cmd.Flags().StringVar(&host, "host", "", "`address` to listen on (default server.host: 127.0.0.1, this machine only)")
	cmd.Flags().StringVar(&port, "port", "", "`port` to listen on (default server.port: 3000); 0 lets the system choose")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		var flags []config.Flag
		if cmd.Flags().Changed("host") {
			flags = append(flags, config.Flag{Path: "server.host", Value: host, Name: "--host"})
		}
		if cmd.Flags().Changed("port") {
			flags = append(flags, config.Flag{Path: "server.port", Value: port, Name: "--port"})
		}
		return sh.serve(cmd.Context(), flags)
	}
	return cmd
}

func (sh *shell) serve(ctx context.Context, flags []config.Flag) error {
	// From here on a signal is ours to answer, also one that comes while the database is being opened.
	signals, hangups := make(chan os.Signal, 2), make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	if !signal.Ignored(syscall.SIGHUP) { // under nohup it is, and must stay so
		signal.Notify(hangups, syscall.SIGHUP)
	}
	defer signal.Stop(signals)
	defer signal.Stop(hangups)
	terminal := hasTerminal()

	fresh, err := sh.firstConfig()
	if err != nil {
		return err
	}
	started := false
	defer func() {
		if fresh != "" && !started { // the next start will not be the first, and not say so
			sh.note("A first configuration, with a fresh token, was written to %s.", sh.short(fresh))
		}
	}()
	cfg, err := sh.load(flags...)
	if err != nil {
		return err
	}
	sh.warnings(cfg)
	level := new(slog.LevelVar)
	level.Set(cfg.Log.SlogLevel())
	gateway, err := app.New(ctx, app.Options{
		Config: cfg, Logger: sh.logger(cfg.Log.Format, level), Version: version,
		Load: func() (*config.Config, error) {
			// This file and no other, also where it is gone for the moment.
			return config.Load(config.Options{Path: cfg.File, Env: sh.env, Flags: flags})
		},
		Reloaded: func(cfg *config.Config) { level.Set(cfg.Log.SlogLevel()) },
	})
	if err != nil {
		return err
	}
	if err := gateway.Start(ctx); err != nil {
		return errors.Join(sh.explainListen(ctx, cfg, err), gateway.Stop(ctx))
	}
	started = true
	sh.banner(cfg, gateway, fresh)
	tending, stopTending := context.WithCancel(ctx)
	var tended sync.WaitGroup
	tended.Go(func() { tendMemory(tending) })
	defer tended.Wait()
	defer stopTending()

	for {
		select {
		case err := <-gateway.Failed():
			return errors.Join(fmt.Errorf("the gateway stopped serving: %w", err), gateway.Stop(ctx))
		case <-signals:
			return sh.drain(ctx, cfg, gateway, signals)
		case <-hangups:
			if terminal && !hasTerminal() { // its window was closed
				return sh.drain(ctx, cfg, gateway, signals)
			}
			_ = gateway.Reload(ctx) // it has been logged, and the gateway goes on with what it has
		}
	}
}

// hasTerminal reports whether there is a terminal that controls this process. Both its loss and an operator who wants the
// configuration read again make SIGHUP.
func hasTerminal() bool {
	tty, err := os.OpenFile("/dev/tty", os.O_WRONLY, 0)
	if err != nil {
		return false
	}
	_ = tty.Close()
	return true
}

// drain stops the gateway in good order, and at once where a second signal comes.
func (sh *shell) drain(ctx context.Context, cfg *config.Config, gateway *app.App, signals <-chan os.Signal) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	sh.note("Stopping: running answers have %s. Press Ctrl-C again to stop at once.", cfg.Server.ShutdownTimeout)
	stopped := make(chan error, 1)
	go func() { stopped <- gateway.Stop(ctx) }()
	select {
	case err := <-stopped:
		return err
	case <-signals:
		cancel()
		return errors.Join(errInterrupted, <-stopped)
	}
}

// firstConfig writes a configuration where there is none, and returns the path of the one it wrote, or "".
func (sh *shell) firstConfig() (string, error) {
	_, err := config.Find(config.Options{Path: sh.configPath, Env: sh.env})
	if !errors.Is(err, config.ErrNoFile) {
		return "", err
	}
	path := config.DefaultPath(sh.env)
	if path == "" {
		return "", errors.New("there is no configuration, and no home directory to write one to: set HOME, or name a file with --config")
	}
	_, err = config.Bootstrap(path)
	if errors.Is(err, fs.ErrExist) { // another start was faster
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("%w. Set HOME to a folder that can be written to, or name a configuration with --config", err)
	}
	return path, nil
}

func (sh *shell) logger(format string, level slog.Leveler) *slog.Logger {
	options := &slog.HandlerOptions{Level: level}
	if format == "json" {
		return slog.New(slog.NewJSONHandler(sh.err, options))
	}
	return slog.New(slog.NewTextHandler(sh.err, options))
}

// banner says what whoever has started the gateway needs to know, and no more.
func (sh *shell) banner(cfg *config.Config, gateway *app.App, fresh string) {
	st := sh.style(sh.out)
	row := func(name, value string) { sh.printf("  %s  %s\n", st.dim(fmt.Sprintf("%-9s", name)), value) }
	address, everywhere := reachable(gateway.Addr(), cfg.Server.TLS.Enabled())

	sh.printf("%s\n\n", st.bold("OpenClaw "+version))
	what := "the page, and the API"
	switch {
	case !cfg.API.Enabled:
		what = "the page only: api.enabled is false"
	case everywhere:
		what = "and on every network that this machine is in"
	}
	row("Listening", st.bold(address)+st.dim(" ("+what+")"))
	model := gateway.Model()
	if why := gateway.ModelReason(); why != "" {
		model += st.dim(" (" + why + ")")
	}
	if gateway.Offline() {
		model = st.warn("none yet") + st.dim(" (ask anything: the answer says how to connect one)")
	}
	row("Model", model)
	file := sh.short(cfg.File)
	if fresh != "" {
		file += st.dim(" (written just now)")
	}
	row("Config", file)
	row("Database", sh.short(cfg.Storage.Path))
	for _, note := range gateway.Notes() {
		sh.printf("\n  %s\n", clean(note))
	}
	if cfg.API.Enabled {
		sh.printf("\n%s", sh.tryIt(cfg, address, fresh != ""))
	}
	sh.printf("\n  Ctrl-C stops it.\n")
}

// tryIt is the command that works. The token itself is shown by the first start only: it is new then, and the one who
// made it is watching.
func (sh *shell) tryIt(cfg *config.Config, address string, first bool) string {
	token, hint, chat := "$"+openclaw.EnvAPIKey, "", sh.self()+" chat"
	if cfg.Server.Port == 0 || cfg.SourceOf("server.port").Flag != "" || cfg.SourceOf("server.host").Flag != "" {
		chat += " --url " + address // which the configuration does not tell
	}
	if first {
		token = string(cfg.API.Tokens[0].Token)
	} else {
		hint = fmt.Sprintf("  The tokens are in %s, under api.tokens.\n", sh.short(cfg.File))
	}
	return fmt.Sprintf("  Try it:\n\n"+
		"    curl %s/api/v1/chat \\\n"+
		"      -H \"Authorization: Bearer %s\" \\\n"+
		"      -H \"Content-Type: application/json\" \\\n"+
		"      -d '{\"message\": \"Hello!\"}'\n\n"+
		"  or: %s \"Hello!\"\n%s", address, token, chat, hint)
}

// self is how the user can call this program: by its name where that is found, else as it was called just now.
func (sh *shell) self() string {
	if _, err := exec.LookPath("openclaw"); err == nil || len(os.Args) == 0 {
		return "openclaw"
	}
	return os.Args[0]
}

// reachable is the URL at which this machine reaches a listener, and whether that listens on every network.
func reachable(addr string, secure bool) (address string, everywhere bool) {
	scheme := "http://"
	if secure {
		scheme = "https://"
	}
	host, port, err := net.SplitHostPort(addr)
	if ip := net.ParseIP(host); err == nil && ip != nil && ip.IsUnspecified() {
		return scheme + net.JoinHostPort("127.0.0.1", port), true
	}
	return scheme + addr, false
}

// short writes a path below the home directory with a ~.
func (sh *shell) short(path string) string {
	home, _ := sh.env("HOME")
	if rest, ok := strings.CutPrefix(path, home+string(os.PathSeparator)); ok && home != "" {
		return "~" + string(os.PathSeparator) + rest
	}
	return path
}

// explainListen says why the gateway cannot listen, and what to do.
func (sh *shell) explainListen(ctx context.Context, cfg *config.Config, err error) error {
	address, other := cfg.Server.Addr(), "choose another port: openclaw serve --port 3001"
	switch {
	case errors.Is(err, syscall.EADDRINUSE) && sh.openclawAt(ctx, cfg):
		return fmt.Errorf("port %d is taken: an OpenClaw gateway is running at %s already. Stop it, or %s", cfg.Server.Port, address, other)
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("port %d is taken: another program listens on %s. Stop it, or %s", cfg.Server.Port, address, other)
	case errors.Is(err, syscall.EACCES):
		return fmt.Errorf("this user may not listen on %s: ports below 1024 are for the system. Instead, %s", address, other)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return fmt.Errorf("server.host %s is no address of this machine (it came from: %s). Write 127.0.0.1, or 0.0.0.0 for every network it is in",
			cfg.Server.Host, cfg.SourceOf("server.host"))
	}
	return err
}

// openclawAt reports whether what answers at the configured address is a gateway like this one. Its refusal of a token
// that it does not know is answer enough.
func (sh *shell) openclawAt(ctx context.Context, cfg *config.Config) bool {
	address, err := configuredURL(cfg)
	if err != nil {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	// Not the real token: who knows what listens there.
	client := openclaw.New(address, openclaw.WithAPIKey("none"), openclaw.WithMaxRetries(0))
	defer client.CloseIdleConnections()
	_, err = client.Status(ctx)
	return err == nil || openclaw.CodeOf(err) != ""
}
