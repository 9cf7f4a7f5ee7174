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
	"sync"
	"sync/atomic"
	"time"

	"github.com/openclaw/openclaw/claw"
	"github.com/openclaw/openclaw/store/sqlite"
)

// start measures the way from the launch of a process to its first answer, and what it holds then.
func (l *lab) start(ctx context.Context) error {
	l.stopAll()
	return l.rounds(ctx, starting, pick(l, 3, 1), l.without(direct, oursClaude), func(t *target, _ int) error {
		begun := time.Now()
		p, err := l.fresh(ctx, t)
		if err != nil {
			return err
		}
		defer p.kill()
		l.results.add(starting, t.name, cold, float64(time.Since(begun))/float64(time.Millisecond))
		if !sleepUntil(ctx, time.Now().Add(pick(l, 2*time.Second, 200*time.Millisecond))) {
			return ctx.Err()
		}
		l.results.add(starting, t.name, memory, p.memory()/mega)
		l.results.add(starting, t.name, resident, p.resident()/mega)
		return nil
	})
}

// disk measures what a durable write costs here, with and without the store: the floor under every answer.
func (l *lab) disk(ctx context.Context) error {
	l.stopAll()
	for range pick(l, 3, 1) {
		syncs, err := l.syncs(pick(l, 300, 50))
		if err != nil {
			return err
		}
		l.results.add(disk, "fsync of 48 kB", p50, pMillis(syncs, 0.5))
		l.results.add(disk, "fsync of 48 kB", p99, pMillis(syncs, 0.99))
		for _, writers := range []int{1, 16, 64} {
			rate, err := l.commits(ctx, writers, pick(l, 2*time.Second, 200*time.Millisecond))
			if err != nil {
				return err
			}
			l.results.add(disk, plural(writers, "writer"), perSecond, rate)
		}
	}
	return nil
}

// syncs appends to a file and syncs it, as a write-ahead log is written.
func (l *lab) syncs(n int) (took []time.Duration, err error) {
	f, err := os.Create(filepath.Join(l.dir, "syncs"))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close(), os.Remove(f.Name())) }()
	page := make([]byte, 12*4096)
	for range n {
		begun := time.Now()
		if _, err := f.Write(page); err != nil {
			return nil, err
		}
		if err := f.Sync(); err != nil {
			return nil, err
		}
		took = append(took, time.Since(begun))
	}
	return took, nil
}

// commits returns how many messages a second the store makes durable, one to a commit's caller.
func (l *lab) commits(ctx context.Context, writers int, long time.Duration) (float64, error) {
	dir, err := os.MkdirTemp(l.dir, "commits-")
	if err != nil {
		return 0, err
	}
	s, err := sqlite.Open(ctx, filepath.Join(dir, "openclaw.db"))
	if err != nil {
		return 0, err
	}
	var count, failed atomic.Int64
	var wg sync.WaitGroup
	begun := time.Now()
	for i := range writers {
		wg.Go(func() {
			for time.Since(begun) < long {
				n := count.Add(1)
				if _, _, err := s.BeginRun(ctx, newRun(i, n)); err != nil {
					failed.Add(1)
					return
				}
			}
		})
	}
	wg.Wait()
	elapsed := time.Since(begun)
	if failed.Load() > 0 {
		return 0, errors.Join(errors.New("the store failed to commit"), s.Close())
	}
	return float64(count.Load()) / elapsed.Seconds(), s.Close()
}

func newRun(session int, n int64) claw.NewRun {
	id := ulidLike(n)
	return claw.NewRun{
		ID: "msg_" + id + "a", Token: "bench", Workspace: claw.DefaultWorkspace, SessionKey: fmt.Sprint("s-", session), Channel: "api",
		User: claw.Message{
			ID: "msg_" + id + "u", Role: claw.RoleUser, Content: "What's the weather like today?",
			Status: claw.StatusComplete, CreatedAt: time.Now().UTC(),
		},
	}
}

// idle holds ten thousand streams open that have begun and then say nothing.
func (l *lab) idle(ctx context.Context) error {
	if l.options.quick {
		return nil
	}
	streams := 10_000
	if most := (openFiles() - 200) / 2; most < streams { // a proxy needs two for each
		streams = most / 100 * 100
		l.note("%s: this machine's limit of %s open files a process allows %s.", idleStreams, grouped(openFiles()), grouped(streams))
	}
	// At ten thousand calls a peer that needs a millisecond of processor time for each is past waiting for.
	for _, t := range l.without(direct, oursClaude) {
		l.stopAll()
		if err := l.hold(ctx, t, streams); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			l.note("%s, %s: %v", idleStreams, t.name, err)
		}
		l.progress("%s: %s", idleStreams, t.name)
	}
	l.stopAll()
	return l.renewUpstream()
}

// A target gets some seconds to tidy up after the opening, and is then watched for as long as the gateway waits between two
// signs of life on a silent stream: less would leave them out.
const (
	idleSettle = 5 * time.Second
	idleWatch  = 15 * time.Second
)

// hold opens the streams, waits until each has had its first piece, and looks at the memory.
func (l *lab) hold(ctx context.Context, t *target, streams int) error {
	addr, p, err := l.addr(ctx, t)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 40*time.Second)
	defer cancel()
	slots := make(chan struct{}, 64) // streams that are being opened
	opened := make(chan error, streams)
	clients := make([]*client, streams)
	for i := range clients {
		clients[i] = &client{addr: addr, dialect: t.dialect}
		go func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			opened <- clients[i].openIdle(ctx, i)
		}()
	}
	held, first := 0, error(nil)
	for range clients {
		if err := <-opened; err == nil {
			held++
		} else if first == nil {
			first = err
		}
	}
	defer func() {
		for _, c := range clients {
			c.close()
		}
	}()
	if first != nil {
		l.note("%s, %s: %d streams were opened, then: %v", idleStreams, t.name, held, first)
	}
	l.results.add(idleStreams, t.name, complete, float64(held))
	if held == 0 {
		return nil
	}
	if !sleepUntil(context.WithoutCancel(ctx), time.Now().Add(idleSettle)) {
		return nil
	}
	before := p.cpu()
	if !sleepUntil(context.WithoutCancel(ctx), time.Now().Add(idleWatch)) {
		return nil
	}
	l.results.add(idleStreams, t.name, "CPU, % of a core", (p.cpu()-before).Seconds()/idleWatch.Seconds()*100)
	l.results.add(idleStreams, t.name, memory, p.memory()/mega)
	l.results.add(idleStreams, t.name, perStream, p.memory()/1000/float64(held))
	return nil
}

// openIdle opens a stream whose second piece is long in coming, and returns when the first one is here.
func (c *client) openIdle(ctx context.Context, number int) error {
	talk := &conversation{key: fmt.Sprint("idle-", number)}
	body := c.body(nil, talk, script{pieces: 2, apart: 10 * time.Minute}, true)
	res, err := c.do(ctx, "POST", c.streamPath, body)
	if err != nil {
		return err
	}
	buf := make([]byte, 512)
	for {
		n, err := res.Body.Read(buf)
		if slices.Contains(buf[:n], '@') { // of the first piece
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// renewUpstream replaces the upstream by one that nobody has left ten thousand calls at.
func (l *lab) renewUpstream() error {
	l.upstream.kill()
	old := l.upstream.addr
	up, err := itself("upstream", "upstream")
	if err != nil {
		return err
	}
	for _, t := range l.targets {
		t.dialect.headers = strings.ReplaceAll(t.dialect.headers, old, up.addr)
	}
	l.upstream = up
	return nil
}
