package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"

	"github.com/spf13/cobra"

	"hither/app/client"
	"hither/fusion"
)

func machineConsole(g *globals) *cobra.Command {
	var c console
	cmd := &cobra.Command{
		Use: "console MACHINE", Short: "Type into a machine's serial console, or into a shell of HOST/self", Args: exactly("MACHINE"),
		Long: "Show a machine's serial console here and type into it. All who look at it see the same. It\n" +
			"goes on when the machine restarts or moves to another host, and ends when it is off.\n" +
			"HOST/self is a new login shell of that computer, which ends with this command.\n\n" +
			"Ctrl-] leaves. What is piped into this command is typed; then the console is shown until\n" +
			"it ends, or Ctrl-C.",
		RunE: func(cmd *cobra.Command, args []string) error {
			input, err := consoleInput(cmd.InOrStdin(), c.options.ViewOnly)
			if err != nil {
				return err
			}
			address, err := g.address(cmd.Context(), args[0], machineAddress)
			if err != nil {
				return err
			}
			node, err := g.join(cmd.Context())
			if err != nil {
				return err
			}
			c.input, c.out, c.notes, c.name = input, cmd.OutOrStdout(), cmd.ErrOrStderr(), address.String()
			return c.show(cmd.Context(), node, address)
		},
	}
	cmd.Flags().BoolVar(&c.options.ViewOnly, "view-only", false, "type nothing")
	cmd.Flags().StringVar(&c.log, "log", "", "keep what comes in `FILE` too, at its end if it is there")
	return cmd
}

// leaveKey is Ctrl-].
const leaveKey = 0x1d

// consoleInput gives what is typed from: nil when nothing is.
func consoleInput(in io.Reader, viewOnly bool) (io.Reader, error) {
	f, ok := in.(*os.File)
	if viewOnly {
		if ok && terminal(f) {
			return f, nil // for the key that leaves
		}
		return nil, nil
	}
	if !ok || terminal(f) {
		return in, nil
	}
	info, err := f.Stat()
	if err == nil && info.Mode()&(fs.ModeNamedPipe|fs.ModeSocket) == 0 && !info.Mode().IsRegular() {
		err = usageHint("machine console: there is no terminal to type from", "run it in a terminal, pipe what is to be typed into it, or add --view-only")
	}
	return f, err
}

// console shows one terminal in the terminal of this program.
type console struct {
	options    fusion.TerminalOptions
	log        string // the FILE to keep it in, "" for none
	name       string // for notes
	input      io.Reader
	out, notes io.Writer
	raw        bool // out is a terminal in raw mode: a line ends with CR LF
}

// show opens the terminal and returns when it ended, or the person left.
func (c *console) show(ctx context.Context, node *client.Client, at fusion.Address) error {
	keep, err := c.keep()
	if err != nil {
		return err
	}
	defer keep.Close()
	tty, isTerminal := c.input.(*os.File)
	isTerminal = isTerminal && terminal(tty)
	if isTerminal {
		c.options.Columns, c.options.Rows = terminalSize(tty)
		if term := os.Getenv("TERM"); fusion.CheckName(term) == nil {
			c.options.Term = term
		}
	}
	t, err := openFollowed(ctx, node, at, c.options, func(m fusion.Machine) {
		c.note(true, "[it is on %s now]", m.Host)
	})
	if err != nil {
		return err
	}
	defer t.Close()
	stop := context.AfterFunc(ctx, func() { _ = t.Close() })
	defer stop()
	if isTerminal {
		c.note(false, "connected to %s; Ctrl-] leaves", c.name)
		restore, err := rawTerminal(tty)
		if err != nil {
			return fmt.Errorf("the terminal: %w", err)
		}
		c.raw = true
		// The end is told in a terminal that is as it was.
		defer sync.OnceFunc(restore)()
		defer onResize(tty, func(columns, rows int) { _ = t.Resize(columns, rows) })() // it may be ending
	}
	var left leaving
	if c.input != nil {
		go c.typeInto(t, isTerminal, &left) // ends with the input, or with this program
	}
	return c.ended(c.copyOut(t, keep), &left, ctx)
}

// keep opens the log.
func (c *console) keep() (io.WriteCloser, error) {
	if c.log == "" {
		return nopCloser{io.Discard}, nil
	}
	return os.OpenFile(c.log, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
}

type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }

// note says something of its own, on a line of its own: begin ends the line that
// the console is in.
func (c *console) note(begin bool, format string, args ...any) {
	end := "\n"
	if c.raw {
		end = "\r\n"
	}
	text := printable(fmt.Sprintf(format, args...)) + end
	if begin && c.input != nil {
		text = end + text
	}
	_, _ = io.WriteString(c.notes, text) // nobody may be reading
}

// copyOut shows what comes until the end, whose reason it gives.
func (c *console) copyOut(t fusion.Terminal, keep io.Writer) error {
	for {
		chunk, err := t.Next()
		if err != nil {
			return err
		}
		if chunk.Skipped > 0 {
			c.note(true, "[%d bytes were left out: they came faster than they are shown]", chunk.Skipped)
		}
		if _, err := c.out.Write(chunk.Data); err != nil {
			return err
		}
		if _, err := keep.Write(chunk.Data); err != nil {
			return err
		}
	}
}

// leaving says whether the person left.
type leaving struct {
	mu   sync.Mutex // guards the field below
	left bool
}

func (l *leaving) leave() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.left = true
}

func (l *leaving) is() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.left
}

// typeInto types what is read, until the key that leaves.
func (c *console) typeInto(t fusion.Terminal, keys bool, left *leaving) {
	buf := make([]byte, fusion.MaxTerminalChunk)
	for {
		n, err := c.input.Read(buf)
		p := buf[:n]
		at := -1
		if keys {
			at = bytes.IndexByte(p, leaveKey)
		}
		if at >= 0 {
			p = p[:at]
		}
		if len(p) > 0 && !t.ViewOnly() {
			if _, werr := t.Write(p); werr != nil {
				return // copyOut says why
			}
		}
		if at >= 0 {
			left.leave()
			_ = t.Close() // wakes copyOut
			return
		}
		if err != nil {
			return
		}
	}
}

// ended says how it ended: an orderly end is no error.
func (c *console) ended(err error, left *leaving, ctx context.Context) error {
	var why *fusion.Error
	switch {
	case left.is():
		c.note(true, "left %s", c.name)
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, io.EOF) && errors.As(err, &why):
		c.note(true, "%s: %s", c.name, why.Detail)
		return nil
	}
	if c.raw {
		_, _ = io.WriteString(c.notes, "\r\n") // the error stands on a line of its own
	}
	return err
}
