package main

import (
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/openclaw/openclaw/claw"
	"github.com/openclaw/openclaw/config"
	"github.com/spf13/cobra"
)

func newToken(sh *shell) *cobra.Command {
	return group("token", "Make tokens for the applications that call the gateway", newTokenCreate(sh))
}

func newTokenCreate(sh *shell) *cobra.Command {
	t := config.Token{}
	var write, hash bool
	cmd := &cobra.Command{
		Use:   "create --name NAME",
		Short: "Make a token",
		Long: "Makes a token and prints it, this once, with the lines to add to the configuration; --write adds them. The token\n" +
			"goes to standard output and all else to standard error, so that TOKEN=$(openclaw token create ...) has it.",
		Example: "  openclaw token create --name my-app --write\n" +
			"  openclaw token create --name archive --permissions sessions --workspace team-a --hash",
		Args: between(0, 0, ""),
	}
	f := cmd.Flags()
	f.StringVar(&t.Name, "name", "", "`name` of the application that will use it, to be seen in logs")
	f.StringSliceVar(&t.Permissions, "permissions", []string{"chat", "sessions"}, "what it may do")
	f.StringVar(&t.Workspace, "workspace", "", "`workspace` whose sessions it sees (default \"default\")")
	f.BoolVar(&write, "write", false, "add it to the configuration file, comments and all else kept")
	f.BoolVar(&hash, "hash", false, "keep only its SHA-256 in the configuration")
	cmd.RunE = func(*cobra.Command, []string) error {
		if err := checkToken(t); err != nil {
			return err
		}
		secret := config.NewToken()
		t.Token = config.Secret(secret)
		sum := t.Hash()
		digest := hex.EncodeToString(sum[:])
		if hash {
			t.Token, t.TokenSHA256 = "", config.Secret(digest)
		}
		file := ""
		if write {
			var err error
			if file, err = sh.addToken(t); err != nil {
				return err
			}
		}
		if sh.asJSON {
			body := map[string]any{"name": t.Name, "token": secret, "tokenSha256": digest, "permissions": t.Permissions, "workspace": t.Workspace}
			if file != "" {
				body["file"] = file
			}
			return sh.printJSON(body)
		}
		sh.printf("%s\n", secret)
		if file != "" {
			sh.note("\nAdded to %s. Restart `openclaw serve` and it is accepted.", file)
			return nil
		}
		sh.note("\nIt is not shown again. Add these lines under api.tokens in the configuration and restart `openclaw serve`:\n\n%s",
			strings.TrimSuffix(config.TokenYAML(t, 4), "\n"))
		return nil
	}
	return sh.jsonFlag(cmd)
}

// checkToken refuses on the command line what the configuration would refuse later.
func checkToken(t config.Token) error {
	if t.Name == "" {
		return usagef("name the application that will use the token: --name my-app")
	}
	known := claw.Permissions()
	if len(t.Permissions) == 0 {
		return usagef("--permissions is empty: choose of %s", joined(known))
	}
	for _, p := range t.Permissions {
		if !slices.Contains(known, claw.Permission(p)) {
			return usagef("unknown permission %q: choose of %s", p, joined(known))
		}
	}
	return nil
}

func joined(permissions []claw.Permission) string {
	names := make([]string, len(permissions))
	for i, p := range permissions {
		names[i] = string(p)
	}
	return strings.Join(names, ",")
}

func (sh *shell) addToken(t config.Token) (file string, err error) {
	file, err = config.Find(config.Options{Path: sh.configPath, Env: sh.env})
	if errors.Is(err, config.ErrNoFile) {
		return "", fmt.Errorf("there is nothing to add the token to: %w", err)
	}
	if err != nil {
		return "", err
	}
	if err := config.AddToken(file, t, sh.env); err != nil {
		return "", err
	}
	return file, nil
}
