package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"hither/fusion"
)

// The exit codes that scripts may rely on.
const (
	exitOK = iota
	exitError
	exitUsage
	exitNotFound
	exitPermission
	exitOffline
)

// usageError is a command line that makes no sense.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func usage(err error) error { return usageError{err} }

// usageHint says what is wrong with the command line and what to do.
func usageHint(text, hint string) error {
	return usage(&fusion.Error{Detail: text, Hint: hint})
}

// flagError is a flag that makes no sense. One whose value was refused has its
// own hint.
func flagError(cmd *cobra.Command, err error) error {
	if fusion.Hint(err) != "" {
		return usage(err)
	}
	return usageHint(command(cmd)+err.Error(), "see: "+cmd.CommandPath()+" --help")
}

func exitCode(err error) int {
	var wrong usageError
	var program programExit
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &program):
		return int(program)
	case errors.As(err, &wrong):
		return exitUsage
	case errors.Is(err, fusion.ErrNotFound):
		return exitNotFound
	case errors.Is(err, fusion.ErrPermission), errors.Is(err, fusion.ErrUnpaired):
		return exitPermission
	case errors.Is(err, fusion.ErrOffline):
		return exitOffline
	}
	return exitError
}

// printError writes "hither: <path>: <cause>" and, where there is one, a
// second line with the hint.
func printError(w io.Writer, err error) {
	if program := programExit(0); errors.As(err, &program) {
		return // it said itself what is wrong
	}
	fmt.Fprintf(w, "hither: %s\n", printable(errorText(err)))
	if hint := fusion.Hint(err); hint != "" {
		fmt.Fprintf(w, "hint: %s\n", printable(hint))
	}
}

// errorText gives an error with its path first; who acts is known already.
func errorText(err error) string {
	var e *fusion.Error
	known := errors.As(err, &e)
	switch {
	case errors.Is(err, context.Canceled) && known && e.Path != "":
		return e.Path + ": it was canceled"
	case errors.Is(err, context.Canceled):
		return "interrupted"
	case !known:
		return err.Error()
	}
	short := *e
	short.Op = ""
	if short.Path == "" && short.Cause != nil {
		short.Path = e.Op
	}
	// Error puts a space between Op and Path, and a colon after them.
	return strings.TrimSpace(short.Error())
}

// exactly and its twins check the number of arguments by their names.
func exactly(names ...string) cobra.PositionalArgs { return between(len(names), len(names), names...) }

func atLeast(names ...string) cobra.PositionalArgs { return between(len(names), -1, names...) }

func between(least, most int, names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		hint := "usage: " + cmd.UseLine()
		switch {
		case len(args) < least:
			return usageHint(command(cmd)+names[len(args)]+" is missing", hint)
		case most >= 0 && len(args) > most:
			return usageHint(fmt.Sprintf("%s%q is too much", command(cmd), args[most]), hint)
		}
		return nil
	}
}

// noCommand refuses the name of a command that does not exist.
func noCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	hint := "see: " + cmd.CommandPath() + " --help"
	cmd.SuggestionsMinimumDistance = 2
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		hint = "did you mean: " + cmd.CommandPath() + " " + near[0]
	}
	return usageHint(fmt.Sprintf("%sthere is no command %q", command(cmd), args[0]), hint)
}

// command names cmd in front of a message, without the program's own name.
func command(cmd *cobra.Command) string {
	if !cmd.HasParent() {
		return ""
	}
	return strings.TrimPrefix(cmd.CommandPath(), cmd.Root().Name()+" ") + ": "
}
