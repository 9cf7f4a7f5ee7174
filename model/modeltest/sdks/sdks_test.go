package sdks

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
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

// result is what a client makes of an answer.
type result struct {
	text    string
	in, out int
	length  bool // it ended at its longest
	status  int  // of the error
	failed  bool
}

// client is a vendor's own client, asking for prompt.
type client func(ctx context.Context, baseURL string, prompt claw.Prompt) result

func askAnthropic(ctx context.Context, baseURL string, prompt claw.Prompt) (got result) {
	// Not NewClient, which reads the environment.
	messages := anthropicsdk.NewMessageService(anthropicoption.WithoutEnvironmentDefaults(), anthropicoption.WithBaseURL(baseURL),
		anthropicoption.WithAPIKey(modeltest.Key), anthropicoption.WithMaxRetries(0))
	params := anthropicsdk.MessageNewParams{
		Model: prompt.Model, MaxTokens: 100, System: []anthropicsdk.TextBlockParam{{Text: prompt.System}},
	}
	for _, m := range prompt.Messages {
		params.Messages = append(params.Messages, anthropicsdk.MessageParam{
			Role:    anthropicsdk.MessageParamRole(m.Role),
			Content: []anthropicsdk.ContentBlockParamUnion{anthropicsdk.NewTextBlock(m.Content)},
		})
	}
	stream := messages.NewStreaming(ctx, params)
	defer stream.Close()
	var whole anthropicsdk.Message
	for stream.Next() {
		if err := whole.Accumulate(stream.Current()); err != nil {
			return result{failed: true}
		}
	}
	if err := stream.Err(); err != nil {
		if e, ok := errors.AsType[*anthropicsdk.Error](err); ok {
			got.status = e.StatusCode
		}
		got.failed = true
		return got
	}
	for _, block := range whole.Content {
		got.text += block.Text
	}
	got.in, got.out = int(whole.Usage.InputTokens), int(whole.Usage.OutputTokens)
	got.length = whole.StopReason == anthropicsdk.StopReasonMaxTokens
	return got
}

func askOpenAI(ctx context.Context, baseURL string, prompt claw.Prompt) (got result) {
	completions := openaisdk.NewChatCompletionService(openaioption.WithBaseURL(baseURL),
		openaioption.WithAPIKey(modeltest.Key), openaioption.WithMaxRetries(0))
	params := openaisdk.ChatCompletionNewParams{
		Model: prompt.Model, Messages: []openaisdk.ChatCompletionMessageParamUnion{openaisdk.SystemMessage(prompt.System)},
		StreamOptions: openaisdk.ChatCompletionStreamOptionsParam{IncludeUsage: openaisdk.Bool(true)},
	}
	for _, m := range prompt.Messages {
		if m.Role == claw.RoleUser {
			params.Messages = append(params.Messages, openaisdk.UserMessage(m.Content))
		} else {
			params.Messages = append(params.Messages, openaisdk.AssistantMessage(m.Content))
		}
	}
	stream := completions.NewStreaming(ctx, params)
	defer stream.Close()
	var whole openaisdk.ChatCompletionAccumulator
	for stream.Next() {
		if !whole.AddChunk(stream.Current()) {
			return result{failed: true}
		}
	}
	if err := stream.Err(); err != nil {
		if e, ok := errors.AsType[*openaisdk.Error](err); ok {
			got.status = e.StatusCode
		}
		got.failed = true
		return got
	}
	got.text = whole.Choices[0].Message.Content
	got.in, got.out = int(whole.Usage.PromptTokens), int(whole.Usage.CompletionTokens)
	got.length = whole.Choices[0].FinishReason == "length"
	return got
}

func askGemini(ctx context.Context, baseURL string, prompt claw.Prompt) (got result) {
	c, err := genai.NewClient(ctx, &genai.ClientConfig{
		APIKey: modeltest.Key, Backend: genai.BackendGeminiAPI, HTTPClient: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}},
		HTTPOptions: genai.HTTPOptions{BaseURL: baseURL},
	})
	if err != nil {
		return result{failed: true}
	}
	var contents []*genai.Content
	for _, m := range prompt.Messages {
		role := genai.Role(genai.RoleUser)
		if m.Role == claw.RoleAssistant {
			role = genai.RoleModel
		}
		contents = append(contents, genai.NewContentFromText(m.Content, role))
	}
	config := &genai.GenerateContentConfig{SystemInstruction: genai.NewContentFromText(prompt.System, genai.RoleUser)}
	for res, err := range c.Models.GenerateContentStream(ctx, prompt.Model, contents, config) {
		if err != nil {
			if e, ok := errors.AsType[genai.APIError](err); ok {
				got.status = e.Code
			}
			got.failed = true
			return got
		}
		got.text += res.Text()
		if u := res.UsageMetadata; u != nil {
			got.in, got.out = int(u.PromptTokenCount), int(u.CandidatesTokenCount)
		}
		got.length = len(res.Candidates) > 0 && res.Candidates[0].FinishReason == genai.FinishReasonMaxTokens
	}
	return got
}

var prompt = claw.Prompt{
	Model:  "some-model",
	System: "You are \"terse\".",
	Messages: []claw.PromptMessage{
		{Role: claw.RoleUser, Content: "Hello\n✓"},
		{Role: claw.RoleAssistant, Content: "Hi."},
		{Role: claw.RoleUser, Content: "Who </are> you?"},
	},
}

// TestVendorsClients sends one prompt with a vendor's own client and with our provider.
func TestVendorsClients(t *testing.T) {
	for wire, c := range map[upstream.Wire]struct {
		vendors client
		ours    func(baseURL string) claw.Provider
	}{
		upstream.Anthropic: {askAnthropic, func(u string) claw.Provider {
			return anthropic.New(anthropic.Options{APIKey: modeltest.Key, BaseURL: u})
		}},
		upstream.OpenAI: {askOpenAI, func(u string) claw.Provider {
			return openai.New(openai.Options{APIKey: modeltest.Key, BaseURL: u})
		}},
		upstream.Gemini: {askGemini, func(u string) claw.Provider {
			return gemini.New(gemini.Options{APIKey: modeltest.Key, BaseURL: u})
		}},
	} {
		t.Run(string(wire), func(t *testing.T) {
			up := upstream.New()
			server := httptest.NewServer(up)
			defer server.Close()
			url := wire.BaseURL(server.URL)
			answer := upstream.Script{Text: []string{"I am ", "\"me\"\n", "🌅"}, Usage: &upstream.Usage{Input: 15, Output: 142}, Stop: "length"}

			up.Queue(answer, answer)
			want := result{text: "I am \"me\"\n🌅", in: 15, out: 142, length: true}
			if got := c.vendors(t.Context(), url, prompt); got != want {
				t.Errorf("the vendor's client makes %+v of the answer, want %+v", got, want)
			}
			texts, last, err := modeltest.Collect(t, t.Context(), c.ours(url), prompt)
			if err != nil || !slices.Equal(texts, answer.Text) || *last.Usage != (claw.Usage{InputTokens: 15, OutputTokens: 142}) {
				t.Errorf("our provider makes %q, %+v, %v of the answer", texts, last.Usage, err)
			}
			reqs := up.Requests()
			if len(reqs) != 2 {
				t.Fatalf("%d calls came in, want 2", len(reqs))
			}
			theirs, ours := reqs[0], reqs[1]
			if theirs.Path != ours.Path || theirs.Model != ours.Model || theirs.System != ours.System ||
				!reflect.DeepEqual(theirs.Messages, ours.Messages) {
				t.Errorf("the vendor's client sends\n%+v\nand our provider\n%+v", theirs, ours)
			}

			for _, status := range []int{400, 401, 429, 503} {
				up.Queue(upstream.Script{Status: status})
				if got := c.vendors(t.Context(), url, prompt); !got.failed || got.status != status {
					t.Errorf("the vendor's client makes %+v of status %d", got, status)
				}
			}
			up.Queue(upstream.Script{End: upstream.EndError, After: 1})
			if got := c.vendors(t.Context(), url, prompt); !got.failed {
				t.Errorf("the vendor's client makes %+v of an error in the stream", got)
			}
		})
	}
}
