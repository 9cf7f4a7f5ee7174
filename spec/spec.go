// Package spec holds the published contract of the gateway's API. The document is written by hand; the server's tests
// hold the server to it, in both directions.
package spec

import (
	_ "embed" // the document
	"encoding/json/v2"
	"fmt"
	"sync"

	"go.yaml.in/yaml/v4"
)

//go:embed openapi.yaml
var document []byte

// YAML returns the OpenAPI document as it was written. The caller must not change it.
func YAML() []byte { return document }

// JSON returns the OpenAPI document as JSON, as GET /api/v1/openapi.json serves it. It is converted once; the caller must
// not change it.
func JSON() ([]byte, error) { return convert() }

// The members come in sorted order, so that the same document gives the same bytes.
var convert = sync.OnceValues(func() ([]byte, error) {
	var tree map[string]any
	if err := yaml.Unmarshal(document, &tree); err != nil {
		return nil, fmt.Errorf("spec: openapi.yaml: %w", err)
	}
	b, err := json.Marshal(tree, json.Deterministic(true))
	if err != nil {
		return nil, fmt.Errorf("spec: openapi.yaml: %w", err)
	}
	return b, nil
})
