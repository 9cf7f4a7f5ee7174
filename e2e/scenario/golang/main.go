// Command golang is the scenario with the Go client; see the README beside its folder.
package main

import (
	"context"
	"encoding/json/v2"
	"errors"
	"fmt"
	"log"

	openclaw "github.com/openclaw/openclaw-go"
)

const session = "live"

type step map[string]any

func say(s step) {
	line, err := json.Marshal(s, json.Deterministic(true))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(string(line))
}

func main() {
	ctx := context.Background()
	// Retries enough for a gateway that starts on a busy machine.
	client := openclaw.New("", openclaw.WithMaxRetries(8))
	if err := run(ctx, client); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, client *openclaw.Client) error {
	status, err := client.Status(ctx)
	if err != nil {
		return err
	}
	say(step{"step": "status", "status": status.Status, "provider": status.Model.Provider, "model": status.Model.Model})

	one := openclaw.ChatRequest{Message: "one", SessionKey: session, IdempotencyKey: "key one"}
	reply, err := client.Chat(ctx, one)
	if err != nil {
		return err
	}
	say(step{"step": "chat", "content": reply.Content, "session": reply.SessionKey, "model": reply.Model,
		"input": reply.Usage.InputTokens, "output": reply.Usage.OutputTokens})
	again, err := client.Chat(ctx, one)
	if err != nil {
		return err
	}
	say(step{"step": "same key", "same": again.ID == reply.ID, "replayed": again.Meta.Replayed})

	text, types := "", []string{}
	for event, err := range client.Stream(ctx, openclaw.ChatRequest{Message: "two", SessionKey: session}) {
		if err != nil {
			return err
		}
		text += event.Content
		types = append(types, string(event.Type))
	}
	say(step{"step": "stream", "text": text, "types": types})

	_, err = client.Chat(ctx, openclaw.ChatRequest{Message: "three", SessionKey: session})
	say(failure("error", err))
	_, err = client.Sessions.Get(ctx, "never-opened")
	say(failure("unknown", err))

	text = ""
	id := ""
	for event, err := range client.Stream(ctx, openclaw.ChatRequest{Message: "four", SessionKey: session}) {
		if err != nil {
			say(failure("cancelled", err))
			break
		}
		if event.Type == openclaw.EventStart {
			id = event.ID
		}
		if event.Type == openclaw.EventDelta {
			if _, err := client.Messages.Cancel(ctx, id); err != nil {
				return err
			}
		}
	}
	message, err := client.Messages.Get(ctx, id)
	if err != nil {
		return err
	}
	say(step{"step": "message", "status": message.Status, "content": message.Content, "session": message.SessionKey})

	deltas := 0
	for event, err := range client.Stream(ctx, openclaw.ChatRequest{Message: "five", SessionKey: session}) {
		if err != nil {
			s := failure("interrupted", err)
			s["text"] = text
			say(s)
			break
		}
		if event.Type == openclaw.EventDelta {
			text += event.Content
			if deltas++; deltas == 2 {
				say(step{"step": "streaming"}) // the gateway is killed now, and started again
			}
		}
	}
	reply, err = client.Chat(ctx, openclaw.ChatRequest{Message: "six", SessionKey: session})
	if err != nil {
		return err
	}
	say(step{"step": "after", "content": reply.Content})

	history := [][]string{}
	for m, err := range client.Sessions.History(ctx, session) {
		if err != nil {
			return err
		}
		history = append(history, []string{string(m.Role), string(m.Status), m.Content})
	}
	say(step{"step": "history", "messages": history})
	keys := []string{}
	for s, err := range client.Sessions.List(ctx) {
		if err != nil {
			return err
		}
		keys = append(keys, s.Key)
	}
	one1, err := client.Sessions.Get(ctx, session)
	if err != nil {
		return err
	}
	say(step{"step": "sessions", "keys": keys, "messages": one1.MessageCount})
	if err := client.Sessions.Delete(ctx, session); err != nil {
		return err
	}
	_, err = client.Sessions.Get(ctx, session)
	say(failure("deleted", err))
	return nil
}

func failure(name string, err error) step {
	apiErr, ok := errors.AsType[*openclaw.Error](err)
	if !ok {
		return step{"step": name, "error": fmt.Sprint(err)}
	}
	return step{"step": name, "code": string(apiErr.Code), "reason": string(apiErr.Reason)}
}
