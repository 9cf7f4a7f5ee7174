package main

import (
	"context"
	"os"
	"runtime"
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
	quietRate     = 1 << 20 // bytes allocated between two looks; the heartbeats of ten thousand streams are well below
	quietLooks    = 2
	memoryLook    = time.Second
	memoryRest    = 5 * time.Second // between looks while nothing happens: each one wakes an idle gateway
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
	percent := relaxed
	defer debug.SetGCPercent(debug.SetGCPercent(percent))
	var quiet quietness
	var rest <-chan struct{}
	for pause(ctx, rest) {
		h := readHeap()
		if want := collectAt(h.live); want != percent {
			percent = want
			debug.SetGCPercent(percent)
		}
		if quiet.after(h) {
			debug.FreeOSMemory() // collects first
			quiet.inUse = readHeap().live
		}
		rest = nil
		if quiet.rests() {
			rest = collection()
		}
	}
}

// pause waits for the next look, and reports false where ctx ends first. A rest, where it is not nil, is longer, and ends once
// it is closed because the collector has run: a burst that leaves much garbage in a small heap makes it run, and what one
// leaves in a large heap is found at the rest's end.
func pause(ctx context.Context, rest <-chan struct{}) bool {
	look := memoryLook
	if rest != nil {
		look = memoryRest
	}
	timer := time.NewTimer(look)
	defer timer.Stop()
	for {
		select {
		case <-rest:
			rest = nil
			timer.Reset(memoryLook)
		case <-timer.C:
			return true
		case <-ctx.Done():
			return false
		}
	}
}

// collection returns a channel that is closed once the collector has run.
func collection() <-chan struct{} {
	ran := make(chan struct{})
	// Of an object that nothing refers to. It has a pointer because those without may share their memory with others.
	runtime.AddCleanup(&struct{ _ *byte }{}, func(ran chan struct{}) { close(ran) }, ran)
	return ran
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
	allocs uint64 // at the last look
	looks  int    // one behind the other since which little was allocated
	much   bool   // garbage may lie about

	// inUse is what was in use when there was last a collection in a pause. One amid a burst finds in use what is garbage a
	// moment later.
	inUse uint64
}

// after takes a look, and reports whether it is time to collect: much has gathered, and the gateway has little to do.
func (q *quietness) after(h heap) bool {
	if h.allocs-q.allocs < quietRate {
		q.looks++
	} else {
		q.looks = 0
	}
	q.allocs = h.allocs
	q.inUse = min(q.inUse, h.live)
	gathered := h.objects - min(q.inUse, h.objects)
	q.much = gathered > max(muchGarbage, q.inUse/garbageInUse)
	return q.much && q.looks >= quietLooks
}

// rests reports whether so little happens, and is left to do, that the next look may come later.
func (q *quietness) rests() bool { return q.looks >= quietLooks && !q.much }
