package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// The exit codes.
const (
	exitOK          = 0
	exitFailure     = 1
	exitUsage       = 2
	exitInterrupted = 130 // 128 + SIGINT, as shells have it, so that a script's loop stops with it
)

// usageError is a command line that makes no sense: nothing was done.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// errInterrupted ends a command that the user has stopped. Nothing is said: they know.
var errInterrupted = errors.New("interrupted")

// errReported ends a command whose failure has been shown already.
var errReported = errors.New("reported")

// run executes one command line and returns its exit code.
func run(args []string, sh *shell) int {
	root := newRoot(sh)
	root.SetArgs(args)
	root.SetIn(sh.in)
	root.SetOut(sh.out)
	root.SetErr(sh.err)

	err := root.ExecuteContext(context.Background())
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errInterrupted):
		return exitInterrupted
	case errors.Is(err, errReported):
		return exitFailure
	}
	sh.report(err)
	if _, ok := errors.AsType[usageError](err); ok {
		return exitUsage
	}
	return exitFailure
}

func newRoot(sh *shell) *cobra.Command {
	root := &cobra.Command{
		Use:   "openclaw",
		Short: "A gateway that gives your applications an AI assistant",
		Long: "OpenClaw is a gateway that gives your applications an AI assistant over a REST API, with sessions that last.\n\n" +
			"  openclaw serve           start it; the first start writes a configuration and says how to call it\n" +
			"  openclaw chat \"Hello!\"   talk to it\n\n" +
			"It exits with 0 where all went well, 1 where something failed, 2 where it was called wrongly, and 130 where it was\n" +
			"interrupted.",
		Args: noSuchCommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },

		Version:                    version, // for --version
		SuggestionsMinimumDistance: 2,

		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.PersistentFlags().StringVar(&sh.configPath, "config", "",
		"configuration `file` (default $OPENCLAW_CONFIG, ./openclaw.yaml or ~/.openclaw/openclaw.yaml)")
	root.SetVersionTemplate(versionLine())
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usagef("%w; see `%s --help`", err, cmd.CommandPath())
	})
	root.AddCommand(newServe(sh), newChat(sh), newSessions(sh), newStatus(sh), newToken(sh), newConfig(sh), newVersion(sh))
	return root
}

// group is a command that only has others below it.
func group(use, short string, commands ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{
		Use: use, Short: short, Args: noSuchCommand,
		RunE: func(cmd *cobra.Command, _ []string) error {
			names := make([]string, 0, len(commands))
			for _, c := range commands {
				names = append(names, c.Name())
			}
			return usagef("%s what? Say one of: %s", path(cmd), strings.Join(names, ", "))
		},
	}
	cmd.SuggestionsMinimumDistance = 2
	cmd.AddCommand(commands...)
	return cmd
}

// noSuchCommand refuses what is left on the command line of a command that takes no arguments but other commands.
func noSuchCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	message := fmt.Sprintf("there is no command %q", strings.TrimSpace(path(cmd)+" "+args[0]))
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		return usagef("%s; did you mean %q?", message, near[0])
	}
	return usagef("%s; see `%s --help`", message, cmd.CommandPath())
}

// path is a command's name without that of the program, which begins every message.
func path(cmd *cobra.Command) string {
	return strings.TrimPrefix(strings.TrimPrefix(cmd.CommandPath(), "openclaw"), " ")
}

// between refuses fewer than least and more than most arguments. what names them in the message.
func between(least, most int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) < least {
			return usagef("%s needs %s: %s", path(cmd), what, cmd.UseLine())
		}
		if len(args) > most {
			return usagef("unexpected argument %q: %s", args[most], cmd.UseLine())
		}
		return nil
	}
}

// jsonFlag gives a command the flag --json.
func (sh *shell) jsonFlag(cmd *cobra.Command) *cobra.Command {
	cmd.Flags().BoolVar(&sh.asJSON, "json", false, "print JSON, errors too")
	return cmd
}
