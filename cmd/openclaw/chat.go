package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	openclaw "github.com/openclaw/openclaw-go"
	"github.com/openclaw/openclaw/claw"
	"github.com/spf13/cobra"
)

// cancelGrace is how long an interrupted command waits for the gateway to confirm that the answer was stopped.
const cancelGrace = 5 * time.Second

func newChat(sh *shell) *cobra.Command {
	var session string
	cmd := &cobra.Command{
		Use:   "chat [MESSAGE]",
		Short: "Talk to the assistant",
		Long: "Sends MESSAGE and prints the answer as it is written. MESSAGE - is read from standard input, as it is without MESSAGE\n" +
			"where standard input is no terminal. On a terminal without MESSAGE a conversation begins. Ctrl-C stops an answer.",
		Example: "  openclaw chat \"What is a monad?\"\n" +
			"  git diff | openclaw chat -\n" +
			"  openclaw chat --session notes \"And in Go?\"",
		Args: between(0, 1, "a message"),
	}
	cmd.Flags().StringVar(&session, "session", "", "`key` of the session to continue, or to open by that name")
	return sh.clientCommand(cmd, claw.PermissionChat, func(ctx context.Context, r *remote, args []string) error {
		c := &conversation{sh: sh, r: r, session: session}
		if len(args) == 0 && isTerminal(sh.in) {
			if sh.asJSON {
				return usagef("--json needs a message: openclaw chat --json MESSAGE")
			}
			return c.converse()
		}
		message, err := sh.message(args)
		if err != nil {
			return err
		}
		if sh.asJSON {
			return c.answerJSON(ctx, message)
		}
		if err := c.answer(ctx, message); err != nil {
			return err
		}
		if isTerminal(sh.err) && session == "" {
			sh.note("\n%s", sh.style(sh.err).dim("Go on with: "+sh.self()+" chat --session "+c.session))
		}
		return nil
	})
}

// message is the argument, or standard input where that is "-" or missing.
func (sh *shell) message(args []string) (string, error) {
	message := "-"
	if len(args) > 0 {
		message = args[0]
	}
	if message == "-" {
		b, err := io.ReadAll(sh.in)
		if err != nil {
			return "", fmt.Errorf("cannot read standard input: %w", err)
		}
		message = strings.TrimRight(string(b), "\r\n")
	}
	if strings.TrimSpace(message) == "" {
		return "", usagef("the message is empty")
	}
	return message, nil
}

// conversation is one session as it goes on at a terminal.
type conversation struct {
	sh      *shell
	r       *remote
	session string // "" until the gateway has named it
}

func (c *conversation) request(message string) openclaw.ChatRequest {
	// Whoever closes the terminal does not wait for the answer: it is not to be paid for either.
	return openclaw.ChatRequest{Message: message, SessionKey: c.session, OnDisconnect: openclaw.Cancel}
}

func (c *conversation) answerJSON(ctx context.Context, message string) error {
	reply, err := c.r.Chat(ctx, c.request(message))
	if err != nil {
		return err
	}
	return c.sh.printJSON(reply)
}

// answer sends the message and prints the answer as it comes. Where ctx ends first, the answer is stopped at the
// gateway before answer returns.
func (c *conversation) answer(ctx context.Context, message string) error {
	id, last := "", "\n"
	// A line that was begun is ended whatever happens, so that what follows does not run into it.
	defer func() {
		if !strings.HasSuffix(last, "\n") {
			c.sh.printf("\n")
		}
	}()
	for ev, err := range c.r.Stream(ctx, c.request(message)) {
		if err != nil {
			if ctx.Err() != nil && id != "" {
				c.cancel(id)
			}
			return err
		}
		switch ev.Type {
		case openclaw.EventStart:
			id, c.session = ev.ID, ev.SessionKey
		case openclaw.EventDelta:
			c.sh.printf("%s", c.sh.shown(ev.Content))
			last = ev.Content
		}
	}
	return nil
}

func (c *conversation) cancel(id string) {
	ctx, stop := context.WithTimeout(context.Background(), cancelGrace)
	defer stop()
	if _, err := c.r.Messages.Cancel(ctx, id); err != nil {
		c.sh.note("openclaw: the gateway did not confirm that the answer was stopped: %s", clean(c.r.explain(err).Error()))
	}
}

const chatHelp = `  /new       begin a new session
  /session   show this session's key
  /exit      leave, as does Ctrl-D
A line that ends in \ goes on in the next. Ctrl-C stops an answer, or leaves.
`

// converse reads messages from the terminal until the user leaves. An interrupt stops an answer that is being written
// and not the conversation, so the signals are taken here and not as the end of a context.
func (c *conversation) converse() error {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(signals)
	lines := readLines(c.sh.in)

	st := c.sh.style(c.sh.out)
	c.sh.printf("%s\n", st.dim("Talking to "+c.r.url+". /help lists what else can be said, Ctrl-D leaves."))
	for {
		c.sh.printf("\n%s ", st.bold(">"))
		message, err := nextMessage(signals, lines)
		if errors.Is(err, io.EOF) || errors.Is(err, errInterrupted) {
			c.sh.printf("\n")
			return nil
		}
		if err != nil {
			return fmt.Errorf("cannot read from the terminal: %w", err)
		}
		switch message {
		case "":
		case "/exit", "/quit":
			return nil
		case "/help":
			c.sh.printf("%s", chatHelp)
		case "/new":
			c.session = ""
			c.sh.printf("%s\n", st.dim("A new session begins with your next message."))
		case "/session":
			c.sh.printf("%s\n", st.dim(cmp.Or(c.session, "none yet: it begins with your next message")))
		default:
			if leave := c.turn(signals, message); leave {
				return nil
			}
		}
	}
}

// turn answers one message of a conversation. It reports whether the conversation is to end.
func (c *conversation) turn(signals <-chan os.Signal, message string) (leave bool) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	answered := make(chan error, 1)
	go func() { answered <- c.answer(ctx, message) }()
	select {
	case err := <-answered:
		if err != nil {
			c.sh.note("%s", c.sh.style(c.sh.err).warn(clean(c.r.explain(err).Error())))
		}
		return false
	case sig := <-signals:
		cancel()
		if err := <-answered; err != nil { // it may have been whole just then
			c.sh.printf("%s\n", c.sh.style(c.sh.out).dim("[stopped]"))
		}
		return sig != os.Interrupt
	}
}

type line struct {
	text string
	err  error
}

// readLines reads r in the background, for a read from a terminal cannot be called off. It ends with the process.
func readLines(r io.Reader) <-chan line {
	lines := make(chan line)
	go func() {
		in := bufio.NewReader(r)
		for {
			text, err := in.ReadString('\n')
			if text != "" {
				lines <- line{text: strings.TrimRight(text, "\r\n")}
			}
			if err != nil {
				lines <- line{err: err}
				return
			}
		}
	}()
	return lines
}

// nextMessage returns the next message, [errInterrupted] where a signal comes first, and io.EOF at the end.
func nextMessage(signals <-chan os.Signal, lines <-chan line) (string, error) {
	var b strings.Builder
	for {
		select {
		case <-signals:
			return "", errInterrupted
		case l := <-lines:
			if l.err != nil {
				return "", l.err
			}
			text, more := strings.CutSuffix(l.text, `\`)
			b.WriteString(text)
			if !more {
				return strings.TrimSpace(b.String()), nil
			}
			b.WriteByte('\n')
		}
	}
}
