//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// comparison is one load to put on builds of the gateway, and what to look at. Its rounds are short, so that a machine whose
// speed drifts meets all builds alike.
type comparison struct {
	name    string
	metrics []string
	measure func(l *lab, ctx context.Context, name string, rounds int) error
}

func comparisons() []comparison {
	const short = 600 * time.Millisecond
	plain := load{script: script{pieces: 4}, warm: short / 6, time: short}
	one, many := plain, plain
	one.clients, many.clients = 1, 32
	stream := load{clients: 200, script: script{pieces: chunkCount, apart: chunkApart}, streamed: true, each: 1,
		stagger: chunkCount * chunkApart, limit: 30 * time.Second}
	loaded := func(ld load) func(*lab, context.Context, string, int) error {
		return func(l *lab, ctx context.Context, name string, rounds int) error {
			return l.loaded(ctx, name, rounds, ld)
		}
	}
	return []comparison{
		{"latency", []string{p50, cpuPer1000}, loaded(one)},
		{"throughput", []string{perSecond, cpuPer1000}, loaded(many)},
		{"streams", []string{cpuChunk, lagP99}, func(l *lab, ctx context.Context, name string, rounds int) error {
			return l.streaming(ctx, name, max(rounds/3, 1), l.targets, stream)
		}},
	}
}

// compare measures builds of the gateway beside each other, and beside the reverse proxy, in rounds that alternate, and
// prints what each figure is in proportion to the first build's: the median of the rounds' proportions.
func compare(ctx context.Context, o options, binaries []string) (err error) {
	if len(binaries) == 0 {
		return errors.New("compare needs the paths of builds: go run ./bench compare old/openclaw bin/openclaw")
	}
	o.targets, o.binary = direct+","+reverseProxy, binaries[0]
	l, err := newLab(o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.close()) }()
	var names []string // numbered, so that a build can be compared with itself, which shows how much is noise
	for i, binary := range binaries {
		names = append(names, fmt.Sprintf("%d: %s", i+1, binary))
		path, err := filepath.Abs(binary)
		if err != nil {
			return err
		}
		l.targets = append(l.targets, &target{name: names[i], dialect: openclawDialect, version: noVersion,
			start: func(_ context.Context, l *lab, dir string) (*process, error) {
				return l.gateway(path, "openai", filepath.Join(dir, "openclaw.db"), dir)
			}})
	}
	out := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	for _, c := range comparisons() {
		if o.only != "" && !slices.Contains(strings.Split(o.only, ","), c.name) {
			continue
		}
		if err := c.measure(l, ctx, c.name, o.rounds); err != nil {
			return err
		}
		for _, metric := range c.metrics {
			for _, t := range l.targets {
				if f, ok := l.results.figure(c.name, t.name, metric); ok {
					_, _ = fmt.Fprintf(out, "%s\t%s\t%s\t%.3g\t%.3f\t\n", c.name, metric, t.name, f.median,
						l.results.proportion(c.name, metric, t.name, names[0]))
				}
			}
		}
	}
	return out.Flush()
}

// proportion returns the median of what a figure of one target is to that of another in the same round,
// NaN where there are rounds without one.
func (r *results) proportion(scenario, metric, of, to string) float64 {
	left, right := r.values(scenario, of, metric), r.values(scenario, to, metric)
	if len(left) != len(right) || len(left) == 0 { // one of them had no answers in a round
		return math.NaN()
	}
	var ps []float64
	for i := range left {
		ps = append(ps, left[i]/right[i])
	}
	slices.Sort(ps)
	return quantile(ps, 0.5)
}
