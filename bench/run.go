//go:build linux

package main

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// scenario is one thing to measure, on all targets that it concerns.
type scenario struct {
	name    string
	measure func(l *lab, ctx context.Context) error
}

func scenarios() []scenario {
	return []scenario{
		{"disk", (*lab).disk},
		{"start", (*lab).start},
		{"latency", (*lab).latency},
		{"throughput", (*lab).throughput},
		{"conversations", (*lab).conversations},
		{"streams", (*lab).streams},
		{"idle", (*lab).idle},
		{"sizes", (*lab).sizes},
	}
}

func scenarioNames() []string {
	var names []string
	for _, s := range scenarios() {
		names = append(names, s.name)
	}
	return names
}

// resultsFile is where a run leaves its figures, within the cache folder.
const resultsFile = "results.json"

func run(ctx context.Context, o options) (err error) {
	l, err := newLab(o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.close()) }()
	l.results.Quick = o.quick
	begun := time.Now()
	for _, s := range scenarios() {
		if o.only != "" && !slices.Contains(strings.Split(o.only, ","), s.name) {
			continue
		}
		l.progress("%s", s.name)
		if err := s.measure(l, ctx); err != nil {
			return err
		}
		l.results.Took = time.Since(begun).Seconds()
		if err := l.results.save(filepath.Join(l.cache, resultsFile)); err != nil {
			return err
		}
	}
	return writeReport(l.results, o.docs)
}

func reportAgain(o options) error {
	r, err := loadResults(filepath.Join(o.cache, resultsFile))
	if err != nil {
		return err
	}
	return writeReport(r, o.docs)
}

// pick returns the full run's value, or the quick run's.
func pick[T any](l *lab, full, quick T) T {
	if l.options.quick {
		return quick
	}
	return full
}

// Scenarios as the results name them.
const (
	atOne        = "1 client"
	at32         = "32 clients"
	at256        = "256 clients"
	turns10      = "32 clients, conversations of 10 turns"
	turns100     = "32 clients, conversations of 100 turns"
	streamedOne  = "1 client, streamed"
	streamed32   = "32 clients, streamed"
	streams200   = "200 streams"
	streams2000  = "2,000 streams"
	idleStreams  = "10,000 idle streams"
	starting     = "start"
	disk         = "disk"
	recovery     = "recovery"
	pagesOf      = "pages"
	chunkApart   = 20 * time.Millisecond
	chunkCount   = 100
	streamPieces = 20
)

// Metrics as the results name them, with their units.
const (
	p50        = "p50, ms"
	p99        = "p99, ms"
	perSecond  = "requests/s"
	cpuPer1000 = "CPU s per 1,000 requests"
	memory     = "memory, MB"
	firstP50   = "first chunk p50, ms"
	firstP99   = "first chunk p99, ms"
	lagP50     = "lag p50, ms"
	lagP99     = "lag p99, ms"
	cpuChunk   = "CPU µs per chunk"
	perStream  = "memory per stream, kB"
	complete   = "whole streams"
	errorCount = "errors"
	cold       = "cold start, ms"
	resident   = "resident, MB"

	historyCold = "history from the disk p50, ms"
)

const mega = 1 << 20

func (l *lab) latency(ctx context.Context) error {
	n, long := pick(l, 5, 2), pick(l, 1500*time.Millisecond, 300*time.Millisecond)
	plain := load{clients: 1, script: script{pieces: 4}, warm: long / 5, time: long}
	if err := l.loaded(ctx, atOne, n, plain); err != nil {
		return err
	}
	streamed := load{clients: 1, script: script{pieces: streamPieces}, streamed: true, warm: long / 5, time: long}
	return l.loaded(ctx, streamedOne, pick(l, 3, 2), streamed)
}

func (l *lab) throughput(ctx context.Context) error {
	long := pick(l, 2*time.Second, 400*time.Millisecond)
	plain := load{clients: 32, script: script{pieces: 4}, warm: long / 4, time: long}
	if err := l.loaded(ctx, at32, pick(l, 5, 2), plain); err != nil {
		return err
	}
	plain.clients = 256
	if err := l.loaded(ctx, at256, pick(l, 3, 1), plain); err != nil {
		return err
	}
	streamed := load{clients: 32, script: script{pieces: streamPieces}, streamed: true, warm: long / 4, time: long}
	return l.loaded(ctx, streamed32, pick(l, 3, 1), streamed)
}

func (l *lab) conversations(ctx context.Context) error {
	long := pick(l, 3*time.Second, 400*time.Millisecond)
	for name, turns := range map[string]int{turns10: 10, turns100: 100} {
		ld := load{clients: 32, turns: turns, script: script{pieces: 4}, warm: long / 4, time: long}
		if err := l.loaded(ctx, name, pick(l, 3, 1), ld); err != nil {
			return err
		}
	}
	return nil
}

// loaded puts a load on all targets and notes what comes of it.
func (l *lab) loaded(ctx context.Context, scenario string, rounds int, ld load) error {
	return l.rounds(ctx, scenario, rounds, l.targets, func(t *target, _ int) error {
		addr, p, err := l.addr(ctx, t)
		if err != nil {
			return err
		}
		o := ld.perform(ctx, t, addr, p)
		if len(o.answers) == 0 {
			return o.err
		}
		l.blame(scenario, t, o)
		add := func(metric string, v float64) { l.results.add(scenario, t.name, metric, v) }
		add(p50, pMillis(o.totals(), 0.5))
		add(p99, pMillis(o.totals(), 0.99))
		add(perSecond, float64(len(o.answers))/o.elapsed.Seconds())
		add(errorCount, float64(o.errors))
		if ld.streamed {
			add(firstP50, pMillis(o.firsts(), 0.5))
		}
		if p != nil {
			add(cpuPer1000, o.cpu.Seconds()/float64(len(o.answers))*1000)
			add(memory, o.memory/mega)
		}
		return nil
	})
}

// blame says what the errors were, where there were any.
func (l *lab) blame(scenario string, t *target, o outcome) {
	if o.err != nil {
		l.note("%s, %s: %d errors beside %d answers, the first: %v", scenario, t.name, o.errors, len(o.answers), o.err)
	}
}

// streams measures streams at the pace of a model: 50 pieces a second each.
func (l *lab) streams(ctx context.Context) error {
	l.stopAll() // memory per stream is measured on processes that have not been through the loads before
	answer := script{pieces: chunkCount, apart: chunkApart}
	long := chunkCount * chunkApart
	few := load{clients: 200, script: answer, streamed: true, each: 2, stagger: long, limit: 30 * time.Second}
	if err := l.streaming(ctx, streams200, pick(l, 3, 1), l.targets, few); err != nil {
		return err
	}
	if l.options.quick {
		return nil
	}
	many := load{clients: 2000, script: answer, streamed: true, each: 1, stagger: long, limit: 30 * time.Second}
	return l.streaming(ctx, streams2000, 2, l.without(oursClaude), many)
}

func (l *lab) streaming(ctx context.Context, scenario string, rounds int, ts []*target, ld load) error {
	return l.rounds(ctx, scenario, rounds, ts, func(t *target, _ int) error {
		addr, p, err := l.addr(ctx, t)
		if err != nil {
			return err
		}
		top := watchMemory(p)
		o := ld.perform(ctx, t, addr, p)
		peak := top()
		l.blame(scenario, t, o)
		add := func(metric string, v float64) { l.results.add(scenario, t.name, metric, v) }
		add(complete, float64(len(o.answers)))
		add(errorCount, float64(o.errors))
		if len(o.answers) == 0 {
			return nil
		}
		lags := o.lags()
		add(firstP50, pMillis(o.firsts(), 0.5))
		add(firstP99, pMillis(o.firsts(), 0.99))
		add(lagP50, pMillis(lags, 0.5))
		add(lagP99, pMillis(lags, 0.99))
		if p != nil {
			add(cpuChunk, float64(o.cpu.Microseconds())/float64(len(lags)))
			add(memory, peak/mega)
			add(perStream, max(0, peak-o.base)/1000/float64(ld.clients))
		}
		return nil
	})
}

// watchMemory returns a function that stops watching and returns the most memory that the process has held.
func watchMemory(p *process) func() float64 {
	if p == nil {
		return func() float64 { return 0 }
	}
	quit, top := make(chan struct{}), make(chan float64)
	go func() {
		tick := time.NewTicker(200 * time.Millisecond)
		defer tick.Stop()
		most := p.memory()
		for {
			select {
			case <-tick.C:
				most = max(most, p.memory())
			case <-quit:
				top <- max(most, p.memory())
				return
			}
		}
	}()
	return func() float64 {
		close(quit)
		return <-top
	}
}
