// Package chat is the gateway's one use case: a turn of a conversation. It decides who owns a run (the gateway, never a
// connection), in what order a session's messages run, and how a run ends.
//
// Two invariants hold everything together. The user's message and the run are durable before the model is called
// (BeginRun), and the answer is durable before anyone is told that it is done (EndRun, then the terminal event): whoever
// sees done finds the answer in history, whatever happens to the process in between.
package chat

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/openclaw/openclaw/claw"
)

// Config is what an [Engine] is made of. Zero durations and sizes get the defaults named.
type Config struct {
	Store  claw.Store
	Log    claw.RunLog
	Logger *slog.Logger

	Model // to begin with; see [Engine.SetModel]

	MaxAnswerBytes  int           // an answer that grows beyond is ended as failed; 8 MiB
	QueueLength     int           // messages that may wait for their turn in one session; 8
	CheckpointEvery time.Duration // how often running answers are made durable: so often, the commits included, 450 ms
	KeepEvents      time.Duration // how long events can be replayed and idempotency keys hold; 24 h
}

// Model is what is asked, and how. Zero values get the defaults named.
type Model struct {
	Provider       claw.Provider
	SystemPrompt   string
	MaxPromptBytes int           // most bytes of history that are read for one prompt; 4 MiB
	RunTimeout     time.Duration // of a whole run; 15 min
	LogMessages    bool          // write what users and models say to the log
}

func (c *Config) defaults() {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	orDefault(&c.MaxAnswerBytes, 8<<20)
	orDefault(&c.QueueLength, 8)
	orDefault(&c.CheckpointEvery, 450*time.Millisecond)
	orDefault(&c.KeepEvents, 24*time.Hour)
}

func orDefault[T int | time.Duration](v *T, d T) {
	if *v <= 0 {
		*v = d
	}
}

// Engine runs turns. It owns every run from the moment its message is accepted until its end is durable.
type Engine struct {
	Config
	model atomic.Pointer[Model] // in force

	mu      sync.Mutex
	closing bool
	lanes   map[laneKey]*lane
	byKey   map[tokenKey]*turn // turns with an idempotency key, from acceptance to their end
	live    map[string]*run    // by id, from BeginRun until the end is durable
	unsaved map[laneKey]*run   // runs that have ended but whose end the store could not take yet

	growing sync.Mutex
	grown   []*run        // since the last checkpoint: it must not have to look at thousands of runs that wait for their models
	wanted  chan struct{} // holds a token where something has grown, or an end waits to be stored, since a checkpoint began

	working sync.WaitGroup // one per lane
	stop    context.CancelFunc
	stopped sync.WaitGroup // housekeeping
}

// tokenKey is a token's idempotency key. The workspace is part of it: a token that a reload moves to another one must not
// join what it began where it was.
type tokenKey struct{ workspace, token, key string }

// New ends the runs that a killed process left behind, and returns an engine that is ready to work. The caller must
// call [Engine.Stop].
func New(ctx context.Context, cfg Config) (*Engine, error) {
	cfg.defaults()
	e := &Engine{
		Config: cfg, lanes: map[laneKey]*lane{}, byKey: map[tokenKey]*turn{}, live: map[string]*run{}, unsaved: map[laneKey]*run{},
		wanted: make(chan struct{}, 1),
	}
	e.SetModel(cfg.Model)
	n, err := e.Store.InterruptRuns(ctx, errRestarted)
	if err != nil {
		return nil, err
	}
	if n > 0 {
		e.Logger.Warn("ended the runs that the last process did not", "runs", n)
	}
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	e.stop = stop
	e.stopped.Go(func() { e.checkpoints(background) })
	e.stopped.Go(func() { e.sweeps(background) })
	return e, nil
}

// SetModel replaces what is asked. Runs that have begun keep what they began with.
func (e *Engine) SetModel(m Model) {
	orDefault(&m.MaxPromptBytes, 4<<20)
	orDefault(&m.RunTimeout, 15*time.Minute)
	e.model.Store(&m)
}

// Stop refuses new work, gives running runs until ctx ends, then ends them with [claw.Unavailable], and returns when
// all is durable. What waits in a queue is refused at once: nothing of it was acknowledged. Call it once.
func (e *Engine) Stop(ctx context.Context) error {
	e.mu.Lock()
	e.closing = true
	var waiting []job
	for _, l := range e.lanes {
		waiting = append(waiting, l.clear()...)
	}
	e.mu.Unlock()
	refuseAll(waiting, errShuttingDown)

	idle := make(chan struct{})
	go func() {
		e.working.Wait()
		close(idle)
	}()
	var err error
	select {
	case <-idle:
	case <-ctx.Done():
		e.mu.Lock()
		if n := len(e.lanes); n > 0 {
			err = context.Cause(ctx)
			e.Logger.Warn("ending runs that did not finish in time", "sessions", n)
		}
		for _, l := range e.lanes {
			l.current.stop(errShuttingDown)
		}
		e.mu.Unlock()
		<-idle
	}
	e.stop()
	e.stopped.Wait()
	return err
}

// Closing reports whether the engine has begun to stop.
func (e *Engine) Closing() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.closing
}

// The ends of a run that are not the model's doing. Each is the run's stored error and its watchers' last event.
var (
	errRestarted = claw.Errorf(claw.Unavailable,
		"The gateway was stopped in the middle of this answer. What had come is kept; send the message again for a whole one.")
	errShuttingDown = claw.Errorf(claw.Unavailable, "The gateway is shutting down. Try again in a few seconds.").After(5 * time.Second)
	errCancelled    = claw.Errorf(claw.Cancelled, "The run was cancelled.")
	errDeleted      = claw.Errorf(claw.SessionDeleted, "The session was deleted.")
	errTooSlow      = claw.ModelErrorf(claw.ReasonTimeout, "The model did not finish its answer in the time a run may take.")
	errTooLong      = claw.ModelErrorf(claw.ReasonRejected, "The model's answer grew beyond the size that the gateway keeps.")
)
