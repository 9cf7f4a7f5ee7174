// Command fill writes a long session into a gateway's database, for the page's tests: thousands of turns, in seconds. The
// gateway must not be running.
//
//	fill DATABASE KEY TURNS < ANSWER
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"

	"github.com/openclaw/openclaw/claw"
	"github.com/openclaw/openclaw/store/sqlite"
)

func main() {
	if err := run(context.Background(), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) != 3 {
		return fmt.Errorf("fill: want DATABASE KEY TURNS, got %q", args)
	}
	turns, err := strconv.Atoi(args[2])
	if err != nil {
		return err
	}
	answer, err := io.ReadAll(os.Stdin)
	if err != nil {
		return err
	}
	store, err := sqlite.Open(ctx, args[0])
	if err != nil {
		return err
	}
	for i := range turns {
		if err := turn(ctx, store, args[1], i, string(answer)); err != nil {
			return err
		}
	}
	return store.Close()
}

func turn(ctx context.Context, store claw.Store, key string, i int, answer string) error {
	now := time.Now()
	run, _, err := store.BeginRun(ctx, claw.NewRun{
		ID: fmt.Sprintf("msg_answer%d", i), Token: "tests", Workspace: claw.DefaultWorkspace, SessionKey: key, Channel: claw.DefaultChannel,
		User: claw.Message{ID: fmt.Sprintf("msg_question%d", i), Content: fmt.Sprintf("question %d", i), CreatedAt: now},
	})
	if err != nil {
		return err
	}
	run.Answer = claw.Message{
		ID: run.ID, Role: claw.RoleAssistant, Content: answer, Status: claw.StatusComplete, Model: "scripted",
		Usage: &claw.Usage{InputTokens: 10, OutputTokens: 20}, CreatedAt: now,
	}
	run.Deltas, run.EndSeq = []int{len(answer)}, 3
	return store.EndRun(ctx, run)
}
