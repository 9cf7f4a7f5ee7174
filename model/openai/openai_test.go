package openai_test

import (
	"net/http"
	"testing"

	"go.uber.org/goleak"

	"github.com/openclaw/openclaw/claw"
	"github.com/openclaw/openclaw/model/modeltest"
	"github.com/openclaw/openclaw/model/modeltest/upstream"
	"github.com/openclaw/openclaw/model/openai"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newProvider(baseURL string, client *http.Client) claw.Provider {
	return openai.New(openai.Options{APIKey: modeltest.Key, BaseURL: baseURL, HTTPClient: client})
}

func TestConformance(t *testing.T) { modeltest.Run(t, newProvider, upstream.OpenAI) }

func FuzzStream(f *testing.F) { modeltest.Fuzz(f, newProvider, upstream.OpenAI) }
