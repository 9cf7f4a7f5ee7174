package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/openclaw/openclaw/model/modeltest/upstream"
	"github.com/rogpeppe/go-internal/testscript"
)

// The command line is specified by the scripts in testdata/script. Beside testscript's own commands they have:
//
//	exits CODE PROGRAM [ARG...]            runs a program that must exit with the code
//	spawn NAME PATTERN PROGRAM [ARG...]    starts a program and waits until its standard output matches the pattern
//	await NAME PATTERN                     waits until a spawned program's standard error matches the pattern
//	signal NAME INT|TERM|HUP                   sends a signal to a spawned program
//	finish NAME CODE                       waits for its end with that exit code; NAME.stdout and NAME.stderr are files
//	capture VARIABLE FILE PATTERN          sets a variable to what the pattern's group matches
//	mode OCTAL FILE                        compares a file's permissions
//	stranger VARIABLE                      serves what is no gateway, and sets the variable to its URL
//	model VARIABLE                         serves a model that says one word and then nothing more, and sets the
//	                                       variable to its URL
//	model-left                             waits until whoever called the model has left it
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"openclaw": main})
}

func TestScripts(t *testing.T) {
	// Tests run under nohup, as in many a CI, are to hand down a SIGHUP that works: one that is caught is.
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	t.Cleanup(func() { signal.Stop(hangups) }) // the scripts run in parallel, after this function
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("testdata", "script"),
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			home := filepath.Join(env.WorkDir, "home")
			env.Setenv("HOME", home)
			env.Setenv("TZ", "UTC")
			env.Setenv("GORACE", "atexit_sleep_ms=0") // which would add a second to each command under -race
			// No script may depend on the model servers of the machine that it runs on.
			env.Setenv("OPENCLAW_MODELS_DEFAULT", "offline")
			env.Values[worldKey{}] = &world{processes: map[string]*process{}}
			return os.Mkdir(home, 0o700)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "spawn": spawn, "signal": sendSignal, "finish": finish, "await": await, "capture": capture,
			"mode": mode, "stranger": stranger, "model": stallingModel, "model-left": modelLeft,
		},
	})
}

// patience bounds every wait. It is never reached unless something is broken.
const patience = 30 * time.Second

type worldKey struct{}

// world is what a script has started.
type world struct {
	processes map[string]*process
	model     *upstream.Server
}

func worldOf(ts *testscript.TestScript) *world { return ts.Value(worldKey{}).(*world) }

type process struct {
	cmd            *exec.Cmd
	stdout, stderr *watched
	exited         chan error
}

// watched collects output and can be waited on.
type watched struct {
	mu      sync.Mutex
	text    bytes.Buffer
	changed chan struct{} // closed with each write
}

func newWatched() *watched { return &watched{changed: make(chan struct{})} }

func (w *watched) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	close(w.changed)
	w.changed = make(chan struct{})
	return w.text.Write(p)
}

func (w *watched) now() (text string, changed <-chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.String(), w.changed
}

func need(ts *testscript.TestScript, neg, ok bool, usage string) {
	if neg {
		ts.Fatalf("unsupported: ! %s", usage)
	}
	if !ok {
		ts.Fatalf("usage: %s", usage)
	}
}

func exits(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, len(args) >= 2, "exits CODE PROGRAM [ARG...]")
	err := ts.Exec(args[1], args[2:]...)
	if got := exitCode(err); got != args[0] {
		ts.Fatalf("exit code %s, want %s (%v)", got, args[0], err)
	}
}

func exitCode(err error) string {
	if err == nil {
		return "0"
	}
	if e, ok := errors.AsType[*exec.ExitError](err); ok {
		return strconv.Itoa(e.ExitCode())
	}
	return err.Error()
}

func spawn(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, len(args) >= 3, "spawn NAME PATTERN PROGRAM [ARG...]")
	pattern, err := regexp.Compile("(?m)" + args[1])
	ts.Check(err)
	program, err := lookPath(ts, args[2])
	ts.Check(err)
	p := &process{cmd: exec.Command(program, args[3:]...), stdout: newWatched(), stderr: newWatched(), exited: make(chan error, 1)}
	p.cmd.Dir, p.cmd.Env = ts.MkAbs("."), environ(ts)
	p.cmd.Stdout, p.cmd.Stderr = p.stdout, p.stderr
	ts.Check(p.cmd.Start())
	go func() { p.exited <- p.cmd.Wait(); close(p.exited) }()
	ts.Defer(func() { // a script that has failed leaves it running
		_ = p.cmd.Process.Kill()
		for range p.exited { // until closed
		}
	})
	worldOf(ts).processes[args[0]] = p

	p.await(ts, args[0], p.stdout, pattern)
}

func await(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, len(args) == 2, "await NAME PATTERN")
	pattern, err := regexp.Compile("(?m)" + args[1])
	ts.Check(err)
	p := processOf(ts, args[0])
	p.await(ts, args[0], p.stderr, pattern)
}

func (p *process) await(ts *testscript.TestScript, name string, output *watched, pattern *regexp.Regexp) {
	deadline := time.After(patience)
	for {
		text, changed := output.now()
		if pattern.MatchString(text) {
			save(ts, name, p)
			return
		}
		select {
		case <-changed:
		case err := <-p.exited:
			ts.Fatalf("%s ended (%v) without %q\nstdout: %s\nstderr: %s", name, err, pattern, p.stdout.text.String(), p.stderr.text.String())
		case <-deadline:
			ts.Fatalf("%s did not say %q within %s:\n%s", name, pattern, patience, text)
		}
	}
}

// lookPath finds a program on the script's PATH, which is not the test's.
func lookPath(ts *testscript.TestScript, name string) (string, error) {
	for _, dir := range filepath.SplitList(ts.Getenv("PATH")) {
		if path, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("%s: %w", name, exec.ErrNotFound)
}

// environ is the part of the script's environment that the command line looks at.
func environ(ts *testscript.TestScript) []string {
	var env []string
	for _, name := range []string{
		"PATH", "HOME", "GORACE", "TZ", "TMPDIR", "GOCOVERDIR", "NO_COLOR", "OPENCLAW_CONFIG", "OPENCLAW_BASE_URL", "OPENCLAW_API_KEY",
		"OPENCLAW_MODELS_DEFAULT", "OPENCLAW_STORAGE_PATH", "OPENCLAW_API_ENABLED", "OPENCLAW_SERVER_PORT", "OPENCLAW_SERVER_SHUTDOWNTIMEOUT", "UPSTREAM", "APP_TOKEN",
	} {
		if v := ts.Getenv(name); v != "" {
			env = append(env, name+"="+v)
		}
	}
	return env
}

func save(ts *testscript.TestScript, name string, p *process) {
	for suffix, w := range map[string]*watched{".stdout": p.stdout, ".stderr": p.stderr} {
		text, _ := w.now()
		ts.Check(os.WriteFile(ts.MkAbs(name+suffix), []byte(text), 0o600))
	}
}

func processOf(ts *testscript.TestScript, name string) *process {
	p := worldOf(ts).processes[name]
	if p == nil {
		ts.Fatalf("nothing was spawned by the name %s", name)
	}
	return p
}

func sendSignal(ts *testscript.TestScript, neg bool, args []string) {
	signals := map[string]os.Signal{"INT": os.Interrupt, "TERM": syscall.SIGTERM, "HUP": syscall.SIGHUP}
	need(ts, neg, len(args) == 2 && signals[args[1]] != nil, "signal NAME INT|TERM|HUP")
	ts.Check(processOf(ts, args[0]).cmd.Process.Signal(signals[args[1]]))
}

func finish(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, len(args) == 2, "finish NAME CODE")
	p := processOf(ts, args[0])
	select {
	case err := <-p.exited:
		save(ts, args[0], p)
		if got := exitCode(err); got != args[1] {
			ts.Fatalf("%s: exit code %s, want %s\nstderr: %s", args[0], got, args[1], p.stderr.text.String())
		}
	case <-time.After(patience):
		ts.Fatalf("%s did not end within %s", args[0], patience)
	}
}

func capture(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, len(args) == 3, "capture VARIABLE FILE PATTERN")
	m := regexp.MustCompile("(?m)" + args[2]).FindStringSubmatch(ts.ReadFile(args[1]))
	if len(m) != 2 {
		ts.Fatalf("%s has no %s:\n%s", args[1], args[2], ts.ReadFile(args[1]))
	}
	ts.Setenv(args[0], m[1])
}

func mode(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, len(args) == 2, "mode OCTAL FILE")
	info, err := os.Stat(ts.MkAbs(args[1]))
	ts.Check(err)
	if got := fmt.Sprintf("%04o", info.Mode().Perm()); got != args[0] {
		ts.Fatalf("%s has mode %s, want %s", args[1], got, args[0])
	}
}

func stranger(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, len(args) == 1, "stranger VARIABLE")
	s := httptest.NewServer(http.NotFoundHandler())
	ts.Defer(s.Close)
	ts.Setenv(args[0], s.URL)
	_, port, err := net.SplitHostPort(s.Listener.Addr().String())
	ts.Check(err)
	ts.Setenv(args[0]+"_PORT", port)
}

func stallingModel(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, len(args) == 1, "model VARIABLE")
	w := worldOf(ts)
	w.model = upstream.New()
	w.model.Default(upstream.Script{Text: []string{"Well", "..."}, After: 1, End: upstream.EndStall})
	s := httptest.NewServer(w.model)
	ts.Defer(s.Close)
	ts.Setenv(args[0], upstream.OpenAI.BaseURL(s.URL))
}

func modelLeft(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, len(args) == 0, "model-left")
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	ts.Check(worldOf(ts).model.Wait(ctx, func(calls []upstream.Request) bool {
		return len(calls) > 0 && calls[len(calls)-1].Gone
	}))
}
