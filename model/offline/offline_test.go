package offline_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/openclaw/openclaw/claw"
	"github.com/openclaw/openclaw/model/modeltest"
	"github.com/openclaw/openclaw/model/offline"
)

func TestStream(t *testing.T) {
	var p claw.Provider = offline.New("")
	texts, last, err := modeltest.Collect(t, t.Context(), p, modeltest.Ask("Hello, are you there?"))
	if err != nil || last.Stop != claw.StopEnd || len(texts) < 3 {
		t.Fatalf("got %q, %+v, %v, want a whole answer in several chunks", texts, last, err)
	}
	text := strings.Join(texts, "")
	for _, want := range []string{"No model is connected", "ANTHROPIC_API_KEY", "OPENAI_API_KEY", "GEMINI_API_KEY", "Ollama", "OpenAI-compatible", `"models"`} {
		if !strings.Contains(text, want) {
			t.Errorf("the answer does not name %q: %s", want, text)
		}
	}
	if u := last.Usage; u == nil || !u.Estimated || u.InputTokens != 6 || u.OutputTokens != claw.EstimateTokens(len(text)) {
		t.Errorf("usage is %+v, want an estimate", u)
	}
	again, _, _ := modeltest.Collect(t, t.Context(), p, modeltest.Ask("Something else"))
	if strings.Join(again, "") != text {
		t.Error("the answer changes from call to call")
	}
}

func TestCancel(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("enough")
	cancel(why)
	if texts, _, err := modeltest.Collect(t, ctx, offline.New("x"), modeltest.Ask("Hello")); !errors.Is(err, why) || len(texts) > 0 {
		t.Errorf("a cancelled call gives %q, %v", texts, err)
	}
}

func TestBreakOut(t *testing.T) {
	n := 0
	for range offline.New("").Stream(t.Context(), modeltest.Ask("Hello")) {
		n++
		break
	}
	if n != 1 {
		t.Errorf("%d chunks after a break", n)
	}
}
