package sdks

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	anthropicsdk "github.com/anthropics/anthropic-sdk-go"
	anthropicoption "github.com/anthropics/anthropic-sdk-go/option"
	openaisdk "github.com/openai/openai-go/v3"
	openaioption "github.com/openai/openai-go/v3/option"
	"google.golang.org/genai"

	"github.com/openclaw/openclaw/claw"
	"github.com/openclaw/openclaw/model/anthropic"
	"github.com/openclaw/openclaw/model/gemini"
	"github.com/openclaw/openclaw/model/modeltest"
	"github.com/openclaw/openclaw/model/modeltest/upstream"
	"github.com/openclaw/openclaw/model/openai"
)

// canned is an answer without a server, so that what is measured is the client.
type canned string

func (c canned) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"text/event-stream"}},
		Body: io.NopCloser(strings.NewReader(string(c))),
	}, nil
}

// BenchmarkChunk measures what a chunk of a long answer costs the vendors' clients, read as their examples do, and ours.
func BenchmarkChunk(b *testing.B) {
	const chunks = 1000
	const url = "http://127.0.0.1:1"
	run := func(name string, wire upstream.Wire, ask func(c *http.Client) (bytes int)) {
		client := &http.Client{Transport: canned(upstream.Render(wire, slices.Repeat([]string{"token "}, chunks)...))}
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if got := ask(client); got != 6*chunks {
					b.Fatalf("the answer has %d bytes", got)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/chunks, "ns/chunk")
		})
	}
	ours := func(p claw.Provider) (n int) {
		for chunk := range p.Stream(b.Context(), modeltest.Ask("Hello")) {
			n += len(chunk.Text)
		}
		return n
	}

	run("anthropic/sdk", upstream.Anthropic, func(c *http.Client) (n int) {
		messages := anthropicsdk.NewMessageService(anthropicoption.WithBaseURL(url), anthropicoption.WithAPIKey("k"), anthropicoption.WithHTTPClient(c))
		stream := messages.NewStreaming(b.Context(), anthropicsdk.MessageNewParams{
			Model: "m", MaxTokens: 1, Messages: []anthropicsdk.MessageParam{anthropicsdk.NewUserMessage(anthropicsdk.NewTextBlock("Hello"))},
		})
		defer stream.Close()
		for stream.Next() {
			if ev, ok := stream.Current().AsAny().(anthropicsdk.ContentBlockDeltaEvent); ok {
				n += len(ev.Delta.Text)
			}
		}
		return n
	})
	run("anthropic/ours", upstream.Anthropic, func(c *http.Client) int {
		return ours(anthropic.New(anthropic.Options{APIKey: "k", BaseURL: url, HTTPClient: c}))
	})
	run("openai/sdk", upstream.OpenAI, func(c *http.Client) (n int) {
		completions := openaisdk.NewChatCompletionService(openaioption.WithBaseURL(url), openaioption.WithAPIKey("k"), openaioption.WithHTTPClient(c))
		stream := completions.NewStreaming(b.Context(), openaisdk.ChatCompletionNewParams{
			Model: "m", Messages: []openaisdk.ChatCompletionMessageParamUnion{openaisdk.UserMessage("Hello")},
		})
		defer stream.Close()
		for stream.Next() {
			for _, choice := range stream.Current().Choices {
				n += len(choice.Delta.Content)
			}
		}
		return n
	})
	run("openai/ours", upstream.OpenAI, func(c *http.Client) int {
		return ours(openai.New(openai.Options{APIKey: "k", BaseURL: url, HTTPClient: c}))
	})
	run("gemini/sdk", upstream.Gemini, func(c *http.Client) (n int) {
		client, err := genai.NewClient(b.Context(), &genai.ClientConfig{
			APIKey: "k", Backend: genai.BackendGeminiAPI, HTTPClient: c, HTTPOptions: genai.HTTPOptions{BaseURL: url},
		})
		if err != nil {
			b.Fatal(err)
		}
		for res, err := range client.Models.GenerateContentStream(b.Context(), "m", genai.Text("Hello"), nil) {
			if err != nil {
				b.Fatal(err)
			}
			n += len(res.Text())
		}
		return n
	})
	run("gemini/ours", upstream.Gemini, func(c *http.Client) int {
		return ours(gemini.New(gemini.Options{APIKey: "k", BaseURL: url, HTTPClient: c}))
	})
}
