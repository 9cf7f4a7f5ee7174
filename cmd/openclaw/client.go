package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"

	openclaw "github.com/openclaw/openclaw-go"
	"github.com/openclaw/openclaw/claw"
	"github.com/openclaw/openclaw/config"
	"github.com/spf13/cobra"
)

// remote is the gateway that a command talks to.
type remote struct {
	*openclaw.Client
	url       string
	tokenFrom string // where the token came from, for messages
}

// target is what the flags of the commands that talk to a gateway were set to.
type target struct{ url, token string }

// clientCommand makes cmd one that talks to a gateway: with the flags that say which, a context that an interrupt ends,
// and errors that say what to do.
func (sh *shell) clientCommand(cmd *cobra.Command, need claw.Permission, do func(context.Context, *remote, []string) error) *cobra.Command {
	var t target
	cmd.Flags().StringVar(&t.url, "url", "", "`address` of the gateway (default $OPENCLAW_BASE_URL, or as configured)")
	cmd.Flags().StringVar(&t.token, "token", "", "API `token` (default $OPENCLAW_API_KEY, or the first in the configuration with the permission)")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		r, err := sh.dial(t, need)
		if err != nil {
			return err
		}
		defer r.CloseIdleConnections()
		ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
		defer stop()
		// Asked first, and once: whoever has no gateway running is told so at once, while the calls that follow are
		// tried again when a connection breaks.
		if err = r.Health(ctx); err == nil {
			err = do(ctx, r, args)
		}
		if err != nil && ctx.Err() != nil {
			return errInterrupted
		}
		return r.explain(err)
	}
	return sh.jsonFlag(cmd)
}

// dial finds the gateway's address and a token that may do what the command does. Nothing is sent yet.
func (sh *shell) dial(t target, need claw.Permission) (*remote, error) {
	r := &remote{url: t.url, tokenFrom: "--token"}
	if r.url == "" {
		r.url, _ = sh.env(openclaw.EnvBaseURL)
	}
	if u, err := url.Parse(r.url); r.url != "" && (err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "") {
		return nil, usagef("%q is not the address of a gateway: write it in full, as in http://127.0.0.1:3000", r.url)
	}
	token := t.token
	if token == "" {
		token, _ = sh.env(openclaw.EnvAPIKey)
		r.tokenFrom = "$" + openclaw.EnvAPIKey
	}
	if r.url == "" || token == "" {
		cfg, err := config.Peek(config.Options{Path: sh.configPath, Env: sh.env})
		if err != nil && !errors.Is(err, config.ErrNoFile) {
			return nil, err
		}
		named := r.url // as opposed to configured
		if r.url == "" {
			if r.url, err = configuredURL(cfg); err != nil {
				return nil, err
			}
		}
		if token == "" {
			if token, r.tokenFrom, err = configuredToken(cfg, named, need); err != nil {
				return nil, err
			}
		}
	}
	if config.TokenLooksMistyped(token) {
		return nil, fmt.Errorf("the token from %s begins with oc_, but its checksum is wrong: it has been mistyped or cut off", r.tokenFrom)
	}
	r.Client = openclaw.New(r.url, openclaw.WithAPIKey(token), openclaw.WithChannel("cli"),
		openclaw.WithUserAgent("openclaw-cli/"+version))
	return r, nil
}

func configuredURL(cfg *config.Config) (string, error) {
	if cfg == nil {
		cfg = config.Default()
	}
	if cfg.Server.Port == 0 {
		return "", errors.New("server.port is 0, so the system chose the gateway's port: give its address with --url or $OPENCLAW_BASE_URL")
	}
	address, _ := reachable(cfg.Server.Addr(), cfg.Server.TLS.Enabled())
	return address, nil
}

// configuredToken returns the first token of the configuration that has the permission. It is handed to no machine but
// this one, unless the configuration itself names that machine: named is the address that the user gave, or "".
func configuredToken(cfg *config.Config, named string, need claw.Permission) (token, from string, err error) {
	const ways = "give one with --token or $OPENCLAW_API_KEY"
	if cfg == nil {
		return "", "", fmt.Errorf("no token: %s. There is no configuration to take one from; `openclaw serve` writes one", ways)
	}
	if u, err := url.Parse(named); named != "" && (err != nil || !(config.Server{Host: u.Hostname()}).Loopback()) {
		return "", "", fmt.Errorf("no token for %s: %s. Those in %s are for this machine's own gateway", named, ways, cfg.File)
	}
	for i, t := range cfg.API.Tokens {
		expired := !t.Expiry().IsZero() && !t.Expiry().After(time.Now())
		if t.Token != "" && !expired && (need == "" || slices.Contains(t.Permissions, string(need))) {
			return string(t.Token), cfg.SourceOf(fmt.Sprintf("api.tokens[%d].token", i)).String(), nil
		}
	}
	what := "token"
	if need != "" {
		what = fmt.Sprintf("token with the permission %q", need)
	}
	return "", "", fmt.Errorf("%s has no %s that can be read here: %s, or add one: openclaw token create --name cli --plain --write", cfg.File, what, ways)
}

// explain turns an error of the SDK into what a person at a terminal needs to know.
func (r *remote) explain(err error) error {
	if err == nil {
		return nil
	}
	e, isAnswer := errors.AsType[*openclaw.Error](err)
	switch {
	case isAnswer && e.Code == "" && e.Status != 0:
		return fmt.Errorf("what answers at %s is not an OpenClaw gateway (HTTP status %d). Is the address right?", r.url, e.Status)
	case isAnswer && e.Code == openclaw.CodeUnauthorized:
		return answerError{e, fmt.Sprintf("the gateway at %s does not accept the token from %s. "+
			"`openclaw token list` shows those that it knows, and when they expire", r.url, r.tokenFrom)}
	case isAnswer && e.Code == openclaw.CodeForbidden:
		return answerError{e, fmt.Sprintf("%s (It came from %s.)", e.Message, r.tokenFrom)}
	case isAnswer:
		message := e.Message
		if e.RetryAfter > 0 {
			message += fmt.Sprintf(" Try again in %s.", e.RetryAfter)
		}
		if e.Code == openclaw.CodeInternalError && e.RequestID != "" {
			message += " The request's id is " + e.RequestID + "."
		}
		return answerError{e, message}
	case errors.Is(err, openclaw.ErrInvalidArgument):
		return usagef("%s", lastPart(err))
	case errors.Is(err, openclaw.ErrTimeout):
		return fmt.Errorf("the gateway at %s took too long: %w", r.url, err)
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("no gateway is running at %s. Start it with: openclaw serve", r.url)
	case errors.Is(err, openclaw.ErrConnection):
		return fmt.Errorf("the gateway at %s cannot be reached. Is the address right, and `openclaw serve` running? (%s)", r.url, lastPart(err))
	}
	return err
}

// answerError is an error that the gateway answered, in our words. The answer stays at hand for its code.
type answerError struct {
	answer  *openclaw.Error
	message string
}

func (e answerError) Error() string { return e.message }
func (e answerError) Unwrap() error { return e.answer }

// lastPart is the innermost cause of err: "no such host", without the way there.
func lastPart(err error) string {
	for {
		switch e := err.(type) { //nolint:errorlint // this is the walk down the chain itself
		case interface{ Unwrap() error }:
			if e.Unwrap() == nil {
				return err.Error()
			}
			err = e.Unwrap()
		case interface{ Unwrap() []error }:
			causes := e.Unwrap()
			if len(causes) == 0 {
				return err.Error()
			}
			err = causes[len(causes)-1]
		default:
			return err.Error()
		}
	}
}
