package main

import (
	"errors"

	"github.com/openclaw/openclaw/config"
	"github.com/spf13/cobra"
)

func newConfig(sh *shell) *cobra.Command {
	return group("config", "Check and show the configuration", newConfigCheck(sh), newConfigShow(sh))
}

func newConfigCheck(sh *shell) *cobra.Command {
	cmd := &cobra.Command{
		Use: "check", Short: "Say all that is wrong with the configuration", Args: between(0, 0, ""),
		Long: "Reads the configuration as `openclaw serve` would, and says all that is wrong with it. Exits with 1 where the\n" +
			"gateway would not start.",
	}
	cmd.RunE = func(*cobra.Command, []string) error {
		cfg, err := sh.load()
		refused, isRefused := errors.AsType[*config.Error](err)
		if err != nil && !isRefused {
			return err
		}
		if sh.asJSON {
			return sh.printCheck(cfg, refused)
		}
		if err != nil {
			return err
		}
		sh.warnings(cfg)
		sh.printf("%s is right.\n", cfg.File)
		return nil
	}
	return sh.jsonFlag(cmd)
}

func (sh *shell) printCheck(cfg *config.Config, refused *config.Error) error {
	body := map[string]any{"valid": refused == nil, "problems": []any{}, "warnings": []any{}}
	if refused != nil {
		body["problems"] = problemsJSON(refused.Problems)
	} else {
		body["file"], body["warnings"] = cfg.File, problemsJSON(cfg.Warnings)
	}
	if err := sh.printJSON(body); err != nil {
		return err
	}
	if refused != nil {
		return errReported
	}
	return nil
}

func problemsJSON(problems []config.Problem) []any {
	list := []any{}
	for _, p := range problems {
		list = append(list, map[string]any{"source": p.Source.String(), "path": p.Path, "message": p.Message, "remedy": p.Remedy})
	}
	return list
}

func newConfigShow(sh *shell) *cobra.Command {
	cmd := &cobra.Command{
		Use: "show", Short: "Print the configuration in effect", Args: between(0, 0, ""),
		Long: "Prints the configuration in effect, defaults included and secrets redacted. A comment behind a value that is no\n" +
			"default says where it came from.",
	}
	cmd.RunE = func(*cobra.Command, []string) error {
		cfg, err := sh.load()
		if err != nil {
			return err
		}
		if sh.asJSON {
			return sh.printJSON(cfg.Map())
		}
		text, err := cfg.YAML()
		if err != nil {
			return err
		}
		sh.printf("%s", text)
		return nil
	}
	return sh.jsonFlag(cmd)
}

func (sh *shell) load(flags ...config.Flag) (*config.Config, error) {
	return config.Load(config.Options{Path: sh.configPath, Env: sh.env, Flags: flags})
}

// warnings says what the configuration is allowed to have, but should not.
func (sh *shell) warnings(cfg *config.Config) {
	st := sh.style(sh.err)
	for _, w := range cfg.Warnings {
		sh.note("%s %s: %s\n    %s", st.warn("Warning:"), w.Source, w.Message, w.Remedy)
	}
}
