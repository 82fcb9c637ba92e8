package main

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"hither/fusion"
)

func machineLabel(g *globals) *cobra.Command {
	var tags, note, autostart string
	var order int
	cmd := &cobra.Command{
		Use: "label MACHINE", Short: "Write tags, a note and whether it starts by itself on a machine", Args: exactly("MACHINE"),
		Example: "  hither machine label nas/web --tag +lab,-old --note 'the shop' --autostart on --order 2",
		RunE: func(cmd *cobra.Command, args []string) error {
			f := cmd.Flags()
			var change fusion.LabelChange
			if f.Changed("tag") {
				change.Add, change.Drop = splitTags(tags)
			}
			if f.Changed("note") {
				change.Notes = &note
			}
			if f.Changed("autostart") {
				on, err := onOff("--autostart", autostart)
				if err != nil {
					return err
				}
				change.Autostart = &on
			}
			if f.Changed("order") {
				change.Order = &order
			}
			address, host, err := g.target(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			m, err := host.Hardware().Label(cmd.Context(), address.Machine, change)
			if err != nil {
				return err
			}
			return g.showMachine(cmd, m, nil)
		},
	}
	cmd.Flags().StringVar(&tags, "tag", "", "`TAGS` to add, or with - to drop: +lab,-old")
	cmd.Flags().StringVar(&note, "note", "", "a `TEXT` of at most 1000 bytes; empty removes it")
	cmd.Flags().StringVar(&autostart, "autostart", "", "start it with its computer: `on` or off")
	cmd.Flags().IntVar(&order, "order", 0, "its `PLACE` among those: lower ones start first")
	return cmd
}

// splitTags reads "+lab,-old": a tag without a sign is added.
func splitTags(text string) (add, drop []string) {
	for _, word := range strings.Split(text, ",") {
		if old, ok := strings.CutPrefix(word, "-"); ok {
			drop = append(drop, old)
		} else if word != "" {
			add = append(add, strings.TrimPrefix(word, "+"))
		}
	}
	return add, drop
}

func machineRename(g *globals) *cobra.Command {
	return &cobra.Command{
		Use: "rename MACHINE NAME", Short: "Give a machine that is off another name", Args: exactly("MACHINE", "NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			address, host, err := g.target(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return host.Hardware().Rename(cmd.Context(), address.Machine, args[1])
		},
	}
}

// save writes a machine's memory to its host's disk and says meanwhile how far that is.
func (g *globals) save(cmd *cobra.Command, text string) error {
	address, host, err := g.target(cmd.Context(), text)
	if err != nil {
		return err
	}
	return following(cmd, host, "machine.save", address.Machine, func(ctx context.Context) error {
		return host.Hardware().Save(ctx, address.Machine)
	})
}
