package main

import (
	"fmt"
	"runtime"

	"github.com/spf13/cobra"
)

const platform = runtime.GOOS + "/" + runtime.GOARCH

// versionLine is what `openclaw version` says, and `openclaw --version`.
func versionLine() string {
	return fmt.Sprintf("openclaw %s (%s, %s)\n", version, runtime.Version(), platform)
}

func newVersion(sh *shell) *cobra.Command {
	return sh.jsonFlag(&cobra.Command{
		Use: "version", Short: "Print the version", Args: between(0, 0, ""),
		RunE: func(*cobra.Command, []string) error {
			if sh.asJSON {
				return sh.printJSON(map[string]any{"version": version, "go": runtime.Version(), "platform": platform})
			}
			sh.printf("%s", versionLine())
			return nil
		},
	})
}
