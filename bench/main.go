//go:build linux

// Command bench measures the gateway side by side with other ways to reach a model, on this machine, and writes
// docs/performance.md.
//
//	go run ./bench run           everything; about 20 minutes
//	go run ./bench run -quick    the same with fewer and shorter rounds, to see that it works
//	go run ./bench report        writes the report anew from the results of the last run
//	go run ./bench compare a b   builds of the gateway beside each other, in short rounds that alternate; for who changes it
//
// The other subcommands are the processes that a run starts: upstream is the scripted model server, proxy the plain reverse
// proxy that the gateway is held against.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := command(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func command(ctx context.Context, args []string) error {
	name := "run"
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		name, args = args[0], args[1:]
	}
	o := options{}
	flags := flag.NewFlagSet("bench "+name, flag.ExitOnError)
	switch name {
	case "upstream":
		return serveUpstream(ctx)
	case "proxy":
		to := flags.String("to", "", "URL of the server to pass requests on to")
		_ = flags.Parse(args) // ExitOnError
		return serveProxy(ctx, *to)
	case "compare":
		flags.StringVar(&o.cache, "cache", ".cache/bench", "folder for databases; on the disk to measure")
		flags.StringVar(&o.only, "only", "", "only these loads, separated by commas: latency, throughput, streams")
		flags.IntVar(&o.rounds, "rounds", 18, "how often; a third of it with streams")
		_ = flags.Parse(args) // ExitOnError
		return compare(ctx, o, flags.Args())
	case "run", "report":
		flags.BoolVar(&o.quick, "quick", false, "few and short rounds")
		flags.StringVar(&o.binary, "binary", "bin/openclaw", "the gateway's binary")
		flags.StringVar(&o.cache, "cache", ".cache/bench", "folder for peers, filled databases and results; on the disk to measure")
		flags.StringVar(&o.targets, "targets", "", "only these targets, separated by commas")
		flags.StringVar(&o.only, "only", "", "only these scenarios, separated by commas: "+strings.Join(scenarioNames(), ", "))
		flags.StringVar(&o.pprof, "pprof", "", "loopback address for the gateway's profiler")
		flags.StringVar(&o.docs, "docs", "docs", "folder to write performance.md and its plots into")
		_ = flags.Parse(args) // ExitOnError
		if name == "report" {
			return reportAgain(o)
		}
		return run(ctx, o)
	}
	return errors.New("unknown command " + name + ": it is run, report, compare, upstream or proxy")
}

// options are a run's flags.
type options struct {
	quick                                     bool
	rounds                                    int // of a comparison
	binary, cache, targets, only, docs, pprof string
}
