// Command openclaw is the OpenClaw gateway and its command line: it serves the REST API, and talks to it.
//
// It exits with 0 where all went well, 1 where something failed, 2 where it was called wrongly, and 130 where it was
// interrupted.
package main

import (
	"io"
	"os"

	"github.com/openclaw/openclaw/config"
)

// version is the gateway's. A release sets it: go build -ldflags "-X main.version=2026.12.1".
var version = "2026.11.0"

func main() {
	os.Exit(run(os.Args[1:], &shell{in: os.Stdin, out: os.Stdout, err: os.Stderr, env: os.LookupEnv}))
}

// shell is what a command has of the world around it.
type shell struct {
	in       io.Reader
	out, err io.Writer
	env      config.Env

	// What the flags that all commands share were set to.
	configPath string
	asJSON     bool
}
