//go:build linux

package main

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// load is work for so many clients at a time.
type load struct {
	clients  int
	turns    int // of a conversation, before a client begins another
	script   script
	streamed bool
	warm     time.Duration // not counted
	time     time.Duration
	each     int           // where not 0: so many answers of each client, instead of a time
	stagger  time.Duration // over which the clients begin
	limit    time.Duration // after which what is under way is given up
}

// outcome is what a load met with.
type outcome struct {
	answers []timing
	errors  int
	err     error // the first
	elapsed time.Duration
	cpu     time.Duration // of the target
	memory  float64       // of the target at the end, in bytes
	base    float64       // and before
}

// perform puts the load on a target. p is nil for the upstream itself.
func (ld load) perform(ctx context.Context, t *target, addr string, p *process) outcome {
	if ld.limit == 0 {
		ld.limit = time.Minute
	}
	ctx, cancel := context.WithTimeout(ctx, ld.limit)
	defer cancel()
	var o outcome
	if p != nil {
		o.base = p.memory()
	}
	if ld.warm > 0 {
		warm := ld
		warm.time, warm.warm, warm.stagger = ld.warm, 0, 0
		if w := warm.spend(ctx, t, addr, nil); w.err != nil {
			return w
		}
	}
	result := ld.spend(ctx, t, addr, p)
	result.base = o.base
	if p != nil {
		result.memory = p.memory()
	}
	return result
}

// spend has the clients work, and takes the target's processor time meanwhile.
func (ld load) spend(ctx context.Context, t *target, addr string, p *process) outcome {
	var o outcome
	var mu sync.Mutex
	var wg sync.WaitGroup
	before := time.Duration(0)
	if p != nil {
		before = p.cpu()
	}
	begun := time.Now()
	end := begun.Add(ld.time)
	for i := range ld.clients {
		wg.Go(func() {
			delay := ld.stagger * time.Duration(i) / time.Duration(ld.clients)
			if delay > 0 && !sleepUntil(ctx, begun.Add(delay)) {
				return
			}
			answers, errs, err := ld.user(ctx, t, addr, i, end)
			mu.Lock()
			defer mu.Unlock()
			o.answers = append(o.answers, answers...)
			o.errors += errs
			if o.err == nil {
				o.err = err
			}
		})
	}
	wg.Wait()
	o.elapsed = time.Since(begun)
	if p != nil {
		o.cpu = p.cpu() - before
	}
	return o
}

// user is one client at work.
func (ld load) user(ctx context.Context, t *target, addr string, number int, end time.Time) (answers []timing, failed int, first error) {
	c := &client{addr: addr, dialect: t.dialect}
	defer c.close()
	talk := &conversation{}
	for n := 0; ; n++ {
		if ld.each > 0 && n >= ld.each || ld.each == 0 && !time.Now().Before(end) || ctx.Err() != nil {
			return answers, failed, first
		}
		if talk.key == "" || talk.turns >= max(ld.turns, 1) {
			talk = &conversation{key: fmt.Sprintf("bench-%d-%d-%d", time.Now().UnixNano(), number, n)}
		}
		timing, err := c.ask(ctx, talk, ld.script, ld.streamed)
		if err != nil {
			failed++
			if first == nil {
				first = err
			}
			if failed >= 10 { // it will not get better, and would fill the logs
				return answers, failed, first
			}
			talk = &conversation{}
			continue
		}
		answers = append(answers, timing)
	}
}

// firsts and lags take single figures out of the answers.
func (o outcome) firsts() []time.Duration {
	ds := make([]time.Duration, len(o.answers))
	for i, a := range o.answers {
		ds[i] = a.first
	}
	return ds
}

func (o outcome) totals() []time.Duration {
	ds := make([]time.Duration, len(o.answers))
	for i, a := range o.answers {
		ds[i] = a.total
	}
	return ds
}

func (o outcome) lags() []time.Duration {
	var ds []time.Duration
	for _, a := range o.answers {
		ds = append(ds, a.lags...)
	}
	return ds
}
