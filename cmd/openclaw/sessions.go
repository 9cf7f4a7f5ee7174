package main

import (
	"context"
	"fmt"
	"text/tabwriter"
	"time"

	openclaw "github.com/openclaw/openclaw-go"
	"github.com/openclaw/openclaw/claw"
	"github.com/spf13/cobra"
)

// timeLayout shows a time to a person, in their own time zone.
const timeLayout = "2006-01-02 15:04"

func newSessions(sh *shell) *cobra.Command {
	return group("sessions", "List, read and delete sessions", newSessionsList(sh), newSessionsShow(sh), newSessionsDelete(sh))
}

func newSessionsList(sh *shell) *cobra.Command {
	var channel string
	var limit int
	cmd := &cobra.Command{
		Use: "list", Aliases: []string{"ls"}, Short: "List the sessions, newest activity first",
		Args: between(0, 0, ""),
	}
	cmd.Flags().StringVar(&channel, "channel", "", "only sessions opened by this `channel`: api, web, cli, ...")
	cmd.Flags().IntVar(&limit, "limit", 0, "at most so `many`; 0 for all")
	return sh.clientCommand(cmd, claw.PermissionSessions, func(ctx context.Context, r *remote, _ []string) error {
		if limit < 0 {
			return usagef("--limit is %d: write 1 or more, or 0 for all", limit)
		}
		sessions := []openclaw.Session{}
		for s, err := range r.Sessions.List(ctx, openclaw.SessionQuery{Channel: channel, Limit: min(limit, 1000)}) {
			if err != nil {
				return err
			}
			if sessions = append(sessions, s); len(sessions) == limit {
				break
			}
		}
		if sh.asJSON {
			return sh.printJSON(map[string]any{"sessions": sessions})
		}
		if len(sessions) == 0 {
			sh.note("No sessions yet. Open one: openclaw chat \"Hello!\"")
			return nil
		}
		w := tabwriter.NewWriter(sh.out, 0, 0, 3, ' ', 0)
		fmt.Fprintln(w, "KEY\tCHANNEL\tMESSAGES\tLAST ACTIVITY")
		for _, s := range sessions {
			fmt.Fprintf(w, "%s\t%s\t%d\t%s\n", clean(s.Key), clean(s.Channel), s.MessageCount, s.LastActivity.Local().Format(timeLayout))
		}
		return w.Flush()
	})
}

func newSessionsShow(sh *shell) *cobra.Command {
	var limit int
	cmd := &cobra.Command{
		Use: "show KEY", Short: "Print what was said in a session",
		Args: between(1, 1, "the key of a session"),
	}
	cmd.Flags().IntVar(&limit, "limit", 50, "the newest so `many` messages, 1 to 1000; 0 for all")
	return sh.clientCommand(cmd, claw.PermissionSessions, func(ctx context.Context, r *remote, args []string) error {
		if limit < 0 || limit > 1000 {
			return usagef("--limit is %d: write 1 to 1000, or 0 for all", limit)
		}
		session, err := r.Sessions.Get(ctx, args[0])
		if err != nil {
			return err
		}
		messages, err := history(ctx, r, args[0], limit)
		if err != nil {
			return err
		}
		if sh.asJSON {
			return sh.printJSON(map[string]any{"session": session, "messages": messages})
		}
		if missing := session.MessageCount - len(messages); missing > 0 {
			sh.note("The newest %d messages; for all %d: --limit 0\n", len(messages), session.MessageCount)
		}
		for i, m := range messages {
			if i > 0 {
				sh.printf("\n")
			}
			sh.printMessage(m)
		}
		return nil
	})
}

func history(ctx context.Context, r *remote, key string, limit int) ([]openclaw.Message, error) {
	if limit > 0 {
		page, err := r.Sessions.HistoryPage(ctx, key, openclaw.HistoryQuery{Limit: limit})
		if err != nil {
			return nil, err
		}
		return page.Messages, nil
	}
	messages := []openclaw.Message{}
	for m, err := range r.Sessions.History(ctx, key, openclaw.HistoryQuery{Limit: 1000}) {
		if err != nil {
			return nil, err
		}
		messages = append(messages, m)
	}
	return messages, nil
}

func (sh *shell) printMessage(m openclaw.Message) {
	who := string(m.Role)
	if m.Model != "" {
		who += " (" + m.Model + ")"
	}
	switch {
	case m.Running:
		who += ", still writing"
	case m.Status == openclaw.StatusIncomplete || m.Status == openclaw.StatusFailed:
		who += ", " + string(m.Status)
		if m.Error != nil {
			who += ": " + m.Error.Message
		}
	}
	st := sh.style(sh.out)
	sh.printf("%s %s\n%s\n", st.bold(clean(who)), st.dim(m.Timestamp.Local().Format(timeLayout)), sh.shown(m.Content))
}

func newSessionsDelete(sh *shell) *cobra.Command {
	cmd := &cobra.Command{
		Use: "delete KEY...", Aliases: []string{"rm"}, Short: "Erase sessions and their history for good",
		Args: func(cmd *cobra.Command, args []string) error {
			return between(1, len(args), "the key of a session")(cmd, args)
		},
	}
	return sh.clientCommand(cmd, claw.PermissionSessions, func(ctx context.Context, r *remote, args []string) error {
		deleted := []string{}
		var failed error
		for _, key := range args {
			if failed = r.Sessions.Delete(ctx, key); failed != nil {
				break
			}
			deleted = append(deleted, key)
			if !sh.asJSON {
				sh.printf("Deleted %s\n", clean(key))
			}
		}
		if sh.asJSON {
			if err := sh.printJSON(map[string]any{"deleted": deleted}); err != nil {
				return err
			}
		}
		return failed
	})
}

func newStatus(sh *shell) *cobra.Command {
	cmd := &cobra.Command{
		Use: "status", Short: "Say how the gateway is", Args: between(0, 0, ""),
	}
	return sh.clientCommand(cmd, "", func(ctx context.Context, r *remote, _ []string) error {
		s, err := r.Status(ctx)
		if err != nil {
			return err
		}
		if sh.asJSON {
			return sh.printJSON(s)
		}
		st := sh.style(sh.out)
		health := st.bold(clean(s.Status))
		if s.Status != "healthy" {
			health = st.warn(clean(s.Status))
		}
		sh.printf("%s   %s\n", "Status  ", health)
		for _, reason := range s.Reasons {
			sh.printf("%s   %s\n", "        ", clean(reason))
		}
		sh.printf("%s   %s\n", "Address ", r.url)
		sh.printf("%s   %s\n", "Version ", clean(s.Version))
		sh.printf("%s   %s\n", "Uptime  ", time.Duration(s.Uptime)*time.Second)
		sh.printf("%s   %d\n", "Sessions", s.ActiveSessions)
		sh.printf("%s   %s\n", "Model   ", clean(s.Model.Provider+"/"+s.Model.Model))
		return nil
	})
}
