package main

import (
	"context"

	"github.com/spf13/cobra"

	"hither/fusion"
)

func machineClone(g *globals) *cobra.Command {
	var spec fusion.CloneSpec
	var linked, full bool
	cmd := &cobra.Command{
		Use: "clone MACHINE NAME", Short: "Make a machine like one that is off, or of a template", Args: exactly("MACHINE", "NAME"),
		Long: "Make a machine like one that is off, or of a template, on the same host, with a UUID,\n" +
			"network addresses and disks of its own. A full clone copies the disks; a linked one is\n" +
			"there at once and keeps only what it changes, so that its origin has to stay. Of a\n" +
			"template clones are linked, of any other machine full. Snapshots do not go along.",
		Example: "  hither machine clone nas/debian web --start",
		RunE: func(cmd *cobra.Command, args []string) error {
			if linked && full {
				return usageHint("--linked and --full exclude each other", "leave one of them out")
			}
			switch {
			case linked:
				spec.Mode = fusion.CloneLinked
			case full:
				spec.Mode = fusion.CloneFull
			}
			address, host, err := g.target(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			spec.Name = args[1]
			var m fusion.Machine
			err = following(cmd, host, "machine.clone", address.Machine, func(ctx context.Context) (err error) {
				m, err = host.Copies().Clone(ctx, address.Machine, spec)
				return err
			})
			if err != nil {
				return err
			}
			return g.showMachine(cmd, m, nil)
		},
	}
	f := cmd.Flags()
	f.BoolVar(&linked, "linked", false, "keep only what the clone changes")
	f.BoolVar(&full, "full", false, "copy the disks, also of a template")
	f.BoolVar(&spec.Start, "start", false, "start it at once")
	return cmd
}

func machineTemplate(g *globals) *cobra.Command {
	var off bool
	cmd := &cobra.Command{
		Use: "template MACHINE", Short: "Make a machine that is off a template, which is only cloned; --off makes it a machine again", Args: exactly("MACHINE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			address, host, err := g.target(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			m, err := host.Copies().SetTemplate(cmd.Context(), address.Machine, !off)
			if err != nil || !g.json {
				return err
			}
			return g.showMachine(cmd, m, nil)
		},
	}
	cmd.Flags().BoolVar(&off, "off", false, "make it a machine again")
	return cmd
}
