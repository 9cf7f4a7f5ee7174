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

	// What a burst of work leaves behind is collected, and goes back to the system, once the gateway is quiet: Go itself
	// would wait for two minutes. It is worth the work where there is much of it, both in bytes and beside what is in use.
	muchGarbage   = 16 << 20
	garbageInUse  = 4       // garbage of more than a quarter of what is in use
	quietRate     = 1 << 20 // bytes allocated in a second; the heartbeats of ten thousand streams are well below
	quietSeconds  = 2
	memoryLook    = time.Second
	metricLive    = "/gc/heap/live:bytes"
	metricObjects = "/memory/classes/heap/objects:bytes"
	metricAllocs  = "/gc/heap/allocs:bytes"
)

// tendMemory adapts the garbage collector to how much there is to collect, until ctx ends. Who sets GOGC or GOMEMLIMIT knows
// better.
func tendMemory(ctx context.Context) {
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	tick := time.NewTicker(memoryLook)
	defer tick.Stop()
	percent := relaxed
	defer debug.SetGCPercent(debug.SetGCPercent(percent))
	var quiet quietness
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		h := readHeap()
		if want := collectAt(h.live); want != percent {
			percent = want
			debug.SetGCPercent(percent)
		}
		if quiet.after(h) {
			debug.FreeOSMemory() // collects first
		}
	}
}

// heap is the state of the garbage collector's heap, in bytes.
type heap struct {
	live    uint64 // in use when it was last collected
	objects uint64 // in use and garbage
	allocs  uint64 // since the process began
}

func readHeap() heap {
	samples := []metrics.Sample{{Name: metricLive}, {Name: metricObjects}, {Name: metricAllocs}}
	metrics.Read(samples)
	return heap{samples[0].Value.Uint64(), samples[1].Value.Uint64(), samples[2].Value.Uint64()}
}

// collectAt is how much garbage may gather beside a heap in use of so many bytes, in percent of it.
func collectAt(live uint64) int {
	if live < smallHeap {
		return relaxed
	}
	return usual
}

// quietness tells when a pause is a good time to collect garbage.
type quietness struct {
	allocs  uint64 // at the last look
	seconds int    // for which little was allocated
}

// after takes the look of this second, and reports whether much garbage lies about in a gateway that has little to do.
func (q *quietness) after(h heap) bool {
	if h.allocs-q.allocs < quietRate {
		q.seconds++
	} else {
		q.seconds = 0
	}
	q.allocs = h.allocs
	garbage := h.objects - min(h.live, h.objects)
	return q.seconds >= quietSeconds && garbage > max(muchGarbage, h.live/garbageInUse)
}
