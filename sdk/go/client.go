package openclaw

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"runtime"
	"strings"
	"time"
)

// The environment variables that stand in for what [New] is not given.
const (
	EnvBaseURL = "OPENCLAW_BASE_URL"
	EnvAPIKey  = "OPENCLAW_API_KEY"
)

const (
	defaultBaseURL    = "http://localhost:3000"
	defaultMaxRetries = 2
	// defaultTimeout suffices for everything but the model's work.
	defaultTimeout = 60 * time.Second
	// defaultChatTimeout is a little more than the longest run that a gateway allows by default, 15 minutes.
	defaultChatTimeout = 16 * time.Minute
	// defaultSilence is four of the comments that a gateway sends into a silent stream.
	defaultSilence = 60 * time.Second

	apiRoot = "/api/v1"
)

// Client calls one gateway. [New] makes it; its zero value is of no use. It is safe for concurrent use, and one for a
// whole program is enough.
type Client struct {
	// Sessions lists, reads and deletes sessions.
	Sessions *SessionsService
	// Messages follows, reads and stops single answers.
	Messages *MessagesService

	root       string // scheme, host and any path before /api/v1, without a slash at the end
	apiKey     string
	channel    string
	userAgent  string
	maxRetries int
	timeout    time.Duration // 0 for the defaults
	http       *http.Client
	log        *slog.Logger // nil for none
	broken     error        // what was wrong with New's arguments; every call returns it

	// Replaced by tests.
	sleep  func(context.Context, time.Duration) error
	random func() float64 // in [0, 1)
}

// Option sets up a [Client].
type Option func(*Client)

// WithAPIKey sets the token that the gateway knows the application by. The default is that of the environment's
// OPENCLAW_API_KEY.
func WithAPIKey(key string) Option { return func(c *Client) { c.apiKey = key } }

// WithChannel sets the channel of the sessions that this client opens, such as "cli": a lower-case letter, then up to
// 31 lower-case letters, digits and hyphens. The gateway's default is "api".
func WithChannel(name string) Option { return func(c *Client) { c.channel = name } }

// WithMaxRetries sets how often a call is tried again, and how often in a row a broken stream is taken up again. The
// default is 2; 0 has every failure returned at once.
func WithMaxRetries(n int) Option { return func(c *Client) { c.maxRetries = n } }

// WithTimeout sets how long one try of a call may take, and how long a stream may be silent. The default is 16 minutes
// for an answer of the assistant to begin (or, with [Client.Chat], to be whole) and 60 seconds for all else. A call's
// context bounds the call as a whole, waits between its tries included.
func WithTimeout(d time.Duration) Option { return func(c *Client) { c.timeout = d } }

// WithHTTPClient sets the client that requests are sent with: for a proxy, for certificates, for tracing. It is not
// modified. Redirects are never followed, whatever its CheckRedirect, because the gateway sends none and the token is
// meant for no one else. Its Timeout bounds streams as well, so leave that 0.
func WithHTTPClient(h *http.Client) Option { return func(c *Client) { c.http = h } }

// WithLogger has every try of a call logged at level debug: operation, method, path, status, request id, duration.
// Neither tokens nor what is said are logged.
func WithLogger(l *slog.Logger) Option { return func(c *Client) { c.log = l } }

// WithUserAgent puts the application's own name before the SDK's in User-Agent, such as "my-app/1.2".
func WithUserAgent(name string) Option {
	return func(c *Client) { c.userAgent = name + " " + c.userAgent }
}

// New returns a client of the gateway at baseURL, which is given with or without /api/v1. "" stands for the
// environment's OPENCLAW_BASE_URL, or http://localhost:3000 where that is empty too. Nothing is sent yet. Arguments that
// cannot be right have every call return [ErrInvalidArgument].
func New(baseURL string, opts ...Option) *Client {
	c := &Client{
		apiKey:     os.Getenv(EnvAPIKey),
		userAgent:  fmt.Sprintf("openclaw-go/%s (%s; %s)", Version, runtime.Version(), runtime.GOOS),
		maxRetries: defaultMaxRetries,
		sleep:      sleep,
		random:     rand.Float64,
	}
	for _, opt := range opts {
		opt(c)
	}
	if baseURL == "" {
		baseURL = os.Getenv(EnvBaseURL)
	}
	if baseURL == "" {
		baseURL = defaultBaseURL
	}
	var err error
	if c.root, err = parseBaseURL(baseURL); err == nil {
		err = c.check()
	}
	if err != nil {
		c.broken = invalid("New", "%w", err)
	}
	c.http = prepareHTTP(c.http)
	c.Sessions = &SessionsService{c}
	c.Messages = &MessagesService{c}
	return c
}

// CloseIdleConnections closes the connections that are kept for later calls. Those in use are left alone.
func (c *Client) CloseIdleConnections() { c.http.CloseIdleConnections() }

func parseBaseURL(s string) (string, error) {
	u, err := url.Parse(strings.TrimSpace(s))
	switch {
	case err != nil:
		return "", fmt.Errorf("base URL: %w", err)
	case u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return "", fmt.Errorf("base URL %q is not of the form http://host:port or https://host", s)
	case u.RawQuery != "" || u.Fragment != "":
		return "", fmt.Errorf("base URL %q has a query or a fragment: leave out what follows the path", s)
	case u.User != nil:
		return "", errors.New("base URL has a user in it: the gateway takes a token, given by WithAPIKey")
	}
	path := strings.TrimRight(u.EscapedPath(), "/")
	path = strings.TrimRight(strings.TrimSuffix(path, apiRoot), "/")
	return u.Scheme + "://" + u.Host + path, nil
}

var channelPattern = regexp.MustCompile(`^[a-z][a-z0-9-]{0,31}$`)

// check refuses what could not be sent: the HTTP client's own complaint would look like a failed connection.
func (c *Client) check() error {
	switch {
	case strings.ContainsFunc(c.apiKey, func(r rune) bool { return r <= ' ' || r > '~' }):
		return errors.New("the API key has a character in it that no token has: look for a space or a line's end")
	case c.channel != "" && !channelPattern.MatchString(c.channel):
		return fmt.Errorf("channel %q is not a lower-case letter and up to 31 lower-case letters, digits and hyphens", c.channel)
	case strings.ContainsFunc(c.userAgent, func(r rune) bool { return r < ' ' || r > '~' }):
		return errors.New("the user agent is not of printable ASCII characters")
	case c.maxRetries < 0:
		return fmt.Errorf("%d retries: the least is 0", c.maxRetries)
	case c.timeout < 0:
		return fmt.Errorf("a timeout of %s is in the past", c.timeout)
	}
	return nil
}

func prepareHTTP(given *http.Client) *http.Client {
	h := http.Client{}
	if given != nil {
		h = *given
	} else if t, ok := http.DefaultTransport.(*http.Transport); ok {
		t = t.Clone()
		t.MaxIdleConnsPerHost = 32 // all calls go to one host; the default of 2 would keep opening new connections
		h.Transport = t
	}
	h.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &h
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
