package main

import (
	"context"
	"runtime"
	"runtime/debug"
	"testing"
	"testing/synctest"
	"time"
)

func TestCollectorIsLeftAsItWas(t *testing.T) {
	t.Setenv("GOGC", "")
	t.Setenv("GOMEMLIMIT", "")
	before := debug.SetGCPercent(77)
	defer debug.SetGCPercent(before)
	ctx, stop := context.WithCancel(t.Context())
	stop()
	tendMemory(ctx)
	if got := debug.SetGCPercent(77); got != 77 {
		t.Errorf("the collector's percentage is %d, want 77 as before", got)
	}
	t.Setenv("GOGC", "50")
	tendMemory(t.Context()) // returns, since somebody knows better
}

func TestLargeHeapsAreCollectedAsUsual(t *testing.T) {
	if small, large := collectAt(10<<20), collectAt(200<<20); small != relaxed || large != usual {
		t.Errorf("%d%% for a small heap and %d%% for a large one", small, large)
	}
}

// What a burst leaves is collected two quiet looks behind it; then, and not before, the looks become rare.
func TestGarbageIsCollectedBehindABurst(t *testing.T) {
	const mib = 1 << 20
	var q quietness
	for i, look := range []struct {
		h              heap
		collect, rests bool
	}{
		{heap{live: 5 * mib, objects: 6 * mib, allocs: 6 * mib}, false, false}, // the start
		{heap{live: 5 * mib, objects: 6 * mib, allocs: 6 * mib}, false, false},
		{heap{live: 5 * mib, objects: 6 * mib, allocs: 6*mib + 1}, false, true},
		{heap{live: 9 * mib, objects: 30 * mib, allocs: 900 * mib}, false, false}, // a burst, its garbage behind it
		{heap{live: 9 * mib, objects: 30 * mib, allocs: 900 * mib}, false, false},
		{heap{live: 9 * mib, objects: 30 * mib, allocs: 900 * mib}, true, false},
		{heap{live: 5 * mib, objects: 5 * mib, allocs: 900 * mib}, false, true},   // it was collected
		{heap{live: 5 * mib, objects: 10 * mib, allocs: 905 * mib}, false, false}, // some work
		{heap{live: 5 * mib, objects: 10 * mib, allocs: 905 * mib}, false, false}, // too little to collect
		{heap{live: 5 * mib, objects: 10 * mib, allocs: 905 * mib}, false, true},
		{heap{live: 84 * mib, objects: 90 * mib, allocs: 1400 * mib}, false, false}, // a burst, all of it in use when last collected
		{heap{live: 84 * mib, objects: 90 * mib, allocs: 1400 * mib}, false, false},
		{heap{live: 84 * mib, objects: 90 * mib, allocs: 1400 * mib}, true, false},
		{heap{live: 80 * mib, objects: 80 * mib, allocs: 1400 * mib}, false, true}, // and most of it still is
		{heap{live: 80 * mib, objects: 99 * mib, allocs: 1420 * mib}, false, false},
		{heap{live: 80 * mib, objects: 99 * mib, allocs: 1420 * mib}, false, false}, // little beside what is in use
		{heap{live: 80 * mib, objects: 99 * mib, allocs: 1420 * mib}, false, true},
	} {
		collect := q.after(look.h)
		if collect {
			q.inUse = look.h.live - 4*mib // what the collection finds
		}
		if collect != look.collect || q.rests() != look.rests {
			t.Errorf("look %d: collects %v, rests %v; want %v, %v", i, collect, q.rests(), look.collect, look.rests)
		}
	}
}

func TestTheCollectorsRunIsTold(t *testing.T) {
	ran := collection()
	for {
		select {
		case <-ran:
			return
		case <-t.Context().Done():
			t.Fatal("the collector has run, and nobody is told")
		default:
			runtime.GC()
		}
	}
}

func TestLooksAreRareUntilTheCollectorRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		if pause(t.Context(), nil); time.Since(begun) != time.Second {
			t.Errorf("at work, the next look comes after %v", time.Since(begun))
		}
		begun = time.Now()
		if pause(t.Context(), make(chan struct{})); time.Since(begun) != 5*time.Second {
			t.Errorf("at rest, the next look comes after %v", time.Since(begun))
		}
		begun = time.Now()
		ran := make(chan struct{})
		time.AfterFunc(500*time.Millisecond, func() { close(ran) })
		if pause(t.Context(), ran); time.Since(begun) != 1500*time.Millisecond {
			t.Errorf("at rest, when the collector runs after half a second, the next look comes after %v", time.Since(begun))
		}
	})
}
