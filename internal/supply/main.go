// Command supply says what the gateway is made of:
//
//	supply licences        the page docs/licences.md, on standard output
//	supply sbom BINARY     what is linked into a built gateway, as a CycloneDX document
//
// Run it in the module's root.
package main

import (
	"context"
	"fmt"
	"os"
)

func main() {
	if err := run(context.Background(), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "supply:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	var text []byte
	var err error
	switch {
	case len(args) == 1 && args[0] == "licences":
		text, err = licencesPage(ctx, ".")
	case len(args) == 2 && args[0] == "sbom":
		text, err = sbom(ctx, args[1])
	default:
		return fmt.Errorf("say one of: licences, sbom BINARY")
	}
	if err != nil {
		return err
	}
	_, err = os.Stdout.Write(text)
	return err
}
