package main

import (
	"runtime"

	"github.com/spf13/cobra"
)

func newVersion(sh *shell) *cobra.Command {
	return sh.jsonFlag(&cobra.Command{
		Use: "version", Short: "Print the version", Args: between(0, 0, ""),
		RunE: func(*cobra.Command, []string) error {
			platform := runtime.GOOS + "/" + runtime.GOARCH
			if sh.asJSON {
				return sh.printJSON(map[string]any{"version": version, "go": runtime.Version(), "platform": platform})
			}
			sh.printf("openclaw %s (%s, %s)\n", version, runtime.Version(), platform)
			return nil
		},
	})
}
