package main

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"hither/fusion"
)

// powerOf makes a verb one that a computer has too: it asks first, unless --yes is given.
func (g *globals) powerOf(cmd *cobra.Command) *cobra.Command {
	cmd.Flags().BoolVarP(&g.yes, "yes", "y", false, "do not ask before a computer (HOST/self) goes")
	return cmd
}

// goes are the words of the question for each power verb: what the computer does,
// and what begins the list of what runs on it.
var goes = map[fusion.Verb][2]string{
	fusion.Sleep:  {"goes to sleep", "These stand still until it wakes"},
	fusion.Reboot: {"restarts", "These end"},
	fusion.Stop:   {"is switched off", "These end"},
}

// sure asks the person whether a computer is to go, and says what goes with it. A
// script has to say --yes.
func (g *globals) sure(cmd *cobra.Command, address fusion.Address, host fusion.Host, verb fusion.Verb) error {
	if _, ok := goes[verb]; address.Machine != fusion.Self || !ok || g.yes {
		return nil
	}
	name := address.Host
	if name == "" {
		name = "this computer"
	}
	in, err := person(cmd, "this is the power of "+name+" itself", "say --yes if it is to go")
	if err != nil {
		return err
	}
	running, err := runsOn(cmd.Context(), host)
	if err != nil {
		return err
	}
	return agrees(cmd, in, question(name, verb, running))
}

// question names the computer and what ends or stands still with it.
func question(name string, verb fusion.Verb, running []string) string {
	words := goes[verb]
	text := name + " " + words[0] + "."
	if len(running) > 0 {
		text += " " + words[1] + ": " + strings.Join(running, ", ") + "."
	}
	return text + " Go on? [y/N]"
}

// runsOn names the machines and apps that run on a host.
func runsOn(ctx context.Context, host fusion.Host) (names []string, err error) {
	machines, err := host.Machines().List(ctx)
	if err != nil {
		return nil, err
	}
	for _, m := range machines {
		if m.Kind == fusion.KindVM && (m.State == fusion.Running || m.State == fusion.Paused) {
			names = append(names, m.Name)
		}
	}
	screens, err := host.Screens().List(ctx, fusion.Self)
	if err != nil {
		return nil, err
	}
	for _, s := range screens {
		if s.Kind == fusion.ScreenApp {
			names = append(names, s.Title)
		}
	}
	return names, nil
}
