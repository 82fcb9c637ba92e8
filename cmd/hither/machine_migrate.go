package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"hither/app/client"
	"hither/fusion"
)

func machineMigrate(g *globals) *cobra.Command {
	var options fusion.MigrateOptions
	var check bool
	cmd := &cobra.Command{
		Use: "migrate MACHINE HOST", Short: "Move a machine to another host with its disks, while it runs or when it is off", Args: exactly("MACHINE", "HOST"),
		Long: "Move a machine to another host with its disks, while it runs or when it is off. The two\n" +
			"hosts must be paired with each other, with admin both ways. When it fails or is interrupted\n" +
			"the machine stays as it was. Its port forwards go along. Screens and consoles of it that are\n" +
			"open stay open.\n\n" +
			"What would be in the way is looked at before anything is sent; --check does only that. A\n" +
			"machine that cannot move while it runs, for its processor is not to be had there, moves with\n" +
			"--off: it is shut down, moves, and is started there.",
		Example: "  hither machine migrate laptop/web cloud\n  hither machine migrate --check laptop/web cloud",
		RunE: func(cmd *cobra.Command, args []string) error {
			address, err := g.address(cmd.Context(), args[0], machineAddress)
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
			if check {
				return checkMigrate(g, cmd, host, address, to)
			}
			return following(cmd, host, "machine.migrate", address.Machine, func(ctx context.Context) error {
				return host.Machines().Migrate(ctx, address.Machine, to, options)
			})
		},
	}
	cmd.Flags().BoolVar(&options.Off, "off", false, "shut it down first, and start it there")
	cmd.Flags().BoolVar(&check, "check", false, "only say whether it can move")
	return cmd
}

// checkMigrate says what is in the way; that is an error for scripts.
func checkMigrate(g *globals, cmd *cobra.Command, host fusion.Host, address fusion.Address, to fusion.HostID) error {
	check, err := host.Machines().CheckMigrate(cmd.Context(), address.Machine, to)
	if err != nil {
		return err
	}
	if err := g.show(cmd, check, func(w io.Writer) error { return printCheck(w, check) }); err != nil || len(check.Obstacles) == 0 {
		return err
	}
	first := check.Obstacles[0]
	return &fusion.Error{Op: "machine.migrate", Path: address.String(), Cause: fusion.ErrInvalid, Detail: "it cannot move there as it is", Hint: first.Hint}
}

func printCheck(w io.Writer, check fusion.MigrateCheck) error {
	for _, o := range check.Obstacles {
		while := ""
		if o.Live {
			while = " (while it runs)"
		}
		if _, err := fmt.Fprintf(w, "%s%s\n", printable(o.Detail), while); err != nil {
			return err
		}
	}
	if len(check.Obstacles) > 0 {
		return nil
	}
	_, err := fmt.Fprintf(w, "it can move; about %s are to be copied\n", bytesText(check.Bytes))
	return err
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
