package main

import (
	"context"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

const (
	// smallHeap is the heap in use, in bytes, below which garbage may grow to twice of it before it is collected: fewer
	// collections for some megabytes. Above it Go's default holds.
	smallHeap = 64 << 20
	relaxed   = 200 // percent, as in GOGC
	usual     = 100
)

// tendMemory adapts the garbage collector to how much there is to collect, until ctx ends. Who sets GOGC or GOMEMLIMIT knows
// better.
func tendMemory(ctx context.Context) {
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	percent := relaxed
	defer debug.SetGCPercent(debug.SetGCPercent(percent))
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		metrics.Read(live)
		if want := collectAt(live[0].Value.Uint64()); want != percent {
			percent = want
			debug.SetGCPercent(percent)
		}
	}
}

// collectAt is how much garbage may gather beside a heap in use of so many bytes, in percent of it.
func collectAt(live uint64) int {
	if live < smallHeap {
		return relaxed
	}
	return usual
}
