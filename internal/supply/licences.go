package main

import (
	"bytes"
	"context"
	"encoding/json/v2"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// part is a piece of somebody else's that is in the gateway.
type part struct {
	name, version, licence string
}

// own are the modules of this repository.
const own = "github.com/openclaw/"

// goParts are the modules that are linked into the gateway, on this or on any platform that it is built for.
func goParts(ctx context.Context, root string) ([]part, error) {
	seen := map[string]part{}
	for _, platform := range []string{"linux", "darwin", "windows"} {
		cmd := exec.CommandContext(ctx, "go", "list", "-deps", "-f",
			"{{with .Module}}{{.Path}}\t{{.Version}}\t{{.Dir}}{{end}}", "./cmd/openclaw")
		cmd.Dir, cmd.Env, cmd.Stderr = root, append(os.Environ(), "GOOS="+platform, "CGO_ENABLED=0"), os.Stderr
		out, err := cmd.Output()
		if err != nil {
			return nil, fmt.Errorf("go list: %w", err)
		}
		for line := range strings.Lines(string(out)) {
			f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
			if len(f) != 3 || strings.HasPrefix(f[0], own) || seen[f[0]].name != "" {
				continue
			}
			licence, err := licenceIn(f[2])
			if err != nil {
				return nil, fmt.Errorf("%s: %w", f[0], err)
			}
			seen[f[0]] = part{name: f[0], version: f[1], licence: licence}
		}
	}
	return sorted(seen), nil
}

func sorted(seen map[string]part) []part {
	var parts []part
	for _, p := range seen {
		parts = append(parts, p)
	}
	slices.SortFunc(parts, func(a, b part) int { return strings.Compare(a.name, b.name) })
	return parts
}

// licenceIn names the licence of the module in dir, by what its text says.
func licenceIn(dir string) (string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", err
	}
	for _, e := range entries {
		name := strings.ToUpper(e.Name())
		if e.IsDir() || !strings.HasPrefix(name, "LICEN") && !strings.HasPrefix(name, "COPYING") {
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return "", err
		}
		if id := classify(string(text)); id != "" {
			return id, nil
		}
	}
	return "", errors.New("no licence that is known here; read it, and add its phrase to classify")
}

// classify returns the SPDX identifier of a licence's text, "" where it is none that is accepted here. Each is told by
// phrases that its others lack; the order matters, for some quote others.
func classify(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	has := func(phrase string) bool { return strings.Contains(text, phrase) }
	switch {
	case has("Apache License") && has("Version 2.0"):
		return "Apache-2.0"
	case has("Mozilla Public License") && has("2.0"):
		return "MPL-2.0"
	case has("Redistribution and use in source and binary forms") && (has("Neither the name") || has("names of its contributors")):
		return "BSD-3-Clause"
	case has("Redistribution and use in source and binary forms"):
		return "BSD-2-Clause"
	case has("Permission to use, copy, modify, and/or distribute this software"), has("Permission to use, copy, modify, and distribute this software"):
		return "ISC"
	case has("Permission is hereby granted, free of charge"):
		return "MIT"
	case has("This is free and unencumbered software released into the public domain"):
		return "Unlicense"
	}
	return ""
}

// pageParts are the packages that are bundled into the page, as its lock file has them.
func pageParts(root string) ([]part, error) {
	text, err := os.ReadFile(filepath.Join(root, "web", "package-lock.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var lock struct {
		Packages map[string]struct {
			Version, License string
			Dev              bool
		}
	}
	if err := json.Unmarshal(text, &lock, json.MatchCaseInsensitiveNames(true)); err != nil {
		return nil, fmt.Errorf("web/package-lock.json: %w", err)
	}
	seen := map[string]part{}
	for path, p := range lock.Packages {
		if path == "" || p.Dev {
			continue
		}
		if p.License == "" {
			return nil, fmt.Errorf("web/package-lock.json: %s names no licence", path)
		}
		name := path[strings.LastIndex(path, "node_modules/")+len("node_modules/"):]
		seen[name] = part{name: name, version: p.Version, licence: strings.Trim(p.License, "()")}
	}
	return sorted(seen), nil
}

const pageHead = `# Licences of what the gateway is made of

The gateway's own licence is [MIT](../LICENSE). Written by ` + "`make licences`" + `; a test holds it against what is linked. What only tests
and tools use is not in the gateway, and not here.
`

// licencesPage is docs/licences.md.
func licencesPage(ctx context.Context, root string) ([]byte, error) {
	var b bytes.Buffer
	b.WriteString(pageHead)
	modules, err := goParts(ctx, root)
	if err != nil {
		return nil, err
	}
	table(&b, "Go modules", modules)
	packages, err := pageParts(root)
	if err != nil {
		return nil, err
	}
	if len(packages) > 0 {
		table(&b, "In the page", packages)
	}
	return b.Bytes(), nil
}

func table(b *bytes.Buffer, title string, parts []part) {
	fmt.Fprintf(b, "\n## %s\n\n| | version | licence |\n|---|---|---|\n", title)
	for _, p := range parts {
		fmt.Fprintf(b, "| %s | %s | %s |\n", p.name, p.version, p.licence)
	}
}
