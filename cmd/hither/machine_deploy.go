package main

import (
	"context"

	"github.com/spf13/cobra"

	"hither/fusion"
)

func machineDeploy(g *globals) *cobra.Command {
	var spec fusion.DeploySpec
	var to []string
	cmd := &cobra.Command{
		Use: "deploy MACHINE", Short: "Make copies of a machine that is off, or of a template, on several hosts at once", Args: exactly("MACHINE"),
		Long: "Make copies of a machine that is off, or of a template, on several hosts at once, each\n" +
			"with a name and network addresses of its own. Its bytes go to each host once; several\n" +
			"machines on one host are linked clones of a template there (PREFIX-base). The machine's\n" +
			"host must be paired with the others, and may make machines there.",
		Example: "  hither machine deploy laptop/web --to cloud,nas --count 2 --name shop --start",
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := positive(cmd, "count"); err != nil {
				return err
			}
			address, err := g.address(cmd.Context(), args[0], machineAddress)
			if err != nil {
				return err
			}
			if spec.To, err = g.hostIDs(cmd.Context(), to); err != nil {
				return err
			}
			host, err := g.machine(cmd.Context(), address)
			if err != nil {
				return err
			}
			var made []fusion.Machine
			err = following(cmd, host, "machine.deploy", address.Machine, func(ctx context.Context) (err error) {
				made, err = host.Copies().Deploy(ctx, address.Machine, spec)
				return err
			})
			if err != nil {
				return err
			}
			return g.showMade(cmd, made)
		},
	}
	deployFlags(cmd, &spec, &to)
	return cmd
}

// deployFlags say where machines are to be made, and how many.
func deployFlags(cmd *cobra.Command, spec *fusion.DeploySpec, to *[]string) {
	f := cmd.Flags()
	f.StringSliceVar(to, "to", nil, "the `HOSTS`, with commas between them")
	f.IntVar(&spec.Count, "count", 0, "machines on each host (default 1)")
	f.StringVar(&spec.Prefix, "name", "", "a `PREFIX` of the names (default its own name)")
	f.BoolVar(&spec.Start, "start", false, "start them at once")
}
