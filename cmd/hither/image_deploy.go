package main

import (
	"context"
	"io"

	"github.com/spf13/cobra"

	"hither/fusion"
)

func imageDeploy(g *globals) *cobra.Command {
	var of fusion.MachineSpec
	var spec fusion.DeploySpec
	var memory, disk size
	var first seedFlags
	var to []string
	cmd := &cobra.Command{
		Use: "deploy [HOST/]NAME", Short: "Make machines of an image on several hosts at once", Args: exactly("NAME"),
		Long: "Make machines of an image in a host's pool on several hosts at once. A host that lacks\n" +
			"the image gets it once, from whoever has it, and keeps it. The image's host must be\n" +
			"paired with the others, and may make machines there. Ctrl-C takes all of them back.",
		Example: "  hither image deploy nas/debian-13 --to cloud,nas --count 2 --name web --ssh-key ~/.ssh/id_ed25519.pub --start",
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := positive(cmd, "count"); err != nil {
				return err
			}
			address, host, err := g.thing(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			of.MemoryBytes, of.DiskBytes = int64(memory), int64(disk)
			if of.Seed, err = first.read(); err != nil {
				return err
			}
			if spec.To, err = g.hostIDs(cmd.Context(), to); err != nil {
				return err
			}
			var made []fusion.Machine
			err = following(cmd, host, "image.deploy", address.Machine, func(ctx context.Context) (err error) {
				made, err = host.Copies().DeployImage(ctx, address.Machine, of, spec)
				return err
			})
			if err != nil {
				return err
			}
			return g.showMade(cmd, made)
		},
	}
	f := cmd.Flags()
	deployFlags(cmd, &spec, &to)
	f.Var(&memory, "memory", "memory of each (default 1GiB)")
	f.IntVar(&of.CPUs, "cpus", 0, "processors of each (default 1)")
	f.Var(&disk, "disk", "size of each one's disk, at least the image's own (default the image's own)")
	f.StringVar(&of.Network, "network", "", "`NAME` of the network they are on, which each host has (default user-mode networking)")
	first.add(cmd)
	return cmd
}

// flaggedHost gives the ID of the host that a flag names, "" without it.
func (g *globals) flaggedHost(ctx context.Context, name string) (fusion.HostID, error) {
	if name == "" {
		return "", nil
	}
	ids, err := g.hostIDs(ctx, []string{name})
	if err != nil {
		return "", err
	}
	return ids[0], nil
}

// hostIDs finds hosts by their names.
func (g *globals) hostIDs(ctx context.Context, names []string) (ids []fusion.HostID, err error) {
	c, err := g.join(ctx)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		id, err := hostID(ctx, c, name)
		if err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, nil
}

// showMade prints the machines of a deployment.
func (g *globals) showMade(cmd *cobra.Command, made []fusion.Machine) error {
	for i := range made {
		if made[i].Verbs == nil {
			made[i].Verbs = []fusion.Verb{}
		}
	}
	return g.show(cmd, made, func(w io.Writer) error { return printMachines(w, made) })
}
