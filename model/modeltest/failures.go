package modeltest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/openclaw/openclaw/claw"
	"github.com/openclaw/openclaw/model/modeltest/upstream"
)

func testStatuses(t *testing.T, s suite) {
	for status, want := range map[int]claw.Reason{
		400: claw.ReasonRejected, 401: claw.ReasonUnconfigured, 402: claw.ReasonUnconfigured,
		403: claw.ReasonUnconfigured, 404: claw.ReasonUnconfigured, 408: claw.ReasonTimeout,
		413: claw.ReasonRejected, 418: claw.ReasonRejected, 422: claw.ReasonRejected,
		429: claw.ReasonRateLimited, 500: claw.ReasonUnavailable, 502: claw.ReasonUnavailable,
		503: claw.ReasonOverloaded, 504: claw.ReasonUnavailable, 529: claw.ReasonOverloaded,
	} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			r := s.rig(t,
				upstream.Script{Status: status},
				upstream.Script{Status: status, Body: "<html>scripted: your key is " + Key + "</html>"},
				upstream.Script{Status: status, Body: strings.Repeat("scripted garbage ", 10_000)},
			)
			for range 3 {
				e := wantReason(t, r, Ask("Hello"), want)
				if !strings.Contains(errors.Unwrap(e).Error(), fmt.Sprint(status)) {
					t.Errorf("the log is not told the status: %v", e)
				}
				if want == claw.ReasonRejected && !strings.Contains(e.Message, "log") {
					t.Errorf("%q does not say where the reason is", e.Message)
				}
			}
			if n := len(r.up.Requests()); n != 3 {
				t.Errorf("3 asks made %d calls: retries are failover's", n)
			}
		})
	}
}

func testRetryAfter(t *testing.T, s suite) {
	inAMinute := time.Now().Add(time.Minute).UTC().Format(http.TimeFormat)
	for name, c := range map[string]struct {
		status   int
		header   string
		value    string
		min, max time.Duration
	}{
		"seconds":       {429, "Retry-After", "7", 7 * time.Second, 7 * time.Second},
		"milliseconds":  {429, "Retry-After-Ms", "1500", 1500 * time.Millisecond, 1500 * time.Millisecond},
		"date":          {529, "Retry-After", inAMinute, 50 * time.Second, time.Minute},
		"past date":     {503, "Retry-After", "Wed, 21 Oct 2015 07:28:00 GMT", 0, 0},
		"negative":      {429, "Retry-After", "-5", 0, 0},
		"enormous":      {429, "Retry-After", "1e300", 24 * time.Hour, 24 * time.Hour},
		"nonsense":      {429, "Retry-After", "soon", 0, 0},
		"not transient": {400, "Retry-After", "7", 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			r := s.rig(t, upstream.Script{Status: c.status, Header: map[string]string{c.header: c.value}})
			_, _, err := Collect(t, t.Context(), r.provider, Ask("Hello"))
			if got := failure(t, err).RetryAfter; got < c.min || got > c.max {
				t.Errorf("%s: %s gives %v, want %v to %v", c.header, c.value, got, c.min, c.max)
			}
		})
	}
}

func testErrorInStream(t *testing.T, s suite) {
	for kind, want := range map[string]claw.Reason{
		"overloaded": claw.ReasonOverloaded, "rate_limited": claw.ReasonRateLimited,
		"rejected": claw.ReasonRejected, "unavailable": claw.ReasonUnavailable,
	} {
		if s.wire == upstream.Ollama {
			want = claw.ReasonUnavailable // its errors are free text
		}
		for after := range 3 {
			r := s.rig(t, upstream.Script{Text: []string{"a", "b", "c"}, End: upstream.EndError, ErrorKind: kind, After: after})
			got, _, err := Collect(t, t.Context(), r.provider, Ask("Hello"))
			if e := failure(t, err); e.Reason != want || len(got) != after {
				t.Errorf("%s after %d chunks: reason %q after %q, want %q", kind, after, e.Reason, got, want)
			}
		}
	}
}

// testBroken ends streams at every point in every way that is not whole.
func testBroken(t *testing.T, s suite) {
	text := []string{"one ", "two ", "three ", "four"}
	for _, end := range []upstream.End{upstream.EndTruncate, upstream.EndAbort, upstream.EndReset} {
		for after := range len(text) + 1 {
			r := s.rig(t, upstream.Script{Text: text, End: end, After: after})
			got, _, err := Collect(t, t.Context(), r.provider, Ask("Hello"))
			e := failure(t, err)
			// A reset may overtake the header and then is a connection that failed.
			if e.Reason != claw.ReasonTruncated && (end != upstream.EndReset || e.Reason != claw.ReasonUnavailable) {
				t.Errorf("%s after %d chunks: reason is %q", end, after, e.Reason)
			}
			if have := strings.Join(got, ""); end != upstream.EndReset && have != strings.Join(text[:after], "") {
				t.Errorf("%s after %d chunks: text is %q", end, after, have)
			}
		}
	}
}

func testGarbage(t *testing.T, s suite) {
	kind := func(mime string) map[string]string { return map[string]string{"Content-Type": mime} }
	for name, script := range map[string]upstream.Script{
		"page":        {Body: "<html>Welcome to the hotel's network</html>", Header: kind("text/html; charset=utf-8")},
		"mixed page":  {Body: "<html>\n\ndata: <p>Welcome</p>\n\n</html>\n"},
		"JSON":        {Body: `{"status":"ok"}`, Header: kind("application/json")},
		"JSON line":   {Body: "data: [1,2,3]\n\n[1,2,3]\n"},
		"not JSON":    {Body: "data: {\"choices\": [\n\n{\"message\n"},
		"wrong types": {Body: `data: {"type":7,"choices":"x","candidates":1,"message":2}` + "\n\n" + `{"message":2}` + "\n"},
		"binary":      {Body: "\x00\x01\xff\xfe\n\n\x1f\x8b\n"},
		"nothing":     {Body: "\n"},
		"huge line":   {Body: "data: \"" + strings.Repeat("x", 3<<20) + "\"\n\n"},
		"huge value":  {Body: strings.Repeat("data: \""+strings.Repeat("x", 1<<19)+"\n", 4) + "\n"},
	} {
		t.Run(name, func(t *testing.T) {
			r := s.rig(t, script)
			wantReason(t, r, Ask("Hello"), claw.ReasonUnavailable, claw.ReasonTruncated)
		})
	}
}

func testUnreachable(t *testing.T, s suite) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	r := &rig{provider: s.newProvider(s.wire.BaseURL("http://"+addr), &http.Client{Transport: transport})}
	wantReason(t, r, Ask("Hello"), claw.ReasonUnavailable)

	dialer := func(context.Context, string, string) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Err: context.DeadlineExceeded}
	}
	r.provider = s.newProvider(s.wire.BaseURL("http://"+addr), &http.Client{Transport: &http.Transport{DialContext: dialer}})
	wantReason(t, r, Ask("Hello"), claw.ReasonTimeout)

	r.provider = s.newProvider("http://bad host/%zz", &http.Client{Transport: transport})
	wantReason(t, r, Ask("Hello"), claw.ReasonUnconfigured)
}

// testRedirect has the upstream send the call, with its key, elsewhere.
func testRedirect(t *testing.T, s suite) {
	elsewhere := s.rig(t)
	for _, status := range []int{301, 302, 303, 307, 308} {
		r := s.rig(t, upstream.Script{Status: status, Header: map[string]string{"Location": elsewhere.url + "/v1/messages"}})
		wantReason(t, r, Ask("Hello"), claw.ReasonUnconfigured)
	}
	if got := elsewhere.up.Requests(); len(got) != 0 {
		t.Errorf("a redirect was followed: %+v", got)
	}
}

// testEnvironment sets all that the vendors' own clients take from the environment.
func testEnvironment(t *testing.T, s suite) {
	const value = "from-the-environment"
	for _, name := range []string{
		"ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_CUSTOM_HEADERS", "OPENAI_API_KEY", "OPENAI_ORG_ID",
		"OPENAI_PROJECT_ID", "GOOGLE_API_KEY", "GEMINI_API_KEY", "GOOGLE_CLOUD_PROJECT", "OLLAMA_API_KEY",
	} {
		t.Setenv(name, value+": "+value)
	}
	for _, name := range []string{
		"ANTHROPIC_BASE_URL", "OPENAI_BASE_URL", "OLLAMA_HOST", "GOOGLE_GEMINI_BASE_URL", "GOOGLE_VERTEX_BASE_URL",
	} {
		t.Setenv(name, "http://127.0.0.1:1")
	}
	t.Setenv("GOOGLE_GENAI_USE_VERTEXAI", "true")
	r := s.rig(t)
	if _, _, err := Collect(t, t.Context(), r.provider, Ask("Hello")); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprintf("%+v", r.up.Requests()); strings.Contains(got, value) {
		t.Errorf("the environment got into the call: %s", got)
	}
}

func testSlowFirstByte(t *testing.T, s suite) {
	r := s.rig(t, upstream.Script{FirstByte: upstream.Duration(50 * time.Millisecond), Text: []string{"late"}})
	if got, _, err := Collect(t, t.Context(), r.provider, Ask("Hello")); err != nil || len(got) != 1 {
		t.Errorf("a slow answer gives %q, %v", got, err)
	}
}

// gone asserts that the provider's connections were closed before its iterator returned, and that the upstream heard of it.
func (r *rig) gone(t *testing.T, since time.Time) {
	t.Helper()
	if n := r.conns.count(); n != 0 {
		t.Errorf("%d connections are open after Stream returned", n)
	}
	r.wait(t, func(reqs []upstream.Request) bool { return len(reqs) == 1 && reqs[0].Gone })
	if took := time.Since(since); took > time.Second {
		t.Errorf("the upstream heard of it after %v, want a second at most", took)
	}
}

func testCancelBeforeByte(t *testing.T, s suite) {
	r := s.rig(t, upstream.Script{FirstByte: upstream.Duration(time.Hour)})
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	why := errors.New("the user has had enough")
	var since time.Time
	go func() {
		defer cancel(why)
		wait, stop := context.WithTimeout(t.Context(), patience)
		defer stop()
		if err := r.up.Wait(wait, func(reqs []upstream.Request) bool { return len(reqs) == 1 }); err != nil {
			t.Error(err)
		}
		since = time.Now()
	}()
	if _, _, err := Collect(t, ctx, r.provider, Ask("Hello")); !errors.Is(err, why) {
		t.Errorf("error is %v, want the cause of the context", err)
	}
	r.gone(t, since)
}

func testCancelInStall(t *testing.T, s suite) {
	text := []string{"one ", "two ", "three"}
	for after := 1; after <= len(text); after++ {
		r := s.rig(t, upstream.Script{Text: text, End: upstream.EndStall, After: after})
		ctx, cancel := context.WithCancelCause(t.Context())
		why := claw.Errorf(claw.Cancelled, "Cancelled.")
		var since time.Time
		var err error
		seen := 0
		for chunk, e := range r.provider.Stream(ctx, Ask("Hello")) {
			if err = e; e == nil && chunk.Text != "" {
				seen++
			}
			if seen == after {
				since = time.Now()
				cancel(why)
			}
		}
		cancel(nil)
		if !errors.Is(err, why) || seen != after {
			t.Errorf("after %d of %d chunks the error is %v, want the cause of the context", seen, after, err)
		}
		r.gone(t, since)
	}
}

func testBreakOut(t *testing.T, s suite) {
	r := s.rig(t, upstream.Script{Text: []string{"one ", "two "}, End: upstream.EndStall, After: 1})
	for chunk, err := range r.provider.Stream(t.Context(), Ask("Hello")) {
		if err != nil {
			t.Fatal(err)
		}
		if chunk.Text != "" {
			break
		}
	}
	r.gone(t, time.Now())
}
