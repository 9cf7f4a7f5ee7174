package sqlite_test

import (
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"github.com/openclaw/openclaw/claw"
	"github.com/openclaw/openclaw/store/sqlite"
	"github.com/openclaw/openclaw/store/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestStore(t *testing.T) {
	storetest.Run(t, func(tb testing.TB, dir string) claw.Store {
		tb.Helper()
		// Sessions of one turn are erased by one commit, and longer ones by several.
		s, err := sqlite.Open(tb.Context(), filepath.Join(dir, "openclaw.db"), sqlite.WithReserve(0), sqlite.WithStep(3, 1<<20))
		if err != nil {
			tb.Fatal(err)
		}
		return s
	})
}
