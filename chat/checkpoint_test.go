package chat_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/openclaw/openclaw/claw"
)

// stored is how much of a run the store has.
func (g *gateway) stored(t *testing.T, id string) string {
	t.Helper()
	r, err := g.store.Run(t.Context(), "default", id)
	if err != nil {
		t.Fatal(err)
	}
	return r.Answer.Content
}

// A checkpoint comes as long behind the first text as text may get old, whatever the time: no timer runs before.
func TestTextSetsTheTimerOfItsCheckpoint(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const every = 450 * time.Millisecond
		g := open(t)
		s := g.send(t, alice, claw.ChatRequest{Message: "q", SessionKey: "s"})
		c := g.model.next(t)
		id := s.id(t)
		text := ""
		for _, pause := range []time.Duration{0, every / 3, every, time.Minute + every/4, 5*time.Minute + every/2} {
			time.Sleep(pause)
			before := text
			text += "a"
			c.text("a")
			for range 3 { // more of it changes nothing
				time.Sleep(every/3 - time.Millisecond)
				text += "b"
				c.text("b")
			}
			synctest.Wait()
			if got := g.stored(t, id); got != before {
				t.Errorf("behind a pause of %v, the store has %q before the checkpoint is due, want %q", pause, got, before)
			}
			time.Sleep(3 * time.Millisecond)
			synctest.Wait()
			if got := g.stored(t, id); got != text {
				t.Errorf("behind a pause of %v, the store has %q when the text is %v old, want %q", pause, got, every, text)
			}
		}
		c.finish("")
		g.end(t, id)
		g.close(t)
	})
}

// An end that could not be stored is tried again though nothing grows, and until the store takes it.
func TestAnEndThatCouldNotBeStoredSetsTheTimer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const every = time.Second
		g, disk := openOnFlaky(t, every)
		s := g.send(t, alice, claw.ChatRequest{Message: "q", SessionKey: "s"})
		c := g.model.next(t)
		id := s.id(t)
		c.text("whole answer")
		time.Sleep(time.Minute) // nothing waits for a checkpoint any more
		disk.fill(true)
		c.finish("")
		g.end(t, id)
		synctest.Wait()
		if n := disk.refused(); n != 1 {
			t.Fatalf("the store has refused %d writes, want the end of the run", n)
		}
		time.Sleep(10*every + every/2)
		synctest.Wait()
		if n := disk.refused(); n != 11 {
			t.Errorf("ten checkpoints later it has refused %d writes, want 11", n)
		}
		disk.fill(false)
		time.Sleep(every)
		synctest.Wait()
		wantHistory(t, g, "s", "user complete: q", "assistant incomplete: whole answer")
		if n := g.Held(); n != 0 {
			t.Errorf("the engine still holds %d things", n)
		}
		g.close(t)
	})
}

// A checkpoint that the store refuses is tried again though the run does not grow.
func TestACheckpointThatFailedSetsTheTimer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, disk := openOnFlaky(t, time.Second)
		s := g.send(t, alice, claw.ChatRequest{Message: "q", SessionKey: "s"})
		c := g.model.next(t)
		id := s.id(t)
		disk.fill(true)
		c.text("a")
		time.Sleep(3*time.Second + time.Millisecond)
		synctest.Wait()
		if n := disk.refused(); n != 3 {
			t.Errorf("in three seconds the store refused %d checkpoints, want 3", n)
		}
		disk.fill(false)
		time.Sleep(time.Second)
		synctest.Wait()
		if got := g.stored(t, id); got != "a" {
			t.Errorf("the store has %q, want a", got)
		}
		c.finish("")
		g.end(t, id)
		g.close(t)
	})
}
