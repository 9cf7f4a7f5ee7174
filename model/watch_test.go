package model

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestWatch(t *testing.T) {
	const first, idle = 10 * time.Second, 4 * time.Second
	for name, c := range map[string]struct {
		live func(w *watch)
		want time.Duration // when it is too long; 0 where it never is
	}{
		"no sign of life": {func(*watch) {}, first},
		"silence behind the first": {func(w *watch) {
			time.Sleep(9 * time.Second)
			w.pause()
			w.resume()
		}, 13 * time.Second},
		"steady, then silent": {func(w *watch) {
			for range 20 {
				time.Sleep(3 * time.Second)
				w.pause()
				w.resume()
			}
		}, 64 * time.Second},
		"fast, then silent": {func(w *watch) {
			for range 100 {
				time.Sleep(time.Millisecond)
				w.pause()
				w.resume()
			}
		}, 4100 * time.Millisecond},
		"the caller takes his time": {func(w *watch) {
			time.Sleep(time.Second)
			w.pause()
			time.Sleep(time.Hour)
			w.resume()
			time.Sleep(3 * time.Second)
			w.pause()
			time.Sleep(30 * time.Second)
			w.resume()
		}, time.Hour + 38*time.Second},
		"stopped": {func(w *watch) {
			time.Sleep(time.Second)
			w.pause()
			w.stop()
		}, 0},
		"stopped at once": {func(w *watch) { w.stop() }, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begun := time.Now()
				var late []time.Duration
				w := newWatch(first, idle, func() { late = append(late, time.Since(begun)) })
				defer w.stop()
				c.live(w)
				time.Sleep(24 * time.Hour)
				synctest.Wait()
				if c.want == 0 && len(late) > 0 || c.want > 0 && (len(late) != 1 || late[0] != c.want) {
					t.Errorf("timed out after %v, want %v", late, c.want)
				}
			})
		})
	}
}
