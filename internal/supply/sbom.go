package main

import (
	"context"
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/hex"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"fmt"
	"os"
	"strings"
)

// bom is a CycloneDX 1.6 document, as far as it is used here. It has no time in it and its serial number is that of the
// binary, so that one binary always has one document.
type bom struct {
	BOMFormat    string       `json:"bomFormat"`
	SpecVersion  string       `json:"specVersion"`
	SerialNumber string       `json:"serialNumber"`
	Version      int          `json:"version"`
	Metadata     metadata     `json:"metadata"`
	Components   []component  `json:"components"`
	Dependencies []dependency `json:"dependencies"`
}

type metadata struct {
	Component component `json:"component"`
}

type component struct {
	Type       string     `json:"type"`
	Ref        string     `json:"bom-ref"`
	Name       string     `json:"name"`
	Version    string     `json:"version,omitzero"`
	PURL       string     `json:"purl,omitzero"`
	Hashes     []hash     `json:"hashes,omitzero"`
	Licences   []licence  `json:"licenses,omitzero"`
	Properties []property `json:"properties,omitzero"`
}

type hash struct {
	Algorithm string `json:"alg"`
	Content   string `json:"content"`
}

type licence struct {
	Expression string `json:"expression"` // as SPDX writes it
}

type property struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

type dependency struct {
	Ref       string   `json:"ref"`
	DependsOn []string `json:"dependsOn"`
}

// sbom lists what is linked into a built gateway, as the binary itself says.
func sbom(ctx context.Context, path string) ([]byte, error) {
	info, err := buildinfo.ReadFile(path)
	if err != nil {
		return nil, err
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(content)
	licences := map[string]string{}
	parts, err := goParts(ctx, ".")
	if err != nil {
		return nil, err
	}
	for _, p := range parts {
		licences[p.name] = p.licence
	}
	gateway := component{
		Type: "application", Ref: purl(info.Main.Path, info.Main.Version), Name: info.Main.Path, Version: info.Main.Version,
		PURL: purl(info.Main.Path, info.Main.Version), Hashes: []hash{{"SHA-256", hex.EncodeToString(sum[:])}},
	}
	for _, s := range info.Settings {
		if s.Key == "GOOS" || s.Key == "GOARCH" || strings.HasPrefix(s.Key, "vcs.") {
			gateway.Properties = append(gateway.Properties, property{"go:" + s.Key, s.Value})
		}
	}
	doc := bom{
		BOMFormat: "CycloneDX", SpecVersion: "1.6", Version: 1, Metadata: metadata{gateway},
		SerialNumber: "urn:uuid:" + uuid(sum),
	}
	version := strings.TrimPrefix(info.GoVersion, "go")
	doc.Components = append(doc.Components, component{
		Type: "library", Ref: purl("stdlib", version), Name: "stdlib", Version: version, PURL: purl("stdlib", version),
	})
	for _, m := range info.Deps {
		if strings.HasPrefix(m.Path, own) {
			continue
		}
		if m.Replace != nil {
			m = m.Replace
		}
		c := component{
			Type: "library", Ref: purl(m.Path, m.Version), Name: m.Path, Version: m.Version, PURL: purl(m.Path, m.Version),
			Properties: []property{{"go:sum", m.Sum}},
		}
		if id := licences[m.Path]; id != "" {
			c.Licences = []licence{{id}}
		}
		doc.Components = append(doc.Components, c)
	}
	packages, err := pageParts(".")
	if err != nil {
		return nil, err
	}
	for _, p := range packages {
		ref := "pkg:npm/" + strings.Replace(p.name, "@", "%40", 1) + "@" + p.version
		doc.Components = append(doc.Components, component{
			Type: "library", Ref: ref, Name: p.name, Version: p.version, PURL: ref, Licences: []licence{{p.licence}},
		})
	}
	all := dependency{Ref: gateway.Ref}
	for _, c := range doc.Components {
		all.DependsOn = append(all.DependsOn, c.Ref)
	}
	doc.Dependencies = []dependency{all}
	text, err := json.Marshal(doc, jsontext.WithIndent("  "))
	return append(text, '\n'), err
}

func purl(path, version string) string { return "pkg:golang/" + path + "@" + version }

// uuid makes the form of a UUID out of a hash: version 8, which is for such uses.
func uuid(sum [sha256.Size]byte) string {
	b := sum[:16]
	b[6], b[8] = b[6]&0x0f|0x80, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
