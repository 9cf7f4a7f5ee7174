package chat

import (
	"testing"
	"time"
)

// Text that comes right behind the beginning of a checkpoint must be durable within half a second.
func TestTheWaitForACheckpointLeavesTimeForItsCommits(t *testing.T) {
	var cfg Config
	cfg.defaults()
	for took := time.Duration(0); took <= 200*time.Millisecond; took += time.Millisecond {
		if age := took + untilCheckpoint(cfg.CheckpointEvery, took) + took; age > 500*time.Millisecond {
			t.Errorf("with commits that take %v a checkpoint's text gets %v old", took, age)
		}
	}
	if wait := untilCheckpoint(cfg.CheckpointEvery, time.Minute); wait <= 0 {
		t.Errorf("behind a commit that took a minute the next comes in %v: the store would do nothing else", wait)
	}
}
