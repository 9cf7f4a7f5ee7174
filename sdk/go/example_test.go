package openclaw_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/openclaw/openclaw-go"
)

func Example() {
	ctx := context.Background()
	client := openclaw.New("http://localhost:3000", openclaw.WithAPIKey("your-api-token"))
	reply, err := client.Chat(ctx, openclaw.ChatRequest{Message: "Hello, OpenClaw!"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(reply.Content)
}

func ExampleClient_Stream() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	client := openclaw.New("") // address and token from the environment
	for event, err := range client.Stream(ctx, openclaw.ChatRequest{Message: "Write a short poem"}) {
		if err != nil {
			log.Fatal(err)
		}
		switch event.Type {
		case openclaw.EventStart:
			fmt.Println("in session", event.SessionKey)
		case openclaw.EventDelta:
			fmt.Print(event.Content)
		case openclaw.EventDone:
			fmt.Println("\n", event.Usage.OutputTokens, "tokens of", event.Model)
		}
	}
}

func ExampleMessagesService_Stream() {
	// A process that was restarted goes on reading where it had stopped.
	client := openclaw.New("")
	messageID, lastSeq := "msg_123", int64(7)
	for event, err := range client.Messages.Stream(context.Background(), messageID, lastSeq) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Print(event.Content) // and event.Seq is what to remember for the next time
	}
}

func ExampleSessionsService_List() {
	client := openclaw.New("")
	for session, err := range client.Sessions.List(context.Background(), openclaw.SessionQuery{Channel: "web"}) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(session.Key, session.MessageCount, session.LastActivity)
	}
}

func ExampleError() {
	client := openclaw.New("")
	_, err := client.Sessions.Get(context.Background(), "no-such-session")
	var e *openclaw.Error
	switch {
	case errors.As(err, &e) && e.Code == openclaw.CodeNotFound:
		fmt.Println("no such session")
	case errors.As(err, &e):
		fmt.Println("the gateway refuses:", e.Message, "- its log has more under", e.RequestID)
	case errors.Is(err, openclaw.ErrConnection):
		fmt.Println("no gateway there:", err)
	}
}
