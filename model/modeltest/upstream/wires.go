package upstream

import (
	"encoding/json/jsontext"
	"encoding/json/v2"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// wire is one protocol: how a call is read and how an answer is written.
type wire interface {
	// parse reads a call into r, whose method, path, header and body are set. It refuses what the vendor would.
	parse(r *Request) error
	contentType() string
	// open is what comes before the text, text one chunk of it, done what comes behind it.
	open(r *Request, u *Usage) string
	text(r *Request, chunk string) string
	done(r *Request, stop string, u *Usage) string
	// failure is the error event within a stream, and body that of an answer with an error status.
	failure(kind string) string
	body(status int) string
}

var wires = map[Wire]wire{Anthropic: anthropic{}, OpenAI: openai{}, Gemini: gemini{}, Ollama: ollama{}}

// quote returns s as a JSON string. What is not UTF-8 is kept byte by byte, as careless servers do.
func quote(s string) string {
	q, err := jsontext.AppendQuote(nil, s)
	if err != nil { // invalid UTF-8, for which AppendQuote writes U+FFFD: put the bytes themselves
		return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\r", `\r`, "\t", `\t`).Replace(s) + `"`
	}
	return string(q)
}

func pick(table map[string]string, key, otherwise string) string {
	if v, ok := table[key]; ok {
		return v
	}
	return otherwise
}

// decode is strict about the names it knows and lets others pass, as the vendors mostly do.
func decode(body string, out any) error { return json.Unmarshal([]byte(body), out) }

func checkRoles(messages []Message) error {
	if len(messages) == 0 {
		return fmt.Errorf("messages: at least one message is required")
	}
	for i, m := range messages {
		want := "user"
		if i%2 == 1 {
			want = "assistant"
		}
		if m.Role != want {
			return fmt.Errorf("messages.%d: role is %q, roles must alternate and begin with user", i, m.Role)
		}
		if strings.TrimSpace(m.Content) == "" {
			return fmt.Errorf("messages.%d: text content blocks must be non-empty", i)
		}
	}
	return nil
}

// content is a message's text, which vendors take as a string or as a list of blocks.
type content string

// UnmarshalJSON reads either form.
func (c *content) UnmarshalJSON(data []byte) error {
	var text string
	if json.Unmarshal(data, &text) == nil {
		*c = content(text)
		return nil
	}
	var blocks []struct {
		Text string `json:"text"`
	}
	if err := json.Unmarshal(data, &blocks); err != nil {
		return err
	}
	*c = ""
	for _, b := range blocks {
		*c += content(b.Text)
	}
	return nil
}

// turn is a message as Anthropic, OpenAI and Ollama take it.
type turn struct {
	Role    string  `json:"role"`
	Content content `json:"content"`
}

func messages(turns []turn) []Message {
	out := make([]Message, len(turns))
	for i, t := range turns {
		out[i] = Message{Role: t.Role, Content: string(t.Content)}
	}
	return out
}

type anthropic struct{}

func (anthropic) contentType() string { return "text/event-stream; charset=utf-8" }

func (anthropic) parse(r *Request) error {
	var b struct {
		Model     string  `json:"model"`
		MaxTokens int     `json:"max_tokens"`
		System    content `json:"system"`
		Messages  []turn  `json:"messages"`
		Stream    bool    `json:"stream"`
	}
	if err := decode(r.Body, &b); err != nil {
		return err
	}
	r.Model, r.System, r.Messages = b.Model, string(b.System), messages(b.Messages)
	switch {
	case http.Header(r.Header).Get("Anthropic-Version") == "":
		return fmt.Errorf("anthropic-version: header is required")
	case b.MaxTokens < 1:
		return fmt.Errorf("max_tokens: field required")
	case !b.Stream:
		return fmt.Errorf("this upstream only streams")
	}
	return checkRoles(r.Messages)
}

func (anthropic) event(name, data string) string {
	return "event: " + name + "\ndata: " + data + "\n\n"
}

func (w anthropic) open(r *Request, u *Usage) string {
	usage := "{}"
	if u != nil {
		usage = fmt.Sprintf(`{"input_tokens":%d,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,`+
			`"output_tokens":1}`, u.Input)
	}
	return w.event("message_start", `{"type":"message_start","message":{"id":"msg_up","type":"message","role":"assistant",`+
		`"model":`+quote(r.Model)+`,"content":[],"stop_reason":null,"stop_sequence":null,"usage":`+usage+`}}`) +
		w.event("content_block_start", `{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}`) +
		w.event("ping", `{"type":"ping"}`)
}

func (w anthropic) text(_ *Request, chunk string) string {
	return w.event("content_block_delta",
		`{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":`+quote(chunk)+`}}`)
}

func (w anthropic) done(_ *Request, stop string, u *Usage) string {
	reason := pick(map[string]string{"length": "max_tokens", "filter": "refusal"}, stop, "end_turn")
	usage := ""
	if u != nil {
		usage = fmt.Sprintf(`,"usage":{"output_tokens":%d}`, u.Output)
	}
	return w.event("content_block_stop", `{"type":"content_block_stop","index":0}`) +
		w.event("message_delta", `{"type":"message_delta","delta":{"stop_reason":"`+reason+`","stop_sequence":null}`+usage+`}`) +
		w.event("message_stop", `{"type":"message_stop"}`)
}

func (w anthropic) failure(kind string) string {
	t := pick(map[string]string{
		"rate_limited": "rate_limit_error", "rejected": "invalid_request_error", "unavailable": "api_error",
	}, kind, "overloaded_error")
	return w.event("error", `{"type":"error","error":{"type":"`+t+`","message":"scripted failure"}}`)
}

func (anthropic) body(status int) string {
	return fmt.Sprintf(`{"type":"error","error":{"type":"api_error","message":"scripted status %d"}}`, status)
}

type openai struct{}

func (openai) contentType() string { return "text/event-stream" }

func (openai) parse(r *Request) error {
	var b struct {
		Model    string `json:"model"`
		Messages []turn `json:"messages"`
		Stream   bool   `json:"stream"`
	}
	if err := decode(r.Body, &b); err != nil {
		return err
	}
	r.Model, r.Messages = b.Model, messages(b.Messages)
	if len(r.Messages) > 0 && r.Messages[0].Role == "system" {
		r.System, r.Messages = r.Messages[0].Content, r.Messages[1:]
	}
	if !b.Stream {
		return fmt.Errorf("this upstream only streams")
	}
	return checkRoles(r.Messages)
}

func (openai) chunk(r *Request, choices, usage string) string {
	return `data: {"id":"chatcmpl-up","object":"chat.completion.chunk","created":1700000000,"model":` + quote(r.Model) +
		`,"choices":[` + choices + `],"usage":` + usage + "}\n\n"
}

func (w openai) open(r *Request, _ *Usage) string {
	return w.chunk(r, `{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}`, "null")
}

func (w openai) text(r *Request, chunk string) string {
	return w.chunk(r, `{"index":0,"delta":{"content":`+quote(chunk)+`},"finish_reason":null}`, "null")
}

func (w openai) done(r *Request, stop string, u *Usage) string {
	reason := pick(map[string]string{"length": "length", "filter": "content_filter"}, stop, "stop")
	s := w.chunk(r, `{"index":0,"delta":{},"finish_reason":"`+reason+`"}`, "null")
	if u != nil {
		s += w.chunk(r, "", fmt.Sprintf(`{"prompt_tokens":%d,"completion_tokens":%d,"total_tokens":%d}`,
			u.Input, u.Output, u.Input+u.Output))
	}
	return s + "data: [DONE]\n\n"
}

func (openai) failure(kind string) string {
	code := pick(map[string]string{
		"rate_limited": `"rate_limit_exceeded"`, "rejected": `"context_length_exceeded"`, "unavailable": "500",
	}, kind, "503")
	return `data: {"error":{"message":"scripted failure","type":"server_error","code":` + code + "}}\n\n"
}

func (openai) body(status int) string {
	return fmt.Sprintf(`{"error":{"message":"scripted status %d","type":"server_error","param":null,"code":null}}`, status)
}

type gemini struct{}

type geminiTurn struct {
	Role  string `json:"role"`
	Parts []struct {
		Text string `json:"text"`
	} `json:"parts"`
}

func (t geminiTurn) text() string {
	var s string
	for _, p := range t.Parts {
		s += p.Text
	}
	return s
}

func (gemini) contentType() string { return "text/event-stream" }

func (gemini) parse(r *Request) error {
	var b struct {
		System   geminiTurn   `json:"systemInstruction"`
		Contents []geminiTurn `json:"contents"`
	}
	if err := decode(r.Body, &b); err != nil {
		return err
	}
	name := strings.TrimSuffix(strings.TrimPrefix(r.Path, "/v1beta/models/"), ":streamGenerateContent?alt=sse")
	model, err := url.PathUnescape(name)
	if err != nil {
		return err
	}
	r.Model = model
	r.System = b.System.text()
	for i, c := range b.Contents {
		role, ok := map[string]string{"user": "user", "model": "assistant"}[c.Role]
		if !ok {
			return fmt.Errorf("contents.%d: role %q is not user or model", i, c.Role)
		}
		r.Messages = append(r.Messages, Message{Role: role, Content: c.text()})
	}
	return checkRoles(r.Messages)
}

func (gemini) event(r *Request, parts, finish, usage string) string {
	return `data: {"candidates":[{"content":{"parts":[` + parts + `],"role":"model"}` + finish + `,"index":0}],` +
		`"modelVersion":` + quote(r.Model) + usage + "}\n\n"
}

func (gemini) open(*Request, *Usage) string { return "" }

func (w gemini) text(r *Request, chunk string) string {
	return w.event(r, `{"text":`+quote(chunk)+`}`, "", "")
}

func (w gemini) done(r *Request, stop string, u *Usage) string {
	reason := pick(map[string]string{"length": "MAX_TOKENS", "filter": "SAFETY"}, stop, "STOP")
	usage := ""
	if u != nil {
		usage = fmt.Sprintf(`,"usageMetadata":{"promptTokenCount":%d,"candidatesTokenCount":%d,"totalTokenCount":%d}`,
			u.Input, u.Output, u.Input+u.Output)
	}
	return w.event(r, `{"text":""}`, `,"finishReason":"`+reason+`"`, usage)
}

func (gemini) failure(kind string) string {
	code := pick(map[string]string{"rate_limited": "429", "rejected": "400", "unavailable": "500"}, kind, "503")
	return `data: {"error":{"code":` + code + `,"message":"scripted failure","status":"SCRIPTED"}}` + "\n\n"
}

func (gemini) body(status int) string {
	return fmt.Sprintf(`{"error":{"code":%d,"message":"scripted status %d","status":"SCRIPTED"}}`, status, status)
}

type ollama struct{}

func (ollama) contentType() string { return "application/x-ndjson" }

func (ollama) parse(r *Request) error { return openai{}.parse(r) } // of the fields read here, the two have the same

func (ollama) open(*Request, *Usage) string { return "" }

func (ollama) line(r *Request, content, rest string) string {
	return `{"model":` + quote(r.Model) + `,"created_at":"2026-01-01T00:00:00Z","message":{"role":"assistant","content":` +
		quote(content) + `},` + rest + "}\n"
}

func (w ollama) text(r *Request, chunk string) string { return w.line(r, chunk, `"done":false`) }

func (w ollama) done(r *Request, stop string, u *Usage) string {
	rest := `"done":true,"done_reason":"` + pick(map[string]string{"length": "length"}, stop, "stop") + `"`
	if u != nil {
		rest += fmt.Sprintf(`,"prompt_eval_count":%d,"eval_count":%d`, u.Input, u.Output)
	}
	return w.line(r, "", rest)
}

func (ollama) failure(string) string { return `{"error":"scripted failure"}` + "\n" }

func (ollama) body(status int) string { return fmt.Sprintf(`{"error":"scripted status %d"}`, status) }

// Render returns a whole answer in a wire's format.
func Render(name Wire, chunks ...string) string {
	w, r, u := wires[name], &Request{Model: "m"}, &Usage{Input: 5, Output: 7}
	s := w.open(r, u)
	for _, c := range chunks {
		s += w.text(r, c)
	}
	return s + w.done(r, "end", u)
}

// Samples returns answers in a wire's format, whole and broken: seeds for fuzzing.
func Samples(name Wire) []string {
	w, r := wires[name], &Request{Model: "m"}
	whole := Render(name, "Hello \"there\"\n ✓", " 🌅")
	return []string{
		whole,
		whole[:len(whole)/2],
		w.open(r, nil) + w.done(r, "length", nil),
		w.open(r, nil) + w.done(r, "filter", nil),
		w.text(r, "a\xff") + w.failure("overloaded"),
		w.failure("rejected"),
		": comment\n\ndata: {}\r\n\r\ndata\nid: 1\nretry: 5\ndata:\n\n" + whole,
	}
}
