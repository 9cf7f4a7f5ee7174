package app

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/openclaw/openclaw/config"
)

// watched runs f beside a gateway that watches its configuration, and returns when, counted from the beginning, that was read.
func watched(t *testing.T, f func(write func())) (reads []time.Duration) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "openclaw.yaml")
		size := 0
		write := func() { // a file's time is the system's, and the test's clock is not: so its size changes
			size++
			if err := os.WriteFile(path, make([]byte, size), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		write()
		begun := time.Now()
		a := &App{log: slog.New(slog.DiscardHandler), opts: Options{Load: func() (*config.Config, error) {
			reads = append(reads, time.Since(begun))
			return nil, errors.New("refused, which is all that this test needs")
		}}}
		a.cfg.Store(&config.Config{File: path})
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		a.watch(ctx)
		time.Sleep(time.Millisecond) // lest both act at the same moment
		f(write)
		a.unwatch()
		a.watching.Wait()
	})
	return reads
}

func TestAChangeIsNoticedInTime(t *testing.T) {
	for _, at := range []time.Duration{0, 500 * time.Millisecond, 1100 * time.Millisecond, 10*time.Minute + time.Millisecond} {
		reads := watched(t, func(write func()) {
			time.Sleep(at)
			write()
			time.Sleep(time.Minute)
		})
		want := (at + time.Millisecond).Truncate(time.Second) + 1250*time.Millisecond
		if len(reads) != 1 || reads[0] != want {
			t.Errorf("a change after %v is read at %v, want at %v: one look a second, and one behind a change", at, reads, want)
		}
	}
}

// A file is not read while it is being written.
func TestAFileThatStillChangesIsLeftAlone(t *testing.T) {
	var rest time.Duration
	reads := watched(t, func(write func()) {
		for begun := time.Now(); time.Since(begun) < 5*time.Second; time.Sleep(200 * time.Millisecond) {
			write()
			rest = time.Since(begun)
		}
		time.Sleep(time.Minute)
	})
	if len(reads) != 1 || reads[0] < rest || reads[0] > rest+lookEvery+lookAgain {
		t.Errorf("a file that changes until %v is read at %v, want once, in the time that a change takes behind its last one", rest, reads)
	}
}
