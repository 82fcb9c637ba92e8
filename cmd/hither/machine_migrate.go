package main

import (
	"context"

	"github.com/spf13/cobra"

	"hither/app/client"
	"hither/fusion"
)

func machineMigrate(g *globals) *cobra.Command {
	return &cobra.Command{
		Use: "migrate MACHINE HOST", Short: "Move a machine to another host with its disks, while it runs or when it is off", Args: exactly("MACHINE", "HOST"),
		Long: "Move a machine to another host with its disks, while it runs or when it is off. The two\n" +
			"hosts must be paired with each other, with admin both ways. When it fails or is interrupted\n" +
			"the machine stays as it was.",
		Example: "  hither machine migrate laptop/web cloud",
		RunE: func(cmd *cobra.Command, args []string) error {
			address, err := machineAddress(args[0])
			if err != nil {
				return err
			}
			c, err := g.join(cmd.Context())
			if err != nil {
				return err
			}
			to, err := hostID(cmd.Context(), c, args[1])
			if err != nil {
				return err
			}
			host := c.Host(address.Host)
			return following(cmd, host, "machine.migrate", address.Machine, func(ctx context.Context) error {
				return host.Machines().Migrate(ctx, address.Machine, to)
			})
		},
	}
}

// hostID gives the ID of a host that this node knows by name or ID.
func hostID(ctx context.Context, c *client.Client, name string) (fusion.HostID, error) {
	known, err := hosts(ctx, c)
	if err != nil {
		return "", err
	}
	for _, h := range known {
		if h.Name == name || string(h.ID) == name {
			return h.ID, nil
		}
	}
	return "", &fusion.Error{Op: "host", Path: name, Cause: fusion.ErrNotFound, Hint: "hither host ls shows the hosts there are"}
}
