package main

import (
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/openclaw/openclaw/claw"
	"github.com/openclaw/openclaw/config"
	"github.com/spf13/cobra"
)

func newToken(sh *shell) *cobra.Command {
	return group("token", "Make, list and revoke the tokens of the applications that call the gateway",
		newTokenCreate(sh), newTokenList(sh), newTokenRevoke(sh))
}

func newTokenCreate(sh *shell) *cobra.Command {
	t := config.Token{}
	var write, plain bool
	var expires string
	cmd := &cobra.Command{
		Use:   "create --name NAME",
		Short: "Make a token",
		Long: "Makes a token and prints it, this once, with the lines to add to the configuration; --write adds them. The\n" +
			"configuration gets its SHA-256 only. The token goes to standard output and all else to standard error, so that\n" +
			"TOKEN=$(openclaw token create ...) has it.\n\n" +
			"A second token of a name replaces the first without a gap: both are accepted until the first is revoked.",
		Example: "  openclaw token create --name my-app --write\n" +
			"  openclaw token create --name archive --permissions sessions --workspace team-a --expires 90d",
		Args: between(0, 0, ""),
	}
	f := cmd.Flags()
	f.StringVar(&t.Name, "name", "", "`name` of the application that will use it, to be seen in logs")
	f.StringSliceVar(&t.Permissions, "permissions", []string{"chat", "sessions"}, "what it may do")
	f.StringVar(&t.Workspace, "workspace", "", "`workspace` whose sessions it sees (default \"default\")")
	f.BoolVar(&write, "write", false, "add it to the configuration file, comments and all else kept")
	f.BoolVar(&plain, "plain", false, "keep the token itself in the configuration, for commands such as `openclaw chat` to use")
	f.StringVar(&expires, "expires", "", "`time` after which it is refused, as 2027-01-31T00:00:00Z or 90d (default never)")
	cmd.RunE = func(*cobra.Command, []string) error {
		if err := checkToken(t); err != nil {
			return err
		}
		var err error
		if t.ExpiresAt, err = expiry(expires, time.Now()); err != nil {
			return err
		}
		secret := config.NewToken()
		t.Token = config.Secret(secret)
		sum := t.Hash()
		digest := hex.EncodeToString(sum[:])
		if !plain {
			t.Token, t.TokenSHA256 = "", config.Secret(digest)
		}
		file := ""
		if write {
			if file, err = sh.addToken(t); err != nil {
				return err
			}
		}
		if sh.asJSON {
			body := map[string]any{"name": t.Name, "token": secret, "tokenSha256": digest, "permissions": t.Permissions, "workspace": t.Workspace}
			if file != "" {
				body["file"] = file
			}
			if t.ExpiresAt != "" {
				body["expiresAt"] = t.ExpiresAt
			}
			return sh.printJSON(body)
		}
		sh.printf("%s\n", secret)
		if file != "" {
			sh.note("\nIt is not shown again. Added to %s: a running gateway accepts it within a second.", file)
			return nil
		}
		sh.note("\nIt is not shown again. Add these lines under api.tokens in the configuration:\n\n%s",
			strings.TrimSuffix(config.TokenYAML(t, 4), "\n"))
		return nil
	}
	return sh.jsonFlag(cmd)
}

// expiry reads when a token is to expire: a time, or a number of days or a duration from now.
func expiry(text string, now time.Time) (string, error) {
	if text == "" {
		return "", nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		after, err := time.ParseDuration(text)
		if days, ok := strings.CutSuffix(text, "d"); ok {
			var n int
			n, err = strconv.Atoi(days)
			after = time.Duration(min(n, 100*365)) * 24 * time.Hour
		}
		if err != nil {
			return "", usagef("--expires %q is no time: write 90d, 12h, or 2027-01-31T00:00:00Z", text)
		}
		at = now.Add(after).UTC().Truncate(time.Second)
	}
	if !at.After(now) {
		return "", usagef("--expires %q has passed already", text)
	}
	return at.Format(time.RFC3339), nil
}

// checkToken refuses on the command line what the configuration would refuse later.
func checkToken(t config.Token) error {
	if t.Name == "" {
		return usagef("name the application that will use the token: --name my-app")
	}
	if !config.ValidTokenName(t.Name) {
		return usagef("--name %q cannot be used: %s", t.Name, config.TokenNameRule)
	}
	if t.Workspace != "" && !config.ValidWorkspace(t.Workspace) {
		return usagef("--workspace %q cannot be used: %s", t.Workspace, config.WorkspaceRule)
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
