package main

import (
	"context"
	"runtime/debug"
	"testing"
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
