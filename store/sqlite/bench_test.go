package sqlite

import (
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"

	"github.com/openclaw/openclaw/claw"
)

// BenchmarkCommit measures durable writes of one message and one run each, by so many callers at a time.
func BenchmarkCommit(b *testing.B) {
	for _, callers := range []int{1, 16, 64} {
		b.Run(fmt.Sprint(callers), func(b *testing.B) {
			s, _ := openTest(b)
			var ids atomic.Int64
			b.SetParallelism(callers)
			b.ReportAllocs()
			perProc(b, callers, func() {
				id := ids.Add(1)
				n := newRun(fmt.Sprintf("s%d", id%1000), fmt.Sprintf("%012d", id), "What's the weather like today?")
				if _, _, err := s.BeginRun(b.Context(), n); err != nil {
					b.Error(err)
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "commits/s")
		})
	}
}

// perProc calls do b.N times in all, from so many goroutines.
func perProc(b *testing.B, goroutines int, do func()) {
	b.Helper()
	left := atomic.Int64{}
	left.Store(int64(b.N))
	done := make(chan struct{})
	b.ResetTimer()
	for range goroutines {
		go func() {
			for left.Add(-1) >= 0 {
				do()
			}
			done <- struct{}{}
		}()
	}
	for range goroutines {
		<-done
	}
	b.StopTimer()
}

// filled returns a store with n messages in a tenth as many sessions, "s0" and so on.
func filled(b *testing.B, n int) *Store {
	b.Helper()
	s, _ := openTest(b)
	for done := 0; done < n; done += 1000 {
		_, err := write(b.Context(), s, request{}, func(t *tx) (any, error) {
			for i := done; i < min(n, done+1000); i++ {
				r := newRun(fmt.Sprintf("s%d", i%(n/10)), fmt.Sprintf("%012d", i), "What's the weather like today?")
				if _, _, _, err := ask(t, r); err != nil {
					return nil, err
				}
			}
			return nil, nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	return s
}

// BenchmarkRead measures reads of a page: their cost must not grow with what is stored.
func BenchmarkRead(b *testing.B) {
	for _, n := range []int{1_000, 100_000} {
		s := filled(b, n)
		b.Run(fmt.Sprintf("History/%d", n), func(b *testing.B) {
			for b.Loop() {
				_, err := s.History(b.Context(), "default", fmt.Sprint("s", rand.IntN(n/10)), claw.HistoryQuery{Limit: 10})
				if err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(fmt.Sprintf("Sessions/%d", n), func(b *testing.B) {
			for b.Loop() {
				if _, err := s.Sessions(b.Context(), "default", claw.SessionQuery{Limit: 10}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkInterruptRuns measures the start after a crash with ten runs under way, beside so many messages.
func BenchmarkInterruptRuns(b *testing.B) {
	for _, n := range []int{1_000, 100_000} {
		s := filled(b, n)
		ids := 0
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				for range 10 {
					ids++
					if _, _, err := s.BeginRun(b.Context(), newRun("s1", fmt.Sprint("i", ids), "text")); err != nil {
						b.Fatal(err)
					}
				}
				b.StartTimer()
				if got, err := s.InterruptRuns(b.Context(), nil); err != nil || got != 10 {
					b.Fatal(got, err)
				}
			}
		})
	}
}

// BenchmarkDeleteSession measures the deletion of one session with so many messages.
func BenchmarkDeleteSession(b *testing.B) {
	for _, n := range []int{10, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				s, _ := openTest(b)
				_, err := write(b.Context(), s, request{}, func(t *tx) (any, error) {
					session, _, _, err := ask(t, newRun("s1", "first", "text"))
					for i := 1; i < n && err == nil; i++ {
						err = insertMessage(t, session.id, t.nextSeq(), claw.Message{
							ID: fmt.Sprintf("%012d", i), Role: claw.RoleUser, Content: "What's the weather like today?",
						}, true)
					}
					return nil, err
				})
				if err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
				if err := s.DeleteSession(b.Context(), "default", "s1"); err != nil {
					b.Fatal(err)
				}
				b.StopTimer()
				if err := s.Close(); err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
			}
		})
	}
}
