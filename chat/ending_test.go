package chat_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/openclaw/openclaw/chat"
	"github.com/openclaw/openclaw/claw"
	"github.com/openclaw/openclaw/live/mem"
)

// toldLog is a run log in which a watcher acts on a run's end at the very moment it is told, before the engine does
// anything else.
type toldLog struct {
	mem.Log
	told func(claw.Event)
}

func (l *toldLog) Append(ctx context.Context, id string, ev claw.Event) error {
	err := l.Log.Append(ctx, id, ev)
	if ev.Terminal() {
		l.told(ev)
	}
	return err
}

func whenTold(told func(claw.Event)) option {
	return func(c *chat.Config) { c.Log = &toldLog{told: told} }
}

func TestAKeyUsedAgainTheMomentItsRunEnds(t *testing.T) {
	for _, fails := range []bool{false, true} {
		t.Run(fmt.Sprint("fails=", fails), func(t *testing.T) {
			req := claw.ChatRequest{Message: "q", IdempotencyKey: "k"}
			var g *gateway
			again := make(chan *pending, 2)
			g = open(t, whenTold(func(claw.Event) {
				s := g.send(t, alice, req)
				if !fails {
					<-s.done
				}
				again <- s
			}))
			first := g.send(t, alice, req)
			c := g.model.next(t)
			if !fails {
				c.finish("answer")
				second := <-again
				if second.id(t) != first.id(t) || !second.started.Replayed {
					t.Errorf("the same key gave %+v, want a replay of %s", second.started, first.started.ID)
				}
				return
			}
			c.fail(claw.ModelErrorf(claw.ReasonRejected, "no"))
			second := <-again
			g.model.next(t).finish("answer")
			if second.id(t) == first.id(t) {
				t.Error("the key of a run that has failed gave that run again, want a new try")
			}
			<-again
		})
	}
}

func TestAPlaceInTheQueueIsFreeTheMomentARunEnds(t *testing.T) {
	var g *gateway
	next := make(chan *pending, 1)
	ends := 0
	g = open(t, whenTold(func(claw.Event) {
		if ends++; ends == 1 {
			s := g.send(t, alice, claw.ChatRequest{Message: "next", SessionKey: "s"})
			waitFor(t, func() bool { return g.Waiting() == 9 || isDone(s) })
			next <- s
		}
	}))
	g.send(t, alice, claw.ChatRequest{Message: "first", SessionKey: "s"}).id(t)
	for i := range 8 {
		g.send(t, alice, claw.ChatRequest{Message: fmt.Sprint("m", i), SessionKey: "s"})
		waitFor(t, func() bool { return g.Waiting() == i+1 })
	}
	for range 9 {
		g.model.next(t).finish("re")
	}
	s := <-next
	if !isDone(s) {
		g.model.next(t).finish("re")
	}
	if code := s.code(); code != "" {
		t.Errorf("a message sent on hearing of an answer: %s, want the place that the answer left", code)
	}
	waitFor(t, g.Idle)
}

func isDone(s *pending) bool {
	select {
	case <-s.done:
		return true
	default:
		return false
	}
}
