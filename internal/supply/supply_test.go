package main

import (
	"bytes"
	"encoding/json/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const root = "../.."

// The page lists what is linked, no more and no less. What has a licence that is not known here fails it.
func TestLicencesAreListed(t *testing.T) {
	want, err := licencesPage(t.Context(), root)
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(root, "docs", "licences.md"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("docs/licences.md is not what is linked; run make licences (-linked +page):\n%s", diff)
	}
}

func TestClassify(t *testing.T) {
	for text, want := range map[string]string{
		"MIT License\n\nPermission is hereby granted, free\nof charge, to any person":      "MIT",
		"Apache License\n  Version 2.0, January 2004":                                      "Apache-2.0",
		"Redistribution and use in source and binary forms ... Neither the name of Google": "BSD-3-Clause",
		"Redistribution and use in source and binary forms, with or without":               "BSD-2-Clause",
		"GNU AFFERO GENERAL PUBLIC LICENSE":                                                "",
	} {
		if got := classify(text); got != want {
			t.Errorf("%.40q is %q, want %q", text, got, want)
		}
	}
}

// build builds the gateway of a fresh clone of what is committed, and returns the binary.
func build(t *testing.T, env ...string) string {
	t.Helper()
	top, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, args := range [][]string{
		{"git", "clone", "--quiet", "--no-local", top, "."},
		{"go", "build", "-trimpath", "-ldflags", "-s -w", "-o", "openclaw", "./cmd/openclaw"},
	} {
		cmd := exec.Command(args[0], args[1:]...)
		cmd.Dir, cmd.Env = dir, append(append(os.Environ(), "CGO_ENABLED=0"), env...)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", args, err, out)
		}
	}
	return filepath.Join(dir, "openclaw")
}

// Two builds in two places, one of them with nothing built before, are the same to the byte; and what the binary says that
// it is made of is what the page of licences lists.
func TestReproducibleBuild(t *testing.T) {
	if os.Getenv("OPENCLAW_TEST_ALL") == "" {
		t.Skip("builds everything anew, which takes minutes; set OPENCLAW_TEST_ALL=1")
	}
	one, two := build(t), build(t, "GOCACHE="+t.TempDir())
	a, err := os.ReadFile(one)
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(two)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(a, b) {
		t.Error("the two builds differ")
	}
	t.Chdir(root)
	text, err := sbom(t.Context(), one)
	if err != nil {
		t.Fatal(err)
	}
	var doc bom
	if err := json.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	if !regexp.MustCompile(`^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`).MatchString(doc.SerialNumber) {
		t.Errorf("serial number %s", doc.SerialNumber)
	}
	page, err := os.ReadFile("docs/licences.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range doc.Components {
		if c.Name != "stdlib" && !strings.Contains(string(page), "| "+c.Name+" | "+c.Version+" |") {
			t.Errorf("%s %s is linked and not listed", c.Name, c.Version)
		}
	}
	t.Logf("%d bytes, twice; %d components", len(a), len(doc.Components))
}
