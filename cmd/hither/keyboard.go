package main

import (
	"errors"

	"github.com/spf13/cobra"
)

// keyboardFlag is what --keyboard says.
type keyboardFlag string

const (
	physicalKeys keyboardFlag = "physical" // the layout of the other computer counts
	textKeys     keyboardFlag = "text"     // the layout of this one does
)

// add adds the flag to a command that opens a window.
func (k *keyboardFlag) add(cmd *cobra.Command) {
	*k = physicalKeys
	cmd.Flags().Var(k, "keyboard", "send keys by their place (physical) or by what they type here (text)")
}

func (k *keyboardFlag) String() string { return string(*k) }

func (k *keyboardFlag) Type() string { return "physical|text" }

func (k *keyboardFlag) Set(s string) error {
	switch keyboardFlag(s) {
	case physicalKeys, textKeys:
		*k = keyboardFlag(s)
		return nil
	}
	return errors.New("it is physical or text")
}
