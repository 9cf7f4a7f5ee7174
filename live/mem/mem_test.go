package mem_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/openclaw/openclaw/claw"
	"github.com/openclaw/openclaw/live/livetest"
	"github.com/openclaw/openclaw/live/mem"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestRunLog(t *testing.T) {
	livetest.RunLog(t, func(*testing.T) claw.RunLog { return &mem.Log{} })
}

func TestLimiter(t *testing.T) {
	livetest.Limiter(t, func(*testing.T) claw.Limiter { return &mem.Limiter{} })
}
