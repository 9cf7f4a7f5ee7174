package main

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/openclaw/openclaw/config"
	"github.com/spf13/cobra"
)

func newTokenList(sh *shell) *cobra.Command {
	cmd := &cobra.Command{
		Use: "list", Short: "List the tokens of the configuration", Args: between(0, 0, ""),
		Long: "Lists the tokens of the configuration, never the secrets themselves. The id is the beginning of a token's SHA-256:\n" +
			"it tells two tokens of one name apart.",
	}
	cmd.RunE = func(*cobra.Command, []string) error {
		cfg, err := sh.loadElsewhere()
		if err != nil {
			return err
		}
		if sh.asJSON {
			return sh.printJSON(map[string]any{"tokens": tokensJSON(cfg.API.Tokens)})
		}
		w := tabwriter.NewWriter(sh.out, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "ID\tNAME\tPERMISSIONS\tWORKSPACE\tKEPT\tEXPIRES")
		for _, t := range cfg.API.Tokens {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", cmp.Or(id(t), "-"), t.Name, strings.Join(t.Permissions, ","), t.Workspace, kept(t), expires(t))
		}
		return w.Flush()
	}
	return sh.jsonFlag(cmd)
}

func tokensJSON(tokens []config.Token) []any {
	list := []any{}
	for _, t := range tokens {
		body := map[string]any{"id": id(t), "name": t.Name, "permissions": t.Permissions, "workspace": t.Workspace, "kept": kept(t)}
		if t.ExpiresAt != "" {
			body["expiresAt"] = t.ExpiresAt
		}
		list = append(list, body)
	}
	return list
}

// loadElsewhere reads the configuration as [shell.load] does, save that variables may be missing: tokens are often looked
// after from a shell that has not the gateway's own.
func (sh *shell) loadElsewhere() (*config.Config, error) {
	return config.Load(config.Options{Path: sh.configPath, Env: sh.env, Elsewhere: true})
}

// missing reports whether a token's secret comes from a variable that is not set here.
func missing(t config.Token) bool { return t.Token == "" && t.TokenSHA256 == "" }

// id is a token's id, "" where it cannot be known here.
func id(t config.Token) string {
	if missing(t) {
		return ""
	}
	return t.ID()
}

// kept is how the configuration has the secret.
func kept(t config.Token) string {
	switch {
	case missing(t):
		return "variable"
	case t.TokenSHA256 != "":
		return "sha256"
	}
	return "plain"
}

func expires(t config.Token) string {
	switch at := t.Expiry(); {
	case at.IsZero():
		return "never"
	case !at.After(time.Now()):
		return t.ExpiresAt + " (expired)"
	}
	return t.ExpiresAt
}

func newTokenRevoke(sh *shell) *cobra.Command {
	return sh.jsonFlag(&cobra.Command{
		Use: "revoke NAME|ID", Short: "Take a token out of the configuration", Args: between(1, 1, "a token's name or id"),
		Long: "Takes a token out of the configuration file; comments and all else stay. A running gateway refuses it within a\n" +
			"second, and ends the streams that it has opened. Where two tokens have one name, say which by its id, as\n" +
			"`openclaw token list` shows it.",
		RunE: func(_ *cobra.Command, args []string) error {
			cfg, err := sh.loadElsewhere()
			if err != nil {
				return err
			}
			t, err := oneToken(cfg, args[0])
			if err != nil {
				return err
			}
			if err := config.RevokeToken(cfg.File, t.Hash(), sh.env); err != nil {
				if _, refused := errors.AsType[*config.Error](err); refused && len(cfg.API.Tokens) == 1 {
					return fmt.Errorf("%q is the only token: make another first, with openclaw token create --name NAME --write", t.Name)
				}
				return err
			}
			if sh.asJSON {
				return sh.printJSON(map[string]any{"revoked": t.ID(), "name": t.Name, "file": cfg.File})
			}
			sh.printf("Revoked %s (%s) in %s. A running gateway refuses it within a second.\n", t.Name, t.ID(), cfg.File)
			return nil
		},
	})
}

// oneToken finds the token that is meant by a name or an id.
func oneToken(cfg *config.Config, which string) (config.Token, error) {
	var found []config.Token
	for _, t := range cfg.API.Tokens {
		if which != "" && id(t) == which {
			return t, nil
		}
		if t.Name == which {
			found = append(found, t)
		}
	}
	switch len(found) {
	case 1:
		if missing(found[0]) {
			return config.Token{}, fmt.Errorf("the token %q comes from a variable that is not set here: set it for this command, or take the lines out of %s",
				which, cfg.File)
		}
		return found[0], nil
	case 0:
		return config.Token{}, fmt.Errorf("%s has no token %q; see `openclaw token list`", cfg.File, which)
	}
	ids := make([]string, len(found))
	for i, t := range found {
		ids[i] = cmp.Or(id(t), "one from a variable that is not set here")
	}
	slices.Sort(ids)
	return config.Token{}, fmt.Errorf("there are two tokens %q: say which, %s", which, strings.Join(ids, " or "))
}
