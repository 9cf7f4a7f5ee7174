package anthropic_test

import (
	"net/http"
	"testing"

	"go.uber.org/goleak"

	"github.com/openclaw/openclaw/claw"
	"github.com/openclaw/openclaw/model/anthropic"
	"github.com/openclaw/openclaw/model/modeltest"
	"github.com/openclaw/openclaw/model/modeltest/upstream"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newProvider(baseURL string, client *http.Client) claw.Provider {
	return anthropic.New(anthropic.Options{APIKey: modeltest.Key, BaseURL: baseURL, HTTPClient: client})
}

func TestConformance(t *testing.T) { modeltest.Run(t, newProvider, upstream.Anthropic) }

func FuzzStream(f *testing.F) { modeltest.Fuzz(f, newProvider, upstream.Anthropic) }
