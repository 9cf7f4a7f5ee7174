//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// lab is one run of the suite: the upstream, the targets that are there, and what was measured.
type lab struct {
	options  options
	cache    string // absolute
	binary   string // absolute
	dir      string // of this run; removed at its end
	upstream *process
	targets  []*target
	running  map[string]*process // by target
	results  *results
}

// newLab finds out what can be measured here.
func newLab(o options) (l *lab, err error) {
	l = &lab{options: o, running: map[string]*process{}, results: newResults()}
	if l.cache, err = filepath.Abs(o.cache); err != nil {
		return nil, err
	}
	if l.binary, err = filepath.Abs(o.binary); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(l.cache, 0o755); err != nil {
		return nil, err
	}
	raiseFiles()
	if l.dir, err = os.MkdirTemp(l.cache, "run-"); err != nil {
		return nil, err
	}
	if l.upstream, err = itself("upstream", "upstream"); err != nil {
		return nil, errors.Join(err, os.RemoveAll(l.dir))
	}
	for _, t := range targets() {
		if o.targets != "" && !slices.Contains(strings.Split(o.targets, ","), t.name) {
			continue
		}
		version, err := t.version(l)
		if err != nil {
			l.note("%s is not measured: it is not installed here (`bench/peers.sh` installs it).", t.name)
			continue
		}
		l.results.Targets = append(l.results.Targets, targetInfo{t.name, t.what, version, t.peer})
		if t.name == portkey {
			t.dialect.headers += "x-portkey-custom-host: http://" + l.upstream.addr + "/v1\r\n"
		}
		l.targets = append(l.targets, t)
	}
	return l, nil
}

// raiseFiles asks for the file descriptors that ten thousand streams need on both of a proxy's sides. Children inherit what
// package syscall has set, and only that: Go takes back what its runtime raised by itself.
func raiseFiles() {
	var now syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &now) != nil {
		return
	}
	for _, want := range []uint64{100_000, now.Max} {
		if syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: want, Max: max(want, now.Max)}) == nil {
			return
		}
	}
}

// openFiles is how many file descriptors a process may have here.
func openFiles() int {
	var now syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &now); err != nil {
		return 1024 // the least that is usual
	}
	return int(min(now.Max, 1<<30))
}

func (l *lab) close() error {
	for _, p := range l.running {
		p.kill()
	}
	l.upstream.kill()
	return os.RemoveAll(l.dir)
}

func (l *lab) note(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	l.progress("%s", text)
	l.results.Notes = append(l.results.Notes, text)
}

func (l *lab) progress(format string, args ...any) {
	fmt.Fprintf(os.Stderr, time.Now().Format("15:04:05 ")+format+"\n", args...)
}

// fresh starts a target in a folder of its own and waits until it answers.
func (l *lab) fresh(ctx context.Context, t *target) (*process, error) {
	dir, err := os.MkdirTemp(l.dir, "target-")
	if err != nil {
		return nil, err
	}
	p, err := t.start(ctx, l, dir)
	if err != nil {
		return nil, fmt.Errorf("%s cannot be started: %w", t.name, err)
	}
	if err := l.awaken(ctx, t, p); err != nil {
		p.kill()
		text, _ := os.ReadFile(filepath.Join(dir, strings.ToLower(p.name)+".log"))
		return nil, fmt.Errorf("%w\n%s", err, text[max(0, len(text)-1000):])
	}
	return p, nil
}

// awaken waits until a target that was just started gives its first whole answer.
func (l *lab) awaken(ctx context.Context, t *target, p *process) error {
	ctx, cancel := context.WithTimeout(ctx, 90*time.Second)
	defer cancel()
	for {
		if err := p.listening(ctx, 90*time.Second); err != nil {
			return err
		}
		c := &client{addr: p.addr, dialect: t.dialect}
		_, err := c.ask(ctx, &conversation{key: "first"}, script{pieces: 1}, false)
		c.close()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s gives no answer: %w", t.name, err)
		case <-p.exited:
			return fmt.Errorf("%s exited: %w", t.name, err)
		case <-time.After(2 * time.Millisecond):
		}
	}
}

// addr is where a target listens. It is started at its first use and stays until [lab.stopAll].
func (l *lab) addr(ctx context.Context, t *target) (string, *process, error) {
	if t.start == nil {
		return l.upstream.addr, nil, nil
	}
	p := l.running[t.name]
	if p == nil {
		var err error
		if p, err = l.fresh(ctx, t); err != nil {
			return "", nil, err
		}
		l.running[t.name] = p
	}
	return p.addr, p, nil
}

// stopAll leaves the machine to a scenario that wants to be alone.
func (l *lab) stopAll() {
	for name, p := range l.running {
		p.kill()
		delete(l.running, name)
	}
}

// rounds calls measure for each target in turn, again and again, so that whatever else the machine does meets all of them.
// A target that fails is left out of the rest of this scenario, which the report says.
func (l *lab) rounds(ctx context.Context, scenario string, n int, ts []*target, measure func(t *target, round int) error) error {
	left := slices.Clone(ts)
	for round := range n {
		for i := range left {
			t := left[(i+round)%len(left)]
			if t == nil {
				continue
			}
			if err := measure(t, round); err != nil {
				if ctx.Err() != nil {
					return ctx.Err()
				}
				l.note("%s, %s: %v", scenario, t.name, err)
				left[(i+round)%len(left)] = nil
			}
		}
		l.progress("%s: round %d of %d", scenario, round+1, n)
	}
	return nil
}

// without returns the targets but those named.
func (l *lab) without(names ...string) []*target {
	return slices.DeleteFunc(slices.Clone(l.targets), func(t *target) bool { return slices.Contains(names, t.name) })
}
