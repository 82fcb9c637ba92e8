package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/mattn/go-isatty"
	"github.com/spf13/cobra"
)

// person gives the terminal of whoever can be asked; a script, which cannot, is refused.
func person(cmd *cobra.Command, why, hint string) (*os.File, error) {
	in, isFile := cmd.InOrStdin().(*os.File)
	if !isFile || !isatty.IsTerminal(in.Fd()) {
		return nil, usageHint(command(cmd)+why, hint)
	}
	return in, nil
}

// agrees asks a question, and is nil only for a yes.
func agrees(cmd *cobra.Command, in *os.File, question string) error {
	fmt.Fprint(cmd.ErrOrStderr(), printable(question), " ")
	line, err := bufio.NewReader(in).ReadString('\n')
	if err != nil {
		return fmt.Errorf("%sno answer: %w", command(cmd), err)
	}
	if !slices.Contains([]string{"y", "yes"}, strings.ToLower(strings.TrimSpace(line))) {
		return context.Canceled
	}
	return nil
}

// loses asks before something is lost that nothing brings back. A script, which cannot be
// asked, is believed, and so is --yes.
func (g *globals) loses(cmd *cobra.Command, question string) error {
	in, isFile := cmd.InOrStdin().(*os.File)
	if g.yes || !isFile || !isatty.IsTerminal(in.Fd()) {
		return nil
	}
	return agrees(cmd, in, question+" Go on? [y/N]")
}

// asking gives a command the flag that answers loses.
func (g *globals) asking(cmd *cobra.Command) *cobra.Command {
	cmd.Flags().BoolVarP(&g.yes, "yes", "y", false, "do not ask first")
	return cmd
}
